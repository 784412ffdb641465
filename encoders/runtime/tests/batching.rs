//! What the queue promises, held against the real runtime.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)] // A test may fail.

mod common;

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use common::{Gate, bag, cosine, four, models, picture, pixels, runtime, tokens, until, x};
use onespace_core::{Deadline, Modality, Reason, Sample};
use onespace_runtime::{BatchInfo, Engine, Graph, GraphSession, Observer, Options, Policy, RequestPermits, Run};
use tokio::task::JoinHandle;

fn engine(graph: Graph, policy: Policy, observer: Observer) -> Arc<Engine> {
    let options = Options { policy, observer: Some(observer), ..Options::default() };
    Arc::new(Engine::load(&mut models(), graph, &options).unwrap())
}

/// Patient enough for a gate that stays closed for a while.
fn patient() -> Policy {
    Policy { patience: Duration::from_secs(60), ..Policy::default() }
}

fn nobody() -> RequestPermits {
    Arc::new(())
}

fn ask(engine: &Arc<Engine>, samples: Vec<Sample>) -> JoinHandle<onespace_core::Result<Run>> {
    let engine = Arc::clone(engine);
    tokio::spawn(async move { engine.run(samples, None, Deadline::default(), nobody()).await })
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_arrive_together_run_together() {
    let (gate, observer) = Gate::new(false);
    let engine = engine(picture(), patient(), observer);
    let mut tasks = vec![ask(&engine, vec![pixels(0)])];
    until("the first is held", || gate.sizes().len() == 1).await;
    tasks.extend((1..100).map(|seed| ask(&engine, vec![pixels(seed)])));
    until("99 wait", || engine.stats().waiting == 99).await;
    gate.open();
    let mut session = GraphSession::load(&runtime(), &picture()).unwrap();
    for (seed, task) in tasks.into_iter().enumerate() {
        let got = task.await.unwrap().unwrap();
        let alone = session.run(&[&pixels(seed as u32)]).unwrap();
        assert!(cosine(&got.vectors[0], &alone[0]) >= 0.9999, "each caller gets its own vector");
        assert!(got.inference_us > 0);
    }
    assert_eq!(gate.sizes(), [1, 32, 32, 32, 3]);
    let stats = engine.stats();
    assert_eq!((stats.batches, stats.executed, stats.waiting), (5, 100, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn under_steady_load_batches_form_by_themselves() {
    let (gate, observer) = Gate::new(true);
    let engine = engine(picture(), Policy::default(), observer);
    let callers: Vec<_> = (0..16)
        .map(|caller| {
            let engine = Arc::clone(&engine);
            tokio::spawn(async move {
                for round in 0..50 {
                    engine.run(vec![pixels(caller * 50 + round)], None, Deadline::default(), nobody()).await.unwrap();
                }
            })
        })
        .collect();
    for caller in callers {
        caller.await.unwrap();
    }
    let sizes = gate.sizes();
    let mean = 800.0 / sizes.len() as f64;
    println!("mean batch of 16 callers: {mean:.1}");
    assert_eq!(sizes.iter().sum::<usize>(), 800);
    assert!(mean > 1.5, "{mean}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lone_request_does_not_wait_for_company() {
    let (_, observer) = Gate::new(true);
    let wait = Duration::from_millis(500);
    let engine = engine(bag(), Policy { wait, ..Policy::default() }, observer);
    for _ in 0..20 {
        let start = Instant::now();
        let run = engine.run(vec![tokens(&[1, 2, 3])], None, Deadline::default(), nobody()).await.unwrap();
        assert!(start.elapsed() < wait / 2 && run.queue_us < 250_000, "{:?}", start.elapsed());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_equal_shapes_and_affordable_volumes_share_a_run() {
    let (gate, observer) = Gate::new(false);
    let policy = Policy { values: 3 * 3 * 32 * 32, ..patient() };
    let shapes = engine(bag(), policy, Arc::clone(&observer));
    let mut tasks = vec![ask(&shapes, vec![tokens(&[1])])];
    until("the first is held", || gate.sizes().len() == 1).await;
    tasks.extend((0..11).map(|at| ask(&shapes, vec![tokens(&vec![1; 8 + 8 * (at % 2)])])));
    until("the rest waits", || shapes.stats().waiting == 11).await;
    gate.open();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    let mut sizes = gate.sizes();
    sizes.sort_unstable();
    assert_eq!(sizes, [1, 5, 6]);

    let (gate, observer) = Gate::new(false);
    let volumes = engine(picture(), policy, observer);
    let mut tasks = vec![ask(&volumes, vec![pixels(0)])];
    until("the first is held", || gate.sizes().len() == 1).await;
    tasks.extend((1..8).map(|seed| ask(&volumes, vec![pixels(seed)])));
    until("the rest waits", || volumes.stats().waiting == 7).await;
    gate.open();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    assert_eq!(gate.sizes(), [1, 3, 3, 1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_is_bounded_in_values_too() {
    let (gate, observer) = Gate::new(false);
    let engine = engine(picture(), Policy { queue_values: 3 * 32 * 32, ..patient() }, observer);
    let mut tasks = vec![ask(&engine, vec![pixels(0)])];
    until("the first runs", || gate.sizes().len() == 1).await;
    // One request alone may be larger than the bound.
    tasks.push(ask(&engine, vec![pixels(1), pixels(2)]));
    until("it waits", || engine.stats().waiting == 2).await;
    let error = engine.run(vec![pixels(3)], None, Deadline::default(), nobody()).await.unwrap_err();
    assert_eq!(error.reason, Reason::QueueFull);
    assert!(error.message.contains("3072 values (BATCH_QUEUE_VALUES)"), "{error}");
    gate.open();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_refuses_with_a_pause() {
    let (gate, observer) = Gate::new(false);
    let engine = engine(bag(), Policy { queue: 4, ..patient() }, observer);
    let mut tasks = vec![ask(&engine, vec![tokens(&[1])])];
    until("the first runs", || gate.sizes().len() == 1).await;
    tasks.extend((0..4).map(|_| ask(&engine, vec![tokens(&[1])])));
    until("the queue is full", || engine.stats().waiting == 4).await;
    let start = Instant::now();
    let error = engine.check_turn(1, 1, Deadline::default()).unwrap_err();
    assert_eq!(error.reason, Reason::QueueFull);
    assert!(error.retry_after.unwrap() >= Duration::from_millis(50));
    assert!(start.elapsed() < patient().patience / 4, "it waited for its turn: {:?}", start.elapsed());
    gate.open();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    assert_eq!(engine.stats().refused, 1);
    assert!(engine.run(vec![tokens(&[1])], None, Deadline::default(), nobody()).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_its_turn_waits_until_its_deadline() {
    let (gate, observer) = Gate::new(false);
    let engine = engine(bag(), Policy { patience: Duration::from_millis(200), ..Policy::default() }, observer);
    let first = ask(&engine, vec![tokens(&[1])]);
    until("the first runs", || gate.sizes().len() == 1).await;
    let waits = ask(&engine, vec![tokens(&[1])]);
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert!(!waits.is_finished(), "longer than who asks may wait");
    gate.open();
    assert!(first.await.unwrap().is_ok() && waits.await.unwrap().is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn before_a_slow_graph_the_time_of_a_batch_is_not_too_long() {
    let (gate, observer) = Gate::new(false);
    let engine = engine(bag(), Policy { patience: Duration::from_millis(100), ..Policy::default() }, observer);
    let slow = ask(&engine, vec![tokens(&[1])]);
    until("the first runs", || gate.sizes().len() == 1).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    gate.open();
    assert!(slow.await.unwrap().is_ok());
    gate.close();
    let held = ask(&engine, vec![tokens(&[1])]);
    until("the second runs", || gate.sizes().len() == 2).await;
    let waiting = ask(&engine, vec![tokens(&[1])]);
    until("the third waits", || engine.stats().waiting == 1).await;
    let turn = engine.check_turn(0, 1, Deadline::default());
    assert_eq!(turn.unwrap(), 1, "ten times its patience is less than a batch of such samples takes");
    gate.open();
    assert!(held.await.unwrap().is_ok() && waiting.await.unwrap().is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_that_were_just_answered_share_the_next_run_again() {
    let sizes = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&sizes);
    // Each run takes long enough for a sixteenth of it to be more than the way back takes.
    let observer: Observer = Arc::new(move |info: BatchInfo| {
        seen.lock().unwrap().push(info.samples);
        std::thread::sleep(Duration::from_millis(200));
    });
    let engine = engine(bag(), Policy { wait: Duration::from_secs(1), ..patient() }, observer);
    let callers: Vec<_> = (0..8)
        .map(|_| {
            let engine = Arc::clone(&engine);
            tokio::spawn(async move {
                for _ in 0..3 {
                    engine.run(vec![tokens(&[1])], None, Deadline::default(), nobody()).await.unwrap();
                }
            })
        })
        .collect();
    for caller in callers {
        caller.await.unwrap();
    }
    // Whoever came first runs alone, the rest together; from then on all eight.
    let sizes = sizes.lock().unwrap().clone();
    assert!(sizes.len() <= 5, "the first to come back did not wait for the others: {sizes:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_expired_is_never_executed() {
    let (gate, observer) = Gate::new(false);
    let engine = engine(bag(), patient(), observer);
    let held = ask(&engine, vec![tokens(&[1])]);
    until("the first runs", || gate.sizes().len() == 1).await;
    let start = Instant::now();
    let expired: Vec<_> = (0..50)
        .map(|_| {
            let engine = Arc::clone(&engine);
            tokio::spawn(async move {
                engine.run(vec![tokens(&[1])], None, Deadline::after(Duration::from_millis(100)), nobody()).await
            })
        })
        .collect();
    for task in expired {
        assert_eq!(task.await.unwrap().unwrap_err().reason, Reason::DeadlineExceeded);
    }
    assert!(start.elapsed() < patient().patience / 4, "{:?}", start.elapsed());
    let late = engine.run(vec![tokens(&[1])], None, Deadline::after(Duration::ZERO), nobody()).await;
    assert_eq!(late.unwrap_err().reason, Reason::DeadlineExceeded);
    gate.open();
    held.await.unwrap().unwrap();
    let stats = engine.stats();
    assert_eq!((stats.executed, stats.expired, stats.waiting), (1, 50, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_goes_away_leaves_the_queue_and_frees_its_permits() {
    let (gate, observer) = Gate::new(false);
    let engine = engine(bag(), patient(), observer);
    let held = ask(&engine, vec![tokens(&[1])]);
    until("the first runs", || gate.sizes().len() == 1).await;
    let permit: RequestPermits = Arc::new(());
    let tasks: Vec<_> = (0..200)
        .map(|_| {
            let (engine, permit) = (Arc::clone(&engine), Arc::clone(&permit));
            tokio::spawn(async move { engine.run(vec![tokens(&[1])], None, Deadline::default(), permit).await })
        })
        .collect();
    until("all wait", || engine.stats().waiting == 200).await;
    tasks.iter().take(180).for_each(JoinHandle::abort);
    until("those who left have left", || engine.stats().waiting == 20).await;
    until("their permits are back", || Arc::strong_count(&permit) == 21).await;
    gate.open();
    for task in tasks.into_iter().skip(180) {
        task.await.unwrap().unwrap();
    }
    held.await.unwrap().unwrap();
    let stats = engine.stats();
    assert_eq!((stats.executed, stats.cancelled), (21, 180));
    until("the last permit is back", || Arc::strong_count(&permit) == 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_nobody_waits_for_is_ended() {
    let (gate, observer) = Gate::new(true);
    let engine = engine(four("slow.onnx"), patient(), observer);
    let hours = ask(&engine, vec![x(1e9)]);
    until("it runs", || gate.sizes().len() == 1).await;
    hours.abort();
    let start = Instant::now();
    engine.run(vec![x(1.0)], None, Deadline::default(), nobody()).await.unwrap();
    assert!(start.elapsed() < Duration::from_secs(20), "hours were waited for: {:?}", start.elapsed());
    // So is one whose engine goes: this test would hang otherwise.
    let again = ask(&engine, vec![x(1e9)]);
    until("it runs", || engine.busy_for() > Duration::ZERO).await;
    assert!(engine.alive(Duration::from_secs(60)), "a run that has just begun is not stuck");
    until("it is taken to be stuck", || !engine.alive(Duration::from_millis(100))).await;
    again.abort();
    drop(engine);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_sample_fails_alone() {
    let (gate, observer) = Gate::new(false);
    let bag = engine(bag(), patient(), Arc::clone(&observer));
    let log = engine(four("log.onnx"), patient(), observer);
    let mut bags = vec![ask(&bag, vec![tokens(&[1])])];
    let mut logs = vec![ask(&log, vec![x(1.0)])];
    until("both are held", || gate.sizes().len() == 2).await;
    bags.extend((0..8).map(|at| ask(&bag, vec![tokens(&[if at == 3 { 99 } else { at }])])));
    logs.extend((0..8).map(|at| ask(&log, vec![x(if at == 3 { -1.0 } else { 1.0 })])));
    until("all wait", || bag.stats().waiting == 8 && log.stats().waiting == 8).await;
    gate.open();
    for tasks in [bags, logs] {
        for (at, task) in tasks.into_iter().enumerate() {
            let outcome = task.await.unwrap();
            match at {
                4 => assert_eq!(outcome.unwrap_err().reason, Reason::ModelFailed),
                _ => assert!(outcome.is_ok(), "{at}: {outcome:?}"),
            }
        }
    }
    assert_eq!(bag.stats().batches + log.stats().batches, 4, "they did share a batch");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_fails_its_batch_and_nothing_else() {
    let count = Arc::new(AtomicU64::new(0));
    let seen = Arc::clone(&count);
    let observer: Observer = Arc::new(move |_| {
        assert!(seen.fetch_add(1, Ordering::SeqCst) % 10 != 3, "injected");
    });
    let engine = engine(bag(), patient(), observer);
    let mut panicked = 0;
    for _ in 0..50 {
        match engine.run(vec![tokens(&[1, 2])], None, Deadline::default(), nobody()).await {
            Ok(run) => assert_eq!(run.vectors[0].len(), 8),
            Err(error) => {
                assert_eq!(error.reason, Reason::Panicked, "{error}");
                panicked += 1;
            }
        }
    }
    assert_eq!((panicked, engine.stats().panics), (5, 5));
    assert!(engine.alive(Duration::ZERO));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_of_many_samples_keeps_their_order() {
    let (_, observer) = Gate::new(true);
    let engine = engine(four("log.onnx"), patient(), observer);
    let samples: Vec<Sample> = (1..=64).map(|value| x(value as f32)).collect();
    let run = engine.run(samples, None, Deadline::default(), nobody()).await.unwrap();
    for (at, vector) in run.vectors.iter().enumerate() {
        assert!((vector[0] - ((at + 1) as f32).ln()).abs() < 1e-5);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn several_workers_share_one_queue() {
    let (gate, observer) = Gate::new(false);
    let options = Options { workers: 3, policy: patient(), observer: Some(observer) };
    let engine = Arc::new(Engine::load(&mut models(), bag(), &options).unwrap());
    let tasks: Vec<_> = (0..3).map(|_| ask(&engine, vec![tokens(&[1])])).collect();
    until("all three run at once", || gate.sizes().iter().sum::<usize>() == 3).await;
    gate.open();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn towers_of_one_file_take_turns() {
    let mut models = models();
    let towers = [picture(), Graph { tower: Modality::Image, ..picture() }];
    let options = Options { policy: patient(), ..Options::default() };
    let engines = towers.map(|graph| Arc::new(Engine::load(&mut models, graph, &options).unwrap()));
    let mut session = GraphSession::load(&runtime(), &picture()).unwrap();
    let tasks: Vec<_> = (0..64).map(|seed| (seed, ask(&engines[seed % 2], vec![pixels(seed as u32)]))).collect();
    for (seed, task) in tasks {
        let got = task.await.unwrap().unwrap();
        assert!(cosine(&got.vectors[0], &session.run(&[&pixels(seed as u32)]).unwrap()[0]) >= 0.9999, "{seed}");
    }
    assert!(engines.iter().all(|engine| engine.stats().executed == 32 && engine.alive(Duration::from_secs(60))));
}

//! Load of every kind, for a while: nothing grows, and memory comes back when the load has gone.
//!
//! Two minutes, or as many seconds as `ONESPACE_SOAK_SECONDS` says: `make attack SOAK=7200`.

use std::{
    env,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use futures::future::join_all;
use onespace_core::random::SplitMix64;
use onespace_proto::v1;
use onespace_tests::{
    Client, Server, bombs,
    client::{part, question, text},
    samples,
};
use tokio::time::sleep;

/// Those who ask at the same time.
const CALLERS: u64 = 6;

/// How long memory has to come back.
const REST: Duration = Duration::from_secs(20);

/// So much more than at rest before, at most, once the load has gone.
const KEPT: f64 = 1.2;

/// A server that has done everything once holds what it needs for that: arenas, pools, an index. Below this nothing is
/// measured.
const FIRST: f64 = 0.25;

struct Sight {
    at: Duration,
    memory: u64,
    files: usize,
    threads: usize,
}

fn look(server: &Server, began: Instant) -> Sight {
    let folder = |what: &str| {
        std::fs::read_dir(format!("/proc/{}/{what}", server.process().pid())).map_or(0, std::iter::Iterator::count)
    };
    let memory = server.process().memory();
    Sight { at: began.elapsed(), memory, files: folder("fd"), threads: folder("task") }
}

/// One call of some kind, by chance.
async fn ask(client: &Client, dice: &mut SplitMix64) -> Result<(), tonic::Status> {
    let all = samples::all();
    let sample = &all[dice.below(all.len())];
    let embed = |items: Vec<v1::Media>| v1::EmbedRequest { items, ..Default::default() };
    match dice.below(100) {
        0..50 => drop(client.embedding().embed(embed(vec![sample.media()])).await?),
        50..65 => {
            let collection = format!("c{}", dice.below(3));
            let name = format!("i{}", dice.below(1500));
            let media = if dice.below(5) == 0 { sample.media() } else { text(format!("a mug no. {}", dice.bits())) };
            let item = v1::IngestItem { item_id: name, media: Some(media), ..Default::default() };
            let item = v1::ingest_request::Message::Item(item);
            drop(client.ingest_parts(&collection, vec![item]).await?);
        }
        65..85 => {
            let asked = question(&format!("c{}", dice.below(3)), vec![part(text("a mug"))]);
            drop(client.searching().search(v1::SearchRequest { limit: 20, ..asked }).await?);
        }
        85..90 => {
            let film = samples::of(v1::Modality::Video)[0].media();
            let call = client.clone();
            let cancelled = tokio::spawn(async move { call.embedding().embed(embed(vec![film; 3])).await });
            sleep(Duration::from_millis(dice.below(20) as u64)).await;
            cancelled.abort();
        }
        90..95 => {
            let broken = bombs::broken_samples();
            let bomb = &broken[dice.below(broken.len())];
            drop(client.embedding().embed(embed(vec![onespace_tests::client::data(bomb.bytes.clone())])).await?);
        }
        _ => {
            let name = format!("t{}", dice.below(8));
            let create = v1::CreateCollectionRequest { name: name.clone(), exist_ok: true, ..Default::default() };
            client.collections().create_collection(create).await?;
            // Another caller may have been faster.
            let _ = client.collections().delete_collection(v1::DeleteCollectionRequest { name }).await;
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_comes_back_when_the_load_has_gone() {
    let seconds = env::var("ONESPACE_SOAK_SECONDS").ok().and_then(|seconds| seconds.parse().ok()).unwrap_or(120);
    let load = Duration::from_secs(seconds);
    let server = Server::start().await;
    let client = server.client().await;
    for number in 0..3 {
        client.create(&format!("c{number}")).await;
    }
    let (began, calls, failed) = (Instant::now(), Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let callers = (0..CALLERS).map(|number| {
        let (calls, failed, endpoint) = (calls.clone(), failed.clone(), server.endpoint());
        tokio::spawn(async move {
            let mut dice = SplitMix64::new(number);
            let mut client = Client::connect(&endpoint).await;
            while began.elapsed() < load {
                if calls.fetch_add(1, Ordering::Relaxed).is_multiple_of(300) {
                    client = Client::connect(&endpoint).await;
                }
                let outcome = ask(&client, &mut dice).await;
                failed.fetch_add(usize::from(outcome.is_err()), Ordering::Relaxed);
                sleep(Duration::from_millis(dice.below(30) as u64)).await;
            }
        })
    });
    let callers: Vec<_> = callers.collect();
    let (mut sights, mut rest) = (Vec::new(), None);
    while began.elapsed() < load {
        sleep((load / 60).max(Duration::from_secs(2))).await;
        let sight = look(&server, began);
        println!(
            "{:>6.0} s  {:>5} MiB  {:>3} files  {:>3} threads  {:>7} calls",
            sight.at.as_secs_f64(),
            sight.memory >> 20,
            sight.files,
            sight.threads,
            calls.load(Ordering::Relaxed)
        );
        if rest.is_none() && sight.at > load.mul_f64(FIRST) {
            rest = Some(sight.memory);
        }
        sights.push(sight);
    }
    join_all(callers).await;
    sleep(REST).await;
    let after = look(&server, began);
    let first = rest.unwrap();
    let (calls, failed) = (calls.load(Ordering::Relaxed), failed.load(Ordering::Relaxed));
    let peak = server.process().peak_memory();
    println!(
        "{calls} calls, {failed} failed; {} MiB after a quarter, {} MiB at rest, {} MiB at most; slope {:.0} MiB/h",
        first >> 20,
        after.memory >> 20,
        peak >> 20,
        slope(&sights[sights.len() / 4..]) / f64::from(1 << 20)
    );
    assert!(server.process().alive() && !server.log().contains("panicked"), "{}", server.log());
    assert!(after.memory as f64 <= first as f64 * KEPT, "{} MiB, {} MiB before", after.memory >> 20, first >> 20);
    assert!(after.files < sights[0].files + 40 && after.threads < sights[0].threads + 40, "files or threads leak");
}

/// Bytes an hour, by least squares.
fn slope(sights: &[Sight]) -> f64 {
    let hours = |sight: &Sight| sight.at.as_secs_f64() / 3600.0;
    let count = sights.len() as f64;
    let (mean_x, mean_y) = (
        sights.iter().map(hours).sum::<f64>() / count,
        sights.iter().map(|one| one.memory as f64).sum::<f64>() / count,
    );
    let (mut across, mut square) = (0.0, 0.0);
    for sight in sights {
        across += (hours(sight) - mean_x) * (sight.memory as f64 - mean_y);
        square += (hours(sight) - mean_x).powi(2);
    }
    across / square
}

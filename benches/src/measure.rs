//! The plain loop, the engine and the preparation, in rounds that alternate.

use std::{
    num::NonZeroUsize,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, anyhow};
use onespace_bundle::Bundle;
use onespace_core::{Deadline, PrepareRequest, Sample, limits::BATCH_SAMPLES};
use onespace_runtime::{Engine, Graph, GraphSession, Models, Options, Runtime};

use crate::{
    clock::{CONCURRENCY, millis, rate},
    report::{Row, median, quantile},
    served::ServedRounds,
    server::Server,
    subject::Subject,
};

/// Measures one modality within this process.
pub async fn subject(
    runtime: &Runtime,
    bundle: &Bundle,
    server: &Server,
    subject: &Subject,
    seconds: f64,
    rounds: usize,
) -> Result<Row> {
    let head = bundle.manifest().towers.head(subject.modality).context("no such tower")?;
    let graph = Graph::new(bundle, &head);
    let mut session = GraphSession::load(runtime, &graph)?;
    let engine = Arc::new(Engine::load(&mut Models::new(runtime), graph, &Options::default())?);
    let samples: Arc<[Sample]> = subject.samples.clone().into();
    let time = Duration::from_secs_f64(seconds);

    let mut best = (1, 0.0);
    for batch in (0..).map(|power| 1 << power).take_while(|batch| *batch <= BATCH_SAMPLES) {
        let rate = plain(&mut session, &samples, batch, time / 3)?.0;
        if rate > best.1 {
            best = (batch, rate);
        }
    }
    let mut row = Row { raw_batch: best.0, ..Row::default() };
    let (mut rates, mut raw_rates, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    let (mut p50s, mut raw_p50s, mut p50_ratios) = (Vec::new(), Vec::new(), Vec::new());
    let mut waits = Vec::new();
    let mut served = ServedRounds::start(server, subject).await?;
    (row.prepare_items_per_s, row.prepare_p50_ms) = prepare(bundle, subject, time)?;
    for _ in 0..rounds {
        let prepared = prepare_on_all_cores(bundle, subject, time / 2)?;
        let (raw_rate, _) = plain(&mut session, &samples, best.0, time)?;
        let (rate, _) = engine_load(&engine, &samples, CONCURRENCY, time).await?;
        served.round(rate, prepared, time).await?;
        let (_, raw_times) = plain(&mut session, &samples, 1, time)?;
        let (_, times) = engine_load(&engine, &samples, 1, time).await?;
        rates.push(rate);
        raw_rates.push(raw_rate);
        ratios.push(rate / raw_rate);
        let (p50, raw_p50) = (quantile(&times, 0.5), quantile(&raw_times, 0.5));
        p50s.push(p50);
        raw_p50s.push(raw_p50);
        p50_ratios.push(p50 / raw_p50);
        waits.extend(times);
    }
    row.items_per_s = median(&rates);
    row.raw_items_per_s = median(&raw_rates);
    row.throughput_ratio = median(&ratios);
    row.p50_ms = median(&p50s);
    row.p99_ms = quantile(&waits, 0.99);
    row.raw_p50_ms = median(&raw_p50s);
    row.p50_ratio = median(&p50_ratios);
    row.served = served.finish(row.raw_items_per_s, row.raw_p50_ms);
    Ok(row)
}

/// Items a second and the milliseconds of each run.
fn plain(session: &mut GraphSession, samples: &[Sample], batch: usize, time: Duration) -> Result<(f64, Vec<f64>)> {
    let (started, mut runs) = (Instant::now(), Vec::new());
    let mut turn = samples.iter().cycle();
    while started.elapsed() < time || runs.len() < 3 {
        let members: Vec<&Sample> = turn.by_ref().take(batch).collect();
        let run = Instant::now();
        session.run(&members)?;
        runs.push(millis(run));
    }
    Ok((rate(runs.len() * batch, started), runs))
}

/// The same samples through the engine, one a request, `concurrency` requests at once.
async fn engine_load(
    engine: &Arc<Engine>,
    samples: &Arc<[Sample]>,
    concurrency: usize,
    time: Duration,
) -> Result<(f64, Vec<f64>)> {
    let started = Instant::now();
    let tasks: Vec<_> = (0..concurrency)
        .map(|first| {
            let (engine, samples) = (engine.clone(), samples.clone());
            tokio::spawn(async move {
                let mut waits = Vec::new();
                for sample in samples.iter().cycle().skip(first) {
                    if started.elapsed() >= time {
                        break;
                    }
                    // Copied before the clock starts: a server gets its samples from the preparation.
                    let request = vec![sample.clone()];
                    let asked = Instant::now();
                    engine.run(request, None, Deadline::default(), Arc::new(())).await?;
                    waits.push(millis(asked));
                }
                anyhow::Ok(waits)
            })
        })
        .collect();
    let mut waits = Vec::new();
    for task in tasks {
        waits.extend(task.await??);
    }
    Ok((rate(waits.len(), started), waits))
}

/// Decoding and preprocessing on as many threads as there are cores, items a second: two threads of one core do less
/// than twice what one does.
fn prepare_on_all_cores(bundle: &Bundle, subject: &Subject, time: Duration) -> Result<f64> {
    let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let rates = thread::scope(|scope| {
        let threads: Vec<_> = (0..cores).map(|_| scope.spawn(|| prepare(bundle, subject, time))).collect();
        threads.into_iter().map(|thread| thread.join()).collect::<Vec<_>>()
    });
    let mut sum = 0.0;
    for rate in rates {
        let (rate, _) = rate.map_err(|_| anyhow!("preparing panicked"))??;
        sum += rate;
    }
    Ok(sum)
}

/// Decoding and preprocessing alone, on one thread.
fn prepare(bundle: &Bundle, subject: &Subject, time: Duration) -> Result<(f64, f64)> {
    let preparer = bundle.preparer(subject.modality)?;
    let (started, mut times) = (Instant::now(), Vec::new());
    for bytes in subject.media.iter().cycle() {
        if started.elapsed() >= time {
            break;
        }
        let one = Instant::now();
        preparer.prepare(&PrepareRequest::of(bytes))?;
        times.push(millis(one));
    }
    Ok((rate(times.len(), started), quantile(&times, 0.5)))
}

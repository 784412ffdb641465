//! Measures this machine: what batching and serving cost beside a plain loop over the same graphs, in one run.
//!
//! For each modality, over the media of `samples/`:
//!
//! - **plain**: a loop that calls ONNX Runtime on tensors prepared before, at the batch size that is best here;
//! - **engine**: the runtime of the encoders (queue, batcher, worker) on the same tensors, one sample a request;
//! - **prepare**: decoding and preprocessing alone, one thread;
//! - **served**: a real `onespace up` process asked over gRPC with the media themselves, one item a request.
//!
//! Ratios compare rounds that alternate, and the median round counts: machines are noisy. The named fields
//! `items_per_s`, `throughput_ratio`, `p50_ms`, `p50_ratio` are the engine's, which does what the plain loop does;
//! `served` holds the same for the whole road, decoding and the wire included. `served.of_engine` is served to engine;
//! `served.of_allowed` is served to what engine and preparation allow together, when both share the cores. The load
//! generator runs on the same cores, and its share is in what serving costs.

mod clock;
mod measure;
mod overload;
mod report;
mod served;
mod server;
mod subject;

use std::{path::PathBuf, time::Duration};

use anyhow::{Context, Result};
use clap::Parser;
use indicatif::ProgressBar;
use onespace_bundle::Bundle;
use onespace_runtime::Runtime;

use crate::{server::Server, subject::Subject};

/// Measure this machine; writes bench.json.
#[derive(Debug, Parser)]
struct Args {
    /// The bundle.
    #[arg(long, default_value = "bundles/diorama")]
    bundle: PathBuf,
    /// Media of every modality.
    #[arg(long, default_value = "samples")]
    samples: PathBuf,
    /// The ONNX Runtime shared library.
    #[arg(long, env = "ONESPACE_ONNXRUNTIME", default_value = "target/onnxruntime/libonnxruntime.so")]
    onnxruntime: PathBuf,
    /// The server that is asked over gRPC.
    #[arg(long, default_value = "target/release/onespace")]
    server: PathBuf,
    /// Where the numbers go.
    #[arg(long, default_value = "bench.json")]
    out: PathBuf,
    /// Seconds of each round.
    #[arg(long, default_value_t = 0.7)]
    seconds: f64,
    /// Alternating rounds; the median counts.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Measure overload in place of speed: so many seconds of ten times what the server can do, in each modality.
    #[arg(long, value_name = "SECONDS")]
    overload: Option<u64>,
}

fn main() -> Result<()> {
    onespace_runtime::forbid_telemetry();
    let args = Args::parse();
    let tokio = tokio::runtime::Runtime::new()?;
    let bundle = Bundle::open(&args.bundle)?;
    let runtime = Runtime::init(&args.onnxruntime, None)?;
    let subjects = subject::all(&bundle, &args.samples)?;
    let bar = ProgressBar::new(subjects.len() as u64);
    let server = Server::start(&args.server, &args.bundle, &args.onnxruntime).context("starting the server")?;
    if let Some(seconds) = args.overload {
        return overloaded(&tokio, &server, &subjects, Duration::from_secs(seconds), &bar);
    }
    let mut report = report::Report::new(runtime.threads());
    for subject in &subjects {
        bar.set_message(subject.modality.name());
        let row = tokio.block_on(measure::subject(&runtime, &bundle, &server, subject, args.seconds, args.rounds))?;
        report.modalities.insert(subject.modality.name().to_owned(), row);
        bar.inc(1);
    }
    bar.finish_and_clear();
    report.print();
    std::fs::write(&args.out, serde_json::to_string_pretty(&report)? + "\n")
        .with_context(|| args.out.display().to_string())?;
    Ok(())
}

fn overloaded(
    tokio: &tokio::runtime::Runtime,
    server: &Server,
    subjects: &[Subject],
    time: Duration,
    bar: &ProgressBar,
) -> Result<()> {
    let mut rows = Vec::with_capacity(subjects.len());
    for subject in subjects {
        bar.set_message(subject.modality.name());
        rows.push(tokio.block_on(overload::measure(server, subject, time))?);
        bar.inc(1);
    }
    bar.finish_and_clear();
    overload::print(&rows);
    Ok(())
}

//! Logs on stderr, metrics for Prometheus, panics counted.

use std::{panic, sync::OnceLock, thread, time::Duration};

use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::{EnvFilter, fmt};

static METRICS: OnceLock<PrometheusHandle> = OnceLock::new();

/// How often samples of histograms are counted into their buckets. Until then each is kept, 8 bytes and more.
const UPKEEP: Duration = Duration::from_secs(5);

/// Bounds of the buckets of times, seconds: from a cached text to the latest deadline. Buckets of several replicas can
/// be added up, quantiles cannot.
const SECONDS: [f64; 15] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0, 120.0];

/// Bounds of the buckets of batch sizes, up to BATCH_SAMPLES.
const SAMPLES: [f64; 6] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0];

/// Starts logging and metrics for this process; `filter` is a tracing directive such as `info` or `onespace=debug`.
pub fn start(filter: &str, json: bool) {
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    // Where nobody reads stderr any more, a lost line is not worth the process: telling of it there would panic.
    let logs = fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false).log_internal_errors(false);
    // A process may already have a subscriber (tests do); the first one stays.
    let _ = if json { logs.json().try_init() } else { logs.try_init() };
    if let Ok(handle) = recorder()
        && METRICS.set(handle.clone()).is_ok()
    {
        keep_up(handle);
    }
    // Panics are caught where decoders and batches run; here they are only made visible.
    panic::set_hook(Box::new(|info| {
        metrics::counter!("onespace_panics_total").increment(1);
        tracing::error!(panic = %info, "panicked");
    }));
}

fn recorder() -> Result<PrometheusHandle, BuildError> {
    PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)?
        .set_buckets_for_metric(Matcher::Suffix("_samples".to_owned()), &SAMPLES)?
        .install_recorder()
}

/// Histograms keep every sample until somebody counts them. Asking for `/metrics` does that, but an encoder has no
/// such page and a gateway may not be asked. A thread, not a task: it does its work whatever the tasks of this process
/// are at.
fn keep_up(metrics: PrometheusHandle) {
    let work = move || {
        loop {
            thread::sleep(UPKEEP);
            metrics.run_upkeep();
        }
    };
    if let Err(error) = thread::Builder::new().name("metrics".to_owned()).spawn(work) {
        tracing::error!(%error, "no thread to keep metrics: they will grow until somebody asks for /metrics");
    }
}

/// The metrics in Prometheus' text format; empty before [`start`].
#[must_use]
pub fn render_metrics() -> String {
    METRICS.get().map(PrometheusHandle::render).unwrap_or_default()
}

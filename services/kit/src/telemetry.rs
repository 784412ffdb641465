//! Logs on stderr, metrics for Prometheus, panics counted.

use std::{panic, sync::OnceLock};

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::{EnvFilter, fmt};

static METRICS: OnceLock<PrometheusHandle> = OnceLock::new();

/// Starts logging and metrics for this process; `filter` is a tracing directive such as `info` or `onespace=debug`.
pub fn start(filter: &str, json: bool) {
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    // Where nobody reads stderr any more, a lost line is not worth the process: telling of it there would panic.
    let logs = fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false).log_internal_errors(false);
    // A process may already have a subscriber (tests do); the first one stays.
    let _ = if json { logs.json().try_init() } else { logs.try_init() };
    if let Ok(handle) = PrometheusBuilder::new().install_recorder() {
        let _ = METRICS.set(handle);
    }
    // Panics are caught where decoders and batches run; here they are only made visible.
    panic::set_hook(Box::new(|info| {
        metrics::counter!("onespace_panics_total").increment(1);
        tracing::error!(panic = %info, "panicked");
    }));
}

/// The metrics in Prometheus' text format; empty before [`start`].
#[must_use]
pub fn render_metrics() -> String {
    METRICS.get().map(PrometheusHandle::render).unwrap_or_default()
}

//! What every measurement shares.

use std::time::Instant;

/// Requests under way at once where throughput is measured.
pub const CONCURRENCY: usize = 16;

/// Milliseconds since an instant.
pub fn millis(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e3
}

/// Items a second since an instant.
#[expect(clippy::cast_precision_loss, reason = "counts far below 2^53")]
pub fn rate(items: usize, since: Instant) -> f64 {
    items as f64 / since.elapsed().as_secs_f64()
}

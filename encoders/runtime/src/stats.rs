//! What became of samples, counted.

use std::sync::atomic::{AtomicU64, Ordering};

/// The counters of one engine since it was loaded, and how full it is now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Samples waiting now.
    pub waiting: u64,
    /// Runs of the graph.
    pub batches: u64,
    /// Samples in them.
    pub executed: u64,
    /// Samples turned away because the queue was full.
    pub refused: u64,
    /// Samples that left the queue because their deadline passed.
    pub expired: u64,
    /// Samples that left the queue because their caller went away.
    pub cancelled: u64,
    /// Runs that panicked.
    pub panics: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub batches: AtomicU64,
    pub executed: AtomicU64,
    pub refused: AtomicU64,
    pub expired: AtomicU64,
    pub cancelled: AtomicU64,
    pub panics: AtomicU64,
}

pub(crate) fn add(counter: &AtomicU64, count: usize) {
    counter.fetch_add(count as u64, Ordering::Relaxed);
}

impl Counters {
    pub fn snapshot(&self, waiting: usize) -> Stats {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Stats {
            waiting: waiting as u64,
            batches: read(&self.batches),
            executed: read(&self.executed),
            refused: read(&self.refused),
            expired: read(&self.expired),
            cancelled: read(&self.cancelled),
            panics: read(&self.panics),
        }
    }
}

//! The numbers a batcher works by.

use std::{fmt, sync::Arc, time::Duration};

use onespace_core::limits;

/// Bounds of one tower's queue and of its batches; [`limits`] by default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Samples that may wait.
    pub queue: usize,
    /// Input values that may wait, unless one request alone has more.
    pub queue_values: usize,
    /// Samples of one run.
    pub samples: usize,
    /// Input values of one run, unless a single sample has more. Large inputs gain nothing from company on a CPU:
    /// the shipped bundle on two cores embeds 1,100 to 1,300 images (12,288 values) a second in batches of 1 to
    /// 16, 970 in batches of 32; 700 to 800 videos (98,304 values) in batches of 1 to 16, 550 in batches of 32; but
    /// texts 1,500 alone, 3,600 in fours and 6,700 in the batches that 64 callers form.
    pub values: usize,
    /// How long the oldest sample may wait for company while another worker of the tower is busy.
    pub wait: Duration,
    /// How long a request may wait for its first sample's turn.
    pub patience: Duration,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            queue: limits::BATCH_QUEUE,
            queue_values: limits::BATCH_QUEUE_VALUES,
            samples: limits::BATCH_SAMPLES,
            values: limits::BATCH_VALUES,
            wait: Duration::from_millis(limits::BATCH_WAIT_MS as u64),
            patience: Duration::from_millis(limits::QUEUE_WAIT_MS as u64),
        }
    }
}

/// A batch that is about to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchInfo {
    /// Its samples.
    pub samples: usize,
    /// Their input values.
    pub values: usize,
    /// Samples left in the queue.
    pub waiting: usize,
}

/// Told of every batch, on the worker's thread, right before the graph runs.
pub type Observer = Arc<dyn Fn(BatchInfo) + Send + Sync>;

/// How an engine is run.
#[derive(Clone)]
pub struct Options {
    /// Sessions, each with a thread and its own copy of the weights, about the size of the model file (3 to 5 MiB
    /// for one of 3.4; ONNX Runtime shares prepacked weights only where they are handed over one by one). One is
    /// enough where the threads of the pool keep the cores busy.
    pub workers: usize,
    /// Bounds.
    pub policy: Policy,
    /// Told of every batch: metrics.
    pub observer: Option<Observer>,
}

impl Default for Options {
    fn default() -> Self {
        Self { workers: 1, policy: Policy::default(), observer: None }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options").field("workers", &self.workers).field("policy", &self.policy).finish_non_exhaustive()
    }
}

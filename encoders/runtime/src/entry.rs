//! What passes through a queue.

use std::{any::Any, sync::Arc, time::Instant};

use onespace_core::{Deadline, Modality, Result, Sample};
use ort::session::RunOptions;
use tokio::sync::oneshot;

use crate::{batch::Key, policy::BatchInfo};

/// Whatever must live as long as a sample is queued or running: the permits of the request it belongs to. A
/// caller that goes away frees its place only when its samples have left.
pub type RequestPermits = Arc<dyn Any + Send + Sync>;

/// What a sample becomes.
pub(crate) struct Answer {
    pub vector: Result<Vec<f32>>,
    pub started: Instant,
    pub ended: Instant,
}

/// One sample in the queue.
pub(crate) struct Entry {
    pub sample: Sample,
    /// What its vector will be compared with.
    pub target: Option<Modality>,
    /// The request that it is part of.
    pub job: u64,
    pub key: Key,
    pub deadline: Deadline,
    pub arrived: Instant,
    pub reply: oneshot::Sender<Answer>,
    pub _permits: RequestPermits,
}

impl Entry {
    pub fn answer(self, answer: Answer) {
        // Whoever has gone away does not miss it.
        let _ = self.reply.send(answer);
    }
}

/// A request's place in the queue.
pub(crate) struct Ticket {
    /// Its number.
    pub job: u64,
    /// Where the answers of its samples will come.
    pub answers: Vec<oneshot::Receiver<Answer>>,
}

/// A batch that a worker has in hand.
pub(crate) struct Batch {
    pub entries: Vec<Entry>,
    pub info: BatchInfo,
    /// Ends the run early once every caller of the batch has gone.
    pub options: Arc<RunOptions>,
}

//! The thread that runs one session.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Instant,
};

use onespace_core::{Error, Modality, Reason, Result};

use crate::{
    entry::{Answer, Batch},
    graph::Graph,
    policy::{BatchInfo, Observer},
    queue::Queue,
    session::{GraphSession, TargetedSample, Vectors, only},
    stats::add,
};

/// One worker of an engine.
pub(crate) struct Worker {
    pub graph: Graph,
    pub queue: Arc<Queue>,
    pub observer: Option<Observer>,
    /// Its number among the workers of the engine.
    pub index: usize,
}

impl Worker {
    /// Runs batches until the queue is closed.
    pub fn work(self, mut session: GraphSession) {
        while let Some(batch) = self.queue.next(self.index) {
            let Batch { entries, info, options } = batch;
            let started = Instant::now();
            add(&self.queue.counters.batches, 1);
            add(&self.queue.counters.executed, entries.len());
            let samples: Vec<TargetedSample<'_>> = entries.iter().map(|entry| (&entry.sample, entry.target)).collect();
            let outcome = catch_unwind(AssertUnwindSafe(|| self.run(&mut session, &samples, info, &options)));
            let vectors = outcome.unwrap_or_else(|_| {
                add(&self.queue.counters.panics, 1);
                Err(panic_error(self.graph.tower))
            });
            let ended = Instant::now();
            self.queue.done(self.index, info.samples, ended - started);
            let vectors = vectors.unwrap_or_else(|error| vec![Err(error); entries.len()]);
            for (entry, vector) in entries.into_iter().zip(vectors) {
                entry.answer(Answer { vector, started, ended });
            }
        }
    }

    /// One run; when it fails and somebody still waits, every member alone: the bad one fails, the rest do not.
    fn run(
        &self,
        session: &mut GraphSession,
        samples: &[TargetedSample<'_>],
        info: BatchInfo,
        options: &ort::session::RunOptions,
    ) -> Result<Vectors> {
        if let Some(observer) = &self.observer {
            observer(info);
        }
        let outcome = session.run_until(samples, options);
        let Err(error) = outcome else { return outcome };
        if samples.len() == 1 || !self.queue.wanted(self.index) {
            return Err(error);
        }
        let (tower, samples_failed) = (self.graph.tower, samples.len());
        tracing::warn!(%tower, samples = samples_failed, %error, "a batch failed, its members run alone");
        Ok(samples
            .iter()
            .map(|sample| session.run_until(std::slice::from_ref(sample), options).and_then(only))
            .collect())
    }
}

fn panic_error(tower: Modality) -> Error {
    Error::new(Reason::Panicked, "", format!("the batch of the {tower} tower that this sample was in panicked"))
}

//! The thread that runs one session.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::{Duration, Instant},
};

use onespace_core::{Error, Modality, Reason, Result};

use crate::{
    Runtime,
    graph::Graph,
    policy::{BatchInfo, Observer},
    queue::{Answer, Batch, Queue},
    session::{Aimed, Session, Vectors, only},
    stats::add,
};

/// How long to wait before a graph that could not be loaded again is tried once more.
const RELOAD_PAUSE: Duration = Duration::from_secs(1);

/// One worker of an engine.
pub(crate) struct Worker {
    pub runtime: Runtime,
    pub graph: Graph,
    pub queue: Arc<Queue>,
    pub observer: Option<Observer>,
    /// Its place among the workers of the engine.
    pub place: usize,
}

impl Worker {
    /// Runs batches until the queue is closed.
    pub fn work(self, session: Session) {
        let mut session = Some(session);
        while let Some(batch) = self.queue.next(self.place) {
            let Batch { entries, info, options } = batch;
            let started = Instant::now();
            add(&self.queue.counters.batches, 1);
            add(&self.queue.counters.executed, entries.len());
            let samples: Vec<Aimed<'_>> = entries.iter().map(|entry| (&entry.sample, entry.target)).collect();
            let outcome = catch_unwind(AssertUnwindSafe(|| {
                let session = session.as_mut().ok_or_else(|| Error::internal("the worker has no session"))?;
                self.run(session, &samples, info, &options)
            }));
            let panicked = outcome.is_err();
            let vectors = outcome.unwrap_or_else(|_| Err(panic_error(self.graph.tower)));
            let ended = Instant::now();
            self.queue.done(self.place, info.samples, ended - started);
            let vectors = vectors.unwrap_or_else(|error| vec![Err(error); entries.len()]);
            for (entry, vector) in entries.into_iter().zip(vectors) {
                entry.answer(Answer { vector, started, ended });
            }
            if panicked {
                add(&self.queue.counters.panics, 1);
                session = self.rebuild(session);
            }
        }
    }

    /// One run; when it fails and somebody still waits, every member alone: the bad one fails, the rest do not.
    fn run(
        &self,
        session: &mut Session,
        samples: &[Aimed<'_>],
        info: BatchInfo,
        options: &ort::session::RunOptions,
    ) -> Result<Vectors> {
        if let Some(observer) = &self.observer {
            observer(info);
        }
        let outcome = session.run_until(samples, options);
        let Err(error) = outcome else { return outcome };
        if samples.len() == 1 || !self.queue.wanted(self.place) {
            return Err(error);
        }
        tracing::warn!(tower = %self.graph.tower, samples = samples.len(), %error, "a batch failed, its members run alone");
        Ok(samples
            .iter()
            .map(|sample| session.run_until(std::slice::from_ref(sample), options).and_then(only))
            .collect())
    }

    /// A fresh session after a panic: nothing is known about the state of the old one.
    fn rebuild(&self, broken: Option<Session>) -> Option<Session> {
        drop(broken);
        tracing::error!(tower = %self.graph.tower, "a batch panicked, its session is built anew");
        loop {
            match Session::load(&self.runtime, &self.graph) {
                Ok(session) => return Some(session),
                Err(error) => tracing::error!(tower = %self.graph.tower, %error, "the graph cannot be loaded again"),
            }
            if !self.queue.open_after(RELOAD_PAUSE) {
                return None;
            }
        }
    }
}

fn panic_error(tower: Modality) -> Error {
    Error::new(Reason::Panicked, "", format!("the batch of the {tower} tower that this sample was in panicked"))
}

//! A tower's graph behind a queue.

use std::{
    fmt,
    sync::Arc,
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use onespace_core::{Deadline, Error, Modality, Reason, Result, Sample};
use tokio::{sync::oneshot, time::timeout_at};

use crate::{
    Models,
    entry::{Answer, RequestPermits, Ticket},
    graph::Graph,
    policy::Options,
    queue::Queue,
    session::GraphSession,
    stats::Stats,
    worker::Worker,
};

/// What the samples of one request became.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// Their vectors, in order: finite, of the graph's dimension, not yet of unit length.
    pub vectors: Vec<Vec<f32>>,
    /// From arrival to the start of the first run, in microseconds.
    pub queue_us: u64,
    /// From the start of the first run to the end of the last, in microseconds.
    pub inference_us: u64,
}

/// A tower's graph that many callers share: what arrives together runs together.
pub struct Engine {
    graph: Graph,
    queue: Arc<Queue>,
    workers: Vec<JoinHandle<()>>,
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("graph", &self.graph).finish_non_exhaustive()
    }
}

impl Engine {
    /// Loads the graphs once for each worker, but for those that `models` has, and starts them. Blocks while graphs are
    /// read and optimised.
    ///
    /// # Errors
    /// As [`GraphSession::load`]; `INTERNAL` when a thread cannot be started.
    pub fn load(models: &mut Models, graph: Graph, options: &Options) -> Result<Self> {
        let count = options.workers.max(1);
        let queue = Arc::new(Queue::new(graph.tower, options.policy, count));
        let mut engine = Self { graph, queue, workers: Vec::with_capacity(count) };
        for index in 0..count {
            let session = GraphSession::with_models(models, &engine.graph, index)?;
            let worker = Worker {
                graph: engine.graph.clone(),
                queue: Arc::clone(&engine.queue),
                observer: options.observer.clone(),
                index,
            };
            let thread = thread::Builder::new()
                .name(format!("{}-{index}", engine.graph.tower))
                .spawn(move || worker.work(session))
                .map_err(|error| Error::internal(format!("a thread for the {} tower: {error}", engine.graph.tower)))?;
            engine.workers.push(thread);
        }
        Ok(engine)
    }

    /// Runs the samples of one request that has its turn; `target` is what their vectors will be compared with, which
    /// chooses the head where the graph has several. Samples for different heads share a run. Dropping the future takes
    /// back what has not started; a run whose callers have all gone is ended early. `permits` is kept until the last
    /// sample has left.
    ///
    /// # Errors
    /// `QUEUE_FULL` where what waits is too large already, `DEADLINE_EXCEEDED`, `MODEL_FAILED`, `PANICKED`, `NOT_READY`
    /// while stopping.
    pub async fn run(
        &self,
        samples: Vec<Sample>,
        target: Option<Modality>,
        deadline: Deadline,
        permits: RequestPermits,
    ) -> Result<Run> {
        deadline.check(&format!("before the {} tower was asked", self.graph.tower))?;
        let arrived = Instant::now();
        let Ticket { job, answers } = self.queue.submit(samples, target, deadline, &permits)?;
        drop(permits);
        let mut withdraw = WithdrawOnDrop { queue: &self.queue, job: Some(job) };
        let Ok(answers) = timeout_at(deadline.instant().into(), collect(answers)).await else {
            return Err(Deadline::exceeded(&format!("in the {} tower", self.graph.tower)));
        };
        let answers = answers?;
        withdraw.job = None;
        sum_up(arrived, answers)
    }

    /// The graph it runs.
    #[must_use]
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// What became of samples so far, and how many wait.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.queue.counters.snapshot(self.queue.waiting())
    }

    /// Refuses whoever would wait for its turn in vain, before its media are prepared: behind so many others that are
    /// being prepared now or will be. Of so many that come together, says how many have their turn.
    ///
    /// # Errors
    /// `QUEUE_FULL` with a pause, `DEADLINE_EXCEEDED`.
    pub fn check_turn(&self, others: usize, media: usize, deadline: Deadline) -> Result<usize> {
        self.queue.check_turn(others, media, deadline)
    }

    /// How long the longest present run has been going on; zero when idle.
    #[must_use]
    pub fn busy_for(&self) -> Duration {
        self.queue.busy_for()
    }

    /// Whether every worker is there, and none in a run that takes longer than `patience` and many times as long as it
    /// should.
    #[must_use]
    pub fn alive(&self, patience: Duration) -> bool {
        let there = !self.workers.is_empty() && self.workers.iter().all(|worker| !worker.is_finished());
        there && !self.queue.stuck(patience)
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.queue.close();
        for worker in self.workers.drain(..) {
            // A worker catches panics; were one to end by a panic all the same, there is nothing left to save.
            let _ = worker.join();
        }
    }
}

/// Takes a request back when its caller goes away; without a number, nothing is left to take back.
struct WithdrawOnDrop<'a> {
    queue: &'a Queue,
    job: Option<u64>,
}

impl Drop for WithdrawOnDrop<'_> {
    fn drop(&mut self) {
        if let Some(job) = self.job {
            self.queue.withdraw(job);
        }
    }
}

async fn collect(receivers: Vec<oneshot::Receiver<Answer>>) -> Result<Vec<Answer>> {
    let mut answers = Vec::with_capacity(receivers.len());
    for receiver in receivers {
        let answer = receiver.await.map_err(|_| Error::new(Reason::NotReady, "", "the tower stopped"))?;
        if let Err(error) = &answer.vector {
            return Err(error.clone());
        }
        answers.push(answer);
    }
    Ok(answers)
}

fn sum_up(arrived: Instant, answers: Vec<Answer>) -> Result<Run> {
    let started = answers.iter().map(|answer| answer.started).min().unwrap_or(arrived);
    let ended = answers.iter().map(|answer| answer.ended).max().unwrap_or(started);
    let micros = |duration: Duration| u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
    Ok(Run {
        vectors: answers.into_iter().map(|answer| answer.vector).collect::<Result<_>>()?,
        queue_us: micros(started.saturating_duration_since(arrived)),
        inference_us: micros(ended.saturating_duration_since(started)),
    })
}

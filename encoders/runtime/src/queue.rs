//! What waits before a tower's graph, and what runs in it.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use onespace_core::{Deadline, Error, ListTurn, Modality, Reason, Result, Sample};
use ort::session::RunOptions;
use tokio::sync::oneshot;

use crate::{
    batch::Key,
    bucket::Bucket,
    entry::{Answer, Batch, Entry, RequestPermits, Ticket},
    policy::{BatchInfo, Policy},
    state::{Running, State},
    stats::{Counters, add},
};

/// The shortest and longest pause that a refused caller is told.
const PAUSE: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(5));

/// The part of a run's time that its callers are given to come back before the next run starts without them. A caller
/// that is answered asks again within microseconds; a run that leaves as soon as the first of them is there takes two
/// samples where sixteen were on their way.
const RETURN: u32 = 16;

pub(crate) struct Queue {
    tower: Modality,
    policy: Policy,
    state: Mutex<State>,
    changed: Condvar,
    jobs: AtomicU64,
    pub counters: Counters,
}

impl Queue {
    pub fn new(tower: Modality, policy: Policy, workers: usize) -> Self {
        let state = State::new(workers);
        Self {
            tower,
            policy,
            state: Mutex::new(state),
            changed: Condvar::new(),
            jobs: AtomicU64::new(0),
            counters: Counters::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing that can panic runs under this lock; were it so, the counters would still be whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts the samples of one request at the end, all or none.
    ///
    /// # Errors
    /// `QUEUE_FULL` with a pause when what waits is too large already; `DEADLINE_EXCEEDED` when there is less time left
    /// than a sample takes; `NOT_READY` once closed.
    pub fn submit(
        &self,
        samples: Vec<Sample>,
        target: Option<Modality>,
        deadline: Deadline,
        permits: &RequestPermits,
    ) -> Result<Ticket> {
        let mut state = self.lock();
        if state.closed {
            return Err(Error::new(Reason::NotReady, "", format!("the {} tower is stopping", self.tower)));
        }
        self.sweep(&mut state);
        let values: usize =
            samples.iter().chain(state.waiting.iter().map(|entry| &entry.sample)).map(Sample::cost).sum();
        if values > self.policy.queue_values && !state.waiting.is_empty() {
            add(&self.counters.refused, samples.len());
            return Err(self.full(&state, samples.len(), 0.0));
        }
        state.learn_request(samples.len());
        // An idle tower takes what comes: the mean may be out of date, and only runs can correct it.
        let busy = !state.waiting.is_empty() || state.running.iter().any(Option::is_some);
        if busy && state.sample_seconds.is_some_and(|seconds| deadline.remaining().as_secs_f64() < seconds) {
            add(&self.counters.expired, samples.len());
            return Err(Deadline::exceeded(&format!("before the {} tower could have an answer", self.tower)));
        }
        let job = self.jobs.fetch_add(1, Ordering::Relaxed);
        let arrived = Instant::now();
        let answers = samples.into_iter().map(|sample| {
            let (reply, receiver) = oneshot::channel();
            let key = Key::new(&sample);
            let permits = Arc::clone(permits);
            state.waiting.push_back(Entry { sample, target, job, key, deadline, arrived, reply, _permits: permits });
            receiver
        });
        let answers = answers.collect();
        self.changed.notify_all();
        Ok(Ticket { job, answers })
    }

    /// Refuses whoever would wait in vain, before any work is done for it, behind so many media that are on their way
    /// here; of so many that come together, says how many have their turn.
    ///
    /// # Errors
    /// `QUEUE_FULL` with a pause; `DEADLINE_EXCEEDED` where there is less time left than that takes.
    pub fn check_turn(&self, others: usize, media: usize, deadline: Deadline) -> Result<usize> {
        let state = self.lock();
        let coming = others as f64 * state.request_samples;
        let (waiting, most) = (state.waiting.len() as f64 + coming, self.policy.queue as f64);
        let (ahead, left) = (state.ahead(coming), deadline.remaining().as_secs_f64());
        if waiting > most || ahead > self.patience(&state).as_secs_f64() {
            add(&self.counters.refused, media);
            return Err(self.full(&state, 0, coming));
        }
        if ahead > left {
            add(&self.counters.expired, media);
            return Err(Deadline::exceeded(&format!("before the {} tower could have an answer", self.tower)));
        }
        let samples = state.request_samples.max(1.0);
        let each = samples * state.sample_seconds.unwrap_or(0.0) / state.running.len().max(1) as f64;
        let list = ListTurn { media, each, ahead, left, places: (most / samples, waiting / samples) };
        list.taken().ok_or_else(|| {
            add(&self.counters.refused, media);
            self.full(&state, 0, coming)
        })
    }

    /// How long a request may wait for its first sample's turn: as the policy says, or the time of one full batch where
    /// that is longer. Before a model that takes a second for an image, a second request is no overload.
    fn patience(&self, state: &State) -> Duration {
        let slow = Duration::try_from_secs_f64(self.policy.samples as f64 * state.sample_seconds.unwrap_or(0.0));
        self.policy.patience.max(slow.unwrap_or_default())
    }

    /// Forgets a request whose caller has gone: what waits leaves, and a run that nobody waits for is ended.
    pub fn withdraw(&self, job: u64) {
        let mut state = self.lock();
        let now = Instant::now();
        state.waiting.retain(|entry| {
            if entry.job == job {
                let late = entry.deadline.instant() <= now;
                add(if late { &self.counters.expired } else { &self.counters.cancelled }, 1);
            }
            entry.job != job
        });
        for running in state.running.iter_mut().flatten() {
            let members = running.jobs.len();
            running.jobs.retain(|other| *other != job);
            if members > 0 && running.jobs.is_empty() {
                // Failing to end it early costs time, nothing else.
                let _ = running.options.terminate();
            }
        }
    }

    /// Waits for a batch for the worker in `worker`; none once the queue is closed.
    pub fn next(&self, worker: usize) -> Option<Batch> {
        let mut state = self.lock();
        loop {
            if state.closed {
                return None;
            }
            self.sweep(&mut state);
            let wait = self.company_wait(&state);
            match wait {
                Some(Duration::ZERO) => return self.take(&mut state, worker),
                Some(wait) => state = self.changed.wait_timeout(state, wait).unwrap_or_else(PoisonError::into_inner).0,
                None => state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }

    /// How long the batch of the oldest sample should still wait for company; none when nothing waits. An idle tower
    /// waits for nobody but the callers whom it has just answered.
    fn company_wait(&self, state: &State) -> Option<Duration> {
        let oldest = state.waiting.front()?;
        let idle = state.running.iter().all(Option::is_none);
        let mut bucket = Bucket::new(&self.policy, oldest.key.clone());
        let full = state.waiting.iter().any(|entry| !bucket.admits(&entry.key, entry.sample.cost()) && bucket.full)
            || bucket.full;
        if full {
            return Some(Duration::ZERO);
        }
        if idle {
            let expected = state.returning.filter(|(samples, _)| state.waiting.len() < *samples);
            return Some(expected.map_or(Duration::ZERO, |(_, until)| until.saturating_duration_since(Instant::now())));
        }
        Some(self.policy.wait.saturating_sub(oldest.arrived.elapsed()))
    }

    fn take(&self, state: &mut State, worker: usize) -> Option<Batch> {
        let oldest = state.waiting.front()?;
        let mut bucket = Bucket::new(&self.policy, oldest.key.clone());
        let options = Arc::new(RunOptions::new().ok()?);
        let (entries, rest): (VecDeque<Entry>, VecDeque<Entry>) =
            state.waiting.drain(..).partition(|entry| bucket.admits(&entry.key, entry.sample.cost()));
        state.waiting = rest;
        let mut jobs: Vec<u64> = entries.iter().map(|entry| entry.job).collect();
        jobs.dedup();
        if let Some(running) = state.running.get_mut(worker) {
            let samples = entries.len();
            *running = Some(Running { since: Instant::now(), samples, jobs, options: Arc::clone(&options) });
        }
        let info = BatchInfo { samples: bucket.samples, values: bucket.values, waiting: state.waiting.len() };
        Some(Batch { entries: entries.into(), info, options })
    }

    /// Notes that the worker in `worker` has no batch in hand any more.
    pub fn done(&self, worker: usize, samples: usize, took: Duration) {
        let mut state = self.lock();
        if let Some(running) = state.running.get_mut(worker) {
            *running = None;
        }
        state.returning = Some((state.waiting.len() + samples, Instant::now() + (took / RETURN).min(self.policy.wait)));
        state.learn_run(samples, took);
    }

    /// Whether anybody still waits for the batch in `worker`.
    pub fn wanted(&self, worker: usize) -> bool {
        self.lock()
            .running
            .get(worker)
            .is_some_and(|running| running.as_ref().is_some_and(|running| !running.jobs.is_empty()))
    }

    /// Removes what nobody waits for any more and what has run out of time: neither is ever executed.
    fn sweep(&self, state: &mut State) {
        let now = Instant::now();
        let is_stale = |entry: &Entry| entry.deadline.instant() <= now || entry.reply.is_closed();
        if !state.waiting.iter().any(is_stale) {
            return;
        }
        let (stale, fresh): (VecDeque<Entry>, VecDeque<Entry>) = state.waiting.drain(..).partition(is_stale);
        state.waiting = fresh;
        for entry in stale {
            let late = entry.deadline.instant() <= now;
            let counter = if late { &self.counters.expired } else { &self.counters.cancelled };
            add(counter, 1);
            let vector = Err(Deadline::exceeded(&format!("in the queue of the {} tower", self.tower)));
            entry.answer(Answer { vector, started: now, ended: now });
        }
    }

    fn full(&self, state: &State, samples: usize, coming: f64) -> Error {
        let (least, most) = PAUSE;
        let pause = Duration::try_from_secs_f64(state.ahead(coming)).unwrap_or(most).clamp(least, most);
        let message = format!(
            "{} samples wait for the {} tower, {coming:.0} are on their way, {samples} more pass the limit of {} \
             (BATCH_QUEUE) or of {} values (BATCH_QUEUE_VALUES), or waited longer than {} ms (QUEUE_WAIT_MS, or the \
             time of a full batch)",
            state.waiting.len(),
            self.tower,
            self.policy.queue,
            self.policy.queue_values,
            self.patience(state).as_millis()
        );
        Error::new(Reason::QueueFull, "", message).retry_after(pause)
    }

    /// Ends the queue: workers return, what waits is dropped, what runs is ended early.
    pub fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        state.waiting.clear();
        for running in state.running.iter().flatten() {
            let _ = running.options.terminate();
        }
        self.changed.notify_all();
    }

    /// Samples waiting.
    pub fn waiting(&self) -> usize {
        self.lock().waiting.len()
    }

    /// How long the longest of the present runs has been going on; zero when none is.
    pub fn busy_for(&self) -> Duration {
        let state = self.lock();
        state.running.iter().flatten().map(|running| running.since.elapsed()).max().unwrap_or_default()
    }

    /// Whether a run takes longer than `patience`, and many times as long as runs of as many samples do.
    pub fn stuck(&self, patience: Duration) -> bool {
        self.lock().stuck(patience)
    }
}

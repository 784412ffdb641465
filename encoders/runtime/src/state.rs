//! What a queue knows: what waits, what runs, and how long that takes.

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use ort::session::RunOptions;

use crate::entry::Entry;

/// How many times as long as usual a run takes that is taken to be stuck: a busy machine is slow, too.
const STUCK: f64 = 8.0;

/// The weight of the newest run in the moving average of what a sample takes.
const NEWEST: f64 = 0.2;

/// The weight of the newest request in the moving average of how many samples a request has.
const NEWEST_REQUEST: f64 = 0.05;

/// A batch that a worker runs.
pub(crate) struct Running {
    pub since: Instant,
    pub samples: usize,
    /// The requests that still wait for it.
    pub jobs: Vec<u64>,
    pub options: Arc<RunOptions>,
}

/// What waits, what runs, and how long that takes.
pub(crate) struct State {
    pub waiting: VecDeque<Entry>,
    /// One place for each worker.
    pub running: Vec<Option<Running>>,
    /// Moving average; absent before the first run.
    pub sample_seconds: Option<f64>,
    /// Moving average of the samples of a request.
    pub request_samples: f64,
    /// After a run: how many samples there will be when its callers have come back, and until when they may.
    pub returning: Option<(usize, Instant)>,
    pub closed: bool,
}

impl State {
    /// Nothing waits and nothing runs.
    pub fn new(workers: usize) -> Self {
        Self {
            waiting: VecDeque::new(),
            running: (0..workers).map(|_| None).collect(),
            sample_seconds: None,
            request_samples: 1.0,
            returning: None,
            closed: false,
        }
    }

    /// How many seconds what waits, and so many samples more, will take. A run that is overdue has no end in sight.
    pub fn ahead(&self, coming: f64) -> f64 {
        let (samples, each) = (self.waiting.len() as f64 + coming, self.sample_seconds.unwrap_or(0.0));
        let overdue = |running: &Option<Running>| {
            let late = |running: &Running| running.since.elapsed().as_secs_f64() - running.samples as f64 * each;
            running.as_ref().map_or(0.0, late).max(0.0)
        };
        let overdue = self.running.iter().map(overdue).min_by(f64::total_cmp).unwrap_or_default();
        overdue + samples * each / self.running.len().max(1) as f64
    }

    /// Notes how many samples a request has.
    pub fn learn_request(&mut self, samples: usize) {
        self.request_samples += NEWEST_REQUEST * (samples as f64 - self.request_samples);
    }

    /// Notes how long a run of so many samples took.
    pub fn learn_run(&mut self, samples: usize, took: Duration) {
        let newest = took.as_secs_f64() / samples.max(1) as f64;
        self.sample_seconds = Some(self.sample_seconds.map_or(newest, |mean| mean + NEWEST * (newest - mean)));
    }

    /// Whether a run takes longer than `patience`, and many times as long as runs of as many samples do.
    pub fn stuck(&self, patience: Duration) -> bool {
        let long = self.sample_seconds.unwrap_or(0.0) * STUCK;
        let is_stuck = |running: &Running| {
            running.since.elapsed().as_secs_f64() > patience.as_secs_f64().max(long * running.samples as f64)
        };
        self.running.iter().flatten().any(is_stuck)
    }
}

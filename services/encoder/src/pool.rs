//! Preparation: CPU work on a bounded number of threads.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use onespace_core::{Deadline, Error, ListTurn, Patience, Reason, Result, Room, Turn, limits};
use onespace_runtime::RequestPermits;
use tokio::{sync::Semaphore, task, time::timeout_at};

/// The shortest and longest pause that a refused caller is told.
const PAUSE: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(5));

/// Where a request may find that its deadline has passed before any work was done for it.
const BEFORE: &str = "before the media was prepared";

/// Turns at the threads that prepare one kind of thing, a modality or speech. Each has its own: a text is tokenised in
/// less than a millisecond and must not wait behind videos that are decoded for seconds.
#[derive(Debug)]
pub(crate) struct Pool {
    what: &'static str,
    turns: Arc<Semaphore>,
    /// The longest wait for a turn, and the limit that says so.
    longest: (&'static str, Duration),
    /// Moving average of the work, in microseconds.
    mean_us: Arc<AtomicU64>,
    threads: usize,
    /// For what is decoded, shared with other pools.
    room: Option<Arc<Room>>,
    /// How many wait for a turn.
    waiting: AtomicUsize,
    made: Instant,
    /// When a piece of work was begun last, in microseconds since the pool was made.
    begun_us: AtomicU64,
}

/// Counts among those who wait until it is dropped.
struct Waits<'a>(&'a AtomicUsize);

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Where work is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weight {
    /// Where it arrives: it takes less than handing it to another thread does, which is two switches of a core.
    Light,
    /// On a thread of its own.
    Heavy,
}

/// What the work came to, and where the time went.
#[derive(Debug)]
pub(crate) struct PoolOutput<T> {
    pub value: T,
    pub waited: Duration,
    pub took: Duration,
}

impl Pool {
    pub fn new(what: &'static str, threads: usize) -> Self {
        let longest = ("QUEUE_WAIT_MS", Duration::from_millis(limits::QUEUE_WAIT_MS as u64));
        let threads = threads.max(1);
        let (turns, waiting) = (Arc::new(Semaphore::new(threads)), AtomicUsize::new(0));
        let (mean_us, begun_us, made) = (Arc::default(), AtomicU64::default(), Instant::now());
        Self { what, turns, longest, mean_us, threads, room: None, waiting, made, begun_us }
    }

    /// The same, for work that takes so long that whoever comes next waits longer.
    pub fn patient(self, limit: &'static str, milliseconds: usize) -> Self {
        Self { longest: (limit, Duration::from_millis(milliseconds as u64)), ..self }
    }

    /// The same, whose work shares room for what it decodes.
    pub fn within(self, room: &Arc<Room>) -> Self {
        Self { room: Some(room.clone()), ..self }
    }

    /// How many wait for a turn or are worked on.
    pub fn inside(&self) -> usize {
        self.waiting.load(Ordering::Relaxed) + self.threads.saturating_sub(self.turns.available_permits())
    }

    /// Refuses whoever would wait for a turn in vain, before any work is done for it; of so many that come together,
    /// says how many have their turn.
    ///
    /// # Errors
    /// `QUEUE_FULL` with a pause; `DEADLINE_EXCEEDED` where there is less time left than those before take.
    pub fn check_turn(&self, media: usize, deadline: Deadline) -> Result<usize> {
        let (ahead, left) = (self.ahead(self.waiting.load(Ordering::Relaxed)), deadline.remaining());
        let longest = self.longest.1;
        match left {
            left if ahead > left && left < longest => return Err(Deadline::exceeded(BEFORE)),
            _ if ahead > longest || self.inside() > limits::PREPARE_QUEUE => return Err(self.full()),
            _ => {}
        }
        let list = ListTurn {
            media,
            each: self.mean().as_secs_f64() / self.threads as f64,
            ahead: ahead.as_secs_f64(),
            left: left.as_secs_f64(),
            places: (f64::INFINITY, 0.0),
        };
        list.taken().ok_or_else(|| self.full())
    }

    /// Waits for a turn, then works: one who asks waits no longer than anybody may. `work` is told when nobody waits
    /// for it any more, because the deadline has passed or this future was dropped; it ends itself then, and the turn
    /// is free. `permits` is kept until it has ended.
    ///
    /// # Errors
    /// `QUEUE_FULL` with a pause when no turn comes in time, `DEADLINE_EXCEEDED`, `PANICKED`, or what `work` gives.
    pub async fn run<T: Send + 'static>(
        &self,
        (turn, deadline): (Turn, Deadline),
        permits: RequestPermits,
        weight: Weight,
        work: impl FnOnce(&Patience) -> Result<T> + Send + 'static,
    ) -> Result<PoolOutput<T>> {
        let arrived = Instant::now();
        let longest = match turn {
            Turn::Asks => arrived + self.longest.1,
            Turn::Has => deadline.instant(),
        };
        if turn == Turn::Asks {
            self.check_turn(1, deadline)?;
        }
        let waits = self.join_queue();
        let turn = timeout_at(longest.min(deadline.instant()).into(), Arc::clone(&self.turns).acquire_owned());
        let Ok(Ok(turn)) = turn.await else {
            deadline.check(BEFORE)?;
            return Err(self.full());
        };
        drop(waits);
        self.begun_us.store(micros(self.made.elapsed()), Ordering::Relaxed);
        deadline.check(BEFORE)?;
        let waited = arrived.elapsed();
        let patience = Patience::until(deadline);
        let patience = match &self.room {
            Some(room) => patience.within(room.clone()),
            None => patience,
        };
        let _gone = patience.leave_on_drop();
        let record = self.record();
        let work = move || {
            // Dropped in this order: whoever takes the turn finds the room already there.
            let _held = (permits, turn);
            let start = Instant::now();
            let outcome = patience.check(BEFORE).and_then(|()| work(&patience));
            let took = start.elapsed();
            record(took, patience.is_over());
            outcome.map(|value| PoolOutput { value, waited, took })
        };
        if weight == Weight::Light {
            return catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(self.panicked()));
        }
        let work = task::spawn_blocking(work);
        match timeout_at(deadline.instant().into(), work).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(failure)) if failure.is_panic() => Err(self.panicked()),
            Ok(Err(_)) => Err(Error::new(Reason::NotReady, "", "the server is stopping")),
            Err(_) => Err(Deadline::exceeded("while the media was prepared")),
        }
    }

    /// A place among those who wait for a turn.
    fn join_queue(&self) -> Waits<'_> {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        Waits(&self.waiting)
    }

    /// How long a piece of work takes, by the last ones.
    fn mean(&self) -> Duration {
        Duration::from_micros(self.mean_us.load(Ordering::Relaxed))
    }

    /// How long it takes until so many have had their turn. Work that is overdue has no end in sight.
    fn ahead(&self, waiting: usize) -> Duration {
        let mean = self.mean();
        let begun = Duration::from_micros(self.begun_us.load(Ordering::Relaxed));
        let busy = self.turns.available_permits() == 0;
        let overdue = if busy { self.made.elapsed().saturating_sub(begun + mean) } else { Duration::ZERO };
        overdue + mean.mul_f64(waiting as f64 / self.threads as f64)
    }

    /// Takes down how long a piece of work took, and whether it was given up: that says nothing of how long the next
    /// one takes, but is counted.
    fn record(&self) -> impl FnOnce(Duration, bool) + Send + 'static {
        let (mean_us, what) = (Arc::clone(&self.mean_us), self.what);
        move |took, given_up| {
            if given_up {
                metrics::counter!("onespace_given_up_total", "modality" => what).increment(1);
                return;
            }
            let before = mean_us.load(Ordering::Relaxed);
            mean_us.store((before * 4 + micros(took)) / 5, Ordering::Relaxed);
        }
    }

    fn panicked(&self) -> Error {
        Error::new(Reason::Panicked, "bytes", format!("preparing the {} panicked", self.what))
    }

    fn full(&self) -> Error {
        let (least, most) = PAUSE;
        let pause = self.ahead(self.waiting.load(Ordering::Relaxed).max(self.threads)).clamp(least, most);
        let (limit, longest) = self.longest;
        let message = format!(
            "{} of {} are prepared or wait for that; {} may (PREPARE_QUEUE), and nobody longer than {} ms ({limit})",
            self.inside(),
            self.what,
            limits::PREPARE_QUEUE,
            longest.as_millis()
        );
        Error::new(Reason::QueueFull, "", message).retry_after(pause)
    }
}

/// Whole microseconds.
pub(crate) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;

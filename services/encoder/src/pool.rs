//! Preparation: CPU work on a bounded number of threads.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use onespace_core::{Deadline, Error, Patience, Reason, Result, Room, Turn, limits};
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
    begun_us: Arc<AtomicU64>,
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
        let (mean_us, begun_us, made) = (Arc::default(), Arc::default(), Instant::now());
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

    /// Refuses whoever would wait for a turn in vain, before any work is done for it.
    ///
    /// # Errors
    /// `QUEUE_FULL` with a pause; `DEADLINE_EXCEEDED` where there is less time left than those before take.
    pub fn check_turn(&self, deadline: Deadline) -> Result<()> {
        let ahead = self.ahead(self.waiting.load(Ordering::Relaxed));
        let longest = self.longest.1;
        match deadline.remaining() {
            remaining if ahead > remaining && remaining < longest => Err(Deadline::exceeded(BEFORE)),
            _ if ahead > longest => Err(self.full()),
            _ => Ok(()),
        }
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
            self.check_turn(deadline)?;
        }
        let waits = self.join_queue();
        let turn = timeout_at(longest.min(deadline.instant()).into(), Arc::clone(&self.turns).acquire_owned());
        let Ok(Ok(turn)) = turn.await else {
            deadline.check(BEFORE)?;
            return Err(self.full());
        };
        drop(waits);
        deadline.check(BEFORE)?;
        let waited = arrived.elapsed();
        let patience = Patience::until(deadline);
        let patience = match &self.room {
            Some(room) => patience.within(room.clone()),
            None => patience,
        };
        let _gone = patience.leave_on_drop();
        let record = self.record();
        let (made, begun_us) = (self.made, Arc::clone(&self.begun_us));
        let work = move || {
            // Dropped in this order: whoever takes the turn finds the room already there.
            let _held = (permits, turn);
            begun_us.store(micros(made.elapsed()), Ordering::Relaxed);
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

    /// How long it takes until so many have had their turn. Work that is overdue has no end in sight.
    fn ahead(&self, waiting: usize) -> Duration {
        let mean = Duration::from_micros(self.mean_us.load(Ordering::Relaxed));
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
        let message = format!("no turn to prepare the {} comes within {} ms ({limit})", self.what, longest.as_millis());
        Error::new(Reason::QueueFull, "", message).retry_after(pause)
    }
}

/// Whole microseconds.
pub(crate) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool() -> Pool {
        Pool::new("image", 1)
    }

    fn asks(deadline: Deadline) -> (Turn, Deadline) {
        (Turn::Asks, deadline)
    }

    fn nobody() -> RequestPermits {
        Arc::new(())
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_panic_is_an_error_and_the_pool_lives_on() {
        let pool = pool();
        let error = pool
            .run(asks(Deadline::default()), nobody(), Weight::Heavy, |_| -> Result<()> { panic!("injected") })
            .await
            .unwrap_err();
        assert_eq!((error.reason, error.field.as_str()), (Reason::Panicked, "bytes"));
        let light =
            pool.run(asks(Deadline::default()), nobody(), Weight::Light, |_| -> Result<()> { panic!("injected") });
        assert_eq!(light.await.unwrap_err().reason, Reason::Panicked);
        assert_eq!(pool.run(asks(Deadline::default()), nobody(), Weight::Heavy, |_| Ok(7)).await.unwrap().value, 7);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn waiting_is_bounded_by_patience_and_deadline() {
        let pool = Arc::new(pool());
        let (release, held) = std::sync::mpsc::channel::<()>();
        let busy = Arc::clone(&pool);
        let permit = nobody();
        let permits = Arc::clone(&permit);
        let first = tokio::spawn(async move {
            busy.run(asks(Deadline::after(Duration::from_millis(300))), permits, Weight::Heavy, move |_| {
                let _ = held.recv();
                Ok(())
            })
            .await
        });
        while pool.turns.available_permits() > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let late = pool
            .run(asks(Deadline::after(Duration::from_millis(20))), nobody(), Weight::Heavy, |_| Ok(()))
            .await
            .unwrap_err();
        assert_eq!(late.reason, Reason::DeadlineExceeded);
        assert_eq!(first.await.unwrap().unwrap_err().reason, Reason::DeadlineExceeded);
        assert_eq!(Arc::strong_count(&permit), 2, "the work still holds what it was admitted with");
        let full = pool.run(asks(Deadline::default()), nobody(), Weight::Heavy, |_| Ok(())).await.unwrap_err();
        assert_eq!((full.reason, full.retry_after.is_some()), (Reason::QueueFull, true));
        release.send(()).unwrap();
        while pool.inside() > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert!(pool.run(asks(Deadline::default()), nobody(), Weight::Heavy, |_| Ok(())).await.is_ok());
        assert_eq!(Arc::strong_count(&permit), 1);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn whoever_would_wait_in_vain_is_told_at_once() {
        let pool = Arc::new(pool());
        pool.mean_us.store(300_000, Ordering::Relaxed);
        let (release, held) = std::sync::mpsc::channel::<()>();
        let busy = Arc::clone(&pool);
        let first = tokio::spawn(async move {
            busy.run(asks(Deadline::default()), nobody(), Weight::Heavy, move |_| {
                let _ = held.recv();
                Ok(())
            })
            .await
        });
        while pool.turns.available_permits() > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let wait = || {
            let pool = Arc::clone(&pool);
            tokio::spawn(async move { pool.run(asks(Deadline::default()), nobody(), Weight::Heavy, |_| Ok(())).await })
        };
        let waiting = [wait(), wait(), wait(), wait()];
        while pool.waiting.load(Ordering::Relaxed) < waiting.len() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let began = Instant::now();
        let refused = pool.run(asks(Deadline::default()), nobody(), Weight::Heavy, |_| Ok(())).await.unwrap_err();
        assert_eq!((refused.reason, refused.retry_after.is_some()), (Reason::QueueFull, true));
        assert!(began.elapsed() < Duration::from_millis(500), "{:?}", began.elapsed());
        release.send(()).unwrap();
        assert!(first.await.unwrap().is_ok());
        for one in waiting {
            assert!(one.await.unwrap().is_ok());
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn behind_work_that_does_not_end_nobody_waits() {
        let longest = Duration::from_millis(50);
        let pool = Arc::new(Pool::new("image", 1).patient("IN_A_TEST", 50));
        let (release, held) = std::sync::mpsc::channel::<()>();
        let busy = Arc::clone(&pool);
        let work = move |_: &Patience| {
            let _ = held.recv();
            Ok(())
        };
        let first =
            tokio::spawn(async move { busy.run(asks(Deadline::default()), nobody(), Weight::Heavy, work).await });
        while pool.inside() == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        tokio::time::sleep(2 * longest).await;
        let refused = pool.check_turn(Deadline::default()).unwrap_err();
        assert_eq!((refused.reason, refused.retry_after.is_some()), (Reason::QueueFull, true));
        let late = pool.check_turn(Deadline::after(longest / 10)).unwrap_err();
        assert_eq!(late.reason, Reason::DeadlineExceeded);
        release.send(()).unwrap();
        assert!(first.await.unwrap().is_ok() && pool.inside() == 0);
        assert!(pool.check_turn(Deadline::default()).is_ok());
    }

    /// Work that looks up as decoders do, until it is told to stop.
    fn looking_up(patience: &Patience) -> Result<()> {
        loop {
            patience.check("in a test")?;
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn work_ends_with_its_deadline_and_with_its_caller() {
        let pool = Arc::new(pool());
        let late = pool
            .run(asks(Deadline::after(Duration::from_millis(50))), nobody(), Weight::Heavy, looking_up)
            .await
            .unwrap_err();
        assert_eq!(late.reason, Reason::DeadlineExceeded);
        assert_eq!(pool.run(asks(Deadline::default()), nobody(), Weight::Heavy, |_| Ok(1)).await.unwrap().value, 1);
        let (busy, permit) = (Arc::clone(&pool), nobody());
        let permits = Arc::clone(&permit);
        let gone =
            tokio::spawn(async move { busy.run(asks(Deadline::default()), permits, Weight::Heavy, looking_up).await });
        while pool.turns.available_permits() > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        gone.abort();
        assert!(gone.await.unwrap_err().is_cancelled());
        assert_eq!(pool.run(asks(Deadline::default()), nobody(), Weight::Heavy, |_| Ok(2)).await.unwrap().value, 2);
        assert_eq!(Arc::strong_count(&permit), 1);
    }
}

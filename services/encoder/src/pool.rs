//! Preparation: CPU work on a bounded number of threads.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use onespace_core::{Deadline, Error, Modality, Reason, Result, limits};
use onespace_runtime::Guard;
use tokio::{sync::Semaphore, task, time::timeout_at};

/// The shortest and longest pause that a refused caller is told.
const PAUSE: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(5));

/// Turns at the threads that prepare one modality. Each modality has its own: a text is tokenised in less than a
/// millisecond and must not wait behind films that are decoded for seconds.
#[derive(Debug)]
pub(crate) struct Pool {
    modality: Modality,
    turns: Arc<Semaphore>,
    /// Moving average of the work, in microseconds.
    mean_us: Arc<AtomicU64>,
}

/// What was prepared, and where the time went.
#[derive(Debug)]
pub(crate) struct Prepared<T> {
    pub value: T,
    pub waited: Duration,
    pub took: Duration,
}

impl Pool {
    pub fn new(modality: Modality, threads: usize) -> Self {
        Self { modality, turns: Arc::new(Semaphore::new(threads.max(1))), mean_us: Arc::default() }
    }

    /// Waits for a turn, then works. `guard` is kept as long as the work goes on, even if the caller has gone.
    ///
    /// # Errors
    /// `QUEUE_FULL` with a pause when no turn comes in time, `DEADLINE_EXCEEDED`, `PANICKED`, or what `work` gives.
    pub async fn run<T: Send + 'static>(
        &self,
        deadline: Deadline,
        guard: Guard,
        work: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<Prepared<T>> {
        let arrived = Instant::now();
        let patience = arrived + Duration::from_millis(limits::QUEUE_WAIT_MS as u64);
        let turn = timeout_at(patience.min(deadline.instant()).into(), Arc::clone(&self.turns).acquire_owned());
        let Ok(Ok(turn)) = turn.await else {
            deadline.check("before the media was prepared")?;
            return Err(self.full());
        };
        deadline.check("before the media was prepared")?;
        let waited = arrived.elapsed();
        let mean_us = Arc::clone(&self.mean_us);
        let work = task::spawn_blocking(move || {
            // Dropped in this order: whoever takes the turn finds the room already there.
            let _held = (guard, turn);
            let start = Instant::now();
            let outcome = work();
            let took = start.elapsed();
            let before = mean_us.load(Ordering::Relaxed);
            mean_us.store((before * 4 + micros(took)) / 5, Ordering::Relaxed);
            outcome.map(|value| Prepared { value, waited, took })
        });
        match timeout_at(deadline.instant().into(), work).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(failure)) if failure.is_panic() => {
                Err(Error::new(Reason::Panicked, "bytes", format!("preparing the {} panicked", self.modality)))
            }
            Ok(Err(_)) => Err(Error::new(Reason::NotReady, "", "the server is stopping")),
            Err(_) => Err(Deadline::exceeded("while the media was prepared")),
        }
    }

    fn full(&self) -> Error {
        let (least, most) = PAUSE;
        let pause = Duration::from_micros(self.mean_us.load(Ordering::Relaxed)).clamp(least, most);
        let message = format!(
            "no turn to prepare the {} came within {} ms (QUEUE_WAIT_MS)",
            self.modality,
            limits::QUEUE_WAIT_MS
        );
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
        Pool::new(Modality::Image, 1)
    }

    fn nobody() -> Guard {
        Arc::new(())
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_panic_is_an_error_and_the_pool_lives_on() {
        let pool = pool();
        let error = pool.run(Deadline::default(), nobody(), || -> Result<()> { panic!("injected") }).await.unwrap_err();
        assert_eq!((error.reason, error.field.as_str()), (Reason::Panicked, "bytes"));
        assert_eq!(pool.run(Deadline::default(), nobody(), || Ok(7)).await.unwrap().value, 7);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn waiting_is_bounded_by_patience_and_deadline() {
        let pool = Arc::new(pool());
        let (release, held) = std::sync::mpsc::channel::<()>();
        let busy = Arc::clone(&pool);
        let permit = nobody();
        let guard = Arc::clone(&permit);
        let first = tokio::spawn(async move {
            busy.run(Deadline::after(Duration::from_millis(300)), guard, move || {
                let _ = held.recv();
                Ok(())
            })
            .await
        });
        while pool.turns.available_permits() > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let late = pool.run(Deadline::after(Duration::from_millis(20)), nobody(), || Ok(())).await.unwrap_err();
        assert_eq!(late.reason, Reason::DeadlineExceeded);
        assert_eq!(first.await.unwrap().unwrap_err().reason, Reason::DeadlineExceeded);
        assert_eq!(Arc::strong_count(&permit), 2, "the work still holds what it was admitted with");
        let full = pool.run(Deadline::default(), nobody(), || Ok(())).await.unwrap_err();
        assert_eq!((full.reason, full.retry_after.is_some()), (Reason::QueueFull, true));
        release.send(()).unwrap();
        assert!(pool.run(Deadline::default(), nobody(), || Ok(())).await.is_ok());
        assert_eq!(Arc::strong_count(&permit), 1);
    }
}

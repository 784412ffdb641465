//! How an ingest waits for a store that is away.
//!
//! What was embedded is kept meanwhile, so nothing is embedded twice. What became of a write whose answer was lost is
//! not known; it is written again, which changes nothing: points have the same ids, and whoever waits holds the item's
//! lock. How many wait is bounded by the seats of their streams, and nothing more of a stream is read.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use onespace_core::{Reason, Result, limits::STORE_PATIENCE_MS, random::SplitMix64};
use onespace_kit::admission::Admission;

/// How long an item waits in all.
const PATIENCE: Duration = Duration::from_millis(STORE_PATIENCE_MS as u64);

/// Between two attempts, where the store names no pause.
const PAUSE: Duration = Duration::from_millis(250);

/// Room for the media of what waits: `bytes` of a budget, taken when waiting begins.
pub struct Room<'a> {
    /// What all that waits may hold.
    pub budget: &'a Admission,
    /// What this holds.
    pub bytes: usize,
}

/// Makes a call to the store, and again while the store is away, as long as an ingest has patience. Making it twice
/// must do what making it once does.
///
/// # Errors
/// What the call gives; `STORE_UNAVAILABLE` where the store stays away, or there is no room to wait.
pub async fn until_back<T, F>(room: Option<Room<'_>>, call: impl Fn() -> F) -> Result<T>
where
    F: Future<Output = Result<T>>,
{
    let mut waiting = None;
    loop {
        let error = match call().await {
            Err(error) if error.reason == Reason::StoreUnavailable => error,
            outcome => return outcome,
        };
        if waiting.is_none() {
            let held = room.as_ref().map(|room| room.budget.enter_bytes(room.bytes)).transpose();
            let Ok(held) = held else { return Err(error) };
            waiting = Some((Instant::now() + PATIENCE, held));
        }
        let pause = spread(error.retry_after.unwrap_or(PAUSE));
        match &waiting {
            Some((until, _)) if Instant::now() + pause < *until => tokio::time::sleep(pause).await,
            _ => return Err(error),
        }
    }
}

/// Half of a pause to all of it, so that those who wait together do not come back together.
fn spread(pause: Duration) -> Duration {
    static TURN: AtomicU64 = AtomicU64::new(0);
    let turn = TURN.fetch_add(1, Ordering::Relaxed);
    pause.mul_f64(0.5 + SplitMix64::new(turn).unit() / 2.0)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use onespace_core::Error;

    use super::*;

    fn away() -> Error {
        Error::new(Reason::StoreUnavailable, "", "away").retry_after(Duration::from_millis(1))
    }

    #[tokio::test]
    async fn a_store_that_comes_back_is_asked_until_it_answers() {
        let calls = AtomicUsize::new(0);
        let answer = until_back(None, || async {
            if calls.fetch_add(1, Ordering::Relaxed) < 5 { Err(away()) } else { Ok("there") }
        });
        assert_eq!((answer.await.unwrap(), calls.load(Ordering::Relaxed)), ("there", 6));
        let refused = until_back(None, || async { Err::<(), _>(Error::new(Reason::StoreFailed, "", "no")) });
        assert_eq!(refused.await.unwrap_err().reason, Reason::StoreFailed);
    }

    #[tokio::test]
    async fn what_finds_no_room_to_wait_is_told_so_at_once() {
        let budget = Admission::bytes("bytes that wait", 1 << 20);
        let calls = AtomicUsize::new(0);
        let call = || async {
            calls.fetch_add(1, Ordering::Relaxed);
            Err::<(), _>(away())
        };
        let refused = until_back(Some(Room { budget: &budget, bytes: 2 << 20 }), call).await;
        assert_eq!((refused.unwrap_err(), calls.load(Ordering::Relaxed)), (away(), 1));
    }
}

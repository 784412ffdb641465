//! Waiting for a busy server as it asks, and trying again, for as long as the user has patience.
//!
//! Patience is counted from the first refusal and begins anew whenever the server has done anything: ten thousand
//! files may take an hour, a server that does nothing for two minutes will do nothing.

use std::{
    collections::hash_map::RandomState,
    hash::BuildHasher,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use onespace_core::{Reason, Retry};
use onespace_proto::{status, v1};
use tokio::time::{Instant, sleep};
use tonic::Status;

use crate::watch::{Waiting, Watch};

/// The pause where a server asks for patience without naming one.
const PAUSE: Duration = Duration::from_millis(200);

/// Pauses grow by this factor with each refusal, up to this long, unless the server asks for more.
const GROWTH: f64 = 1.5;
const LONGEST: Duration = Duration::from_secs(5);

/// At most this share of a pause is added by chance, so that those who were refused together do not come back together.
const JITTER: f64 = 0.5;

/// Why something was not done.
pub trait Refusal {
    /// How long to wait before the next try, if trying again can help.
    fn pause(&self) -> Option<Duration>;
}

impl Refusal for Status {
    fn pause(&self) -> Option<Duration> {
        // What no reason of ours explains is a stranger's, and is tried again only if it says so.
        let error = status::error(self, Reason::Internal);
        let header = || self.metadata().get("grpc-retry-pushback-ms")?.to_str().ok()?.parse().ok();
        let told = error.retry_after.or_else(|| header().map(Duration::from_millis));
        let busy = matches!(self.code(), tonic::Code::ResourceExhausted | tonic::Code::Unavailable);
        let stranger = error.reason == Reason::Internal && busy && told.is_some();
        (stranger || passes(error.reason)).then(|| told.unwrap_or(PAUSE))
    }
}

impl Refusal for v1::ItemError {
    fn pause(&self) -> Option<Duration> {
        let told = (self.retry_after_ms > 0).then(|| Duration::from_millis(self.retry_after_ms));
        match Reason::ALL.iter().find(|reason| reason.name() == self.reason) {
            Some(reason) => passes(*reason).then(|| told.unwrap_or(PAUSE)),
            // A reason that a later server knows.
            None => told,
        }
    }
}

/// Whether what is refused for this reason may be taken a little later, by the same server.
fn passes(reason: Reason) -> bool {
    match reason {
        // To a client its server is the only replica: one that is loading will have loaded.
        Reason::NotReady => true,
        // A person makes room on a disk, and should be told at once.
        Reason::StoreFull => false,
        other => other.retry() == Retry::AfterPause,
    }
}

/// The patience of one command.
pub struct Patience {
    limit: Duration,
    /// How many items the command is about.
    items: usize,
    watch: Arc<dyn Watch>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// When the server refused for the first time since it last did anything.
    since: Option<Instant>,
    waiting: usize,
}

impl Patience {
    /// Patience for so long, with so many items; every wait is told to `watch`.
    pub fn new(limit: Duration, items: usize, watch: Arc<dyn Watch>) -> Self {
        Self { limit, items, watch, state: Mutex::default() }
    }

    /// Tries a call about one item until it succeeds, fails for good, or patience is over: then what the server said
    /// last.
    ///
    /// # Errors
    /// Whatever the last try gave.
    pub async fn call<T, E, F>(&self, attempt: impl Fn() -> F) -> Result<T, E>
    where
        E: Refusal,
        F: Future<Output = Result<T, E>>,
    {
        self.call_about(1, attempt).await
    }

    /// The same for a call about so many items.
    ///
    /// # Errors
    /// Whatever the last try gave.
    pub async fn call_about<T, E, F>(&self, items: usize, attempt: impl Fn() -> F) -> Result<T, E>
    where
        E: Refusal,
        F: Future<Output = Result<T, E>>,
    {
        let mut tries = 0;
        loop {
            let outcome = attempt().await;
            let pause = outcome.as_ref().err().and_then(Refusal::pause);
            let Some(pause) = pause else {
                self.served();
                return outcome;
            };
            if !self.wait(pause, tries, items).await {
                return outcome;
            }
            tries += 1;
        }
    }

    /// The server did something: what is still to come may wait as long again.
    pub fn served(&self) {
        self.state().since = None;
    }

    /// Waits with so many items, which were refused so often before; false, at once, when patience is over.
    pub async fn wait(&self, told: Duration, tries: u32, items: usize) -> bool {
        let Some(left) = self.left().filter(|left| told <= *left) else { return false };
        let pause = grown(told, tries, random()).min(left);
        // Told under the lock, so that whoever watches is told in order.
        {
            let mut state = self.state();
            state.waiting += items;
            let waiting = state.waiting;
            self.watch.waiting(&Waiting { items: self.items, waiting, pause, patience_left: left });
        }
        sleep(pause).await;
        let mut state = self.state();
        state.waiting -= items;
        if state.waiting == 0 {
            self.watch.resumed();
        }
        true
    }

    fn left(&self) -> Option<Duration> {
        let since = *self.state().since.get_or_insert_with(Instant::now);
        self.limit.checked_sub(since.elapsed()).filter(|left| !left.is_zero())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long to wait after so many refusals before this one: never less than the server told.
fn grown(told: Duration, tries: u32, chance: f64) -> Duration {
    let tries = i32::try_from(tries).unwrap_or(i32::MAX);
    let pause = (told.as_secs_f64() * GROWTH.powi(tries)).min(LONGEST.max(told).as_secs_f64());
    Duration::try_from_secs_f64(pause * (1.0 + JITTER * chance)).unwrap_or(told).max(told)
}

/// A number from 0 to 1: the standard library seeds its hashers by chance.
fn random() -> f64 {
    f64::from(RandomState::new().hash_one(0) as u32) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use onespace_core::Error;

    use super::*;

    #[test]
    fn pauses_are_as_told_and_grow_to_a_bound() {
        let told = Duration::from_millis(200);
        assert_eq!(grown(told, 0, 0.0), told);
        assert_eq!(grown(told, 0, 1.0), told.mul_f64(1.0 + JITTER));
        assert!(grown(told, 3, 0.0) > grown(told, 2, 0.0));
        assert_eq!(grown(told, u32::MAX, 0.0), LONGEST);
        assert_eq!(grown(LONGEST * 3, 9, 0.0), LONGEST * 3, "never less than told");
        assert!((0..100).all(|_| (0.0..=1.0).contains(&random())));
        assert_ne!(random(), random());
    }

    #[test]
    fn only_what_passes_is_tried_again() {
        for &reason in Reason::ALL {
            let passing = [Reason::QueueFull, Reason::QuotaExceeded, Reason::StoreUnavailable, Reason::NotReady];
            let passes = passing.contains(&reason);
            let error = Error::new(reason, "", "because");
            assert_eq!(status::status(&error).pause(), passes.then_some(PAUSE), "{reason:?}");
            assert_eq!(status::item_error(&error).pause(), passes.then_some(PAUSE), "{reason:?}");
            let told = Duration::from_millis(750);
            let error = error.retry_after(told);
            assert_eq!(status::status(&error).pause(), passes.then_some(told), "{reason:?}");
            assert_eq!(status::item_error(&error).pause(), passes.then_some(told), "{reason:?}");
        }
        let mut stranger = Status::unavailable("a proxy says so");
        assert_eq!(stranger.pause(), None);
        stranger.metadata_mut().insert("grpc-retry-pushback-ms", "40".parse().unwrap());
        assert_eq!(stranger.pause(), Some(Duration::from_millis(40)));
        stranger.metadata_mut().insert("grpc-retry-pushback-ms", "-1".parse().unwrap());
        assert_eq!(stranger.pause(), None, "which means never");
        assert_eq!(Status::invalid_argument("no").pause(), None);
    }

    #[tokio::test]
    async fn patience_ends_and_begins_anew() {
        let told = Duration::from_millis(20);
        let none = Patience::new(Duration::ZERO, 1, Arc::new(()));
        assert!(!none.wait(Duration::from_nanos(1), 0, 1).await);
        let some = Patience::new(told * 3, 8, Arc::new(()));
        let mut waits = 0;
        while some.wait(told, 0, 1).await {
            waits += 1;
        }
        assert!((1..=3).contains(&waits), "{waits}");
        some.served();
        assert!(some.wait(told, 0, 2).await, "whoever was served waits again");
        some.served();
        assert!(!some.wait(told * 4, 0, 1).await, "what is not worth waiting for is not waited for");
    }
}

//! Bounded admission: what does not fit is turned away at once, with a pause to wait.

use std::{sync::Arc, time::Duration};

use onespace_core::{
    Error, Reason, Result,
    limits::{ARRIVAL_WAIT_MS, QUEUE_WAIT_MS},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError};

/// How long one who is turned away should wait: a few batches' time.
pub const PAUSE: Duration = Duration::from_millis(200);

/// A bound on something that requests hold while they are worked on: their number, or their bytes.
#[derive(Clone, Debug)]
pub struct Admission {
    what: &'static str,
    limit: usize,
    permits: Arc<Semaphore>,
}

/// Held by what was admitted; dropping it makes room.
#[derive(Debug)]
pub struct Admitted(OwnedSemaphorePermit);

impl Admitted {
    /// Holds what `other` of the same bound holds, too.
    pub fn join(&mut self, other: Self) {
        self.0.merge(other.0);
    }
}

/// Permits count in units of this many bytes, because a semaphore counts no further than 32 bits.
const UNIT: usize = 1024;

impl Admission {
    /// At most `limit` requests at once; `what` names them in errors.
    #[must_use]
    pub fn requests(what: &'static str, limit: usize) -> Self {
        Self { what, limit, permits: Arc::new(Semaphore::new(limit)) }
    }

    /// At most `limit` bytes at once, counted in whole KiB.
    #[must_use]
    pub fn bytes(what: &'static str, limit: usize) -> Self {
        Self { what, limit, permits: Arc::new(Semaphore::new(limit.div_ceil(UNIT))) }
    }

    /// Admits one request.
    ///
    /// # Errors
    /// `QUEUE_FULL` when as many as the limit are at work.
    pub fn enter(&self) -> Result<Admitted> {
        self.take(1)
    }

    /// Admits so many bytes.
    ///
    /// # Errors
    /// `QUEUE_FULL` when they do not fit beside those at work.
    pub fn enter_bytes(&self, bytes: usize) -> Result<Admitted> {
        self.take(units(bytes))
    }

    /// As [`Self::enter_bytes`], for one who will wait otherwise: nothing is refused, nothing is counted.
    ///
    /// # Errors
    /// As [`Self::enter_bytes`].
    pub(crate) fn try_enter_bytes(&self, bytes: usize) -> Result<Admitted, TryAcquireError> {
        self.permits.clone().try_acquire_many_owned(units(bytes)).map(Admitted)
    }

    /// Waits a bounded time until so many bytes fit: for uploads, whose senders can be made to wait.
    ///
    /// # Errors
    /// `QUEUE_FULL` when they do not fit in time.
    pub async fn wait_bytes(&self, bytes: usize) -> Result<Admitted> {
        self.wait(bytes, QUEUE_WAIT_MS).await
    }

    /// As [`Self::wait_bytes`], for as long as it takes the work that others have handed in.
    ///
    /// # Errors
    /// `QUEUE_FULL` when they do not fit in time.
    pub async fn wait_for_room(&self, bytes: usize) -> Result<Admitted> {
        self.wait(bytes, ARRIVAL_WAIT_MS).await
    }

    async fn wait(&self, bytes: usize, milliseconds: usize) -> Result<Admitted> {
        let wait = Duration::from_millis(milliseconds as u64);
        match tokio::time::timeout(wait, self.permits.clone().acquire_many_owned(units(bytes))).await {
            Ok(Ok(permits)) => Ok(Admitted(permits)),
            Ok(Err(_)) | Err(_) => Err(self.full()),
        }
    }

    fn take(&self, units: u32) -> Result<Admitted> {
        self.permits.clone().try_acquire_many_owned(units).map(Admitted).map_err(|_| self.full())
    }

    fn full(&self) -> Error {
        metrics::counter!("onespace_rejected_total", "bound" => self.what).increment(1);
        Error::new(Reason::QueueFull, "", format!("{}: the limit of {} is reached", self.what, self.limit))
            .retry_after(PAUSE)
    }
}

fn units(bytes: usize) -> u32 {
    bytes.div_ceil(UNIT).try_into().unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_bound_turns_away_and_makes_room_again() {
        let bound = Admission::requests("requests", 1);
        let first = bound.enter().unwrap();
        let error = bound.enter().unwrap_err();
        assert_eq!((error.reason, error.retry_after), (Reason::QueueFull, Some(PAUSE)));
        drop(first);
        assert!(bound.enter().is_ok());
        assert!(Admission::bytes("bytes", 4096).enter_bytes(4097).is_err());
        assert!(Admission::bytes("bytes", 4096).enter_bytes(4096).is_ok());
    }
}

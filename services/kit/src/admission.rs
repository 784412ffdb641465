//! Bounded admission: what does not fit is turned away at once, with a pause to wait.

use std::{sync::Arc, time::Duration};

use onespace_core::{
    Error, Reason, Result,
    limits::{ARRIVAL_WAIT_MS, QUEUE_WAIT_MS},
};

use crate::shares::{Client, Held, Pool};

/// How long one who is turned away should wait: a few batches' time.
pub const PAUSE: Duration = Duration::from_millis(200);

/// A bound on something that requests hold while they are worked on: their number, or their bytes.
#[derive(Clone, Debug)]
pub struct Admission {
    what: &'static str,
    limit: usize,
    pool: Arc<Pool>,
    client: Option<Client>,
}

/// Held by what was admitted; dropping it makes room.
#[derive(Debug)]
pub struct Admitted(Held);

impl Admitted {
    /// Holds what `other` of the same bound holds, too.
    pub fn join(&mut self, other: Self) {
        self.0.join(other.0);
    }

    /// Gives back all but so many bytes.
    pub fn keep_bytes(&mut self, bytes: usize) {
        self.0.keep(units(bytes));
    }
}

/// Permits count in units of this many bytes, so that they fit 32 bits.
const UNIT: usize = 1024;

impl Admission {
    /// At most `limit` requests at once; `what` names them in errors.
    #[must_use]
    pub fn requests(what: &'static str, limit: usize) -> Self {
        Self { what, limit, pool: Pool::new(limit.try_into().unwrap_or(u32::MAX)), client: None }
    }

    /// At most `limit` bytes at once, counted in whole KiB.
    #[must_use]
    pub fn bytes(what: &'static str, limit: usize) -> Self {
        Self { what, limit, pool: Pool::new(units(limit)), client: None }
    }

    /// The same bound, from which a client takes: no more than half of it while others wait.
    #[must_use]
    pub fn shared_by(&self, client: Option<&Client>) -> Self {
        Self { client: client.cloned(), ..self.clone() }
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
    pub(crate) fn try_enter_bytes(&self, bytes: usize) -> Option<Admitted> {
        self.pool.take(self.client.as_ref(), units(bytes)).map(Admitted)
    }

    /// Waits a bounded time until so many bytes fit: for uploads, whose senders can be made to wait.
    ///
    /// # Errors
    /// `QUEUE_FULL` when they do not fit in time.
    pub async fn wait_bytes(&self, bytes: usize) -> Result<Admitted> {
        self.wait(units(bytes), QUEUE_WAIT_MS).await
    }

    /// As [`Self::wait_bytes`], for what grows: only whole KiB that are new are taken, however small the steps.
    ///
    /// # Errors
    /// As [`Self::wait_bytes`].
    pub async fn wait_growth(&self, before: usize, after: usize) -> Result<Option<Admitted>> {
        match units(after).saturating_sub(units(before)) {
            0 => Ok(None),
            more => self.wait(more, QUEUE_WAIT_MS).await.map(Some),
        }
    }

    /// As [`Self::wait_bytes`], for as long as it takes the work that others have handed in.
    ///
    /// # Errors
    /// `QUEUE_FULL` when they do not fit in time.
    pub async fn wait_for_room(&self, bytes: usize) -> Result<Admitted> {
        self.wait(units(bytes), ARRIVAL_WAIT_MS).await
    }

    async fn wait(&self, units: u32, milliseconds: usize) -> Result<Admitted> {
        if let Some(held) = self.pool.take(self.client.as_ref(), units) {
            return Ok(Admitted(held));
        }
        let wait = Duration::from_millis(milliseconds as u64);
        match tokio::time::timeout(wait, self.pool.wait(self.client.as_ref(), units)).await {
            Ok(Ok(held)) => Ok(Admitted(held)),
            Ok(Err(_)) | Err(_) => Err(self.full()),
        }
    }

    fn take(&self, units: u32) -> Result<Admitted> {
        self.pool.take(self.client.as_ref(), units).map(Admitted).ok_or_else(|| self.full())
    }

    fn full(&self) -> Error {
        metrics::counter!("onespace_rejected_total", "bound" => self.what).increment(1);
        let message = format!(
            "{}: the limit of {} is reached, or half of it by one client while others wait",
            self.what, self.limit
        );
        Error::new(Reason::QueueFull, "", message).retry_after(PAUSE)
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

    #[tokio::test]
    async fn what_grows_in_tiny_steps_takes_no_more_than_its_bytes() {
        let bound = Admission::bytes("bytes", 4096);
        let mut held = Vec::new();
        for size in 0..4096 {
            held.extend(bound.wait_growth(size, size + 1).await.unwrap());
        }
        assert_eq!(held.len(), 4);
        assert!(bound.wait_growth(4096, 4097).await.is_err());
    }
}

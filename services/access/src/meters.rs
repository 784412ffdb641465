//! What callers have taken of their quotas.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use onespace_core::{
    Error, Reason, Result,
    limits::{KEYS, TOKEN_CALLERS},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::quota::Quota;

/// How long a caller with too many calls at once should wait: about as long as one call takes.
const PAUSE: Duration = Duration::from_millis(200);

/// How long what has arrived too fast may take to be made up for before nothing more may begin.
const DEBT: Duration = Duration::from_secs(1);

/// When the meter of a caller without calls may be forgotten: all that a meter counts has come back within a second.
const FORGOTTEN: Duration = Duration::from_secs(2);

/// Something that comes back at a rate, up to what comes in a second. It may be overdrawn: what has arrived has.
#[derive(Debug)]
struct Bucket {
    rate: f64,
    level: f64,
    at: Instant,
}

impl Bucket {
    fn new(rate: f64, now: Instant) -> Self {
        Self { rate, level: rate, at: now }
    }

    fn fill(&mut self, now: Instant) {
        let came = now.saturating_duration_since(self.at).as_secs_f64() * self.rate;
        (self.level, self.at) = ((self.level + came).min(self.rate), now);
    }

    /// How long until so much is there.
    fn until(&self, amount: f64) -> Duration {
        Duration::try_from_secs_f64((amount - self.level).max(0.0) / self.rate).unwrap_or(Duration::MAX)
    }
}

/// What is left of the requests of this second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestsLeft {
    /// Of so many.
    pub limit: u32,
    /// Requests that may begin at once.
    pub remaining: u32,
    /// Seconds until all are back.
    pub reset: u64,
}

/// Held while a call goes on.
#[derive(Debug, Default)]
pub struct InUse(#[allow(dead_code)] Option<OwnedSemaphorePermit>);

/// What one caller has taken.
#[derive(Debug)]
pub struct Meter {
    quota: Quota,
    requests: Option<Mutex<Bucket>>,
    bytes: Option<Mutex<Bucket>>,
    calls: Option<Arc<Semaphore>>,
}

impl Meter {
    fn new(quota: Quota) -> Self {
        let bucket = |rate: f64| Mutex::new(Bucket::new(rate, Instant::now()));
        Self {
            quota,
            requests: quota.requests_per_second.map(f64::from).map(bucket),
            bytes: quota.bytes_per_second.map(|rate| bucket(rate as f64)),
            calls: quota.concurrency.map(|calls| Arc::new(Semaphore::new(calls as usize))),
        }
    }

    /// Takes one request, and a place among those at work.
    ///
    /// # Errors
    /// `QUOTA_EXCEEDED` naming the quota and a pause.
    pub fn begin(&self) -> Result<InUse> {
        let over = |name: &str, limit: u32, pause| {
            metrics::counter!("onespace_quota_exceeded_total", "quota" => name.to_owned()).increment(1);
            let message = format!("this caller's limit of {limit} is reached");
            Error::new(Reason::QuotaExceeded, format!("quota.{name}"), message).retry_after(pause)
        };
        if let Some(wait) = self.count_bytes(0).filter(|wait| *wait > DEBT) {
            let limit = u32::try_from(self.quota.bytes_per_second.unwrap_or_default()).unwrap_or(u32::MAX);
            return Err(over("bytes_per_second", limit, wait));
        }
        let permit = self.calls.as_ref().map(|calls| calls.clone().try_acquire_owned()).transpose();
        let permit = permit.map_err(|_| over("concurrency", self.quota.concurrency.unwrap_or_default(), PAUSE))?;
        if let Some(bucket) = &self.requests {
            let mut bucket = bucket.lock().unwrap_or_else(PoisonError::into_inner);
            bucket.fill(Instant::now());
            if bucket.level < 1.0 {
                let pause = bucket.until(1.0);
                return Err(over("requests_per_second", self.quota.requests_per_second.unwrap_or_default(), pause));
            }
            bucket.level -= 1.0;
        }
        Ok(InUse(permit))
    }

    /// What is left of the requests, where they are bounded.
    pub fn requests_left(&self) -> Option<RequestsLeft> {
        let mut bucket = self.requests.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner);
        bucket.fill(Instant::now());
        let reset = bucket.until(bucket.rate).as_secs_f64().ceil() as u64;
        let limit = self.quota.requests_per_second?;
        Some(RequestsLeft { limit, remaining: bucket.level.max(0.0) as u32, reset })
    }

    /// Counts bytes that have arrived, and says how long to wait before reading on.
    pub fn count_bytes(&self, bytes: usize) -> Option<Duration> {
        let mut bucket = self.bytes.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner);
        bucket.fill(Instant::now());
        bucket.level -= bytes as f64;
        Some(bucket.until(0.0)).filter(|wait| !wait.is_zero())
    }
}

/// The meters of all callers. A caller's meter goes on while files are read again.
#[derive(Debug, Default)]
pub struct Meters(Mutex<HashMap<String, (Arc<Meter>, Instant)>>);

impl Meters {
    /// The meter of a caller, which begins anew when its quota has changed.
    pub fn of(&self, id: &str, quota: Quota) -> Arc<Meter> {
        if quota == Quota::default() {
            return Arc::new(Meter::new(quota));
        }
        let mut meters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if meters.len() >= KEYS + TOKEN_CALLERS && !meters.contains_key(id) {
            // Of whoever has no call and none of late, everything has come back anyway.
            meters.retain(|_, (meter, used)| Arc::strong_count(meter) > 1 || now - *used < FORGOTTEN);
        }
        let entry = meters.entry(id.to_owned()).or_insert_with(|| (Arc::new(Meter::new(quota)), now));
        if entry.0.quota != quota {
            entry.0 = Arc::new(Meter::new(quota));
        }
        entry.1 = now;
        entry.0.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_and_calls_are_bounded_and_come_back() {
        let meter = Meter::new("requests=2,concurrency=1".parse().unwrap());
        let first = meter.begin().unwrap();
        let error = meter.begin().unwrap_err();
        assert_eq!((error.reason, error.field.as_str()), (Reason::QuotaExceeded, "quota.concurrency"));
        drop(first);
        drop(meter.begin().unwrap());
        let error = meter.begin().unwrap_err();
        assert_eq!(error.field, "quota.requests_per_second");
        assert!(error.retry_after.unwrap() <= Duration::from_millis(500));
        assert_eq!(meter.requests_left(), Some(RequestsLeft { limit: 2, remaining: 0, reset: 1 }));
    }

    #[test]
    fn bytes_that_come_too_fast_are_read_more_slowly() {
        let meter = Meter::new("bytes=100000".parse().unwrap());
        assert_eq!(meter.count_bytes(50_000), None);
        let wait = meter.count_bytes(150_000).unwrap();
        assert!((0.9..=1.0).contains(&wait.as_secs_f64()), "{wait:?}");
        assert!(meter.begin().is_ok());
        meter.count_bytes(150_000);
        assert_eq!(meter.begin().unwrap_err().field, "quota.bytes_per_second", "nothing begins in deep debt");
        assert_eq!(Meter::new(Quota::default()).count_bytes(usize::MAX), None);
    }

    #[test]
    fn a_callers_meter_is_kept_while_its_quota_stays() {
        let (meters, quota) = (Meters::default(), "requests=2".parse().unwrap());
        assert!(Arc::ptr_eq(&meters.of("a", quota), &meters.of("a", quota)));
        assert!(!Arc::ptr_eq(&meters.of("a", quota), &meters.of("b", quota)));
        let before = meters.of("a", quota);
        assert!(!Arc::ptr_eq(&before, &meters.of("a", "requests=3".parse().unwrap())));
    }
}

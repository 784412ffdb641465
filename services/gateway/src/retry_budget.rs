//! How many second attempts may be made: a share of all requests, so that an outage is not made worse by asking twice.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use onespace_core::limits::{RETRY_EXTRA, RETRY_PERCENT};

/// Over how many seconds requests and second attempts are counted.
const WINDOW: usize = 10;

/// What second attempts are taken from.
#[derive(Debug)]
pub struct RetryBudget {
    began: Instant,
    counts: Mutex<Counts>,
}

impl Default for RetryBudget {
    fn default() -> Self {
        Self { began: Instant::now(), counts: Mutex::default() }
    }
}

impl RetryBudget {
    /// Counts a request.
    pub fn request(&self) {
        self.counts().request(self.second());
    }

    /// Whether one more second attempt may be made; it counts as made then.
    #[must_use]
    pub fn take(&self) -> bool {
        self.counts().take(self.second())
    }

    fn second(&self) -> u64 {
        self.began.elapsed().as_secs()
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Requests and second attempts of the last seconds.
#[derive(Debug, Default)]
struct Counts(VecDeque<Second>);

#[derive(Clone, Copy, Debug, Default)]
struct Second {
    number: u64,
    requests: usize,
    retries: usize,
}

impl Counts {
    /// Begins a second, where it is not the present one; those that are too old are forgotten.
    fn begin(&mut self, number: u64) {
        let oldest = (number + 1).saturating_sub(WINDOW as u64);
        while self.0.front().is_some_and(|second| second.number < oldest) {
            self.0.pop_front();
        }
        let known = self.0.back().is_some_and(|second| second.number >= number);
        if !known {
            self.0.push_back(Second { number, ..Second::default() });
        }
    }

    fn request(&mut self, number: u64) {
        self.begin(number);
        if let Some(now) = self.0.back_mut() {
            now.requests += 1;
        }
    }

    fn take(&mut self, number: u64) -> bool {
        self.begin(number);
        let requests: usize = self.0.iter().map(|second| second.requests).sum();
        let retries: usize = self.0.iter().map(|second| second.retries).sum();
        let allowed = retries < requests * RETRY_PERCENT / 100 + RETRY_EXTRA * WINDOW;
        if let Some(now) = self.0.back_mut().filter(|_| allowed) {
            now.retries += 1;
        }
        allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenth_of_the_requests_and_three_a_second_may_be_tried_again() {
        let mut counts = Counts::default();
        let allowed = |counts: &mut Counts, second: u64| (0..10_000).filter(|_| counts.take(second)).count();
        assert_eq!(allowed(&mut counts, 0), RETRY_EXTRA * WINDOW);
        (0..1_000).for_each(|_| counts.request(0));
        assert_eq!(allowed(&mut counts, 0), 1_000 * RETRY_PERCENT / 100);
        assert_eq!(allowed(&mut counts, WINDOW as u64 - 1), 0, "what was spent comes back with its second");
        assert_eq!(allowed(&mut counts, WINDOW as u64), RETRY_EXTRA * WINDOW);
    }
}

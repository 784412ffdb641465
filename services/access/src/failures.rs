//! Failed attempts to be let in, counted for each address. Over the limit tokens are no longer looked at, which takes
//! a signature each, and failures no longer written down. Keys still are: nobody guesses 256 bits, and a caller whose
//! key is good is let in however many others fail at the same address, which may be a proxy's.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use onespace_core::limits::{FAILED_ATTEMPTS, FAILING_ADDRESSES};

use crate::network::network;

/// How long until one more attempt comes back.
const COMES_BACK: Duration = Duration::from_secs(1);

/// Attempts that have failed and have not come back yet, and when they were counted.
#[derive(Clone, Copy, Debug)]
struct Failed {
    attempts: f64,
    at: Instant,
}

impl Failed {
    fn at(self, now: Instant) -> Self {
        let back = now.saturating_duration_since(self.at).as_secs_f64() / COMES_BACK.as_secs_f64();
        Self { attempts: (self.attempts - back).max(0.0), at: now }
    }
}

/// Failed attempts by address. Of IPv6 it is the network (/64): one host may have every address of it.
#[derive(Debug, Default)]
pub struct Failures(Mutex<HashMap<IpAddr, Failed>>);

impl Failures {
    /// Counts a failure of an address; with too many of late, how long it should wait.
    pub fn count(&self, address: IpAddr, now: Instant) -> Option<Duration> {
        let address = network(address);
        let mut failed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if failed.len() >= FAILING_ADDRESSES && !failed.contains_key(&address) {
            failed.retain(|_, failed| failed.at(now).attempts > 0.0);
            let oldest = failed.iter().min_by_key(|(_, failed)| failed.at).map(|(address, _)| *address);
            if failed.len() >= FAILING_ADDRESSES {
                oldest.map(|oldest| failed.remove(&oldest));
            }
        }
        let of_address = failed.entry(address).or_insert(Failed { attempts: 0.0, at: now });
        let counted = of_address.at(now);
        let over = counted.attempts + 1.0 > FAILED_ATTEMPTS as f64;
        // Those that are turned away are not added: the address is free again in FAILED_ATTEMPTS seconds at most.
        *of_address = if over { counted } else { Failed { attempts: counted.attempts + 1.0, ..counted } };
        over.then_some(COMES_BACK)
    }

    /// Whether an address has failed too often of late.
    pub fn too_many(&self, address: IpAddr, now: Instant) -> bool {
        let failed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        failed.get(&network(address)).is_some_and(|failed| failed.at(now).attempts + 1.0 > FAILED_ATTEMPTS as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_fails_too_often_waits_and_others_do_not() {
        let (failures, now) = (Failures::default(), Instant::now());
        let (one, other) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        for _ in 0..FAILED_ATTEMPTS {
            assert_eq!(failures.count(one, now), None);
        }
        assert_eq!(failures.count(one, now), Some(COMES_BACK));
        assert!(failures.too_many(one, now) && !failures.too_many(other, now));
        assert_eq!(failures.count(other, now), None);
        assert_eq!(failures.count(one, now + COMES_BACK), None);
        assert_eq!(failures.count(one, now + COMES_BACK), Some(COMES_BACK));
    }

    #[test]
    fn addresses_are_bounded() {
        let (failures, now) = (Failures::default(), Instant::now());
        for number in 0..u32::try_from(FAILING_ADDRESSES + 10).unwrap() {
            failures.count(IpAddr::from(number.to_be_bytes()), now);
        }
        assert!(failures.0.lock().unwrap().len() <= FAILING_ADDRESSES);
    }
}

//! What may share a run.

use crate::{batch::Key, policy::Policy};

/// Collects what may share a run.
pub(crate) struct Bucket<'a> {
    policy: &'a Policy,
    key: Key,
    /// Those that it admitted.
    pub samples: usize,
    /// Their input values.
    pub values: usize,
    /// Whether it admits no more.
    pub full: bool,
}

impl<'a> Bucket<'a> {
    pub fn new(policy: &'a Policy, key: Key) -> Self {
        Self { policy, key, samples: 0, values: 0, full: false }
    }

    /// Whether a sample of so many input values goes with the others.
    pub fn admits(&mut self, key: &Key, values: usize) -> bool {
        if *key != self.key || self.full {
            return false;
        }
        let values = self.values + values;
        if self.samples > 0 && values > self.policy.values {
            self.full = true;
            return false;
        }
        self.samples += 1;
        self.values = values;
        self.full = self.samples >= self.policy.samples;
        true
    }
}

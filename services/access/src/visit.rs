//! One call of a caller, from the moment it is let in until nobody works on it any more.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use tonic::Status;

use crate::{about::About, audit::Audit, meters::InUse, record::Record};

/// A call. Work that outlives its answer holds it too; when the last one lets go, its caller's place is free and it is
/// written down.
#[derive(Debug)]
pub struct Visit {
    began: Instant,
    /// What is written down; nothing where nobody keeps an audit log.
    record: Option<(Mutex<Record>, Audit)>,
    about: Mutex<About>,
    bytes: AtomicU64,
    _in_use: InUse,
}

impl Visit {
    /// A call that begins now. If nobody says how it ended, it was broken off.
    pub fn new(record: Option<(Record, Audit)>, in_use: InUse) -> Self {
        let broken_off =
            |(record, audit): (Record, Audit)| (Mutex::new(record.ended(&Status::cancelled("broken off"))), audit);
        Self {
            began: Instant::now(),
            record: record.map(broken_off),
            about: Mutex::default(),
            bytes: AtomicU64::new(0),
            _in_use: in_use,
        }
    }

    /// Notes how it ended; what is said last counts.
    pub fn ended(&self, status: &Status) {
        if let Some((record, _)) = &self.record {
            let mut record = record.lock().unwrap_or_else(PoisonError::into_inner);
            *record = record.clone().ended(status);
        }
    }

    /// Notes bytes of its request.
    pub fn arrived(&self, bytes: usize) {
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Notes what it is about.
    pub fn note(&self, note: impl FnOnce(&mut About)) {
        note(&mut self.about.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        let Some((record, audit)) = &self.record else { return };
        let record = record.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let about = self.about.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let milliseconds = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        audit.write(&record.about(about, self.bytes.load(Ordering::Relaxed), milliseconds));
    }
}

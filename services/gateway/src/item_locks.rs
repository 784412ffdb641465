//! One writer for an item at a time: the same item, sent twice at once, is embedded once.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use onespace_core::{CollectionRef, ItemId, limits::INGEST_IN_FLIGHT};

type Key = (CollectionRef, ItemId);

/// Locks on items that are being written.
#[derive(Default)]
pub struct ItemLocks(Mutex<HashMap<Key, Weak<tokio::sync::Mutex<()>>>>);

impl ItemLocks {
    /// The lock of an item; whoever holds it writes.
    pub fn get(&self, collection: &CollectionRef, item: &ItemId) -> Arc<tokio::sync::Mutex<()>> {
        let key = (collection.clone(), item.clone());
        let mut locks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if locks.len() > 4 * INGEST_IN_FLIGHT {
            locks.retain(|_, lock| lock.strong_count() > 0);
        }
        if let Some(lock) = locks.get(&key).and_then(Weak::upgrade) {
            return lock;
        }
        let lock = Arc::new(tokio::sync::Mutex::new(()));
        locks.insert(key, Arc::downgrade(&lock));
        lock
    }
}

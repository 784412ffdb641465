//! Looks at every point of a store that was opened, in the background.
//!
//! Opening reads no vectors and few payloads, and a point that a filter no longer finds is never read: its damage would
//! come to light only where somebody asks for it by its name.

use std::{
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Instant,
};

use super::{shard::Shard, shared::Shared};

/// A thread that looks at points. It ends when this is dropped.
#[derive(Debug)]
pub(super) struct Patrol {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Patrol {
    /// Starts looking at what is open; none where there is nothing, or no thread to be had.
    pub(super) fn start(shared: &Shared) -> Option<Self> {
        let shards = shared.shards();
        if shards.is_empty() {
            return None;
        }
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let work = move || shards.iter().for_each(|shard| look_over(shard, &stopped));
        match thread::Builder::new().name("patrol".to_owned()).spawn(work) {
            Ok(thread) => Some(Self { stop, thread: Some(thread) }),
            Err(error) => {
                tracing::warn!(%error, "no thread to look at what is stored");
                None
            }
        }
    }
}

impl Drop for Patrol {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            drop(thread.join());
        }
    }
}

fn look_over(shard: &Weak<Shard>, stop: &AtomicBool) {
    let mut from = None;
    while !stop.load(Ordering::Acquire) {
        let Some(shard) = shard.upgrade() else { return };
        let began = Instant::now();
        match shard.engine.look_over(from) {
            Ok((_, Some(next))) => from = Some(next),
            Ok((_, None)) => return,
            Err(error) => {
                let collection = shard.engine.description().physical();
                tracing::warn!(%error, collection, "its points cannot be looked at");
                return;
            }
        }
        drop(shard);
        // Half of one core at most, whatever else is to be done.
        thread::park_timeout(began.elapsed());
    }
}

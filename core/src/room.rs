//! Room for what media decode to, taken on the threads that decode: a file of 35 bytes may hold 50 million pixels.

use std::{
    collections::VecDeque,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::error::Result;

/// How often whoever waits looks whether anybody still waits for it.
const LOOK: Duration = Duration::from_millis(20);

/// So many bytes, for whoever comes first.
#[derive(Debug)]
pub struct Room {
    most: usize,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    free: usize,
    /// The numbers of those who wait; the first goes first, however much it needs.
    queue: VecDeque<u64>,
    next: u64,
}

/// Room that is held until this is dropped.
#[derive(Debug)]
pub struct HeldRoom {
    room: Arc<Room>,
    bytes: usize,
}

impl Room {
    /// Room for so many bytes.
    #[must_use]
    pub fn new(most: usize) -> Arc<Self> {
        let state = Mutex::new(State { free: most, queue: VecDeque::new(), next: 0 });
        Arc::new(Self { most, state, changed: Condvar::new() })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until there is room for so many bytes; what takes more than all gets all. Blocks; `is_wanted` is asked now
    /// and then whether to go on.
    ///
    /// # Errors
    /// What `is_wanted` says.
    pub fn hold(self: &Arc<Self>, bytes: usize, is_wanted: impl Fn() -> Result<()>) -> Result<HeldRoom> {
        let bytes = bytes.min(self.most);
        let mut state = self.lock();
        let number = state.next;
        state.next += 1;
        state.queue.push_back(number);
        while state.queue.front() != Some(&number) || state.free < bytes {
            if let Err(over) = is_wanted() {
                state.queue.retain(|waiting| *waiting != number);
                drop(state);
                self.changed.notify_all();
                return Err(over);
            }
            state = self.changed.wait_timeout(state, LOOK).unwrap_or_else(PoisonError::into_inner).0;
        }
        state.queue.pop_front();
        state.free -= bytes;
        drop(state);
        self.changed.notify_all();
        Ok(HeldRoom { room: self.clone(), bytes })
    }
}

impl Drop for HeldRoom {
    fn drop(&mut self) {
        self.room.lock().free += self.bytes;
        self.room.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc, thread};

    use super::*;
    use crate::{Deadline, Reason};

    #[test]
    fn room_is_waited_for_in_turn_and_as_long_as_anybody_waits() {
        let room = Room::new(100);
        let first = room.hold(60, || Ok(())).unwrap();
        let short = Deadline::after(Duration::from_millis(50));
        assert_eq!(room.hold(60, || short.check("in a test")).unwrap_err().reason, Reason::DeadlineExceeded);
        let (told, tells) = mpsc::channel();
        let large = thread::spawn({
            let (room, told) = (room.clone(), told.clone());
            move || {
                let _all = room.hold(1000, || Ok(())).unwrap();
                told.send("large").unwrap();
            }
        });
        while room.lock().queue.is_empty() {
            thread::sleep(Duration::from_millis(1));
        }
        let small = thread::spawn({
            let room = room.clone();
            move || {
                let _some = room.hold(10, || Ok(())).unwrap();
                told.send("small").unwrap();
            }
        });
        assert!(
            tells.recv_timeout(Duration::from_millis(100)).is_err(),
            "there is room for the small one, not its turn"
        );
        drop(first);
        assert_eq!(tells.iter().collect::<Vec<_>>(), ["large", "small"]);
        large.join().unwrap();
        small.join().unwrap();
        assert_eq!(room.lock().free, 100);
    }
}

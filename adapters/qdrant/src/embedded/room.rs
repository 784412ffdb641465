//! How much room the disk of the store has left, and what is kept of it.
//!
//! The engine maps its files, and a mapped page that the disk has no block for ends the process. So nothing is
//! begun that the disk may not have room for: writes leave a reserve, an optimisation is promised what it copies,
//! and a spare file is given up where a full disk has to be opened, closed or tidied.

use std::{
    fs::{self, File},
    io::{self, ErrorKind},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use onespace_core::{
    Error, Reason, Result,
    limits::{STORE_RESERVE_MAX, STORE_RESERVE_MIN, STORE_RESERVE_PERCENT, STORE_SPARE_BYTES},
};
use rustix::fs::{FallocateFlags, fallocate, statvfs};

use super::fault::failed;

/// The file that is held to be given up.
const SPARE: &str = "spare";
const SPARE_BYTES: u64 = STORE_SPARE_BYTES as u64;
/// How long whoever was refused should wait: people make room, not machines.
const PAUSE: Duration = Duration::from_secs(5);

/// The room on the disk of one store.
#[derive(Debug)]
pub(super) struct Room {
    root: PathBuf,
    reserve: u64,
    kept: Mutex<Kept>,
}

#[derive(Debug)]
struct Kept {
    /// Whether the spare file is there.
    spare: bool,
    /// What optimisations under way may still write.
    promised: u64,
}

/// Room that an optimisation may use up, until it is dropped.
#[derive(Debug)]
pub(super) struct Promise {
    room: Arc<Room>,
    bytes: u64,
}

impl Room {
    /// Looks at the disk of a store's directory.
    ///
    /// # Errors
    /// Those of the file system.
    pub(super) fn new(root: &Path) -> io::Result<Self> {
        let disk = statvfs(root)?;
        let share = disk.f_blocks.saturating_mul(disk.f_frsize) / 100 * STORE_RESERVE_PERCENT as u64;
        let reserve = share.clamp(STORE_RESERVE_MIN as u64, STORE_RESERVE_MAX as u64);
        let spare = fs::metadata(root.join(SPARE)).is_ok_and(|spare| spare.len() == SPARE_BYTES);
        Ok(Self { root: root.to_owned(), reserve, kept: Mutex::new(Kept { spare, promised: 0 }) })
    }

    /// As [`Self::new`], on a disk that leaves too little for any write.
    ///
    /// # Errors
    /// Those of the file system.
    #[cfg(test)]
    pub(super) fn full(root: &Path) -> io::Result<Self> {
        let mut room = Self::new(root)?;
        room.reserve = u64::MAX / 2;
        Ok(room)
    }

    /// Bytes that this process may still write.
    ///
    /// # Errors
    /// Those of the file system.
    pub(super) fn free(&self) -> io::Result<u64> {
        let disk = statvfs(&self.root)?;
        Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
    }

    /// Whether `more` bytes can be written and the reserve be left.
    ///
    /// # Errors
    /// `STORE_FULL` with what is free and what is needed.
    pub(super) fn check(&self, more: u64) -> Result<()> {
        self.within(&mut self.kept(), more)
    }

    /// As [`Self::check`], and keeps others from using that room.
    ///
    /// # Errors
    /// `STORE_FULL`.
    pub(super) fn promise(self: &Arc<Self>, bytes: u64) -> Result<Promise> {
        let mut kept = self.kept();
        self.within(&mut kept, bytes)?;
        kept.promised += bytes;
        Ok(Promise { room: self.clone(), bytes })
    }

    fn within(&self, kept: &mut Kept, more: u64) -> Result<()> {
        let free = self.free().map_err(|error| failed("ask for the room on its disk", error))?;
        let needed = self.reserve.saturating_add(kept.promised).saturating_add(more);
        let spare = if kept.spare { 0 } else { SPARE_BYTES };
        if free < needed.saturating_add(spare) {
            return Err(full(free, needed.saturating_add(spare)));
        }
        self.hold(kept);
        Ok(())
    }

    /// Whether so many bytes are free, reserve or not.
    ///
    /// # Errors
    /// `STORE_FULL`.
    pub(super) fn has(&self, bytes: u64) -> Result<()> {
        let free = self.free().map_err(|error| failed("ask for the room on its disk", error))?;
        if free < bytes { Err(full(free, bytes)) } else { Ok(()) }
    }

    /// Gives up the spare file where the disk is all but full.
    pub(super) fn lend(&self) {
        let mut kept = self.kept();
        if kept.spare && self.free().is_ok_and(|free| free < SPARE_BYTES) {
            kept.spare = false;
            match fs::remove_file(self.root.join(SPARE)) {
                Ok(()) => tracing::warn!(bytes = SPARE_BYTES, "the disk is full: gave up the spare file"),
                Err(error) => tracing::error!(%error, "the disk is full and the spare file cannot be given up"),
            }
        }
    }

    /// Holds the spare file again where there is room for it.
    pub(super) fn settle(&self) {
        self.hold(&mut self.kept());
    }

    fn hold(&self, kept: &mut Kept) {
        if kept.spare || !self.free().is_ok_and(|free| free >= SPARE_BYTES) {
            return;
        }
        let path = self.root.join(SPARE);
        let made = File::create(&path).and_then(|file| {
            match fallocate(&file, FallocateFlags::empty(), 0, SPARE_BYTES).map_err(io::Error::from) {
                // A disk that allocates nothing in advance has nothing to be given up either.
                Err(error) if error.kind() == ErrorKind::Unsupported => file.set_len(SPARE_BYTES),
                made => made,
            }
        });
        kept.spare = made.is_ok();
        if let Err(error) = made {
            tracing::warn!(%error, "no room for the spare file");
            drop(fs::remove_file(path));
        }
    }

    /// What came of something that needed room.
    pub(super) fn error(&self, what: &str, error: io::Error) -> Error {
        match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
                self.check(0).err().unwrap_or_else(|| full(self.free().unwrap_or(0), self.reserve))
            }
            _ => failed(what, error),
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        // What was given up to close the store is needed again to open it.
        self.settle();
    }
}

impl Drop for Promise {
    fn drop(&mut self) {
        let mut kept = self.room.kept();
        kept.promised = kept.promised.saturating_sub(self.bytes);
    }
}

fn full(free: u64, needed: u64) -> Error {
    let message = format!("the disk of the store is full: {free} bytes are free, {needed} are needed");
    let message = message + "; make room there or delete a collection";
    Error::new(Reason::StoreFull, "", message).retry_after(PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_promised_is_nobody_elses() {
        let directory = tempfile::tempdir().unwrap();
        let room = Arc::new(Room::new(directory.path()).unwrap());
        room.check(0).unwrap();
        assert_eq!(fs::metadata(directory.path().join(SPARE)).unwrap().len(), SPARE_BYTES, "the spare file is there");
        // More than half of what is there, twice: others write to this disk too.
        let most = (room.free().unwrap() - room.reserve) / 5 * 3;
        let promise = room.promise(most).unwrap();
        let error = room.check(most).unwrap_err();
        assert_eq!(error.reason, Reason::StoreFull);
        assert!(error.retry_after.is_some() && error.message.contains("bytes are free"), "{error}");
        drop(promise);
        room.check(most).unwrap();
        drop(room);
        assert!(Room::new(directory.path()).unwrap().kept().spare, "it is found again");
    }
}

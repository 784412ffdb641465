//! Blocks on the disk for what the engine maps, before it touches them.
//!
//! The engine makes its files as holes of their final size and maps them. A page of a hole gets its block when it is
//! first written to, and where the disk has none left the process is killed (SIGBUS). Here files get their blocks
//! in advance, so that a full disk is an error of ours:
//!
//! - pages of payloads, chunks of vectors and the engine's log (`page_*`, `chunk_*`, `open-*`, `closed-*`; 4 to
//!   32 MiB each) are filled from their start: they have blocks for what they hold and for some way on;
//! - all others are small, and have blocks for their whole length;
//! - on tmpfs, where reading a hole takes a page as well, and the engine reads whole chunks when it opens them,
//!   every file has.
//!
//! So an empty collection takes 24 MiB of the 100 its files seem to have, on tmpfs all of them.
//!
//! A file that the engine makes within a call has no blocks until that call is over. What writes leave free
//! ([`super::room`]) covers it, unless another process takes all of that in these milliseconds.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, ErrorKind},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::Once,
};

use onespace_core::Result;
use rustix::{
    fs::{FallocateFlags, SeekFrom, fallocate, seek, statfs},
    io::Errno,
};

use super::room::Room;

/// Names of files that are filled from their start.
const FILLED_IN_ORDER: [&str; 4] = ["page_", "chunk_", "open-", "closed-"];
/// What such a file has beyond what is asked for, so that it is not looked at for every write.
const BEYOND: u64 = 1024 * 1024;
/// What statfs calls a tmpfs.
const TMPFS: i128 = 0x0102_1994;
/// What `st_blocks` counts.
const BLOCK: u64 = 512;

/// The blocks of one folder's files, as far as they are known.
#[derive(Debug)]
pub(super) struct Blocks {
    folder: PathBuf,
    /// Files and up to where they have blocks.
    known: BTreeMap<PathBuf, u64>,
    /// What all of them took when they were last looked at.
    taken: u64,
    whole: bool,
}

/// What a file lacks.
struct Lack {
    path: PathBuf,
    until: u64,
    bytes: u64,
}

impl Blocks {
    /// Of the files below a folder; none is looked at yet.
    pub(super) fn below(folder: &Path) -> Self {
        let whole = statfs(folder).is_ok_and(|disk| i128::from(disk.f_type) == TMPFS);
        Self { folder: folder.to_owned(), known: BTreeMap::new(), taken: 0, whole }
    }

    /// Bytes on the disk, as of the last [`Self::allocate`].
    pub(super) fn taken(&self) -> u64 {
        self.taken
    }

    /// Lets every file have blocks for what it holds and `ahead` bytes more, and leaves `others` bytes to whoever
    /// writes at this moment.
    ///
    /// # Errors
    /// `STORE_FULL` when there is no room; `STORE_FAILED`.
    pub(super) fn allocate(&mut self, ahead: u64, room: &Room, others: u64) -> Result<()> {
        let failing = |error| room.error("allocate its files", error);
        let lacks = self.lacks(ahead).map_err(failing)?;
        let bytes: u64 = lacks.iter().map(|lack| lack.bytes).sum();
        if bytes > 0 {
            room.has(bytes.saturating_add(others))?;
        }
        for Lack { path, until, .. } in lacks {
            give(&path, until).map_err(failing)?;
            self.known.insert(path, until);
        }
        Ok(())
    }

    fn lacks(&mut self, ahead: u64) -> io::Result<Vec<Lack>> {
        let (mut found, mut lacks, mut taken) = (BTreeMap::new(), Vec::new(), 0);
        files(&self.folder, &mut |path, metadata| {
            taken += metadata.blocks() * BLOCK;
            let has = self.known.get(&path).copied().unwrap_or(0);
            let until = self.wanted(&path, metadata.len(), has, ahead)?;
            if until > has {
                let bytes = until - has.max(metadata.blocks() * BLOCK).min(until);
                lacks.push(Lack { path: path.clone(), until, bytes });
            }
            found.insert(path, has.min(metadata.len()));
            Ok(())
        })?;
        (self.known, self.taken) = (found, taken);
        Ok(lacks)
    }

    /// Up to where a file of this length should have blocks.
    fn wanted(&self, path: &Path, length: u64, has: u64, ahead: u64) -> io::Result<u64> {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if self.whole || !FILLED_IN_ORDER.iter().any(|start| name.starts_with(start)) || has >= length {
            return Ok(length);
        }
        match end_of_data(path, length) {
            Ok(end) if has >= end.saturating_add(ahead).min(length) && has > 0 => Ok(has),
            Ok(end) => Ok(end.saturating_add(ahead).saturating_add(BEYOND).min(length)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(has),
            Err(error) => Err(error),
        }
    }
}

/// Every file below a folder; one that goes away meanwhile is left out.
fn files(folder: &Path, each: &mut impl FnMut(PathBuf, &fs::Metadata) -> io::Result<()>) -> io::Result<()> {
    let Some(entries) = there(fs::read_dir(folder))? else { return Ok(()) };
    for entry in entries {
        let Some(entry) = there(entry)? else { continue };
        let Some(metadata) = there(entry.metadata())? else { continue };
        if metadata.is_dir() {
            files(&entry.path(), each)?;
        } else if metadata.is_file() {
            each(entry.path(), &metadata)?;
        }
    }
    Ok(())
}

fn there<T>(found: io::Result<T>) -> io::Result<Option<T>> {
    match found {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        found => found.map(Some),
    }
}

/// Where the last data of a file ends; its length where the disk tells nothing of holes.
fn end_of_data(path: &Path, length: u64) -> io::Result<u64> {
    let file = File::open(path)?;
    let mut end = 0;
    while end < length {
        match seek(&file, SeekFrom::Data(end)) {
            Ok(data) => end = seek(&file, SeekFrom::Hole(data))?,
            Err(Errno::NXIO) => return Ok(end),
            Err(Errno::INVAL | Errno::OPNOTSUPP) => return Ok(length),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(length)
}

/// Gives a file blocks up to there; what it holds and its length stay.
fn give(path: &Path, until: u64) -> io::Result<()> {
    static WARNED: Once = Once::new();
    let Some(file) = there(File::options().write(true).open(path))? else { return Ok(()) };
    loop {
        match fallocate(&file, FallocateFlags::KEEP_SIZE, 0, until) {
            Err(Errno::INTR) => {}
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => {
                let why = "the disk of the store allocates nothing in advance: filling it up can end this process";
                WARNED.call_once(|| tracing::warn!("{why}"));
                return Ok(());
            }
            given => return Ok(given?),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::FileExt;

    use super::*;

    const MIB: u64 = 1024 * 1024;

    #[test]
    fn files_have_blocks_before_they_are_touched_and_keep_what_they_hold() {
        let directory = tempfile::tempdir().unwrap();
        let folder = directory.path().join("segments/one");
        fs::create_dir_all(&folder).unwrap();
        let make = |name: &str, length: u64| {
            let mut options = File::options();
            let file = options.read(true).write(true).create_new(true).open(folder.join(name)).unwrap();
            file.set_len(length).unwrap();
            file.write_all_at(b"something", MIB).unwrap();
            file
        };
        let (page, flags) = (make("page_0.dat", 32 * MIB), make("flags.dat", 2 * MIB));
        let takes = |file: &File| file.metadata().unwrap().blocks() * BLOCK;
        assert!(takes(&page) < MIB && takes(&flags) < MIB, "this disk has no holes");

        let room = Room::new(directory.path()).unwrap();
        let mut blocks = Blocks::below(directory.path());
        blocks.allocate(4 * MIB, &room, 0).unwrap();
        assert!(takes(&flags) >= 2 * MIB);
        // What it holds, what is asked for, what comes beyond; no more.
        let (least, most) = (5 * MIB, if blocks.whole { 33 * MIB } else { 7 * MIB });
        assert!((least..most).contains(&takes(&page)), "{} bytes", takes(&page));
        let mut held = [0; 9];
        page.read_exact_at(&mut held, MIB).unwrap();
        assert_eq!((&held, page.metadata().unwrap().len()), (b"something", 32 * MIB));

        // Blocks that hold nothing yet are blocks ahead.
        let before = takes(&page);
        blocks.allocate(4 * MIB, &room, 0).unwrap();
        assert_eq!(takes(&page), before);
        page.write_all_at(b"more", 5 * MIB).unwrap();
        blocks.allocate(4 * MIB, &room, 0).unwrap();
        assert!(takes(&page) >= 9 * MIB, "{} bytes", takes(&page));
        flags.set_len(3 * MIB).unwrap();
        blocks.allocate(0, &room, 0).unwrap();
        assert!(takes(&flags) >= 3 * MIB, "a file that grew");
        assert!(blocks.taken() >= 11 * MIB);
    }

    #[test]
    fn what_does_not_fit_is_refused_before_it_is_begun() {
        let directory = tempfile::tempdir().unwrap();
        let file = File::create(directory.path().join("flags.dat")).unwrap();
        file.set_len(1 << 42).unwrap();
        let room = Room::new(directory.path()).unwrap();
        let error = Blocks::below(directory.path()).allocate(0, &room, 0).unwrap_err();
        assert_eq!(error.reason, onespace_core::Reason::StoreFull);
        assert!(error.message.contains(&(1_u64 << 42).to_string()), "{error}");
        assert_eq!(file.metadata().unwrap().blocks(), 0);
    }
}

//! One file from the hub into the cache: from where an earlier pull left off, whole, and with the right digest.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read, Seek, SeekFrom, Write},
    path::Path,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Error, anyhow};
use onespace_core::bytes::hex;
use sha2::{Digest, Sha256};

use crate::{
    cache::Cache,
    event::{Event, Progress},
    hub::{BlobInfo, Hub, RepoRevision},
    refusal::{Failure, disk},
};

/// How often a file is asked for again in vain, one after the other. What brings bytes is not in vain.
const ATTEMPTS: u32 = 5;
/// How much is read at once.
const READ: usize = 1 << 17;
/// How often progress is told.
const TELL: Duration = Duration::from_millis(200);

/// A file that is wanted.
pub struct RemoteFile<'a> {
    /// Its repository, at a commit.
    pub repo: &'a RepoRevision,
    /// Its path there.
    pub file: &'a str,
    /// The SHA-256 that it must have, where one is known.
    pub sha256: Option<&'a str>,
    /// What the hub says of it.
    pub info: &'a BlobInfo,
}

/// Brings a file into the cache and gives its SHA-256.
///
/// # Errors
/// What the hub refuses; a disk that is full; a digest that is wrong: what came is deleted.
pub fn fetch(hub: &Hub, cache: &Cache, remote: &RemoteFile<'_>, progress: &dyn Progress) -> Result<String, Error> {
    let (blob, part) = (cache.blob(remote.info), cache.incomplete(remote.info));
    let folder = blob.parent().unwrap_or(&blob);
    fs::create_dir_all(folder).map_err(|error| disk(&error, folder))?;
    let mut file = lock(&part, remote.file, progress)?;
    // Whoever held it may have finished it.
    let digest = if blob.is_file() {
        onespace_bundle::file_digest(&blob).map_err(|error| disk(&error, &blob))?
    } else {
        let digest = fill_up(hub, remote, &mut file, &part, progress)?;
        file.sync_all().map_err(|error| disk(&error, &part))?;
        digest
    };
    if let Some(expected) = remote.sha256.filter(|expected| !expected.eq_ignore_ascii_case(&digest)) {
        let _ = fs::remove_file(if blob.is_file() { &blob } else { &part });
        let file = remote.file;
        return Err(anyhow!("{file}: SHA-256 is {digest}, but {expected} is expected; what came has been deleted"));
    }
    if blob.is_file() {
        let _ = fs::remove_file(&part);
    } else {
        fs::rename(&part, &blob).map_err(|error| disk(&error, &blob))?;
    }
    cache.point(&remote.repo.revision, remote.file, remote.info)?;
    progress.tell(&Event::Fetched { file: remote.file, bytes: remote.info.bytes, sha256: &digest });
    Ok(digest)
}

/// Opens the part that is there, or none, for this process alone.
fn lock(part: &Path, name: &str, progress: &dyn Progress) -> Result<File, Error> {
    let options = || OpenOptions::new().read(true).write(true).create(true).truncate(false).open(part);
    loop {
        let file = options().map_err(|error| disk(&error, part))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                progress.tell(&Event::Waiting { file: name });
                file.lock().map_err(|error| disk(&error, part))?;
            }
            Err(TryLockError::Error(error)) => return Err(disk(&error, part)),
        }
        // The one who held it may have renamed or deleted it: then this is not the file of that name any more.
        if same_file(&file, part) {
            return Ok(file);
        }
    }
}

fn same_file(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (file.metadata(), fs::metadata(path)) {
        (Ok(ours), Ok(there)) => (ours.dev(), ours.ino()) == (there.dev(), there.ino()),
        _ => false,
    }
}

/// Fills a part up, asking again where that may help, and gives the SHA-256 of the whole.
fn fill_up(
    hub: &Hub,
    remote: &RemoteFile<'_>,
    file: &mut File,
    part: &Path,
    progress: &dyn Progress,
) -> Result<String, Error> {
    let on_disk = |error: io::Error| disk(&error, part);
    let mut partial = PartialFile::resume(file, remote.info.bytes).map_err(on_disk)?;
    let mut left = ATTEMPTS;
    while partial.bytes < remote.info.bytes {
        let before = partial.bytes;
        progress.tell(&Event::Progress { file: remote.file, bytes: partial.bytes, of: remote.info.bytes });
        let Err(failure) = append(hub, remote, file, part, &mut partial, progress) else { continue };
        left = if partial.bytes > before { ATTEMPTS } else { left - 1 };
        match failure.again {
            Some(pause) if left > 0 => {
                let reason = &format!("{:#}", failure.error);
                progress.tell(&Event::Again { file: remote.file, reason, after_ms: pause.as_millis() });
                thread::sleep(pause);
            }
            _ => return Err(failure.error),
        }
    }
    progress.tell(&Event::Progress { file: remote.file, bytes: partial.bytes, of: remote.info.bytes });
    Ok(partial.digest())
}

/// What has come of a file.
struct PartialFile {
    bytes: u64,
    hasher: Sha256,
}

impl PartialFile {
    /// What an earlier pull left, unless it is more than the file has.
    fn resume(file: &mut File, most: u64) -> io::Result<Self> {
        let mut partial = Self { bytes: 0, hasher: Sha256::new() };
        if file.metadata()?.len() > most {
            file.set_len(0)?;
        }
        file.rewind()?;
        partial.bytes = io::copy(file, &mut partial.hasher)?;
        Ok(partial)
    }

    fn clear(&mut self, file: &mut File) -> io::Result<()> {
        file.set_len(0)?;
        file.seek(SeekFrom::Start(0))?;
        *self = Self { bytes: 0, hasher: Sha256::new() };
        Ok(())
    }

    fn digest(self) -> String {
        hex(&self.hasher.finalize())
    }
}

/// Appends what one answer of the hub brings.
fn append(
    hub: &Hub,
    remote: &RemoteFile<'_>,
    file: &mut File,
    part: &Path,
    partial: &mut PartialFile,
    progress: &dyn Progress,
) -> Result<(), Failure> {
    let on_disk = |error: io::Error| Failure::permanent(disk(&error, part));
    let (name, whole) = (remote.file, remote.info.bytes);
    let mut download = hub.download(remote.repo, name, remote.info, partial.bytes)?;
    if download.from != partial.bytes {
        partial.clear(file).map_err(on_disk)?;
    }
    let (mut buffer, mut told) = (vec![0; READ], Instant::now());
    loop {
        let read = match download.body.read(&mut buffer) {
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(Failure::transient(anyhow!("{name}: the hub fell silent: {error}"))),
        };
        let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else { break };
        if partial.bytes + read as u64 > whole {
            partial.clear(file).map_err(on_disk)?;
            return Err(Failure::permanent(anyhow!("{name}: the hub promised {whole} bytes and sends more")));
        }
        file.write_all(bytes).map_err(on_disk)?;
        partial.hasher.update(bytes);
        partial.bytes += read as u64;
        if told.elapsed() >= TELL {
            progress.tell(&Event::Progress { file: name, bytes: partial.bytes, of: whole });
            told = Instant::now();
        }
    }
    if partial.bytes < whole {
        let message = anyhow!("{name}: the hub promised {whole} bytes and sent {}", partial.bytes);
        return Err(Failure::transient(message));
    }
    Ok(())
}

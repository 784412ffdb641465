//! What a collection's files were when they were closed.
//!
//! Between a clean stop and the next start nobody changes them. So their lengths and digests are written down when they
//! are closed and looked at before they are opened again; the seal is broken first thing, so that after a kill there is
//! none. Vectors and payloads, which are large, have checksums of their own ([`super::sums`]): of their files the
//! length alone is looked at. The engine's own log is never read and left out.

use std::{
    ffi::OsStr,
    fs::{self, File},
    io::{self, ErrorKind, Write},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use rustix::{
    fs::{SeekFrom, seek},
    io::Errno,
};
use serde::{Deserialize, Serialize};

use super::{
    catalogue::sync_directory,
    inventory::INVENTORY,
    record::{next_body, record},
    tidy::{HALF_BUILT, SHARD},
};

/// The seal's file, inside the collection's folder.
const SEAL: &str = "sealed";
/// The folder of the engine's own log.
const LOG: &str = "wal";
/// Folders of vectors and payloads, and how the files in them begin that hold these.
const DATA: [(&str, &[&str]); 2] = [("vector_storage", &["chunk_", "matrix."]), ("payload_storage", &["page_"])];
/// What is read together.
const BLOCK: usize = 4096;

#[derive(Serialize, Deserialize)]
struct Seal {
    files: Vec<Sealed>,
}

#[derive(PartialEq, Serialize, Deserialize)]
struct Sealed {
    path: PathBuf,
    bytes: u64,
    /// Absent where points have checksums of their own.
    digest: Option<String>,
}

/// Seals the files of a collection that is closed. All of them reach the disk first.
///
/// # Errors
/// Those of the file system; then there is no seal.
pub(super) fn seal(folder: &Path) -> io::Result<()> {
    let mut files = Vec::new();
    for path in paths(folder)? {
        files.push(look(folder, path)?);
    }
    let bytes = record(serde_json::to_vec(&Seal { files })?)?;
    let beside = folder.join("sealed.new");
    let mut file = File::create(&beside)?;
    file.write_all(&bytes)?;
    file.sync_all()?;
    fs::rename(beside, folder.join(SEAL))?;
    sync_directory(folder)
}

/// The faults of a collection's files since they were sealed; none where there is no seal. Names are those within the
/// folder.
///
/// # Errors
/// Those of the file system.
pub(super) fn faults(folder: &Path) -> io::Result<Vec<String>> {
    let bytes = match fs::read(folder.join(SEAL)) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        read => read?,
    };
    let seal = next_body(&bytes).filter(|(_, rest)| rest.is_empty());
    let Some(seal) = seal.and_then(|(body, _)| serde_json::from_slice::<Seal>(body).ok()) else {
        // As after a kill: what is lost is missed all the same.
        tracing::warn!(folder = %folder.display(), "the seal of a collection is damaged: its files are not compared");
        return Ok(Vec::new());
    };
    let mut faults = Vec::new();
    for sealed in seal.files {
        let name = sealed.path.display().to_string();
        match look(folder, sealed.path.clone()) {
            Ok(found) if found == sealed => {}
            Ok(found) if found.bytes != sealed.bytes => {
                faults
                    .push(format!("{name}: it has {} bytes and had {} when it was closed", found.bytes, sealed.bytes));
            }
            Ok(_) => faults.push(format!("{name}: it was altered since it was closed")),
            Err(error) if error.kind() == ErrorKind::NotFound => faults.push(format!("{name}: it is gone")),
            Err(error) => return Err(error),
        }
    }
    Ok(faults)
}

/// Takes the seal away: from here on files change.
///
/// # Errors
/// Those of the file system.
pub(super) fn unseal(folder: &Path) -> io::Result<()> {
    match fs::remove_file(folder.join(SEAL)) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        removed => removed.and_then(|()| sync_directory(folder)),
    }
}

fn look(folder: &Path, path: PathBuf) -> io::Result<Sealed> {
    let file = File::open(folder.join(&path))?;
    file.sync_all()?;
    let digest = if is_data(&path) { None } else { Some(digest(&file)?) };
    Ok(Sealed { bytes: file.metadata()?.len(), path, digest })
}

fn is_data(path: &Path) -> bool {
    let named = |part: Option<&OsStr>, start: &str| part.is_some_and(|name| name.to_string_lossy().starts_with(start));
    let within = |start: &str| path.iter().any(|part| named(Some(part), start));
    DATA.iter().any(|(folder, files)| within(folder) && files.iter().any(|start| named(path.file_name(), start)))
}

/// The digest of what a file holds. Most files are mostly holes: zeros count for nothing, so that these are not read.
fn digest(file: &File) -> io::Result<String> {
    let (length, mut hasher) = (file.metadata()?.len(), blake3::Hasher::new());
    let (mut end, mut block) = (0, vec![0; BLOCK]);
    while end < length {
        let data = match seek(file, SeekFrom::Data(end)) {
            Ok(data) => data,
            Err(Errno::NXIO) => break,
            // This disk tells nothing of holes.
            Err(Errno::INVAL | Errno::OPNOTSUPP) => end,
            Err(error) => return Err(error.into()),
        };
        let hole = seek(file, SeekFrom::Hole(data)).unwrap_or(length);
        // Blocks begin where they would in any other copy of the file.
        end = end.max(data - data % BLOCK as u64);
        while end < hole.min(length) {
            let wanted = usize::try_from(length - end).map_or(BLOCK, |rest| rest.min(BLOCK));
            let Some(bytes) = block.get_mut(..wanted) else { break };
            file.read_exact_at(bytes, end)?;
            if bytes.iter().any(|byte| *byte != 0) {
                hasher.update(&end.to_le_bytes()).update(bytes);
            }
            end += wanted as u64;
        }
    }
    Ok(hasher.finalize().to_hex().to_string())
}

/// What is sealed, as paths within the folder.
fn paths(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let (mut found, mut folders) = (vec![PathBuf::from(INVENTORY)], vec![PathBuf::from(SHARD)]);
    while let Some(within) = folders.pop() {
        for entry in fs::read_dir(folder.join(&within))? {
            let entry = entry?;
            let path = within.join(entry.file_name());
            if !entry.file_type()?.is_dir() {
                found.push(path);
            } else if entry.file_name() != LOG && entry.file_name() != HALF_BUILT {
                folders.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

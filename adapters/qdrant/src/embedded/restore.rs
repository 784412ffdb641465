//! A backup becomes a data directory.

use std::{
    fs::{self, File},
    io::{self, BufReader},
    path::Path,
    sync::Arc,
    time::Duration,
};

use onespace_core::{CollectionRef, Error, Reason, Result, limits};

use super::{
    backup::{Backup, FORMAT, FileSum, Held, MANIFEST, Manifest},
    catalogue::sync_directory,
    fault::failed,
    journal::operation_of,
    record::read_body,
    shard::Place,
    shared::{COLLECTIONS, RESTORING, Shared, lock},
    verify::{Fault, verify},
};

/// How long to wait before looking again whether an index is done.
const LOCKED_RETRY: Duration = Duration::from_millis(200);

/// Makes a data directory of a backup, in a folder that is not there or empty; looks at every digest before and at
/// every point afterwards. Until all of that is done no server opens it. `progress` hears of each collection.
///
/// # Errors
/// `FIELD_INVALID` when the folder is not empty, or the backup is none or damaged, naming the file; `STORE_*`. Then
/// nothing is left in the folder.
pub async fn restore(from: &Path, directory: &Path, progress: &(dyn Fn(&str) + Sync)) -> Result<Backup> {
    let manifest = manifest(from)?;
    if fs::read_dir(directory).is_ok_and(|mut entries| entries.next().is_some()) {
        let message = format!("{} is not empty: a backup is restored to a folder of its own", directory.display());
        return Err(Error::new(Reason::FieldInvalid, "directory", message));
    }
    let restored = restore_to(from, &manifest, directory, progress).await;
    if restored.is_err() {
        empty(directory);
    }
    restored
}

async fn restore_to(
    from: &Path,
    manifest: &Manifest,
    directory: &Path,
    progress: &(dyn Fn(&str) + Sync),
) -> Result<Backup> {
    let marker = directory.join(RESTORING);
    let begin = || {
        fs::create_dir_all(directory.join(COLLECTIONS))?;
        File::create(&marker)?.sync_all()?;
        sync_directory(directory)
    };
    begin().map_err(failing)?;
    let shared = Shared::open_locked(directory, limits::COLLECTIONS, Arc::new(lock(directory)?))?;
    let mut restored = Backup::default();
    for held in &manifest.collections {
        progress(&format!("restoring {}", held.description.physical()));
        restored.points += collection(&shared, from, held).await?;
        restored.collections += 1;
    }
    restored.bytes = manifest.files.values().map(|file| file.bytes).sum();
    drop(shared);
    let faults = verify_when_free(directory, progress).await?;
    if let Some(fault) = faults.first() {
        return Err(failed("verify what was restored", format!("{}: {}", fault.collection, fault.what)));
    }
    fs::remove_file(&marker).and_then(|()| sync_directory(directory)).map_err(failing)?;
    Ok(restored)
}

/// Verifies once no index is built any more: that keeps the directory.
async fn verify_when_free(directory: &Path, progress: &(dyn Fn(&str) + Sync)) -> Result<Vec<Fault>> {
    let mut told = false;
    loop {
        match verify(directory, &mut |line: &str| progress(line)) {
            Err(error) if error.reason == Reason::StoreUnavailable => {
                if !told {
                    progress("building the index");
                    told = true;
                }
                tokio::time::sleep(LOCKED_RETRY).await;
            }
            verified => return verified,
        }
    }
}

/// Restores one collection; how many points it has.
async fn collection(shared: &Shared, from: &Path, held: &Held) -> Result<u64> {
    let description = &held.description;
    shared.create(description.clone())?;
    let (_, place) = shared.find(&CollectionRef::new(description.tenant.clone(), description.name.clone()))?;
    let Place::Open(shard) = place else { return Err(failed("open what was restored", "it cannot be opened")) };
    for kind in ["points", "changes"] {
        let mut file = BufReader::new(File::open(from.join(format!("{}.{kind}", held.number))).map_err(failing)?);
        while let Some(body) = read_body(&mut file).map_err(failing)? {
            let operation = operation_of(&body).ok_or_else(|| failed("read a backup", "a record is none of ours"))?;
            if operation.points() > 0 {
                shard.writer.write(operation).await?;
            }
        }
    }
    Ok(shard.engine.counts()?.0 as u64)
}

/// The manifest of a backup all of whose files are as they were written.
fn manifest(from: &Path) -> Result<Manifest> {
    let invalid = |name: &str, why: &str| {
        Error::new(Reason::FieldInvalid, "from", format!("{} {why}", from.join(name).display()))
    };
    let bytes =
        fs::read(from.join(MANIFEST)).map_err(|error| invalid(MANIFEST, &format!("cannot be read: {error}")))?;
    let manifest: Manifest =
        serde_json::from_slice(&bytes).map_err(|error| invalid(MANIFEST, &format!("is damaged: {error}")))?;
    if manifest.format != FORMAT {
        return Err(invalid(MANIFEST, &format!("has format {}, this version reads {FORMAT}", manifest.format)));
    }
    if manifest.sum.is_none() || manifest.sum != manifest.sum().ok() {
        return Err(invalid(MANIFEST, "is damaged: its checksum is another one"));
    }
    for (name, written) in &manifest.files {
        match FileSum::of(&from.join(name)) {
            Ok(found) if found == *written => {}
            Ok(_) => return Err(invalid(name, "is damaged: it is not what was written")),
            Err(error) => return Err(invalid(name, &format!("cannot be read: {error}"))),
        }
    }
    Ok(manifest)
}

/// Removes what a restore has left in a folder that was empty.
fn empty(directory: &Path) {
    for entry in fs::read_dir(directory).into_iter().flatten().filter_map(Result::ok) {
        let path = entry.path();
        drop(if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) });
    }
}

fn failing(error: io::Error) -> Error {
    failed("restore a backup", error)
}

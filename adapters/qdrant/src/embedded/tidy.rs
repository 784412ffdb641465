//! What is taken away before a store is opened.

use std::{fs, io, path::Path};

use super::catalogue::Catalogue;

/// Where the engine keeps its files, inside the collection's folder.
pub(super) const SHARD: &str = "shard";
/// What an optimisation builds in, inside that.
pub(super) const HALF_BUILT: &str = "temp_segments";

/// What a crash left of collections that were being made or removed. A folder that the catalogue knows stays,
/// whatever is wrong with it.
///
/// # Errors
/// Those of the file system.
pub(super) fn remove_leftovers(collections: &Path, catalogue: &Catalogue) -> io::Result<()> {
    for entry in fs::read_dir(collections)? {
        let entry = entry?;
        if !catalogue.collections.values().any(|known| entry.file_name() == known.folder.as_str()) {
            tracing::warn!(folder = %entry.path().display(), "removing what a crash left over");
            if let Err(error) = fs::remove_dir_all(entry.path()) {
                tracing::warn!(folder = %entry.path().display(), %error, "it stays");
            }
        }
    }
    Ok(())
}

/// Whether any of these collections ever had a point.
///
/// # Errors
/// Those of the file system.
pub(super) fn holds_points(collections: &Path) -> io::Result<bool> {
    for entry in fs::read_dir(collections)? {
        let folder = entry?.path();
        let has = |name: &str| fs::metadata(folder.join(name)).is_ok_and(|file| file.len() > 0);
        if has("journal") || has("inventory") || has("sealed") {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Removes what an optimisation had built when it was cut short; the engine starts over and never looks at it.
///
/// # Errors
/// Those of the file system.
pub(super) fn remove_half_built(shard: &Path) -> io::Result<()> {
    match fs::remove_dir_all(shard.join(HALF_BUILT)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Removes the engine's own log but for its last closed file, which tells the number of the next write. Nothing
/// reads the rest, and the engine never cuts it.
///
/// # Errors
/// Those of the file system.
pub(super) fn trim_log(shard: &Path) -> io::Result<()> {
    let mut closed = Vec::new();
    for entry in fs::read_dir(shard.join("wal"))? {
        let path = entry?.path();
        let start = path.file_name().and_then(|name| name.to_str()?.strip_prefix("closed-")?.parse::<u64>().ok());
        closed.extend(start.map(|start| (start, path)));
    }
    closed.sort_unstable();
    closed.pop();
    closed.iter().try_for_each(|(_, path)| fs::remove_file(path))
}

/// Whether the engine will find points' files at all: where it finds none it begins anew and says nothing.
pub(super) fn has_segments(shard: &Path) -> bool {
    let complete = |entry: fs::DirEntry| {
        entry.path().extension().is_none_or(|end| end != "deleted") && entry.path().join("version.info").is_file()
    };
    fs::read_dir(shard.join("segments")).is_ok_and(|entries| entries.filter_map(Result::ok).any(complete))
}

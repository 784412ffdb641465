//! From what a user names to what is sent. Only the command line reads a user's paths.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use onespace_core::{Content, limits::VIDEO_BYTES};
use onespace_proto::{convert, v1};
use walkdir::WalkDir;

/// The bytes of a file, if it is one and not larger than anything the server takes.
///
/// # Errors
/// Names the path and the cause.
pub fn read(path: &Path) -> Result<Bytes> {
    let metadata = fs::metadata(path).with_context(|| path.display().to_string())?;
    if !metadata.is_file() {
        bail!("{}: is not a regular file", path.display());
    }
    if metadata.len() > VIDEO_BYTES as u64 {
        bail!("{}: {} bytes, the largest file that is taken has {VIDEO_BYTES}", path.display(), metadata.len());
    }
    Ok(fs::read(path).with_context(|| path.display().to_string())?.into())
}

/// A file as media.
///
/// # Errors
/// As [`read`].
pub fn media(path: &Path) -> Result<v1::Media> {
    Ok(convert::media_out(Content::Bytes(read(path)?), None))
}

/// A text as media.
pub fn text(text: impl Into<String>) -> v1::Media {
    convert::media_out(Content::Text(text.into()), None)
}

/// Every file named or below a named folder, in a stable order; hidden files only where they are named themselves.
///
/// # Errors
/// Names a path that is not there.
pub fn walk(paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for root in paths {
        if !root.exists() {
            bail!("{}: no such file or folder", root.display());
        }
        let shown =
            |entry: &walkdir::DirEntry| entry.depth() == 0 || !entry.file_name().to_string_lossy().starts_with('.');
        for entry in WalkDir::new(root).sort_by_file_name().into_iter().filter_entry(shown) {
            let entry = entry.with_context(|| root.display().to_string())?;
            if !entry.file_type().is_dir() {
                files.push(entry.into_path());
            }
        }
    }
    Ok(files)
}

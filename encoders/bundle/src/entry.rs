//! Files of a bundle.

use std::{
    fs::{self, File},
    io::{self, BufReader},
    path::Path,
};

use onespace_core::{Result, bytes::hex};
use onespace_family::check::invalid;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// How much of a file is held at once while its digest is taken, whatever its size.
const READ_BYTES: usize = 1 << 20;

/// One file of a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileEntry {
    /// The SHA-256 of its bytes in hexadecimal (the digest that model hubs publish).
    pub sha256: String,
    /// Its length.
    pub bytes: u64,
}

/// A manifest names files of its own directory only.
pub(crate) fn check_path(path: &str) -> Result<()> {
    let sound = !path.is_empty()
        && !path.contains('\\')
        && path.split('/').all(|part| !part.is_empty() && part != "." && part != "..");
    if sound { Ok(()) } else { Err(invalid("files", format!("\"{path}\" is not a plain path within the bundle"))) }
}

/// What a manifest says of a file.
///
/// # Errors
/// `BUNDLE_INVALID` when it cannot be read.
pub(crate) fn file_entry(path: &Path) -> Result<FileEntry> {
    let entry = fs::metadata(path).and_then(|file| Ok(FileEntry { sha256: file_digest(path)?, bytes: file.len() }));
    entry.map_err(|error| invalid(path.display().to_string(), error.to_string()))
}

/// The SHA-256 of a file in hexadecimal.
///
/// # Errors
/// Whatever reading it gives.
pub fn file_digest(path: &Path) -> io::Result<String> {
    let mut hasher = Sha256::new();
    let mut file = BufReader::with_capacity(READ_BYTES, File::open(path)?);
    io::copy(&mut file, &mut hasher)?;
    Ok(hex(&hasher.finalize()))
}

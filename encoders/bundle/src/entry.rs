//! Files of a bundle, names in a manifest, and what is said of those that are wrong.

use std::{
    fs::{self, File},
    io::{self, BufReader},
    path::Path,
};

use onespace_core::{Error, Reason, Result};
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

/// A fault of a bundle, at a key or file.
pub(crate) fn invalid(field: impl Into<String>, message: impl Into<String>) -> Error {
    Error::new(Reason::BundleInvalid, field, message)
}

/// Whether a key has its default and is not written down.
pub(crate) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// A name of something in a graph is never empty.
pub(crate) fn named(key: &str, name: &str) -> Result<()> {
    if name.is_empty() { Err(invalid(key, "must not be empty")) } else { Ok(()) }
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
    Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

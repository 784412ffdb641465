//! Files that are read again when they change: keys, secrets, certificates.

use std::{
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use onespace_core::limits::{CREDENTIALS_BYTES, CREDENTIALS_RELOAD_MS};

/// What tells one state of a file from another; none of a file that is not there.
type Stamp = Option<(u64, u64, Option<SystemTime>)>;

fn stamp(path: &Path) -> Stamp {
    // Links are followed: Kubernetes swaps the folder behind them.
    fs::metadata(path).ok().map(|file| (file.ino(), file.len(), file.modified().ok()))
}

/// Some files, as they were when they were looked at last.
#[derive(Debug)]
pub struct Watched {
    paths: Vec<PathBuf>,
    stamps: Vec<Stamp>,
}

impl Watched {
    /// The files as they are now. Look before reading them: what changes while it is read is read again.
    #[must_use]
    pub fn new(paths: Vec<PathBuf>) -> Self {
        let stamps = paths.iter().map(|path| stamp(path)).collect();
        Self { paths, stamps }
    }

    /// Waits until one of them changes. Without files it waits for ever.
    pub async fn changed(&mut self) {
        loop {
            tokio::time::sleep(Duration::from_millis(CREDENTIALS_RELOAD_MS as u64)).await;
            let now: Vec<_> = self.paths.iter().map(|path| stamp(path)).collect();
            if now != self.stamps {
                self.stamps = now;
                return;
            }
        }
    }
}

/// Reads a file that is small by its nature.
///
/// # Errors
/// As the system says, with the file's name; a file larger than `CREDENTIALS_BYTES`.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
    let bytes = fs::metadata(path).map_err(named)?.len();
    if bytes > CREDENTIALS_BYTES as u64 {
        return Err(named(io::Error::other(format!("{bytes} bytes, the limit is {CREDENTIALS_BYTES}"))));
    }
    fs::read(path).map_err(named)
}

/// Reads a small file of text.
///
/// # Errors
/// As [`read`]; what is no UTF-8.
pub fn read_text(path: &Path) -> io::Result<String> {
    let text = String::from_utf8(read(path)?);
    text.map_err(|_| io::Error::other(format!("{}: it is no text", path.display())))
}

//! Files that are read again when they change: keys, secrets, certificates.

use std::{
    fmt::Display,
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::Duration,
};

use onespace_core::limits::{CREDENTIALS_BYTES, CREDENTIALS_RELOAD_MS};

/// What tells one state of a file from another, a change of its rights too; none of a file that is not there.
type Stamp = Option<(u64, u64, (i64, i64), (i64, i64))>;

fn stamp(path: &Path) -> Stamp {
    // Links are followed: Kubernetes swaps the folder behind them.
    let file = fs::metadata(path).ok()?;
    Some((file.ino(), file.len(), (file.mtime(), file.mtime_nsec()), (file.ctime(), file.ctime_nsec())))
}

/// Some files, as they were when they were looked at last.
#[derive(Clone, Debug)]
pub struct Watched {
    paths: Vec<PathBuf>,
    stamps: Vec<Stamp>,
}

impl Watched {
    /// The files as they are now. It is made before they are read: what changes in between is read again.
    #[must_use]
    pub fn new(paths: Vec<PathBuf>) -> Self {
        let stamps = paths.iter().map(|path| stamp(path)).collect();
        Self { paths, stamps }
    }

    /// Reads again whenever one of them changes, for ever, and tries on where that fails. What `what` names stays as it
    /// was until then, and the log tells so once for each fault: a half-written file must not lock everybody out.
    pub async fn follow<E: Display>(mut self, what: &str, mut read: impl FnMut() -> Result<(), E>) {
        let mut told = None;
        loop {
            tokio::time::sleep(Duration::from_millis(CREDENTIALS_RELOAD_MS as u64)).await;
            let now: Vec<_> = self.paths.iter().map(|path| stamp(path)).collect();
            if now == self.stamps {
                continue;
            }
            let fault = match read() {
                Ok(()) => {
                    tracing::info!(what, "read again");
                    self.stamps = now;
                    None
                }
                Err(error) => Some(error.to_string()),
            };
            if fault.is_some() && fault != told {
                tracing::error!(what, error = fault, "cannot be read again: it stays as it was");
            }
            metrics::gauge!("onespace_stale_credentials", "what" => what.to_owned()).set(if fault.is_some() {
                1.0
            } else {
                0.0
            });
            told = fault;
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

//! The audit log: who did what, to which collection, with what outcome. JSON lines in files that are begun anew when
//! they are full. A thread of its own writes, so that no call waits for a disk.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufWriter, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread::{self, JoinHandle},
};

use onespace_core::limits::{AUDIT_BYTES, AUDIT_FILES, AUDIT_QUEUE};

use crate::record::Record;

/// Where calls are written down. Clones write to the same file; the last one waits until all is written.
#[derive(Clone, Debug)]
pub struct Audit {
    lines: SyncSender<Vec<u8>>,
    // Dropped after the sender, which is how the thread learns that no more comes.
    _writer: Arc<Writer>,
}

/// The thread that writes.
#[derive(Debug)]
struct Writer(Mutex<Option<JoinHandle<()>>>);

impl Drop for Writer {
    fn drop(&mut self) {
        let thread = self.0.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        // A thread that panicked has said so by itself.
        let _ = thread.map(JoinHandle::join);
    }
}

impl Audit {
    /// Writes to a file, going on where it ends.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn open(path: &Path) -> io::Result<Self> {
        let mut log = LogFile::open(path.to_owned(), AUDIT_BYTES as u64, AUDIT_FILES)?;
        let (sender, lines) = sync_channel(AUDIT_QUEUE);
        let thread = thread::Builder::new().name("audit".to_owned()).spawn(move || log.write_all(&lines))?;
        Ok(Self { lines: sender, _writer: Arc::new(Writer(Mutex::new(Some(thread)))) })
    }

    pub(crate) fn write(&self, record: &Record) {
        let line = serde_json::to_vec(record).map(|mut line| {
            line.push(b'\n');
            line
        });
        // A disk that is too slow, or full, must not stop the service; that something is missing is counted.
        if line.is_err() || line.is_ok_and(|line| self.lines.try_send(line).is_err()) {
            lost();
        }
    }
}

fn lost() {
    metrics::counter!("onespace_audit_lost_total").increment(1);
}

/// A file, and the full ones before it: `audit.log`, `audit.log.1`, …
#[derive(Debug)]
struct LogFile {
    path: PathBuf,
    most: u64,
    kept: usize,
    file: BufWriter<File>,
    written: u64,
    /// What is no plain file, a terminal for one, goes on without end.
    rotates: bool,
}

impl LogFile {
    fn open(path: PathBuf, most: u64, kept: usize) -> io::Result<Self> {
        let file = append(&path)?;
        let metadata = file.metadata()?;
        let (written, rotates) = (metadata.len(), metadata.is_file());
        Ok(Self { path, most, kept, file: BufWriter::new(file), written, rotates })
    }

    /// Writes line after line until nobody sends any more; what has come is on its way to the disk when none waits.
    fn write_all(&mut self, lines: &Receiver<Vec<u8>>) {
        let mut told = false;
        while let Ok(line) = lines.recv() {
            let mut written = self.write(&line);
            while written.is_ok()
                && let Ok(line) = lines.try_recv()
            {
                written = self.write(&line);
            }
            match written.and_then(|()| self.file.flush()) {
                Ok(()) => told = false,
                Err(error) => {
                    lost();
                    if !told {
                        tracing::error!(%error, path = %self.path.display(), "the audit log cannot be written");
                    }
                    told = true;
                }
            }
        }
    }

    fn write(&mut self, line: &[u8]) -> io::Result<()> {
        if self.rotates && self.written > 0 && self.written + line.len() as u64 > self.most {
            self.rotate()?;
        }
        self.file.write_all(line)?;
        self.written += line.len() as u64;
        Ok(())
    }

    fn rotate(&mut self) -> io::Result<()> {
        self.file.flush()?;
        for number in (1..self.kept).rev() {
            if self.numbered(number).exists() {
                fs::rename(self.numbered(number), self.numbered(number + 1))?;
            }
        }
        fs::rename(&self.path, self.numbered(1))?;
        self.file = BufWriter::new(append(&self.path)?);
        self.written = 0;
        Ok(())
    }

    fn numbered(&self, number: usize) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(format!(".{number}"));
        name.into()
    }
}

/// It tells who does what: only its owner reads it.
fn append(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).mode(0o600).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_files_are_kept_and_the_oldest_goes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.log");
        fs::write(&path, "before\n").unwrap();
        let mut log = LogFile::open(path.clone(), 16, 2).unwrap();
        let (sender, lines) = sync_channel(8);
        for line in ["first 89\n", "second 9\n", "third 89\n", "fourth 9\n"] {
            sender.send(line.as_bytes().to_vec()).unwrap();
        }
        drop(sender);
        log.write_all(&lines);
        let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap_or_default();
        assert_eq!(read("audit.log"), "fourth 9\n");
        assert_eq!(read("audit.log.1"), "third 89\n");
        assert_eq!(read("audit.log.2"), "second 9\n");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
    }
}

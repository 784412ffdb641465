//! A copy of what is written to a collection while it is being backed up.

use std::{
    fs::File,
    io::{BufWriter, Write},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use onespace_core::Result;

use super::{
    fault::failed,
    journal::{Operation, record_of},
};

/// Where a writer copies its operations to.
#[derive(Debug)]
pub(super) struct Tee {
    file: BufWriter<File>,
    outcome: Result<()>,
    abandoned: Arc<AtomicBool>,
}

/// Whoever holds this wants the copy.
#[derive(Debug)]
pub(super) struct Wanted(Arc<AtomicBool>);

impl Tee {
    /// Into a file that is made anew.
    ///
    /// # Errors
    /// `STORE_FAILED`.
    pub(super) fn create(path: &Path) -> Result<(Self, Wanted)> {
        let file = File::create(path).map_err(|error| failed("write a backup", error))?;
        let abandoned = Arc::new(AtomicBool::new(false));
        Ok((Self { file: BufWriter::new(file), outcome: Ok(()), abandoned: abandoned.clone() }, Wanted(abandoned)))
    }

    /// Copies an operation. What fails is told at the end: no write waits for a backup's disk.
    pub(super) fn copy(&mut self, operation: &Operation) {
        if self.outcome.is_err() || self.abandoned() {
            return;
        }
        let written = record_of(operation).and_then(|record| self.file.write_all(&record));
        self.outcome = written.map_err(|error| failed("write a backup", error));
    }

    /// Whether nobody wants the copy any more.
    pub(super) fn abandoned(&self) -> bool {
        self.abandoned.load(Ordering::Acquire)
    }

    /// Brings the copy to the disk.
    ///
    /// # Errors
    /// `STORE_FAILED` when something could not be copied.
    pub(super) fn end(mut self) -> Result<()> {
        self.outcome?;
        let synced = self.file.flush().and_then(|()| self.file.get_ref().sync_all());
        synced.map_err(|error| failed("write a backup", error))
    }
}

impl Drop for Wanted {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

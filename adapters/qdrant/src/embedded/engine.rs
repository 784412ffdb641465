//! One collection's files, and the engine that reads and writes them.
//!
//! Everything that can fail or panic inside the engine ends here as an error of ours. Reads may come from any
//! thread at any time; writes, flushes and optimisation come from the collection's [`super::writer`] alone,
//! because the engine panics when it is flushed while a lock is held elsewhere.

use std::{
    fs::{self, File},
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use onespace_core::{Error, Result};
use qdrant_edge::{
    Distance, EdgeConfig, EdgeConfigBuilder, EdgeOptimizersConfig, EdgeShard, EdgeVectorParamsBuilder, HnswIndexConfig,
    OperationResult, Payload, PointId, PointInsertOperations, PointOperations, PointStructPersisted, UpdateOperation,
    VectorStructPersisted, WalOptions,
};

use super::{
    blocks::Blocks,
    damaged::Damaged,
    fault::failed,
    journal::Operation,
    room::Room,
    seal::seal,
    tidy::{SHARD, has_segments, remove_half_built, trim_log},
};
use crate::description::Description;

/// Size of one file of the engine's own log, which is written but never read again (see [`super::journal`]).
const LOG_FILE_BYTES: usize = 4 * 1024 * 1024;

/// Vectors of a segment that are worth an index, in kibibytes: 20 480 of dimension 256, which are searched
/// exhaustively in 2 to 6 ms.
pub(super) const INDEX_KIB: usize = 20 * 1024;

/// The engine of one collection.
#[derive(Debug)]
pub(super) struct Engine {
    /// Absent only while it is being dropped.
    shard: Option<EdgeShard>,
    folder: PathBuf,
    /// Changes only when fields are indexed.
    description: RwLock<Arc<Description>>,
    /// A write or an optimisation panicked: what is in memory is not to be trusted with further writes.
    broken: AtomicBool,
    /// The folder goes with the engine.
    remove_on_drop: AtomicBool,
    /// Everything has reached the engine's files, and nothing is written any more.
    seal_on_drop: AtomicBool,
    /// Points that are not given out.
    pub(super) damaged: Damaged,
    /// Held as long as any engine lives, so that no second process opens the directory.
    _lock: Arc<File>,
}

impl Engine {
    /// Makes the files of a new collection in a folder of its own.
    ///
    /// # Errors
    /// `STORE_FAILED`.
    pub(super) fn create(folder: &Path, description: Description, lock: Arc<File>) -> Result<Self> {
        let path = folder.join(SHARD);
        fs::create_dir_all(&path).map_err(|error| failed("make a collection's folder", error))?;
        let shard = guard(&format!("make a collection in {}", path.display()), || {
            EdgeShard::new(&path, config(description.dimension))
        })?;
        Ok(Self::around(shard, folder, description, lock))
    }

    /// Opens the files of a collection. Writes since the last flush may or may not be there.
    ///
    /// # Errors
    /// `STORE_FAILED`; `STORE_FULL` when the disk has no room for what is mapped.
    pub(super) fn open(folder: &Path, description: Description, lock: Arc<File>, room: &Room) -> Result<Self> {
        let path = folder.join(SHARD);
        if !has_segments(&path) {
            return Err(failed(&format!("open the collection in {}", path.display()), "it has no segments"));
        }
        remove_half_built(&path).map_err(|error| failed(&format!("tidy {}", path.display()), error))?;
        trim_log(&path).map_err(|error| failed(&format!("trim the log of {}", path.display()), error))?;
        // Opening writes, if little: no page of it may lack its block.
        Blocks::below(&path).allocate(0, room, 0)?;
        let shard = guard(&format!("open the collection in {}", path.display()), || {
            EdgeShard::load(&path, Some(config(description.dimension)))
        })?;
        Ok(Self::around(shard, folder, description, lock))
    }

    fn around(shard: EdgeShard, folder: &Path, description: Description, lock: Arc<File>) -> Self {
        Self {
            shard: Some(shard),
            folder: folder.to_owned(),
            description: RwLock::new(Arc::new(description)),
            broken: AtomicBool::new(false),
            remove_on_drop: AtomicBool::new(false),
            seal_on_drop: AtomicBool::new(false),
            damaged: Damaged::default(),
            _lock: lock,
        }
    }

    /// What the collection is.
    pub(super) fn description(&self) -> Arc<Description> {
        self.description.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Replaces what the collection is by the same with other fields indexed.
    pub(super) fn describe(&self, description: Description) {
        *self.description.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(description);
    }

    /// The folder of the collection.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The folder of what the engine maps.
    pub(super) fn mapped(&self) -> PathBuf {
        self.folder.join(SHARD)
    }

    /// Whether a write or an optimisation panicked since the store was opened.
    pub(super) fn broken(&self) -> bool {
        self.broken.load(Ordering::Acquire)
    }

    /// Lets no further write in until the store is opened again.
    pub(super) fn mark_broken(&self) {
        self.broken.store(true, Ordering::Release);
    }

    /// Takes the folder away once nobody reads from it any more.
    pub(super) fn remove_on_drop(&self) {
        self.remove_on_drop.store(true, Ordering::Release);
    }

    /// Seals the files once they are closed: all that was promised is in them.
    pub(super) fn seal_on_drop(&self) {
        self.seal_on_drop.store(true, Ordering::Release);
    }

    /// Makes a change, in memory at least.
    ///
    /// # Errors
    /// `STORE_FAILED`.
    pub(super) fn apply(&self, operation: Operation) -> Result<()> {
        let operation = match operation {
            Operation::Upsert(rows) => {
                let points = rows.into_iter().map(|row| PointStructPersisted {
                    id: PointId::Uuid(row.id),
                    vector: VectorStructPersisted::Single(row.vector),
                    payload: Some(Payload(row.payload)),
                });
                PointOperations::UpsertPoints(PointInsertOperations::PointsList(points.collect()))
            }
            Operation::Delete(ids) => {
                PointOperations::DeletePoints { ids: ids.into_iter().map(PointId::Uuid).collect() }
            }
        };
        self.update(UpdateOperation::PointOperation(operation))
    }

    pub(super) fn update(&self, operation: UpdateOperation) -> Result<()> {
        self.with("write", |shard| shard.update(operation)).map_err(|failed| self.mark_if_panicked(failed))
    }

    fn mark_if_panicked(&self, failed: Failed) -> Error {
        if failed.panicked {
            self.mark_broken();
        }
        failed.error
    }

    /// Brings every applied change to the disk.
    ///
    /// # Errors
    /// `STORE_FAILED`.
    pub(super) fn flush(&self) -> Result<()> {
        let flushed = self.with("flush", |shard| {
            shard.flush();
            Ok(())
        });
        Ok(flushed?)
    }

    /// Indexes what is not indexed, merges and cleans up. Takes minutes; reads and writes go on meanwhile.
    ///
    /// # Errors
    /// `STORE_FAILED`.
    pub(super) fn optimise(&self) -> Result<bool> {
        self.with("optimise", EdgeShard::optimize).map_err(|failed| self.mark_if_panicked(failed))
    }

    /// Points, and how many of them no vector index covers; approximate while the engine writes or optimises.
    ///
    /// # Errors
    /// `STORE_FAILED`.
    pub(super) fn counts(&self) -> Result<(usize, usize)> {
        let info = self.with("count", |shard| Ok(shard.info()))?;
        Ok((info.points_count, info.points_count.saturating_sub(info.indexed_vectors_count)))
    }

    /// Calls the engine.
    ///
    /// # Errors
    /// `STORE_FAILED`.
    pub(super) fn with<T>(&self, what: &str, work: impl FnOnce(&EdgeShard) -> OperationResult<T>) -> Result<T, Failed> {
        match &self.shard {
            Some(shard) => guard(what, || work(shard)),
            None => Err(Failed { error: failed(what, "it is closed"), panicked: false }),
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // The engine flushes when it is dropped, and panics when it cannot.
        let shard = self.shard.take();
        let closed = catch_unwind(AssertUnwindSafe(|| drop(shard))).is_ok();
        if !closed {
            tracing::error!(folder = %self.folder.display(), "the embedded store panicked while it closed");
        }
        let remove = self.remove_on_drop.load(Ordering::Acquire);
        if closed
            && !remove
            && self.seal_on_drop.load(Ordering::Acquire)
            && let Err(error) = seal(&self.folder)
        {
            tracing::warn!(folder = %self.folder.display(), %error, "a collection could not be sealed");
        }
        if remove && let Err(error) = fs::remove_dir_all(&self.folder) {
            tracing::warn!(folder = %self.folder.display(), %error, "a deleted collection's files are left over");
        }
    }
}

fn config(dimension: usize) -> EdgeConfig {
    // Half of the cores: what is served meanwhile keeps the other half.
    let threads = thread::available_parallelism().map_or(1, |cores| cores.get().div_ceil(2));
    let hnsw = HnswIndexConfig { max_indexing_threads: threads, ..HnswIndexConfig::default() };
    // As much as calls for an optimisation: one that finds less than that written meanwhile comes to its end.
    let optimisers = EdgeOptimizersConfig { indexing_threshold: Some(INDEX_KIB), ..EdgeOptimizersConfig::default() };
    EdgeConfigBuilder::new()
        .optimizers(optimisers)
        .vector("", EdgeVectorParamsBuilder::new(dimension, Distance::Cosine).build())
        .hnsw_config(hnsw)
        .wal_options(WalOptions { segment_capacity: LOG_FILE_BYTES, ..WalOptions::default() })
        .build()
}

/// What came of a call into the engine.
pub(super) struct Failed {
    error: Error,
    panicked: bool,
}

impl From<Failed> for Error {
    fn from(failed: Failed) -> Self {
        failed.error
    }
}

fn guard<T>(what: &str, work: impl FnOnce() -> OperationResult<T>) -> Result<T, Failed> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(done) => done.map_err(|error| Failed { error: failed(what, error), panicked: false }),
        Err(_) => Err(Failed { error: failed(what, "it panicked"), panicked: true }),
    }
}

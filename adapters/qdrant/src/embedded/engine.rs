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

use onespace_core::{Error, Reason, Result};
use qdrant_edge::{
    CountRequest, Distance, EdgeConfig, EdgeConfigBuilder, EdgeOptimizersConfig, EdgeShard, EdgeVectorParamsBuilder,
    Filter, HnswIndexConfig, NamedQuery, OperationResult, Payload, PointId, PointInsertOperations, PointOperations,
    PointStructPersisted, QueryEnum, QueryRequest, Record, ScoredPoint, ScoringQuery, ScrollRequest, SearchParams,
    UpdateOperation, VectorInternal, VectorStructInternal, VectorStructPersisted, WalOptions, WithPayloadInterface,
    WithVector,
};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{
    blocks::Blocks,
    fault::failed,
    filter,
    journal::Operation,
    room::Room,
    tidy::{has_segments, remove_half_built, trim_log},
};
use crate::{description::Description, search::beam};

/// Where the engine keeps its files, inside the collection's folder.
const SHARD: &str = "shard";
/// Size of one file of the engine's own log, which is written but never read again (see [`super::journal`]).
const LOG_FILE_BYTES: usize = 4 * 1024 * 1024;

/// Vectors of a segment that are worth an index, in kibibytes: 20 480 of dimension 256, which are searched
/// exhaustively in 2 to 6 ms.
pub(super) const INDEX_KIB: usize = 20 * 1024;

/// What a read asks for beside the ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Want<'a> {
    /// The whole payload.
    Payload,
    /// The whole payload and the vector.
    Vector,
    /// Some fields of the payload.
    Fields(&'a [&'a str]),
}

/// A stored point as it comes back.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) id: Uuid,
    pub(super) payload: Map<String, Value>,
    /// Empty unless wanted.
    pub(super) vector: Vec<f32>,
}

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
        let (broken, remove_on_drop) = (AtomicBool::new(false), AtomicBool::new(false));
        let description = RwLock::new(Arc::new(description));
        Self { shard: Some(shard), folder: folder.to_owned(), description, broken, remove_on_drop, _lock: lock }
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

    /// The nearest points with their cosines, best first.
    ///
    /// # Errors
    /// `STORE_FAILED`.
    pub(super) fn search(&self, vector: Vec<f32>, filter: Filter, limit: usize) -> Result<Vec<(Found, f32)>> {
        let request = QueryRequest {
            prefetches: Vec::new(),
            query: Some(ScoringQuery::Vector(QueryEnum::Nearest(NamedQuery {
                query: VectorInternal::Dense(vector),
                using: None,
            }))),
            filter: Some(filter),
            score_threshold: None,
            limit,
            offset: 0,
            params: Some(SearchParams { hnsw_ef: Some(beam(limit)), ..SearchParams::default() }),
            with_vector: WithVector::Bool(false),
            with_payload: WithPayloadInterface::Bool(true),
        };
        let found = self.with("search", |shard| shard.query(request))?;
        found
            .into_iter()
            .map(|ScoredPoint { id, payload, score, .. }| Ok((found_point(id, payload, None)?, score)))
            .collect()
    }

    /// Points in the order of their ids, from `from` on, and the id the next page starts with.
    ///
    /// # Errors
    /// `STORE_FAILED`.
    pub(super) fn scroll(
        &self,
        filter: Filter,
        from: Option<Uuid>,
        limit: usize,
        want: Want<'_>,
    ) -> Result<(Vec<Found>, Option<Uuid>)> {
        let fields = match want {
            Want::Payload | Want::Vector => WithPayloadInterface::Bool(true),
            Want::Fields(keys) => {
                WithPayloadInterface::Fields(keys.iter().map(|key| filter::path(key)).collect::<Result<_>>()?)
            }
        };
        let request = ScrollRequest {
            offset: from.map(PointId::Uuid),
            limit: Some(limit),
            filter: Some(filter),
            with_payload: Some(fields),
            with_vector: WithVector::Bool(want == Want::Vector),
            order_by: None,
        };
        let (records, next) = self.with("read", |shard| shard.scroll(request))?;
        let found = records.into_iter().map(|Record { id, payload, vector, .. }| found_point(id, payload, vector));
        Ok((found.collect::<Result<_>>()?, next.map(uuid_of).transpose()?))
    }

    /// Every point the filter lets through, page after page.
    ///
    /// # Errors
    /// `STORE_FAILED`.
    pub(super) fn scroll_all(&self, filter: &Filter, want: Want<'_>) -> Result<Vec<Found>> {
        const PAGE: usize = 1024;
        let (mut all, mut from) = (Vec::new(), None);
        loop {
            let (found, next) = self.scroll(filter.clone(), from, PAGE, want)?;
            all.extend(found);
            match next {
                Some(_) => from = next,
                None => return Ok(all),
            }
        }
    }

    /// How many points the filter lets through.
    ///
    /// # Errors
    /// `STORE_FAILED`.
    pub(super) fn count(&self, filter: Filter) -> Result<usize> {
        Ok(self.with("count", |shard| shard.count(CountRequest { filter: Some(filter), exact: true }))?)
    }

    fn with<T>(&self, what: &str, work: impl FnOnce(&EdgeShard) -> OperationResult<T>) -> Result<T, Failed> {
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
        if catch_unwind(AssertUnwindSafe(|| drop(shard))).is_err() {
            tracing::error!(folder = %self.folder.display(), "the embedded store panicked while it closed");
        }
        if self.remove_on_drop.load(Ordering::Acquire)
            && let Err(error) = fs::remove_dir_all(&self.folder)
        {
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
struct Failed {
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

fn uuid_of(id: PointId) -> Result<Uuid> {
    match id {
        PointId::Uuid(id) => Ok(id),
        PointId::NumId(_) => Err(Error::new(Reason::StoreFailed, "", format!("point {id} is not of this layout"))),
    }
}

fn found_point(id: PointId, payload: Option<Payload>, vector: Option<VectorStructInternal>) -> Result<Found> {
    let vector = match vector {
        Some(VectorStructInternal::Single(vector)) => vector,
        Some(VectorStructInternal::Named(mut vectors)) => match vectors.remove("") {
            Some(VectorInternal::Dense(vector)) => vector,
            _ => Vec::new(),
        },
        _ => Vec::new(),
    };
    Ok(Found { id: uuid_of(id)?, payload: payload.map(|payload| payload.0).unwrap_or_default(), vector })
}

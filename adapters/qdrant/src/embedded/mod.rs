//! Vectors in a directory of this process, through Qdrant's embedded engine.
//!
//! ```text
//! DIR/lock                                held by the process that has the directory open
//! DIR/catalogue.json                      the collections, and which of them a name leads to
//! DIR/collections/NAME__SPACE-N/shard     the engine's files
//! DIR/collections/NAME__SPACE-N/journal   what may not have reached them yet
//! ```

mod catalogue;
mod engine;
mod filter;
mod journal;
mod writer;

use std::{
    collections::BTreeMap,
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
    time::Duration,
};

use async_trait::async_trait;
use onespace_core::{
    CollectionInfo, CollectionName, CollectionSpec, ContentHash, Error, Filter, Hit, ItemId, Page, Point, PointId,
    Query, Reason, Result, StoredItem, Tenant, VectorStore, limits::STORE_READS,
};
use tokio::sync::Semaphore;
use uuid::Uuid;

use self::{
    catalogue::{Catalogue, Entry, sync_directory},
    engine::{Engine, Found, Want, failed},
    journal::Row,
    writer::Writer,
};
use crate::{
    filter::Clauses,
    schema::{self, Description},
};

const LOCK: &str = "lock";
const COLLECTIONS: &str = "collections";
/// How long to wait before asking again for a directory that another process holds.
const LOCKED_RETRY: Duration = Duration::from_secs(5);

/// A store in a directory of this process.
///
/// Searches run on blocking threads, at most [`STORE_READS`] at once; every collection has one writer with a
/// queue of [`onespace_core::limits::STORE_QUEUE`] writes. Dropping the store writes out what is pending.
pub struct EmbeddedStore {
    shared: Arc<Shared>,
    reads: Arc<Semaphore>,
}

struct Shared {
    root: PathBuf,
    lock: Arc<File>,
    /// Held while collections come and go.
    catalogue: Mutex<Catalogue>,
    open: RwLock<Open>,
}

#[derive(Default)]
struct Open {
    /// By physical name.
    shards: BTreeMap<String, Arc<Shard>>,
    /// Public name to physical name.
    aliases: BTreeMap<String, String>,
}

struct Shard {
    writer: Writer,
    engine: Arc<Engine>,
}

impl EmbeddedStore {
    /// Opens the store in a directory, making it where there is none, and applies what a crash left in its
    /// journals. Blocks: about a second for each 100 000 points. An index that a stop left undone is gone on with in the
    /// background; until it is done the directory stays held, even when the store is closed in this process.
    ///
    /// # Errors
    /// `STORE_UNAVAILABLE` when another process, or store, has the directory open; `STORE_FAILED` naming the file otherwise.
    pub fn open(directory: &Path) -> Result<Self> {
        let collections = directory.join(COLLECTIONS);
        fs::create_dir_all(&collections).map_err(|error| at(directory, error))?;
        let lock = Arc::new(lock(directory)?);
        let catalogue = Catalogue::load(directory).map_err(|error| at(directory, error))?;
        remove_leftovers(&collections, &catalogue).map_err(|error| at(&collections, error))?;
        let mut open = Open { shards: BTreeMap::new(), aliases: catalogue.aliases.clone() };
        for (physical, Entry { folder, description }) in &catalogue.collections {
            let engine = Engine::open(&collections.join(folder), description.clone(), lock.clone())?;
            open.shards.insert(physical.clone(), Shard::start(engine)?);
        }
        let shared =
            Shared { root: directory.to_owned(), lock, catalogue: Mutex::new(catalogue), open: RwLock::new(open) };
        Ok(Self { shared: Arc::new(shared), reads: Arc::new(Semaphore::new(STORE_READS)) })
    }

    async fn read<T: Send + 'static>(
        &self,
        name: &CollectionName,
        work: impl FnOnce(&Engine) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let shard = self.shared.shard(name)?;
        // The permit goes with the work: a caller that went away does not make room for more threads.
        let permit = self.reads.clone().acquire_owned().await.map_err(|_| Error::internal("the store is closing"))?;
        blocking(move || {
            let _permit = permit;
            work(&shard.engine)
        })
        .await
    }
}

impl Shared {
    fn shard(&self, name: &CollectionName) -> Result<Arc<Shard>> {
        let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
        let physical = open.aliases.get(name.as_str());
        physical.and_then(|physical| open.shards.get(physical)).cloned().ok_or_else(|| schema::not_found(name))
    }

    fn catalogue(&self) -> MutexGuard<'_, Catalogue> {
        self.catalogue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn create(&self, description: Description) -> Result<()> {
        let mut catalogue = self.catalogue();
        let (name, physical) = (description.name.to_string(), description.physical());
        if let Some(Entry { description: standing, .. }) = catalogue.collections.get(&physical)
            && (catalogue.aliases.get(&name) == Some(&physical) || standing.dimension != description.dimension)
        {
            return Err(schema::exists(standing, &description));
        }
        let mut changed = catalogue.clone();
        changed.aliases.insert(name.clone(), physical.clone());
        let shard = match catalogue.collections.contains_key(&physical) {
            // It was left for another space and is come back to.
            true => None,
            false => {
                let folder = format!("{physical}-{}", Uuid::new_v4().simple());
                let path = self.root.join(COLLECTIONS).join(&folder);
                changed.collections.insert(physical.clone(), Entry { folder, description: description.clone() });
                Some(Shard::start(Engine::create(&path, description, self.lock.clone())?)?)
            }
        };
        // The folder first: the catalogue never names one that is not there.
        sync_directory(&self.root.join(COLLECTIONS)).map_err(|error| at(&self.root, error))?;
        changed.save(&self.root).map_err(|error| at(&self.root, error))?;
        *catalogue = changed;
        let mut open = self.open.write().unwrap_or_else(PoisonError::into_inner);
        open.shards.extend(shard.map(|shard| (physical.clone(), shard)));
        open.aliases.insert(name, physical);
        Ok(())
    }

    fn delete(&self, name: &CollectionName) -> Result<()> {
        let mut catalogue = self.catalogue();
        let mut changed = catalogue.clone();
        changed.collections.retain(|_, entry| entry.description.name != *name);
        if changed.collections.len() == catalogue.collections.len() {
            return Err(schema::not_found(name));
        }
        changed.aliases.remove(name.as_str());
        changed.save(&self.root).map_err(|error| at(&self.root, error))?;
        *catalogue = changed;
        let gone: Vec<_> = {
            let mut open = self.open.write().unwrap_or_else(PoisonError::into_inner);
            open.aliases.remove(name.as_str());
            open.shards.extract_if(.., |_, shard| shard.engine.description().name == *name).collect()
        };
        // Their files go once the last read that holds them is done.
        gone.iter().for_each(|(_, shard)| shard.engine.doom());
        Ok(())
    }

    fn list(&self) -> Result<Vec<CollectionInfo>> {
        let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
        let mut shards: Vec<_> =
            open.shards.iter().map(|(physical, shard)| (physical.clone(), shard.clone())).collect();
        let active: Vec<_> = open.aliases.values().cloned().collect();
        drop(open);
        // Of one name, the collection that queries meet comes first.
        shards.sort_by_key(|(physical, shard)| (shard.engine.description().name.clone(), !active.contains(physical)));
        shards.iter().map(|(_, shard)| info(&shard.engine)).collect()
    }
}

impl Shard {
    fn start(engine: Engine) -> Result<Arc<Self>> {
        let engine = Arc::new(engine);
        Ok(Arc::new(Self { writer: Writer::start(engine.clone())?, engine }))
    }
}

#[async_trait]
impl VectorStore for EmbeddedStore {
    async fn create_collection(&self, spec: &CollectionSpec) -> Result<()> {
        let (shared, description) = (self.shared.clone(), Description::of(spec)?);
        blocking(move || shared.create(description)).await
    }

    async fn list_collections(&self) -> Result<Vec<CollectionInfo>> {
        let shared = self.shared.clone();
        blocking(move || shared.list()).await
    }

    async fn delete_collection(&self, name: &CollectionName) -> Result<()> {
        let (shared, name) = (self.shared.clone(), name.clone());
        blocking(move || shared.delete(&name)).await
    }

    async fn collection(&self, name: &CollectionName) -> Result<CollectionInfo> {
        self.read(name, info).await
    }

    async fn upsert(&self, tenant: &Tenant, name: &CollectionName, points: Vec<Point>) -> Result<()> {
        let shard = self.shared.shard(name)?;
        shard.engine.description().check(&points)?;
        if points.is_empty() {
            return Ok(());
        }
        let rows = points.into_iter().map(|point| Row {
            id: point.id(tenant).0,
            payload: schema::payload(tenant, &point),
            vector: point.vector,
        });
        shard.writer.upsert(rows.collect()).await
    }

    async fn stored(
        &self,
        tenant: &Tenant,
        name: &CollectionName,
        items: &[ItemId],
    ) -> Result<BTreeMap<ItemId, StoredItem>> {
        let (filter, tenant) = (filter::filter(&schema::parts_of(tenant, items, None))?, tenant.clone());
        let nobody = items.is_empty();
        let found = self.read(name, move |engine| {
            if nobody {
                return Ok(Vec::new());
            }
            let found = engine.scroll_all(&filter, Want::Fields(&schema::STORED_ITEM))?;
            found.into_iter().map(|point| schema::stored_item(&tenant, point.payload)).collect::<Result<Vec<_>>>()
        });
        Ok(schema::stored_items(found.await?))
    }

    async fn search(&self, tenant: &Tenant, name: &CollectionName, query: &Query) -> Result<Vec<Hit>> {
        let clauses =
            Clauses::of(tenant).and_modalities(&query.modalities).and_tracks(&query.tracks).and(&query.filter)?;
        let (filter, tenant) = (filter::filter(&clauses)?, tenant.clone());
        let (vector, limit) = (query.vector.clone(), query.limit);
        self.read(name, move |engine| {
            engine.description().check_vector(&vector)?;
            if limit == 0 {
                return Ok(Vec::new());
            }
            let found = engine.search(vector, filter, limit)?;
            found.into_iter().map(|(found, score)| Ok(Hit { point: point(&tenant, found)?, score })).collect()
        })
        .await
    }

    async fn item(&self, tenant: &Tenant, name: &CollectionName, item: &ItemId) -> Result<Vec<Point>> {
        let filter = filter::filter(&schema::parts_of(tenant, std::slice::from_ref(item), None))?;
        let owner = tenant.clone();
        let points = self.read(name, move |engine| {
            let found = engine.scroll_all(&filter, Want::Vector)?;
            found.into_iter().map(|found| point(&owner, found)).collect::<Result<Vec<_>>>()
        });
        schema::whole_first(name, item, points.await?)
    }

    async fn list_items(
        &self,
        tenant: &Tenant,
        name: &CollectionName,
        filter: &Filter,
        limit: usize,
        page: Option<&str>,
    ) -> Result<Page> {
        let clauses = schema::wholes(Clauses::of(tenant)).and(filter)?;
        let (filter, mut from) = (filter::filter(&clauses)?, schema::page_mark(page)?);
        let tenant = tenant.clone();
        self.read(name, move |engine| {
            let mut items = Vec::new();
            loop {
                let (found, next) =
                    engine.scroll(filter.clone(), from, limit.saturating_sub(items.len()).max(1), Want::Payload)?;
                let found = found.into_iter().map(|found| point(&tenant, found)).collect::<Result<Vec<_>>>()?;
                items.extend(leads(engine, &tenant, found)?);
                from = next;
                if from.is_none() || items.len() >= limit {
                    return Ok(Page { items, next: from.map(|id| id.to_string()) });
                }
            }
        })
        .await
    }

    async fn delete_items(
        &self,
        tenant: &Tenant,
        name: &CollectionName,
        items: &[ItemId],
        keep: Option<&ContentHash>,
    ) -> Result<u64> {
        let shard = self.shared.shard(name)?;
        if items.is_empty() {
            return Ok(0);
        }
        let filter = filter::filter(&schema::parts_of(tenant, items, keep))?;
        shard.writer.delete(tenant.clone(), filter).await
    }

    async fn ready(&self) -> Result<()> {
        let open = self.shared.open.read().unwrap_or_else(PoisonError::into_inner);
        match open.shards.values().find(|shard| shard.engine.broken()) {
            None => Ok(()),
            Some(shard) => {
                let message =
                    format!("a write to \"{}\" panicked: restart to write again", shard.engine.description().name);
                Err(Error::new(Reason::StoreUnavailable, "", message).retry_after(LOCKED_RETRY))
            }
        }
    }
}

/// Those points that stand for their item: all but the sound of a film whose pictures are there too.
fn leads(engine: &Engine, tenant: &Tenant, points: Vec<Point>) -> Result<Vec<Point>> {
    let better: Vec<Uuid> =
        points.iter().flat_map(|point| schema::better_leads(tenant, point)).map(|PointId(id)| id).collect();
    let better = if better.is_empty() { better } else { engine.existing(&better)? };
    Ok(points
        .into_iter()
        .filter(|point| !schema::better_leads(tenant, point).iter().any(|id| better.contains(&id.0)))
        .collect())
}

fn info(engine: &Engine) -> Result<CollectionInfo> {
    Ok(engine.description().info(engine.counts()?.0 as u64))
}

fn point(tenant: &Tenant, found: Found) -> Result<Point> {
    schema::point(tenant, found.payload, found.vector)
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|error| failed("finish its work", error))?
}

fn lock(directory: &Path) -> Result<File> {
    let path = directory.join(LOCK);
    let file =
        File::options().create(true).truncate(false).write(true).open(&path).map_err(|error| at(&path, error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::Error(error)) => Err(at(&path, error)),
        Err(TryLockError::WouldBlock) => {
            // Of another process mostly; of this one while a store that was dropped still builds an index.
            let message = format!("the data directory {} is in use by another process or store", directory.display());
            Err(Error::new(Reason::StoreUnavailable, "", message).retry_after(LOCKED_RETRY))
        }
    }
}

/// What a crash left of collections that were being made or removed.
fn remove_leftovers(collections: &Path, catalogue: &Catalogue) -> std::io::Result<()> {
    for entry in fs::read_dir(collections)? {
        let entry = entry?;
        if !catalogue.collections.values().any(|known| entry.file_name() == known.folder.as_str()) {
            tracing::warn!(folder = %entry.path().display(), "removing what a crash left over");
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

fn at(path: &Path, error: std::io::Error) -> Error {
    failed(&format!("use {}", path.display()), error)
}

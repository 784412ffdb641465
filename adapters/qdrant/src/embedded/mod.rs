//! Vectors in a directory of this process, through Qdrant's embedded engine.
//!
//! ```text
//! DIR/lock                                held by the process that has the directory open
//! DIR/spare                               given up when the disk is full
//! DIR/catalogue.json                      the collections, and which of them a name leads to
//! DIR/collections/NAME__SPACE-N/shard     the engine's files
//! DIR/collections/NAME__SPACE-N/journal   what may not have reached them yet
//! DIR/collections/NAME__SPACE-N/inventory which points they hold, and of which items
//! DIR/collections/NAME__SPACE-N/sealed    after a clean stop: what the files were then
//! DIR/quarantine                          what a repair has put aside
//! ```
//!
//! `NAME__SPACE` is a collection of the default tenant; those of others are `TENANT~NAME__SPACE`.

mod backup;
mod blocks;
mod catalogue;
mod copy;
mod damaged;
mod engine;
mod facets;
mod fault;
mod fields;
mod filter;
mod indexes;
mod inventory;
mod journal;
mod kept;
mod names;
mod naming;
mod patrol;
mod reads;
mod record;
mod repair;
mod restore;
mod room;
mod salvage;
mod seal;
mod shard;
mod shared;
mod sums;
mod tee;
mod tidy;
mod verify;
mod writer;

#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, path::Path, sync::Arc};

use async_trait::async_trait;
use onespace_core::{
    CollectionInfo, CollectionName, CollectionRef, CollectionSpec, ContentHash, Error, Facets, Fetch, Field, FieldKind,
    Filter, Hit, ItemId, Page, Point, Query, Result, StoredItem, Tenant, VectorStore,
    limits::{COLLECTIONS, STORE_READS},
};
use tokio::sync::Semaphore;

pub use self::{
    backup::Backup,
    repair::{Repaired, repair},
    restore::restore,
    verify::{Fault, verify},
};
use self::{
    damaged::item_damaged,
    engine::Engine,
    fault::failed,
    filter::filter,
    patrol::Patrol,
    reads::{Found, Want},
    shard::{Place, Shard, info},
    shared::Shared,
    sums::row,
};
use crate::{
    description::Description,
    filter::Clauses,
    items::{by_item, page_start, stored_items},
    payload::{STORED_ITEM, payload, stored_item},
};

/// A store in a directory of this process.
///
/// Searches run on blocking threads, at most [`STORE_READS`] at once; every collection has one writer with a
/// queue of [`onespace_core::limits::STORE_QUEUE`] writes. Dropping the store writes out what is pending.
pub struct EmbeddedStore {
    /// Before what it looks at is closed.
    _patrol: Option<Patrol>,
    shared: Arc<Shared>,
    reads: Arc<Semaphore>,
}

impl EmbeddedStore {
    /// Opens the store in a directory, making it where there is none, and applies what a crash left in its
    /// journals. Blocks: about a second for each 100 000 points. An index that a stop left undone is gone on with in
    /// the background; until it is done the directory stays held, even when the store is closed in this process.
    /// A collection that cannot be opened is unavailable by itself, and tried again when it is asked for. Points are
    /// looked at in the background; those that are damaged are named in the log and left out.
    ///
    /// # Errors
    /// `STORE_UNAVAILABLE` when another process, or store, has the directory open; `STORE_FAILED` naming the file
    /// otherwise.
    pub fn open(directory: &Path) -> Result<Self> {
        let shared = Arc::new(Shared::open(directory, COLLECTIONS)?);
        let patrol = Patrol::start(&shared);
        Ok(Self { _patrol: patrol, shared, reads: Arc::new(Semaphore::new(STORE_READS)) })
    }

    /// Writes a backup to a folder that is not there yet, while reads and writes go on: everything that was
    /// acknowledged before is in it. [`restore`] makes a data directory of it. `progress` hears of each collection.
    ///
    /// # Errors
    /// `FIELD_INVALID` when something is there; `STORE_FULL` when the backup would take the room that writes leave
    /// free; `STORE_FAILED`. Then nothing is left there.
    pub async fn backup(&self, to: &Path, progress: &(dyn Fn(&str) + Sync)) -> Result<Backup> {
        backup::backup(self.shared.clone(), to, progress).await
    }

    /// The collection of a name. One that could not be opened is tried again, now and then.
    async fn shard(&self, collection: &CollectionRef) -> Result<Arc<Shard>> {
        match self.shared.find(collection)?.1 {
            Place::Open(shard) => Ok(shard),
            Place::Shut(shut) if !shut.rested() => Err(shut.error()),
            Place::Shut(_) => {
                let (shared, collection) = (self.shared.clone(), collection.clone());
                blocking(move || shared.reopen(&collection)).await
            }
        }
    }

    async fn read<T: Send + 'static>(
        &self,
        collection: &CollectionRef,
        work: impl FnOnce(&Engine, &Tenant) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (shard, tenant) = (self.shard(collection).await?, collection.tenant.clone());
        // The permit goes with the work: a caller that went away does not make room for more threads.
        let permit = self.reads.clone().acquire_owned().await.map_err(|_| Error::internal("the store is closing"))?;
        blocking(move || {
            let _permit = permit;
            work(&shard.engine, &tenant)
        })
        .await
    }
}

#[async_trait]
impl VectorStore for EmbeddedStore {
    async fn create_collection(&self, spec: &CollectionSpec) -> Result<()> {
        let (shared, description) = (self.shared.clone(), Description::from_spec(spec)?);
        if blocking(move || shared.create(description)).await? {
            self.index_fields(&spec.collection, &spec.indexed).await?;
        }
        Ok(())
    }

    async fn list_collections(&self, tenant: &Tenant) -> Result<Vec<CollectionInfo>> {
        let (shared, tenant) = (self.shared.clone(), tenant.clone());
        blocking(move || shared.list(&tenant)).await
    }

    async fn delete_collection(&self, collection: &CollectionRef) -> Result<()> {
        let (shared, collection) = (self.shared.clone(), collection.clone());
        blocking(move || shared.delete(&collection)).await
    }

    async fn collection(&self, collection: &CollectionRef) -> Result<CollectionInfo> {
        self.read(collection, |engine, _| info(engine)).await
    }

    async fn resolve(&self, name: &CollectionRef) -> Result<CollectionRef> {
        Ok(self.shared.resolve(name))
    }

    async fn aliases(&self, tenant: &Tenant) -> Result<BTreeMap<CollectionName, Vec<CollectionName>>> {
        Ok(self.shared.aliases(tenant))
    }

    async fn set_alias(&self, alias: &CollectionRef, collection: &CollectionName) -> Result<()> {
        let (shared, alias, collection) = (self.shared.clone(), alias.clone(), collection.clone());
        blocking(move || shared.set_alias(&alias, &collection)).await
    }

    async fn remove_alias(&self, alias: &CollectionRef) -> Result<()> {
        let (shared, alias) = (self.shared.clone(), alias.clone());
        blocking(move || shared.remove_alias(&alias)).await
    }

    async fn rename_collection(&self, collection: &CollectionRef, name: &CollectionName) -> Result<()> {
        let (shared, collection, name) = (self.shared.clone(), collection.clone(), name.clone());
        blocking(move || shared.rename(&collection, &name)).await
    }

    async fn index_fields(&self, collection: &CollectionRef, fields: &BTreeMap<String, FieldKind>) -> Result<()> {
        let (shard, shared) = (self.shard(collection).await?, self.shared.clone());
        // A caller that goes away does not leave it half done.
        let indexing = tokio::spawn(index_fields(shared, collection.clone(), shard, fields.clone()));
        indexing.await.map_err(|error| failed("index fields", error))?
    }

    async fn upsert(&self, collection: &CollectionRef, points: Vec<Point>) -> Result<()> {
        let shard = self.shard(collection).await?;
        shard.engine.description().check(&points)?;
        if points.is_empty() {
            return Ok(());
        }
        let tenant = &collection.tenant;
        let rows = points.into_iter().map(|point| row(point.id(tenant).0, payload(tenant, &point), point.vector));
        shard.writer.upsert(rows.collect()).await
    }

    async fn stored(&self, collection: &CollectionRef, items: &[ItemId]) -> Result<BTreeMap<ItemId, StoredItem>> {
        let filter = filter(&Clauses::new(&collection.tenant).of_items(items))?;
        let asked = items.to_vec();
        self.read(collection, move |engine, tenant| {
            if asked.is_empty() {
                return Ok(BTreeMap::new());
            }
            let take = |found: Found| stored_item(tenant, found.payload);
            let mut stored = stored_items(engine.scroll_all(&filter, Want::Fields(&STORED_ITEM), take)?);
            // What is damaged is to be written again, in place of all that there is of it.
            let damaged = StoredItem { content_hash: ContentHash::from_stored("damaged"), details: None };
            stored.extend(engine.damaged.items(&asked).into_iter().map(|item| (item, damaged.clone())));
            Ok(stored)
        })
        .await
    }

    async fn search(&self, collection: &CollectionRef, query: &Query) -> Result<Vec<Hit>> {
        let clauses = Clauses::new(&collection.tenant).and_modalities(&query.modalities).and_tracks(&query.tracks);
        let filter = filter(&clauses.and(&query.filter)?)?;
        let (vector, limit) = (query.vector.clone(), query.limit);
        self.read(collection, move |engine, tenant| {
            engine.description().check_vector(&vector)?;
            if limit == 0 {
                return Ok(Vec::new());
            }
            let found = engine.search(&vector, &filter, limit, |found| point(tenant, found))?;
            Ok(found.into_iter().map(|(point, score)| Hit { point, score }).collect())
        })
        .await
    }

    async fn items(
        &self,
        collection: &CollectionRef,
        items: &[ItemId],
        fetch: Fetch,
    ) -> Result<BTreeMap<ItemId, Vec<Point>>> {
        let clauses = Clauses::new(&collection.tenant).of_items(items);
        let filter = filter(&if fetch.segments { clauses } else { clauses.only_whole() })?;
        let want = if fetch.vectors { Want::Vector } else { Want::Payload };
        let asked = items.to_vec();
        self.read(collection, move |engine, tenant| {
            if asked.is_empty() {
                return Ok(BTreeMap::new());
            }
            let found = by_item(engine.scroll_all(&filter, want, |found| point(tenant, found))?);
            // What stands for all of it must be sound; of its segments, those that are.
            let stands =
                |item: &ItemId| found.get(item).is_some_and(|points| points.iter().any(|one| one.segment == 0));
            let lost = engine.damaged.items(&asked).into_iter().find(|item| !stands(item));
            match lost {
                Some(item) => Err(item_damaged(engine.description().name.as_str(), &item)),
                None => Ok(found),
            }
        })
        .await
    }

    async fn list_items(
        &self,
        collection: &CollectionRef,
        user: &Filter,
        limit: usize,
        page: Option<&str>,
    ) -> Result<Page> {
        let filter = filter(&Clauses::new(&collection.tenant).representatives().and(user)?)?;
        let from = page_start(page)?;
        self.read(collection, move |engine, tenant| {
            let (items, next) =
                engine.scroll(&filter, from, limit.max(1), Want::Payload, |found| point(tenant, found))?;
            Ok(Page { items, next: next.map(|id| id.to_string()) })
        })
        .await
    }

    async fn count_items(&self, collection: &CollectionRef, user: &Filter) -> Result<u64> {
        let filter = filter(&Clauses::new(&collection.tenant).representatives().and(user)?)?;
        self.read(collection, move |engine, _| Ok(engine.count(&filter)? as u64)).await
    }

    async fn facets(&self, collection: &CollectionRef, field: &Field, user: &Filter, limit: usize) -> Result<Facets> {
        let filter = filter(&Clauses::new(&collection.tenant).representatives().and(user)?)?;
        let field = field.clone();
        self.read(collection, move |engine, tenant| engine.facets(tenant, &filter, &field, limit)).await
    }

    async fn delete_items(
        &self,
        collection: &CollectionRef,
        items: &[ItemId],
        keep: Option<&ContentHash>,
    ) -> Result<u64> {
        let shard = self.shard(collection).await?;
        if items.is_empty() {
            return Ok(0);
        }
        let filter = filter(&Clauses::new(&collection.tenant).of_items(items).but(keep))?;
        shard.writer.delete(collection.tenant.clone(), items.to_vec(), filter).await
    }

    /// A collection that cannot be opened, or whose writer panicked, answers for itself.
    async fn ready(&self) -> Result<()> {
        Ok(())
    }

    async fn writable(&self) -> Result<()> {
        let shared = self.shared.clone();
        blocking(move || shared.room.check(0)).await
    }
}

/// Indexes fields of a collection at work.
///
/// # Errors
/// As [`Shared::declare_fields`].
async fn index_fields(
    shared: Arc<Shared>,
    collection: CollectionRef,
    shard: Arc<Shard>,
    fields: BTreeMap<String, FieldKind>,
) -> Result<()> {
    // One call after the other: what the second one finds unfinished is not under way.
    let _indexing = shard.indexing.clone().lock_owned().await;
    let (declaring, at) = (shared.clone(), shard.clone());
    let declared = blocking(move || declaring.declare_fields(&collection, &at, &fields)).await?;
    let Some(declared) = declared else { return Ok(()) };
    let outcome = shard.writer.index(declared.unfinished.clone()).await;
    blocking(move || {
        shared.conclude_fields(&shard, declared, &outcome);
        outcome
    })
    .await
}

/// The point that was found; an error where it is not what was written.
fn point(tenant: &Tenant, found: Found) -> Result<Point> {
    sums::check(&found.payload, &found.vector).map_err(|why| failed("read a point", why))?;
    let point = crate::payload::point(tenant, found.payload, found.vector)?;
    if point.id(tenant).0 == found.id { Ok(point) } else { Err(failed("read a point", "it is stored as another one")) }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|error| failed("finish its work", error))?
}

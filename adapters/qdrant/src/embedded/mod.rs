//! Vectors in a directory of this process, through Qdrant's embedded engine.
//!
//! ```text
//! DIR/lock                                held by the process that has the directory open
//! DIR/spare                               given up when the disk is full
//! DIR/catalogue.json                      the collections, and which of them a name leads to
//! DIR/collections/NAME__SPACE-N/shard     the engine's files
//! DIR/collections/NAME__SPACE-N/journal   what may not have reached them yet
//! ```

mod blocks;
mod catalogue;
mod engine;
mod filter;
mod journal;
mod room;
mod shard;
mod shared;
mod tidy;
mod writer;

use std::{collections::BTreeMap, path::Path, sync::Arc};

use async_trait::async_trait;
use onespace_core::{
    CollectionInfo, CollectionName, CollectionSpec, ContentHash, Error, Filter, Hit, ItemId, Page, Point, PointId,
    Query, Result, StoredItem, Tenant, VectorStore, limits::STORE_READS,
};
use tokio::sync::Semaphore;
use uuid::Uuid;

use self::{
    engine::{Engine, Found, Want, failed},
    journal::Row,
    shard::{Place, Shard, info},
    shared::Shared,
};
use crate::{
    filter::Clauses,
    schema::{self, Description},
};

/// A store in a directory of this process.
///
/// Searches run on blocking threads, at most [`STORE_READS`] at once; every collection has one writer with a
/// queue of [`onespace_core::limits::STORE_QUEUE`] writes. Dropping the store writes out what is pending.
pub struct EmbeddedStore {
    shared: Arc<Shared>,
    reads: Arc<Semaphore>,
}

impl EmbeddedStore {
    /// Opens the store in a directory, making it where there is none, and applies what a crash left in its
    /// journals. Blocks: about a second for each 100 000 points. An index that a stop left undone is gone on with in
    /// the background; until it is done the directory stays held, even when the store is closed in this process.
    /// A collection that cannot be opened is unavailable by itself, and tried again when it is asked for.
    ///
    /// # Errors
    /// `STORE_UNAVAILABLE` when another process, or store, has the directory open; `STORE_FAILED` naming the file
    /// otherwise.
    pub fn open(directory: &Path) -> Result<Self> {
        let shared = Shared::open(directory)?;
        Ok(Self { shared: Arc::new(shared), reads: Arc::new(Semaphore::new(STORE_READS)) })
    }

    /// The collection of a name. One that could not be opened is tried again, now and then.
    async fn shard(&self, name: &CollectionName) -> Result<Arc<Shard>> {
        match self.shared.find(name)?.1 {
            Place::Open(shard) => Ok(shard),
            Place::Shut(shut) if !shut.rested() => Err(shut.error()),
            Place::Shut(_) => {
                let (shared, name) = (self.shared.clone(), name.clone());
                blocking(move || shared.reopen(&name)).await
            }
        }
    }

    async fn read<T: Send + 'static>(
        &self,
        name: &CollectionName,
        work: impl FnOnce(&Engine) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let shard = self.shard(name).await?;
        // The permit goes with the work: a caller that went away does not make room for more threads.
        let permit = self.reads.clone().acquire_owned().await.map_err(|_| Error::internal("the store is closing"))?;
        blocking(move || {
            let _permit = permit;
            work(&shard.engine)
        })
        .await
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
        let shard = self.shard(name).await?;
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
        let shard = self.shard(name).await?;
        if items.is_empty() {
            return Ok(0);
        }
        let filter = filter::filter(&schema::parts_of(tenant, items, keep))?;
        shard.writer.delete(tenant.clone(), filter).await
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

fn point(tenant: &Tenant, found: Found) -> Result<Point> {
    schema::point(tenant, found.payload, found.vector)
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|error| failed("finish its work", error))?
}

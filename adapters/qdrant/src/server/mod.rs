//! Vectors in a Qdrant server or cluster, 1.16 or newer.
//!
//! What a collection is stands in its own metadata on the server, so that any number of gateways agree without a
//! word between them. A name is resolved to the collection behind it first, and every call then goes to that
//! collection itself: a vector never lands in another space because a name was switched in between.

mod calls;
mod convert;
mod facets;
mod naming;
mod servers;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use onespace_core::{
    CollectionInfo, CollectionName, CollectionRef, CollectionSpec, ContentHash, Error, Facets, Fetch, Field, FieldKind,
    Filter, Hit, ItemId, Page, Point, Query, Reason, Result, StoredItem, Tenant, VectorStore, limits::UPSERT_POINTS,
};
use qdrant_client::{
    Qdrant,
    qdrant::{
        self, CountPointsBuilder, DeletePointsBuilder, PayloadIncludeSelector, PointId, QueryPointsBuilder,
        ScrollPointsBuilder, SearchParamsBuilder, UpsertPointsBuilder,
    },
};

use self::{
    calls::{METADATA_KEY, PAGE, ask, completed, ordering},
    convert::{error, filter, point, row, uuid},
    servers::Servers,
};
use crate::{
    description::{Description, alias, exists, not_found, taken},
    filter::Clauses,
    items::{by_item, page_start, stored_items},
    payload::{HIT, ITEM_AND_HASH, STORED_ITEM, item_and_hash, stored_item},
    search::beam,
};

/// How long a call may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// How long a name is taken to lead where it led: another gateway's switch is followed at the latest after this.
const RESOLVED: Duration = Duration::from_secs(2);
/// The longest name of a collection that a server takes.
const NAME_BYTES: usize = 255;

/// How a new collection is spread over a cluster. The default suits a single server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replication {
    /// Parts a collection is split into; the server's own default where absent.
    pub shards: Option<u32>,
    /// Copies of each part.
    pub factor: u32,
    /// Copies that must have a write before it counts.
    pub write_consistency: u32,
}

impl Default for Replication {
    fn default() -> Self {
        Self { shards: None, factor: 1, write_consistency: 1 }
    }
}

/// A store in a Qdrant server or cluster.
pub struct ServerStore {
    servers: Arc<Servers>,
    replication: Replication,
    resolved: Mutex<HashMap<CollectionRef, (Instant, Description)>>,
    /// Held while a collection's metadata is read and written again.
    describing: tokio::sync::Mutex<()>,
}

impl ServerStore {
    /// A store on the server at `urls` (its gRPC port; `https` for TLS): several are nodes of one cluster, of which one
    /// that answers is used. Connects with the first call, and again whenever the connection is lost. `replication` is
    /// for collections that are made from here.
    ///
    /// # Errors
    /// `FIELD_INVALID` for what is no URL, or none at all.
    pub fn connect(urls: &[String], api_key: Option<&str>, replication: Replication) -> Result<Self> {
        if urls.is_empty() {
            return Err(Error::new(Reason::FieldInvalid, "qdrant", "name at least one address of a Qdrant server"));
        }
        let clients = urls.iter().map(|url| client(url, api_key)).collect::<Result<_>>()?;
        let (resolved, describing) = (Mutex::new(HashMap::new()), tokio::sync::Mutex::new(()));
        Ok(Self { servers: Servers::new(clients), replication, resolved, describing })
    }

    /// The collection that a name leads to.
    async fn resolve(&self, collection: &CollectionRef) -> Result<Description> {
        if let Some(description) = self.recently(collection) {
            return Ok(description);
        }
        let (description, _) = self.active(collection).await?;
        self.resolved().insert(collection.clone(), (Instant::now(), description.clone()));
        Ok(description)
    }

    /// The collection that a name led to a moment ago.
    fn recently(&self, collection: &CollectionRef) -> Option<Description> {
        let resolved = self.resolved();
        let (when, description) = resolved.get(collection)?;
        (when.elapsed() < RESOLVED).then(|| description.clone())
    }

    /// Its name is resolved anew next time.
    fn forget(&self, collection: &CollectionRef) {
        self.resolved().remove(collection);
    }

    /// The collection that a name leads to at this moment, and how many points it has.
    async fn active(&self, collection: &CollectionRef) -> Result<(Description, u64)> {
        let found = self.describe(collection, &alias(collection)).await?;
        found.ok_or_else(|| not_found(&collection.name))
    }

    fn resolved(&self) -> MutexGuard<'_, HashMap<CollectionRef, (Instant, Description)>> {
        self.resolved.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Refuses a name that is longer than a server takes.
fn check_name(physical: &str) -> Result<()> {
    if physical.len() <= NAME_BYTES {
        return Ok(());
    }
    let message =
        format!("tenant and collection together make a name of {} bytes, Qdrant takes {NAME_BYTES}", physical.len());
    Err(Error::new(Reason::FieldInvalid, "collection", message))
}

/// A client of one address. Connects with its first call.
fn client(url: &str, api_key: Option<&str>) -> Result<Qdrant> {
    if api_key.is_some() && !url.starts_with("https:") {
        tracing::warn!("the key for Qdrant travels unencrypted: use an https URL where the network is not your own");
    }
    let mut config = Qdrant::from_url(url).skip_compatibility_check();
    config.set_timeout(TIMEOUT);
    config.set_connect_timeout(CONNECT_TIMEOUT);
    if let Some(key) = api_key {
        config.set_api_key(key);
    }
    config.build().map_err(|problem| {
        Error::new(Reason::FieldInvalid, "qdrant", format!("{url:?} is no address of a Qdrant server: {problem}"))
    })
}

#[async_trait]
impl VectorStore for ServerStore {
    async fn create_collection(&self, spec: &CollectionSpec) -> Result<()> {
        let (collection, mut description) = (&spec.collection, Description::from_spec(spec)?);
        let _describing = self.describing.lock().await;
        let before = self.behind(&collection.tenant, &description.alias()).await?.map(|(before, _)| before);
        match &before {
            Some(active) if !active.is(collection) => return Err(taken(&collection.name, "an alias")),
            Some(active) if active.space == description.space => return Err(exists(active, &description)),
            _ => {}
        }
        // It stands without its name when it was detached for another space, or when making it was cut short.
        let detached = self.detached(collection, &mut description).await?;
        check_name(&description.physical())?;
        match &detached {
            Some(detached) if detached.dimension != description.dimension => {
                return Err(exists(detached, &description));
            }
            Some(detached) => {
                self.index(collection, detached, detached.indexes()?).await?;
                self.add_fields(collection, detached, &spec.indexed).await?;
            }
            None => {
                self.make(&description).await?;
                self.index(collection, &description, description.indexes()?).await?;
            }
        }
        let made = detached.unwrap_or(description);
        self.create_alias(made.alias(), made.physical()).await?;
        self.forget(collection);
        // Other names lead where the name leads, in whichever space.
        match before {
            Some(before) => self.hand_over_aliases(&before, &made).await,
            None => Ok(()),
        }
    }

    async fn list_collections(&self, tenant: &Tenant) -> Result<Vec<CollectionInfo>> {
        let all = self.all(tenant).await?;
        Ok(all.into_iter().map(|(_, description, points)| description.info(points)).collect())
    }

    async fn delete_collection(&self, collection: &CollectionRef) -> Result<()> {
        let mut found = self.all(&collection.tenant).await?;
        found.retain(|(_, description, _)| description.is(collection));
        if found.is_empty() {
            return Err(not_found(&collection.name));
        }
        // The one in use goes last, and its alias with it: cut short, this can be done again.
        for (physical, ..) in found.into_iter().rev() {
            match ask!(self.delete_collection(physical)).await {
                Ok(_) => {}
                Err(problem) => drop(self.failed_unless_missing::<()>(collection, problem)?),
            }
        }
        self.forget(collection);
        Ok(())
    }

    async fn collection(&self, collection: &CollectionRef) -> Result<CollectionInfo> {
        let (description, points) = self.active(collection).await?;
        Ok(description.info(points))
    }

    async fn resolve(&self, name: &CollectionRef) -> Result<CollectionRef> {
        self.named(name).await
    }

    async fn aliases(&self, tenant: &Tenant) -> Result<BTreeMap<CollectionName, Vec<CollectionName>>> {
        self.other_names(tenant).await
    }

    async fn set_alias(&self, alias: &CollectionRef, collection: &CollectionName) -> Result<()> {
        let _describing = self.describing.lock().await;
        self.lead(alias, collection).await
    }

    async fn remove_alias(&self, alias: &CollectionRef) -> Result<()> {
        let _describing = self.describing.lock().await;
        self.unlead(alias).await
    }

    async fn rename_collection(&self, collection: &CollectionRef, name: &CollectionName) -> Result<()> {
        let _describing = self.describing.lock().await;
        self.rename(collection, name).await
    }

    async fn index_fields(&self, collection: &CollectionRef, fields: &BTreeMap<String, FieldKind>) -> Result<()> {
        // Of two calls to this gateway the second one sees what the first one wrote. Two gateways can overwrite each
        // other's list of fields: then the index is there all the same, and the same call again puts it on the list.
        let _describing = self.describing.lock().await;
        let (standing, _) = self.active(collection).await?;
        self.add_fields(collection, &standing, fields).await?;
        self.forget(collection);
        Ok(())
    }

    async fn upsert(&self, collection: &CollectionRef, points: Vec<Point>) -> Result<()> {
        let description = self.resolve(collection).await?;
        description.check(&points)?;
        let mut rows: Vec<_> = points.into_iter().map(|point| row(&collection.tenant, point)).collect();
        while !rows.is_empty() {
            let rest = rows.split_off(rows.len().min(UPSERT_POINTS));
            let request = UpsertPointsBuilder::new(description.physical(), rows).wait(true).ordering(ordering());
            let done = ask!(self.upsert_points(request)).await.map_err(|problem| self.failed(collection, problem))?;
            completed(done)?;
            rows = rest;
        }
        Ok(())
    }

    async fn stored(&self, collection: &CollectionRef, items: &[ItemId]) -> Result<BTreeMap<ItemId, StoredItem>> {
        if items.is_empty() {
            return self.resolve(collection).await.map(|_| BTreeMap::new());
        }
        let clauses = Clauses::new(&collection.tenant).of_items(items);
        let found = self.payloads(collection, &clauses, &STORED_ITEM).await?;
        let points: Vec<_> =
            found.into_iter().map(|payload| stored_item(&collection.tenant, payload)).collect::<Result<_>>()?;
        Ok(stored_items(points))
    }

    async fn search(&self, collection: &CollectionRef, query: &Query) -> Result<Vec<Hit>> {
        let clauses = Clauses::new(&collection.tenant).and_modalities(&query.modalities).and_tracks(&query.tracks);
        let clauses = clauses.and(&query.filter)?;
        let description = self.resolve(collection).await?;
        description.check_vector(&query.vector)?;
        if query.limit == 0 {
            return Ok(Vec::new());
        }
        let request = QueryPointsBuilder::new(description.physical())
            .query(qdrant::Query::new_nearest(query.vector.clone()))
            .filter(filter(&clauses))
            .limit(query.limit as u64)
            .params(SearchParamsBuilder::default().hnsw_ef(beam(query.limit) as u64))
            .with_payload(PayloadIncludeSelector::new(HIT.map(str::to_owned).to_vec()))
            .with_vectors(false);
        let found = ask!(self.query(request)).await.map_err(|problem| self.failed(collection, problem))?.result;
        let hit = |hit: qdrant::ScoredPoint| {
            Ok(Hit { point: point(&collection.tenant, hit.payload, None)?, score: hit.score })
        };
        found.into_iter().map(hit).collect()
    }

    async fn items(
        &self,
        collection: &CollectionRef,
        items: &[ItemId],
        fetch: Fetch,
    ) -> Result<BTreeMap<ItemId, Vec<Point>>> {
        let physical = self.resolve(collection).await?.physical();
        if items.is_empty() {
            return Ok(BTreeMap::new());
        }
        let clauses = Clauses::new(&collection.tenant).of_items(items);
        let clauses = if fetch.segments { clauses } else { clauses.only_whole() };
        let request =
            ScrollPointsBuilder::new(physical).filter(filter(&clauses)).with_payload(true).with_vectors(fetch.vectors);
        let found = self.scroll_all(collection, request).await?;
        let points = found.into_iter().map(|found| point(&collection.tenant, found.payload, found.vectors));
        Ok(by_item(points.collect::<Result<Vec<_>>>()?))
    }

    async fn list_items(
        &self,
        collection: &CollectionRef,
        user: &Filter,
        limit: usize,
        page: Option<&str>,
    ) -> Result<Page> {
        let clauses = Clauses::new(&collection.tenant).representatives().and(user)?;
        let mut from = page_start(page)?.map(PointId::from);
        let physical = self.resolve(collection).await?.physical();
        let mut items = Vec::new();
        loop {
            let left = u32::try_from(limit.saturating_sub(items.len()).max(1)).unwrap_or(PAGE).min(PAGE);
            let mut request = ScrollPointsBuilder::new(physical.as_str())
                .filter(filter(&clauses))
                .limit(left)
                .with_payload(true)
                .with_vectors(false);
            if let Some(from) = from {
                request = request.offset(from);
            }
            let (found, next) = self.scroll(collection, request).await?;
            for found in found {
                items.push(point(&collection.tenant, found.payload, None)?);
            }
            from = next;
            if from.is_none() || items.len() >= limit {
                let next = from.map(uuid).transpose()?.map(|id| id.to_string());
                return Ok(Page { items, next });
            }
        }
    }

    async fn count_items(&self, collection: &CollectionRef, user: &Filter) -> Result<u64> {
        let clauses = Clauses::new(&collection.tenant).representatives().and(user)?;
        let physical = self.resolve(collection).await?.physical();
        let request = CountPointsBuilder::new(physical).filter(filter(&clauses)).exact(true);
        let answer = ask!(self.count(request)).await.map_err(|problem| self.failed(collection, problem))?;
        Ok(answer.result.unwrap_or_default().count)
    }

    async fn facets(&self, collection: &CollectionRef, field: &Field, user: &Filter, limit: usize) -> Result<Facets> {
        let clauses = Clauses::new(&collection.tenant).representatives().and(user)?;
        self.facets_of(collection, &clauses, field, limit).await
    }

    async fn delete_items(
        &self,
        collection: &CollectionRef,
        items: &[ItemId],
        keep: Option<&ContentHash>,
    ) -> Result<u64> {
        if items.is_empty() {
            return self.resolve(collection).await.map(|_| 0);
        }
        let clauses = Clauses::new(&collection.tenant).of_items(items).but(keep);
        let found = self.payloads(collection, &clauses, &ITEM_AND_HASH).await?;
        let there: BTreeSet<ItemId> =
            found.iter().map(|payload| Ok(item_and_hash(&collection.tenant, payload)?.0)).collect::<Result<_>>()?;
        if !there.is_empty() {
            let request = DeletePointsBuilder::new(self.resolve(collection).await?.physical())
                .points(filter(&clauses))
                .wait(true)
                .ordering(ordering());
            let done = ask!(self.delete_points(request)).await.map_err(|problem| self.failed(collection, problem))?;
            completed(done)?;
        }
        Ok(there.len() as u64)
    }

    async fn ready(&self) -> Result<()> {
        // Unlike the health check, this one needs the key to be right.
        let answer = ask!(self.collection_exists(METADATA_KEY)).await;
        answer.map(|_| ()).map_err(|problem| match error(None, problem) {
            failed if failed.reason == Reason::StoreUnavailable => failed,
            failed => Error::new(Reason::StoreUnavailable, "", failed.message).retry_after(TIMEOUT),
        })
    }
}

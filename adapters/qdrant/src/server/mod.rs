//! Vectors in a Qdrant server or cluster, 1.16 or newer.
//!
//! What a collection is stands in its own metadata on the server, so that any number of gateways agree without a
//! word between them. A name is resolved to the collection behind it first, and every call then goes to that
//! collection itself: a vector never lands in another space because a name was switched in between.

mod calls;
mod convert;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use onespace_core::{
    CollectionInfo, CollectionName, CollectionSpec, ContentHash, Error, Filter, Hit, ItemId, Page, Point, Query,
    Reason, Result, StoredItem, Tenant, VectorStore, limits::UPSERT_POINTS,
};
use qdrant_client::{
    Qdrant,
    qdrant::{
        self, CreateAliasBuilder, DeletePointsBuilder, PointId, QueryPointsBuilder, ScrollPointsBuilder,
        UpsertPointsBuilder,
    },
};

use self::{
    calls::{METADATA_KEY, PAGE, completed, ordering},
    convert::{error, filter, point, row, uuid},
};
use crate::{
    filter::Clauses,
    schema::{self, Description},
};

/// How long a call may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// How long a name is taken to lead where it led: another gateway's switch is followed at the latest after this.
const RESOLVED: Duration = Duration::from_secs(2);

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
    client: Qdrant,
    replication: Replication,
    resolved: Mutex<HashMap<CollectionName, (Instant, Description)>>,
}

impl ServerStore {
    /// A store on the server at `url` (its gRPC port; `https` for TLS). Connects with the first call, and again
    /// whenever the connection is lost. `replication` is for collections that are made from here.
    ///
    /// # Errors
    /// `FIELD_INVALID` for what is no URL.
    pub fn connect(url: &str, api_key: Option<&str>, replication: Replication) -> Result<Self> {
        if api_key.is_some() && !url.starts_with("https:") {
            tracing::warn!(
                "the key for Qdrant travels unencrypted: use an https URL where the network is not your own"
            );
        }
        let mut config = Qdrant::from_url(url).skip_compatibility_check();
        config.set_timeout(TIMEOUT);
        config.set_connect_timeout(CONNECT_TIMEOUT);
        if let Some(key) = api_key {
            config.set_api_key(key);
        }
        let client = config.build().map_err(|problem| {
            Error::new(Reason::FieldInvalid, "qdrant", format!("{url:?} is no address of a Qdrant server: {problem}"))
        })?;
        Ok(Self { client, replication, resolved: Mutex::new(HashMap::new()) })
    }

    /// The collection that a name leads to.
    async fn resolve(&self, name: &CollectionName) -> Result<Description> {
        if let Some((when, description)) = self.resolved().get(name)
            && when.elapsed() < RESOLVED
        {
            return Ok(description.clone());
        }
        let (description, _) = self.describe(name, name.as_str()).await?.ok_or_else(|| schema::not_found(name))?;
        self.resolved().insert(name.clone(), (Instant::now(), description.clone()));
        Ok(description)
    }

    fn resolved(&self) -> std::sync::MutexGuard<'_, HashMap<CollectionName, (Instant, Description)>> {
        self.resolved.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl VectorStore for ServerStore {
    async fn create_collection(&self, spec: &CollectionSpec) -> Result<()> {
        let description = Description::of(spec)?;
        let (name, physical) = (&description.name, description.physical());
        if let Some((active, _)) = self.describe(name, name.as_str()).await?
            && active.space == description.space
        {
            return Err(schema::exists(&active, &description));
        }
        // It stands without its name when it was left for another space, or when making it was cut short.
        match self.describe(name, &physical).await? {
            Some((left, _)) if left.dimension != description.dimension => {
                return Err(schema::exists(&left, &description));
            }
            Some(_) => {}
            None => self.make(&description).await?,
        }
        self.index(&description).await?;
        // One change that replaces what the name led to: nobody sees it lead nowhere.
        let alias = CreateAliasBuilder::new(physical, name.as_str());
        self.client.create_alias(alias).await.map_err(|problem| error(None, problem))?;
        self.resolved().remove(name);
        Ok(())
    }

    async fn list_collections(&self) -> Result<Vec<CollectionInfo>> {
        let all = self.all().await?;
        Ok(all.into_iter().map(|(_, description, points)| description.info(points)).collect())
    }

    async fn delete_collection(&self, name: &CollectionName) -> Result<()> {
        let mut mine = self.all().await?;
        mine.retain(|(_, description, _)| description.name == *name);
        if mine.is_empty() {
            return Err(schema::not_found(name));
        }
        // The one in use goes last, and its alias with it: cut short, this can be done again.
        for (physical, ..) in mine.into_iter().rev() {
            match self.client.delete_collection(physical).await {
                Ok(_) => {}
                Err(problem) => drop(self.failed_unless_missing::<()>(name, problem)?),
            }
        }
        self.resolved().remove(name);
        Ok(())
    }

    async fn collection(&self, name: &CollectionName) -> Result<CollectionInfo> {
        let (description, points) = self.describe(name, name.as_str()).await?.ok_or_else(|| schema::not_found(name))?;
        Ok(description.info(points))
    }

    async fn upsert(&self, tenant: &Tenant, name: &CollectionName, points: Vec<Point>) -> Result<()> {
        let description = self.resolve(name).await?;
        description.check(&points)?;
        let mut rows: Vec<_> = points.into_iter().map(|point| row(tenant, point)).collect();
        while !rows.is_empty() {
            let rest = rows.split_off(rows.len().min(UPSERT_POINTS));
            let request = UpsertPointsBuilder::new(description.physical(), rows).wait(true).ordering(ordering());
            let done = self.client.upsert_points(request).await.map_err(|problem| self.failed(name, problem))?;
            completed(done)?;
            rows = rest;
        }
        Ok(())
    }

    async fn stored(
        &self,
        tenant: &Tenant,
        name: &CollectionName,
        items: &[ItemId],
    ) -> Result<BTreeMap<ItemId, StoredItem>> {
        if items.is_empty() {
            return self.resolve(name).await.map(|_| BTreeMap::new());
        }
        let clauses = schema::parts_of(tenant, items, None);
        let found = self.payloads(name, &clauses, &schema::STORED_ITEM).await?;
        let parts: Vec<_> =
            found.into_iter().map(|payload| schema::stored_item(tenant, payload)).collect::<Result<_>>()?;
        Ok(schema::stored_items(parts))
    }

    async fn search(&self, tenant: &Tenant, name: &CollectionName, query: &Query) -> Result<Vec<Hit>> {
        let clauses =
            Clauses::of(tenant).and_modalities(&query.modalities).and_tracks(&query.tracks).and(&query.filter)?;
        let description = self.resolve(name).await?;
        description.check_vector(&query.vector)?;
        if query.limit == 0 {
            return Ok(Vec::new());
        }
        let request = QueryPointsBuilder::new(description.physical())
            .query(qdrant::Query::new_nearest(query.vector.clone()))
            .filter(filter(&clauses))
            .limit(query.limit as u64)
            .with_payload(true)
            .with_vectors(false);
        let found = self.client.query(request).await.map_err(|problem| self.failed(name, problem))?.result;
        found.into_iter().map(|hit| Ok(Hit { point: point(tenant, hit.payload, None)?, score: hit.score })).collect()
    }

    async fn item(&self, tenant: &Tenant, name: &CollectionName, item: &ItemId) -> Result<Vec<Point>> {
        let clauses = schema::parts_of(tenant, std::slice::from_ref(item), None);
        let physical = self.resolve(name).await?.physical();
        let request = ScrollPointsBuilder::new(physical).filter(filter(&clauses)).with_payload(true).with_vectors(true);
        let found = self.scroll_all(name, request).await?;
        let parts =
            found.into_iter().map(|found| point(tenant, found.payload, found.vectors)).collect::<Result<_>>()?;
        schema::whole_first(name, item, parts)
    }

    async fn list_items(
        &self,
        tenant: &Tenant,
        name: &CollectionName,
        user: &Filter,
        limit: usize,
        page: Option<&str>,
    ) -> Result<Page> {
        let clauses = schema::wholes(Clauses::of(tenant)).and(user)?;
        let mut from = schema::page_mark(page)?.map(PointId::from);
        let physical = self.resolve(name).await?.physical();
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
            let (found, next) = self.scroll(name, request).await?;
            let found = found.into_iter().map(|found| point(tenant, found.payload, None)).collect::<Result<_>>()?;
            items.extend(self.leads(tenant, name, &physical, found).await?);
            from = next;
            if from.is_none() || items.len() >= limit {
                let next = from.map(uuid).transpose()?.map(|id| id.to_string());
                return Ok(Page { items, next });
            }
        }
    }

    async fn delete_items(
        &self,
        tenant: &Tenant,
        name: &CollectionName,
        items: &[ItemId],
        keep: Option<&ContentHash>,
    ) -> Result<u64> {
        if items.is_empty() {
            return self.resolve(name).await.map(|_| 0);
        }
        let clauses = schema::parts_of(tenant, items, keep);
        let found = self.payloads(name, &clauses, &schema::ITEM_AND_HASH).await?;
        let there: BTreeSet<ItemId> =
            found.iter().map(|payload| Ok(schema::item_and_hash(tenant, payload)?.0)).collect::<Result<_>>()?;
        if !there.is_empty() {
            let request = DeletePointsBuilder::new(self.resolve(name).await?.physical())
                .points(filter(&clauses))
                .wait(true)
                .ordering(ordering());
            let done = self.client.delete_points(request).await.map_err(|problem| self.failed(name, problem))?;
            completed(done)?;
        }
        Ok(there.len() as u64)
    }

    async fn ready(&self) -> Result<()> {
        // Unlike the health check, this one needs the key to be right.
        let answer = self.client.collection_exists(METADATA_KEY).await;
        answer.map(|_| ()).map_err(|problem| match error(None, problem) {
            failed if failed.reason == Reason::StoreUnavailable => failed,
            failed => Error::new(Reason::StoreUnavailable, "", failed.message).retry_after(TIMEOUT),
        })
    }
}

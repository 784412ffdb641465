//! Vectors in a Qdrant server or cluster, 1.16 or newer.
//!
//! What a collection is stands in its own metadata on the server, so that any number of gateways agree without a
//! word between them. A name is resolved to the collection behind it first, and every call then goes to that
//! collection itself: a vector never lands in another space because a name was switched in between.

mod convert;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use onespace_core::{
    CollectionInfo, CollectionName, CollectionSpec, ContentHash, Error, Filter, Hit, ItemId, Page, Point, Query,
    Reason, Result, Tenant, VectorStore, limits::UPSERT_POINTS,
};
use qdrant_client::{
    Qdrant, QdrantError,
    qdrant::{
        self, CreateAliasBuilder, CreateCollectionBuilder, CreateFieldIndexCollectionBuilder, DeletePointsBuilder,
        Distance, GetPointsBuilder, PayloadIncludeSelector, PointId, QueryPointsBuilder, RetrievedPoint,
        ScrollPointsBuilder, StrictModeConfigBuilder, UpdateStatus, UpsertPointsBuilder, VectorParamsBuilder,
        WriteOrdering, WriteOrderingType,
    },
};
use uuid::Uuid;

use self::convert::{error, filter, json, point, row, uuid};
use crate::{
    filter::Clauses,
    schema::{self, Description},
};

/// The key of our description in a collection's metadata.
const METADATA_KEY: &str = "onespace";
/// How long a call may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// How long a name is taken to lead where it led: another gateway's switch is followed at the latest after this.
const RESOLVED: Duration = Duration::from_secs(2);
/// Points of one page when all pages are read.
const PAGE: u32 = 1024;

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

    /// What a failed call on a collection means; where it is gone, its name is resolved anew next time.
    fn failed(&self, name: &CollectionName, problem: QdrantError) -> Error {
        let failed = error(Some(name), problem);
        if failed.reason == Reason::CollectionNotFound {
            self.resolved().remove(name);
        }
        failed
    }

    /// What stands in the metadata of a collection, and how many points it has; nothing where it is none of ours.
    async fn describe(&self, name: &CollectionName, physical: &str) -> Result<Option<(Description, u64)>> {
        let info = match self.client.collection_info(physical).await {
            Ok(answer) => answer.result.unwrap_or_default(),
            Err(problem) => return self.failed_unless_missing(name, problem),
        };
        let points = info.points_count.unwrap_or_default();
        let metadata = json(info.config.unwrap_or_default().metadata).remove(METADATA_KEY);
        let Some(metadata) = metadata else { return Ok(None) };
        let description = serde_json::from_value(metadata).map_err(|problem| {
            Error::new(
                Reason::StoreFailed,
                "",
                format!("the metadata of collection \"{physical}\" is not ours: {problem}"),
            )
        })?;
        Ok(Some((description, points)))
    }

    fn failed_unless_missing<T>(&self, name: &CollectionName, problem: QdrantError) -> Result<Option<T>> {
        match self.failed(name, problem) {
            failed if failed.reason == Reason::CollectionNotFound => Ok(None),
            failed => Err(failed),
        }
    }

    /// Every collection of ours by physical name, those that a name leads to first.
    async fn all(&self) -> Result<Vec<(String, Description, u64)>> {
        let aliases = self.client.list_aliases().await.map_err(|problem| error(None, problem))?.aliases;
        let active: BTreeSet<_> = aliases.into_iter().map(|alias| alias.collection_name).collect();
        let listed = self.client.list_collections().await.map_err(|problem| error(None, problem))?.collections;
        let mut all = Vec::new();
        for physical in listed.into_iter().map(|collection| collection.name) {
            let Some(name) = physical.rsplit_once("__").and_then(|(name, _)| name.parse().ok()) else { continue };
            if let Some((description, points)) = self.describe(&name, &physical).await? {
                all.push((physical, description, points));
            }
        }
        all.sort_by_key(|(physical, description, _)| (description.name.clone(), !active.contains(physical)));
        Ok(all)
    }

    async fn make(&self, description: &Description) -> Result<()> {
        let metadata = serde_json::to_value(description).map_err(|problem| Error::internal(problem.to_string()))?;
        let strict = StrictModeConfigBuilder::default().enabled(true).upsert_max_batchsize(UPSERT_POINTS as u64);
        let mut create = CreateCollectionBuilder::new(description.physical())
            .vectors_config(VectorParamsBuilder::new(description.dimension as u64, Distance::Cosine))
            .replication_factor(self.replication.factor)
            .write_consistency_factor(self.replication.write_consistency)
            .strict_mode_config(strict.build())
            .metadata(HashMap::from([(METADATA_KEY.to_owned(), metadata)]));
        if let Some(shards) = self.replication.shards {
            create = create.shard_number(shards);
        }
        self.client.create_collection(create).await.map_err(|problem| error(None, problem))?;
        Ok(())
    }

    /// Makes the payload indexes; those that stand already stay.
    async fn index(&self, description: &Description) -> Result<()> {
        for index in description.indexes()? {
            let (kind, params) = convert::index(&index);
            let mut create = CreateFieldIndexCollectionBuilder::new(description.physical(), index.key, kind).wait(true);
            if let Some(params) = params {
                create = create.field_index_params(params);
            }
            let done = self.client.create_field_index(create).await;
            completed(done.map_err(|problem| self.failed(&description.name, problem))?)?;
        }
        Ok(())
    }

    async fn scroll(
        &self,
        name: &CollectionName,
        request: ScrollPointsBuilder,
    ) -> Result<(Vec<RetrievedPoint>, Option<PointId>)> {
        let answer = self.client.scroll(request).await.map_err(|problem| self.failed(name, problem))?;
        Ok((answer.result, answer.next_page_offset))
    }

    async fn scroll_all(&self, name: &CollectionName, request: ScrollPointsBuilder) -> Result<Vec<RetrievedPoint>> {
        let (mut all, mut request) = (Vec::new(), request.limit(PAGE));
        loop {
            let (found, next) = self.scroll(name, request.clone()).await?;
            all.extend(found);
            match next {
                Some(next) => request = request.offset(next),
                None => return Ok(all),
            }
        }
    }

    /// The items, with their content hashes, that some clauses let through.
    async fn parts(&self, tenant: &Tenant, name: &CollectionName, clauses: &Clauses) -> Result<Vec<(ItemId, String)>> {
        let physical = self.resolve(name).await?.physical();
        let fields = PayloadIncludeSelector::new(schema::ITEM_AND_HASH.map(str::to_owned).to_vec());
        let request =
            ScrollPointsBuilder::new(physical).filter(filter(clauses)).with_payload(fields).with_vectors(false);
        let found = self.scroll_all(name, request).await?;
        found.into_iter().map(|found| schema::item_and_hash(tenant, &json(found.payload))).collect()
    }

    /// Those points that stand for their item: all but the sound of a film whose pictures are there too.
    async fn leads(
        &self,
        tenant: &Tenant,
        name: &CollectionName,
        physical: &str,
        points: Vec<Point>,
    ) -> Result<Vec<Point>> {
        let better: Vec<PointId> =
            points.iter().flat_map(|point| schema::better_leads(tenant, point)).map(|id| id.0.into()).collect();
        if better.is_empty() {
            return Ok(points);
        }
        let request = GetPointsBuilder::new(physical, better).with_payload(false).with_vectors(false);
        let found = self.client.get_points(request).await.map_err(|problem| self.failed(name, problem))?.result;
        let found: BTreeSet<Uuid> = found.into_iter().filter_map(|found| found.id).map(uuid).collect::<Result<_>>()?;
        let leads = |point: &Point| !schema::better_leads(tenant, point).iter().any(|id| found.contains(&id.0));
        Ok(points.into_iter().filter(leads).collect())
    }
}

#[async_trait]
impl VectorStore for ServerStore {
    async fn create_collection(&self, spec: &CollectionSpec) -> Result<()> {
        let description = Description::of(spec)?;
        let (name, physical) = (&description.name, description.physical());
        let active = self.describe(name, name.as_str()).await?;
        if active.is_some_and(|(active, _)| active.space == description.space) {
            return Err(schema::exists(&description));
        }
        // It stands without its name when it was left for another space, or when making it was cut short.
        if self.describe(name, &physical).await?.is_none() {
            self.make(&description).await?;
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
    ) -> Result<BTreeMap<ItemId, String>> {
        if items.is_empty() {
            return self.resolve(name).await.map(|_| BTreeMap::new());
        }
        Ok(schema::hashes(self.parts(tenant, name, &schema::parts_of(tenant, items, None)).await?))
    }

    async fn search(&self, tenant: &Tenant, name: &CollectionName, query: &Query) -> Result<Vec<Hit>> {
        let clauses = Clauses::of(tenant).and_modalities(&query.modalities).and(&query.filter)?;
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
        let there: BTreeSet<ItemId> =
            self.parts(tenant, name, &clauses).await?.into_iter().map(|(item, _)| item).collect();
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

/// Writes to a point go through one of its replicas, in order.
fn ordering() -> WriteOrdering {
    WriteOrdering { r#type: WriteOrderingType::Medium.into() }
}

/// Only what is applied counts as done; with anything else the outcome is unknown, and writing again is harmless.
fn completed(answer: qdrant::PointsOperationResponse) -> Result<()> {
    let status = answer.result.map(|result| result.status());
    if status == Some(UpdateStatus::Completed) {
        return Ok(());
    }
    let message = format!("Qdrant took the write but did not say that it is done: {status:?}");
    Err(Error::new(Reason::StoreUnavailable, "", message).retry_after(CONNECT_TIMEOUT))
}

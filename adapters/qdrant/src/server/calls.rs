//! The calls that the store is made of.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use onespace_core::{CollectionRef, Error, FieldKind, Reason, Result, Tenant, limits::UPSERT_POINTS};
use qdrant_client::{
    QdrantError,
    qdrant::{
        CreateCollectionBuilder, CreateFieldIndexCollectionBuilder, Distance, PayloadIncludeSelector, PointId,
        PointsOperationResponse, RetrievedPoint, ScrollPoints, ScrollPointsBuilder, StrictModeConfigBuilder,
        UpdateCollectionBuilder, UpdateStatus, VectorParamsBuilder, WriteOrdering, WriteOrderingType,
    },
};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{
    CONNECT_TIMEOUT, ServerStore,
    convert::{self, error, filter, json, uuid},
};
use crate::{
    description::{Description, Index, collection_of},
    filter::Clauses,
};

/// Asks a server that is there, and another where it goes away: `ask!(self.upsert_points(request))`. Every request may
/// reach a server twice.
macro_rules! ask {
    ($store:ident.$method:ident($request:expr)) => {
        $store.servers.call(|client| {
            let request = $request.clone();
            async move { client.$method(request).await }
        })
    };
}
pub(super) use ask;

/// The key of our description in a collection's metadata.
pub(super) const METADATA_KEY: &str = "onespace";
/// Points of one page when all pages are read.
pub(super) const PAGE: u32 = 1024;

impl ServerStore {
    /// What a failed call on a collection means; where it is gone, its name is resolved anew next time.
    pub(super) fn failed(&self, collection: &CollectionRef, problem: QdrantError) -> Error {
        let failed = error(Some(collection), problem);
        if failed.reason == Reason::CollectionNotFound {
            self.forget(collection);
        }
        failed
    }

    /// What the metadata of a collection says, and how many points it has. `target` is an alias or a physical name;
    /// nothing where it leads to anything but this collection, whatever that is called.
    pub(super) async fn describe(
        &self,
        collection: &CollectionRef,
        target: &str,
    ) -> Result<Option<(Description, u64)>> {
        let found = self.behind(&collection.tenant, target).await?;
        if found.is_none() {
            self.forget(collection);
        }
        Ok(found.filter(|(description, _)| description.is(collection)))
    }

    /// The same of whatever a name leads to, if it is this tenant's.
    pub(super) async fn behind(&self, tenant: &Tenant, target: &str) -> Result<Option<(Description, u64)>> {
        let info = match ask!(self.collection_info(target)).await {
            Ok(answer) => answer.result.unwrap_or_default(),
            Err(problem) => {
                let failed = error(None, problem);
                return if failed.reason == Reason::CollectionNotFound { Ok(None) } else { Err(failed) };
            }
        };
        let points = info.points_count.unwrap_or_default();
        let metadata = json(info.config.unwrap_or_default().metadata).remove(METADATA_KEY);
        let Some(metadata) = metadata else { return Ok(None) };
        let description: Description = serde_json::from_value(metadata).map_err(|problem| {
            let message = format!("the metadata of collection \"{target}\" is not ours: {problem}");
            Error::new(Reason::StoreFailed, "", message)
        })?;
        Ok((description.tenant == *tenant).then_some((description, points)))
    }

    pub(super) fn failed_unless_missing<T>(
        &self,
        collection: &CollectionRef,
        problem: QdrantError,
    ) -> Result<Option<T>> {
        match self.failed(collection, problem) {
            failed if failed.reason == Reason::CollectionNotFound => Ok(None),
            failed => Err(failed),
        }
    }

    /// Every collection of a tenant by physical name, those that a name leads to first.
    pub(super) async fn all(&self, tenant: &Tenant) -> Result<Vec<(String, Description, u64)>> {
        let aliases = self.servers.call(|client| async move { client.list_aliases().await }).await;
        let aliases = aliases.map_err(|problem| error(None, problem))?.aliases;
        let active: BTreeSet<_> = aliases.into_iter().map(|alias| alias.collection_name).collect();
        let listed = self.servers.call(|client| async move { client.list_collections().await }).await;
        let listed = listed.map_err(|problem| error(None, problem))?.collections;
        let mut all = Vec::new();
        for physical in listed.into_iter().map(|collection| collection.name) {
            if collection_of(&physical).is_none_or(|made| made.tenant != *tenant) {
                continue;
            }
            if let Some((description, points)) = self.behind(tenant, &physical).await? {
                all.push((physical, description, points));
            }
        }
        all.sort_by_key(|(physical, description, _)| (description.name.clone(), !active.contains(physical)));
        Ok(all)
    }

    pub(super) async fn make(&self, description: &Description) -> Result<()> {
        let strict = StrictModeConfigBuilder::default().enabled(true).upsert_max_batchsize(UPSERT_POINTS as u64);
        let mut create = CreateCollectionBuilder::new(description.physical())
            .vectors_config(VectorParamsBuilder::new(description.dimension as u64, Distance::Cosine))
            .replication_factor(self.replication.factor)
            .write_consistency_factor(self.replication.write_consistency)
            .strict_mode_config(strict.build())
            .metadata(metadata(description)?);
        if let Some(shards) = self.replication.shards {
            create = create.shard_number(shards);
        }
        let Err(problem) = ask!(self.create_collection(create)).await else { return Ok(()) };
        // It stands where an attempt before this one made it and its answer was lost.
        let collection = CollectionRef::new(description.tenant.clone(), description.name.clone());
        match self.describe(&collection, &description.physical()).await {
            Ok(Some((standing, _))) if standing == *description => Ok(()),
            _ => Err(error(None, problem)),
        }
    }

    /// Indexes more fields of a collection. The indexes come first and what says so in the metadata second: cut short
    /// in between, nothing names an index that is not there, and the same call goes on where the first one stopped.
    pub(super) async fn add_fields(
        &self,
        collection: &CollectionRef,
        standing: &Description,
        fields: &BTreeMap<String, FieldKind>,
    ) -> Result<()> {
        let with = standing.with_fields(fields)?;
        self.index(collection, &with, with.field_indexes(fields.keys())?).await?;
        if with != *standing {
            let update = UpdateCollectionBuilder::new(with.physical()).metadata(metadata(&with)?);
            let updated = ask!(self.update_collection(update)).await;
            updated.map_err(|problem| self.failed(collection, problem))?;
        }
        Ok(())
    }

    /// Makes payload indexes; those that exist already stay.
    pub(super) async fn index(
        &self,
        collection: &CollectionRef,
        description: &Description,
        indexes: Vec<Index>,
    ) -> Result<()> {
        for index in indexes {
            let (kind, params) = convert::index(&index);
            let mut create = CreateFieldIndexCollectionBuilder::new(description.physical(), index.key, kind).wait(true);
            if let Some(params) = params {
                create = create.field_index_params(params);
            }
            let done = ask!(self.create_field_index(create)).await;
            completed(done.map_err(|problem| self.failed(collection, problem))?)?;
        }
        Ok(())
    }

    pub(super) async fn scroll(
        &self,
        collection: &CollectionRef,
        request: ScrollPointsBuilder,
    ) -> Result<(Vec<RetrievedPoint>, Option<PointId>)> {
        let request: ScrollPoints = request.into();
        let answer = ask!(self.scroll(request)).await.map_err(|problem| self.failed(collection, problem))?;
        let (found, next) = (answer.result, answer.next_page_offset);
        let next = match next {
            None => self.first_beyond(collection, request, &found).await?,
            next => next,
        };
        Ok((found, next))
    }

    /// The first point beyond a page, if any is left. The server lists the ids of a page, then reads them, and takes a
    /// page for the last that is short because points were deleted in between. One of which less than half is there is
    /// taken at its word: hardly any delete takes that many of one page in that moment, and few items are asked for
    /// often.
    async fn first_beyond(
        &self,
        collection: &CollectionRef,
        request: ScrollPoints,
        found: &[RetrievedPoint],
    ) -> Result<Option<PointId>> {
        let Some(last) = found.last().filter(|_| found.len() * 2 >= request.limit() as usize) else { return Ok(None) };
        let last = uuid(last.id.clone().unwrap_or_default())?;
        let Some(offset) = last.as_u128().checked_add(1).map(Uuid::from_u128) else { return Ok(None) };
        let beyond = ScrollPoints {
            offset: Some(PointId::from(offset.to_string())),
            limit: Some(PAGE),
            with_payload: None,
            with_vectors: None,
            ..request
        };
        let answer = ask!(self.scroll(beyond)).await.map_err(|problem| self.failed(collection, problem))?;
        Ok(answer.result.into_iter().next().and_then(|point| point.id))
    }

    pub(super) async fn scroll_all(
        &self,
        collection: &CollectionRef,
        request: ScrollPointsBuilder,
    ) -> Result<Vec<RetrievedPoint>> {
        let (mut all, mut request) = (Vec::new(), request.limit(PAGE));
        loop {
            let (found, next) = self.scroll(collection, request.clone()).await?;
            all.extend(found);
            match next {
                Some(next) => request = request.offset(next),
                None => return Ok(all),
            }
        }
    }

    /// These fields of the points that some clauses let through.
    pub(super) async fn payloads(
        &self,
        collection: &CollectionRef,
        clauses: &Clauses,
        fields: &[&str],
    ) -> Result<Vec<Map<String, Value>>> {
        let physical = self.resolve(collection).await?.physical();
        let names: Vec<String> = fields.iter().copied().map(str::to_owned).collect();
        let only = PayloadIncludeSelector::new(names);
        let request = ScrollPointsBuilder::new(physical).filter(filter(clauses)).with_payload(only).with_vectors(false);
        let found = self.scroll_all(collection, request).await?;
        Ok(found.into_iter().map(|found| json(found.payload)).collect())
    }
}

/// A description as it stands in a collection's metadata.
pub(super) fn metadata(description: &Description) -> Result<HashMap<String, Value>> {
    let description = serde_json::to_value(description).map_err(|problem| Error::internal(problem.to_string()))?;
    Ok(HashMap::from([(METADATA_KEY.to_owned(), description)]))
}

/// Writes to a point go through one of its replicas, in order.
pub(super) fn ordering() -> WriteOrdering {
    WriteOrdering { r#type: WriteOrderingType::Medium.into() }
}

/// Only what is applied counts as done; with anything else the outcome is unknown, and writing again is harmless.
pub(super) fn completed(answer: PointsOperationResponse) -> Result<()> {
    let status = answer.result.map(|result| result.status());
    if status == Some(UpdateStatus::Completed) {
        return Ok(());
    }
    let message = format!("Qdrant took the write but did not say that it is done: {status:?}");
    Err(Error::new(Reason::StoreUnavailable, "", message).retry_after(CONNECT_TIMEOUT))
}

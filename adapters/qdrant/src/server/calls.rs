//! The calls that the store is made of.

use std::collections::{BTreeSet, HashMap};

use onespace_core::{CollectionName, Error, Point, Reason, Result, Tenant, limits::UPSERT_POINTS};
use qdrant_client::{
    QdrantError,
    qdrant::{
        CreateCollectionBuilder, CreateFieldIndexCollectionBuilder, Distance, GetPointsBuilder, PayloadIncludeSelector,
        PointId, PointsOperationResponse, RetrievedPoint, ScrollPointsBuilder, StrictModeConfigBuilder, UpdateStatus,
        VectorParamsBuilder, WriteOrdering, WriteOrderingType,
    },
};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{
    CONNECT_TIMEOUT, ServerStore,
    convert::{self, error, filter, json, uuid},
};
use crate::{
    filter::Clauses,
    schema::{self, Description},
};

/// The key of our description in a collection's metadata.
pub(super) const METADATA_KEY: &str = "onespace";
/// Points of one page when all pages are read.
pub(super) const PAGE: u32 = 1024;

impl ServerStore {
    /// What a failed call on a collection means; where it is gone, its name is resolved anew next time.
    pub(super) fn failed(&self, name: &CollectionName, problem: QdrantError) -> Error {
        let failed = error(Some(name), problem);
        if failed.reason == Reason::CollectionNotFound {
            self.resolved().remove(name);
        }
        failed
    }

    /// What stands in the metadata of a collection, and how many points it has; nothing where it is none of ours.
    pub(super) async fn describe(&self, name: &CollectionName, physical: &str) -> Result<Option<(Description, u64)>> {
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

    pub(super) fn failed_unless_missing<T>(&self, name: &CollectionName, problem: QdrantError) -> Result<Option<T>> {
        match self.failed(name, problem) {
            failed if failed.reason == Reason::CollectionNotFound => Ok(None),
            failed => Err(failed),
        }
    }

    /// Every collection of ours by physical name, those that a name leads to first.
    pub(super) async fn all(&self) -> Result<Vec<(String, Description, u64)>> {
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

    pub(super) async fn make(&self, description: &Description) -> Result<()> {
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
    pub(super) async fn index(&self, description: &Description) -> Result<()> {
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

    pub(super) async fn scroll(
        &self,
        name: &CollectionName,
        request: ScrollPointsBuilder,
    ) -> Result<(Vec<RetrievedPoint>, Option<PointId>)> {
        let answer = self.client.scroll(request).await.map_err(|problem| self.failed(name, problem))?;
        Ok((answer.result, answer.next_page_offset))
    }

    pub(super) async fn scroll_all(
        &self,
        name: &CollectionName,
        request: ScrollPointsBuilder,
    ) -> Result<Vec<RetrievedPoint>> {
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

    /// These fields of the points that some clauses let through.
    pub(super) async fn payloads(
        &self,
        name: &CollectionName,
        clauses: &Clauses,
        fields: &[&str],
    ) -> Result<Vec<Map<String, Value>>> {
        let physical = self.resolve(name).await?.physical();
        let names: Vec<String> = fields.iter().copied().map(str::to_owned).collect();
        let only = PayloadIncludeSelector::new(names);
        let request = ScrollPointsBuilder::new(physical).filter(filter(clauses)).with_payload(only).with_vectors(false);
        let found = self.scroll_all(name, request).await?;
        Ok(found.into_iter().map(|found| json(found.payload)).collect())
    }

    /// Those points that stand for their item: all but the sound of a film whose pictures are there too.
    pub(super) async fn leads(
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

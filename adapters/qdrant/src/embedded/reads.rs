//! How a collection is read: what is damaged is left out, told once and counted.
//!
//! The engine fails a whole read for one point that it cannot read. Then every point is looked at by itself, those that
//! are damaged are remembered, and the read is done again without them.

use std::collections::BTreeMap;

use onespace_core::{Error, Reason, Result};
use qdrant_edge::{
    CountRequest, Filter, NamedQuery, Payload, PointId, QueryEnum, QueryRequest, Record, ScoredPoint, ScoringQuery,
    ScrollRequest, SearchParams, VectorInternal, VectorStructInternal, WithPayloadInterface, WithVector,
};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{engine::Engine, filter, names::names, sums};
use crate::{
    payload::{self, HIT},
    search::beam,
};

/// How often a read is done again without what turned out to be damaged.
const TRIES: usize = 4;
/// Points that are looked at together.
const PAGE: usize = 256;
/// Names in one line of the log.
const NAMED: usize = 20;

/// What a read asks for beside the ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Want<'a> {
    /// The ids alone.
    Id,
    /// The whole payload.
    Payload,
    /// The whole payload and the vector.
    Vector,
    /// Some fields of the payload.
    Fields(&'a [&'a str]),
}

/// A stored point as it comes back.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) id: Uuid,
    pub(super) payload: Map<String, Value>,
    /// Empty unless wanted.
    pub(super) vector: Vec<f32>,
}

/// What a read made of what it found, and the points of which it could make nothing.
struct Read<T> {
    taken: T,
    suspects: Vec<Uuid>,
}

impl Engine {
    /// The nearest points with their cosines, best first. What `take` refuses is left out if it is damaged.
    ///
    /// # Errors
    /// `STORE_FAILED`.
    pub(super) fn search<T>(
        &self,
        vector: &[f32],
        filter: &Filter,
        limit: usize,
        take: impl Fn(Found) -> Result<T>,
    ) -> Result<Vec<(T, f32)>> {
        self.soundly(filter, |filter| {
            let mut read = Read { taken: Vec::new(), suspects: Vec::new() };
            for (found, score) in self.nearest(vector.to_vec(), filter, limit)? {
                match taken(found, &take) {
                    Ok(taken) => read.taken.push((taken, score)),
                    Err(id) => read.suspects.push(id),
                }
            }
            Ok(read)
        })
    }

    /// Points in the order of their ids, from `from` on, and the id the next page starts with. What `take` refuses is
    /// left out if it is damaged.
    ///
    /// # Errors
    /// `STORE_FAILED`.
    pub(super) fn scroll<T>(
        &self,
        filter: &Filter,
        from: Option<Uuid>,
        limit: usize,
        want: Want<'_>,
        take: impl Fn(Found) -> Result<T>,
    ) -> Result<(Vec<T>, Option<Uuid>)> {
        self.soundly(filter, |filter| {
            let (found, next) = self.page(Some(filter), from, limit, want)?;
            let mut read = Read { taken: (Vec::new(), next), suspects: Vec::new() };
            for found in found {
                match taken(found, &take) {
                    Ok(taken) => read.taken.0.push(taken),
                    Err(id) => read.suspects.push(id),
                }
            }
            Ok(read)
        })
    }

    /// Every point the filter lets through, page after page.
    ///
    /// # Errors
    /// `STORE_FAILED`.
    pub(super) fn scroll_all<T>(
        &self,
        filter: &Filter,
        want: Want<'_>,
        take: impl Fn(Found) -> Result<T>,
    ) -> Result<Vec<T>> {
        const PAGE: usize = 1024;
        let (mut all, mut from) = (Vec::new(), None);
        loop {
            let (found, next) = self.scroll(filter, from, PAGE, want, &take)?;
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
    pub(super) fn count(&self, filter: &Filter) -> Result<usize> {
        self.soundly(filter, |filter| {
            let counted =
                self.with("count", |shard| shard.count(CountRequest { filter: Some(filter), exact: true }))?;
            Ok(Read { taken: counted, suspects: Vec::new() })
        })
    }

    /// Looks at a page of points, and remembers those that are damaged; where the next page begins.
    ///
    /// # Errors
    /// `STORE_FAILED` when the engine cannot even list its points.
    pub(super) fn look_over(&self, from: Option<Uuid>) -> Result<(usize, Option<Uuid>)> {
        let (page, next) = self.page(None, from, PAGE, Want::Id)?;
        let ids: Vec<_> = page.into_iter().map(|found| found.id).filter(|id| !self.damaged.has(id)).collect();
        let sound = |found: &[Found]| found.iter().all(|found| self.check(found).is_ok());
        if self.retrieve(&ids).is_ok_and(|found| sound(&found)) {
            return Ok((0, next));
        }
        Ok((self.suspect(&ids), next))
    }

    /// A point as it is stored, if it is there and sound.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn look_at(&self, id: Uuid) -> Result<Option<Found>, String> {
        let found = self.retrieve(&[id]).map_err(|_| "it cannot be read".to_owned())?;
        let Some(found) = found.into_iter().next() else { return Ok(None) };
        self.check(&found)?;
        Ok(Some(found))
    }

    /// Those of some points that are there and sound, as they are stored.
    pub(super) fn sound(&self, ids: &[Uuid]) -> Vec<Found> {
        match self.retrieve(ids) {
            Ok(found) => found.into_iter().filter(|found| self.check(found).is_ok()).collect(),
            Err(_) => ids.iter().filter_map(|id| self.look_at(*id).ok().flatten()).collect(),
        }
    }

    /// Points in the order of their ids, as they are stored.
    ///
    /// # Errors
    /// `STORE_FAILED`.
    pub(super) fn page(
        &self,
        filter: Option<Filter>,
        from: Option<Uuid>,
        limit: usize,
        want: Want<'_>,
    ) -> Result<(Vec<Found>, Option<Uuid>)> {
        let fields = match want {
            Want::Id => WithPayloadInterface::Bool(false),
            Want::Payload | Want::Vector => WithPayloadInterface::Bool(true),
            Want::Fields(keys) => fields(keys)?,
        };
        let request = ScrollRequest {
            offset: from.map(PointId::Uuid),
            limit: Some(limit),
            filter: filter.clone(),
            with_payload: Some(fields),
            with_vector: WithVector::Bool(want == Want::Vector),
            order_by: None,
        };
        let (records, next) = self.with("read", |shard| shard.scroll(request))?;
        let found = records.into_iter().map(|Record { id, payload, vector, .. }| found_point(id, payload, vector));
        let found: Vec<Found> = found.collect::<Result<_>>()?;
        let next = match next {
            Some(next) => Some(uuid_of(next)?),
            None => self.first_beyond(filter, from, found.last())?,
        };
        Ok((found, next))
    }

    /// The first point beyond a page, if any is left. The engine lists the ids of a page, then reads them, and takes a
    /// page for the last that is short because a point was deleted in between; what is beyond it is asked for apart,
    /// all of it, since of a bounded number each could be deleted, too.
    fn first_beyond(&self, filter: Option<Filter>, from: Option<Uuid>, last: Option<&Found>) -> Result<Option<Uuid>> {
        let offset = match last.map(|last| last.id.as_u128().checked_add(1)) {
            None => from,
            Some(Some(next)) => Some(Uuid::from_u128(next)),
            Some(None) => return Ok(None),
        };
        let request = ScrollRequest {
            offset: offset.map(PointId::Uuid),
            limit: Some(usize::MAX),
            filter,
            with_payload: Some(WithPayloadInterface::Bool(false)),
            with_vector: WithVector::Bool(false),
            order_by: None,
        };
        let (records, _) = self.with("read", |shard| shard.scroll(request))?;
        records.into_iter().next().map(|record| uuid_of(record.id)).transpose()
    }

    /// Reads without what is damaged, again where something turns out to be.
    fn soundly<T>(&self, filter: &Filter, read: impl Fn(Filter) -> Result<Read<T>>) -> Result<T> {
        for _ in 0..TRIES {
            let walks = self.damaged.walks();
            match read(self.damaged.without(filter)) {
                Ok(Read { taken, suspects }) if suspects.is_empty() => return Ok(taken),
                Ok(Read { suspects, .. }) => drop(self.suspect(&suspects)),
                Err(error) => {
                    if !self.damaged.walk(walks, || self.look_over_all() > 0) {
                        return Err(error);
                    }
                }
            }
        }
        // What never comes to an end is left out all the same.
        Ok(read(self.damaged.without(filter))?.taken)
    }

    /// Looks at every point; how many are damaged that were not known to be.
    fn look_over_all(&self) -> usize {
        let (mut damaged, mut from) = (0, None);
        loop {
            match self.look_over(from) {
                Ok((found, next)) => {
                    damaged += found;
                    from = next;
                }
                Err(_) => return damaged,
            }
            if from.is_none() {
                return damaged;
            }
        }
    }

    /// Looks at points one by one, and remembers, tells and counts those that are damaged; how many were not known.
    /// What was written or removed meanwhile is not.
    fn suspect(&self, ids: &[Uuid]) -> usize {
        let damaged = |id: &Uuid| self.look_at(*id).err().map(|why| (*id, why));
        let damaged: BTreeMap<Uuid, String> = ids.iter().filter_map(damaged).collect();
        if damaged.is_empty() {
            return 0;
        }
        let mut names = names(self.folder(), |id| damaged.contains_key(id));
        let (collection, points) = (self.description().physical(), damaged.len());
        let lines: Vec<_> = damaged
            .iter()
            .take(NAMED)
            .map(|(id, why)| format!("{:?} (point {id}): {why}", names.get(id).map_or("?", String::as_str)))
            .collect();
        let items = lines.join("; ");
        let added = self.damaged.add(damaged.into_keys().map(|id| (id, names.remove(&id))).collect());
        if added > 0 {
            metrics::counter!("onespace_store_damaged_points_total").increment(added as u64);
            tracing::error!(collection, points, items, "damaged on the disk and left out: ingest these items again");
        }
        added
    }

    fn retrieve(&self, ids: &[Uuid]) -> Result<Vec<Found>> {
        let ids: Vec<_> = ids.iter().copied().map(PointId::Uuid).collect();
        let records = self.with("read", |shard| {
            shard.retrieve(&ids, Some(WithPayloadInterface::Bool(true)), Some(WithVector::Bool(true)))
        })?;
        records.into_iter().map(|Record { id, payload, vector, .. }| found_point(id, payload, vector)).collect()
    }

    /// Whether a whole point is what was written, and is this collection's.
    fn check(&self, found: &Found) -> Result<(), String> {
        let description = self.description();
        sums::check(&found.payload, &found.vector)?;
        let point = payload::point(&description.tenant, found.payload.clone(), found.vector.clone());
        let point = point.map_err(|error| error.message)?;
        description.check_vector(&point.vector).map_err(|error| error.message)?;
        if point.id(&description.tenant).0 == found.id {
            Ok(())
        } else {
            Err(format!("it is stored as what \"{}\" is", point.item))
        }
    }

    fn nearest(&self, vector: Vec<f32>, filter: Filter, limit: usize) -> Result<Vec<(Found, f32)>> {
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
            with_payload: fields(&HIT)?,
        };
        let found = self.with("search", |shard| shard.query(request))?;
        found
            .into_iter()
            .map(|ScoredPoint { id, payload, score, .. }| Ok((found_point(id, payload, None)?, score)))
            .collect()
    }
}

fn taken<T>(found: Found, take: &impl Fn(Found) -> Result<T>) -> Result<T, Uuid> {
    let id = found.id;
    take(found).map_err(|_| id)
}

fn fields(keys: &[&str]) -> Result<WithPayloadInterface> {
    Ok(WithPayloadInterface::Fields(keys.iter().map(|key| filter::path(key)).collect::<Result<_>>()?))
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

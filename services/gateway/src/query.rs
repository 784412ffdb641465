//! A query: weighted parts of any modality, stored items and raw vectors, summed to one unit vector.

use std::{collections::BTreeMap, slice};

use futures::future::try_join_all;
use onespace_core::{
    CollectionRef, Deadline, EmbedOptions, Error, Fetch, Modality, Reason, Result, Timings, Track, WeightedModality,
    limits::QUERY_PARTS,
    vector::{self, UNIT_TOLERANCE},
};
use onespace_proto::{convert, v1, vector::raw_vector_in, view::leading};

use crate::{
    Gateway,
    details::not_found,
    item::{Embedder, Item, shares},
};

/// The unit vectors of a query, and where the time went.
pub struct EmbeddedQuery {
    /// One alone, unless a part's tower has several heads and the query meets several modalities.
    vectors: Vec<QueryVector>,
    /// The modalities of the parts with their weights; a vector whose modality was not said has none.
    pub modalities: Vec<WeightedModality>,
    /// The parts' timings, merged.
    pub timings: Timings,
}

/// A query as it meets some modalities.
struct QueryVector {
    /// Which of each part's vectors is in it.
    choice: Vec<usize>,
    targets: Vec<Modality>,
    /// Unit length, of the server's space, as long as the vectors it will meet.
    vector: Vec<f32>,
}

impl EmbeddedQuery {
    /// The vector that meets a modality.
    #[must_use]
    pub fn vector(&self, target: Modality) -> &[f32] {
        let met = self.vectors.iter().find(|one| one.targets.contains(&target)).or(self.vectors.first());
        met.map(|one| one.vector.as_slice()).unwrap_or_default()
    }

    /// The vector that meets every modality, if it is one.
    #[must_use]
    pub fn one_for_all(&self) -> Option<&[f32]> {
        match self.vectors.as_slice() {
            [one] => Some(&one.vector),
            _ => None,
        }
    }
}

/// Where a query searches, and where items are written.
#[derive(Clone, Debug)]
pub struct SearchScope {
    /// The collection.
    pub collection: CollectionRef,
    /// The length of its vectors.
    pub dimension: usize,
}

/// A part of a query.
struct Part {
    /// From each head that is asked for, at least one.
    vectors: Vec<Vec<f32>>,
    /// Which of them meets a modality; one that is not named, the first.
    heads: BTreeMap<Modality, usize>,
    /// What it came from, with weights that come to 1; empty where that is not known.
    modalities: Vec<WeightedModality>,
    timings: Timings,
}

impl Part {
    fn of_one(vector: Vec<f32>, modalities: Vec<WeightedModality>) -> Self {
        Self { vectors: vec![vector], heads: BTreeMap::new(), modalities, timings: Timings::default() }
    }
}

/// Embeds, fetches and sums the parts of a query. `targets` are the modalities that it will meet: a part is embedded
/// once for each of its tower's heads that these call for.
///
/// # Errors
/// Whatever a part gives, its field under `parts[n]`; `QUERY_CANCELS_OUT`; `SPACE_MISMATCH` for foreign vectors.
pub async fn embed_query(
    gateway: &Gateway,
    scope: Option<&SearchScope>,
    parts: Vec<v1::QueryPart>,
    targets: &[Modality],
    deadline: Deadline,
) -> Result<EmbeddedQuery> {
    if parts.is_empty() {
        return Err(Error::new(Reason::FieldRequired, "parts", "a query needs at least one part"));
    }
    if parts.len() > QUERY_PARTS {
        return Err(Error::new(Reason::TooMany, "parts", format!("{} parts, the limit is {QUERY_PARTS}", parts.len())));
    }
    let resolved = try_join_all(parts.into_iter().enumerate().map(|(index, part)| async move {
        let weight = part.weight.unwrap_or(1.0);
        let part = resolve(gateway, scope, part, targets, deadline).await;
        let part = part.map_err(|error| error.under(&format!("parts[{index}]")))?;
        Ok::<_, Error>((part, weight))
    }))
    .await?;
    let mut timings = Timings::default();
    resolved.iter().for_each(|(part, _)| timings.merge(&part.timings));
    let modalities = resolved.iter().flat_map(|(part, weight)| shares(&part.modalities, *weight)).collect();
    Ok(EmbeddedQuery { vectors: query_vectors(&resolved, targets)?, modalities, timings })
}

/// The weighted sums: one for each choice among the heads of the parts' towers.
fn query_vectors(parts: &[(Part, f32)], targets: &[Modality]) -> Result<Vec<QueryVector>> {
    let mut vectors: Vec<QueryVector> = Vec::new();
    let mut choose = |target: Option<Modality>| -> Result<()> {
        let head = |part: &Part| target.and_then(|target| part.heads.get(&target).copied()).unwrap_or(0);
        let choice: Vec<usize> = parts.iter().map(|(part, _)| head(part)).collect();
        if let Some(same) = vectors.iter_mut().find(|other| other.choice == choice) {
            same.targets.extend(target);
            return Ok(());
        }
        let chosen = parts.iter().zip(&choice);
        let chosen = chosen.filter_map(|((part, weight), head)| Some((part.vectors.get(*head)?.as_slice(), *weight)));
        let vector = vector::weighted_sum(chosen)?;
        vectors.push(QueryVector { choice, targets: target.into_iter().collect(), vector });
        Ok(())
    };
    if targets.is_empty() {
        choose(None)?;
    }
    targets.iter().try_for_each(|target| choose(Some(*target)))?;
    Ok(vectors)
}

async fn resolve(
    gateway: &Gateway,
    scope: Option<&SearchScope>,
    part: v1::QueryPart,
    targets: &[Modality],
    deadline: Deadline,
) -> Result<Part> {
    use v1::query_part::Part as Wire;
    let length = scope.map_or(gateway.space().dimension, |scope| scope.dimension);
    match part.part {
        None => Err(Error::new(Reason::FieldRequired, "part", "must be set: media, item_id or vector")),
        Some(Wire::Media(media)) => {
            let embedded = async { embed_part(gateway, &Item::read(media)?, targets, length, deadline).await }.await;
            embedded.map_err(|error| error.under("media"))
        }
        Some(Wire::ItemId(item)) => {
            let Some(scope) = scope else {
                return Err(Error::new(Reason::FieldInvalid, "item_id", "only a search names stored items"));
            };
            stored_part(gateway, scope, &item).await
        }
        Some(Wire::Vector(raw)) => raw_part(gateway, raw, length).map_err(|error| error.under("vector")),
    }
}

/// What a query meets in media of a modality: what is said in them has a text's vector.
pub fn met_in(modality: Modality) -> impl Iterator<Item = Modality> {
    [modality].into_iter().chain(modality.has_speech().then(|| modality.tower(Track::Speech)))
}

/// The one modality that all of these have; none where they differ, or nothing is there.
pub fn common(modalities: impl IntoIterator<Item = Modality>) -> Option<Modality> {
    let mut modalities = modalities.into_iter();
    let first = modalities.next()?;
    modalities.all(|other| other == first).then_some(first)
}

/// The one modality of a query whose parts are all media of it; none where that cannot be told beforehand.
pub fn modality(parts: &[v1::QueryPart]) -> Option<Modality> {
    let modality = |part: &v1::QueryPart| match &part.part {
        Some(v1::query_part::Part::Media(media)) => common(Item::read(media.clone()).ok()?.modalities()),
        _ => None,
    };
    common(parts.iter().map(modality).collect::<Option<Vec<_>>>()?)
}

/// An item, once from each head of its towers that the targets call for.
async fn embed_part(
    gateway: &Gateway,
    item: &Item,
    targets: &[Modality],
    length: usize,
    deadline: Deadline,
) -> Result<Part> {
    let heads_of = |target: Modality| -> Vec<Option<&str>> {
        item.modalities().map(|modality| gateway.tower(modality)?.head(Some(target))).collect()
    };
    let mut heads = BTreeMap::new();
    // The heads that are asked for, and the target that stands for each, in the order of the vectors.
    let mut asked: Vec<(Vec<Option<&str>>, Option<Modality>)> = Vec::new();
    for target in targets.iter().copied() {
        let wanted = heads_of(target);
        let known = asked.iter().position(|(other, _)| *other == wanted);
        heads.insert(target, known.unwrap_or(asked.len()));
        if known.is_none() {
            let named = wanted.iter().any(Option::is_some).then_some(target);
            asked.push((wanted, named));
        }
    }
    if asked.is_empty() {
        asked.push((Vec::new(), None));
    }
    let wholes = asked.into_iter().map(|(_, target)| async move {
        let options = EmbedOptions { target, ..EmbedOptions::default() };
        Embedder::new(gateway, options, deadline).whole(item).await
    });
    let modalities = shares(&item.weighted_modalities(), 1.0);
    let mut part = Part { vectors: Vec::new(), heads, modalities, timings: Timings::default() };
    for (mut vector, timings) in try_join_all(wholes).await? {
        vector::shorten(&mut vector, length)?;
        part.vectors.push(vector);
        part.timings.merge(&timings);
    }
    Ok(part)
}

async fn stored_part(gateway: &Gateway, scope: &SearchScope, item: &str) -> Result<Part> {
    let id = item.parse().map_err(|error: Error| Error { field: "item_id".to_owned(), ..error })?;
    let wholes = Fetch { segments: false, vectors: true };
    let mut items = gateway.store().items(&scope.collection, slice::from_ref(&id), wholes).await?;
    let points = items.remove(&id).unwrap_or_default();
    let whole = leading(&points).ok_or_else(|| not_found(&scope.collection, &id))?;
    gateway.space().ensure_meets(&whole.carried(), &format!("the vector of item \"{id}\""))?;
    Ok(Part::of_one(whole.vector.clone(), shares(&whole.towers(), 1.0)))
}

/// A vector obtained before: of the length that is met here, or a whole one, which is cut to it.
fn raw_part(gateway: &Gateway, mut raw: v1::RawVector, length: usize) -> Result<Part> {
    if raw.space_fingerprint.is_empty() {
        return Err(Error::new(Reason::FieldRequired, "space_fingerprint", "name the space that the vector came from"));
    }
    gateway.space().ensure_meets(&raw.space_fingerprint.parse()?, "the vector")?;
    let invalid = |message: String| Error::new(Reason::FieldInvalid, "values", message);
    let (mut vector, whole) = (raw_vector_in(&mut raw)?, gateway.space().dimension);
    let found = vector.len();
    if found != length && found != whole {
        let met = if length == whole {
            format!("the vectors it would meet have {whole}")
        } else {
            format!("the vectors of this collection have {length}; send as many, or all {whole} of the space")
        };
        return Err(invalid(format!("{found} values, {met}")));
    }
    let norm = vector::norm(&vector);
    if !norm.is_finite() || (norm - 1.0).abs() > UNIT_TOLERANCE {
        return Err(invalid(format!("the norm is {norm}, vectors of the space have norm 1 (within {UNIT_TOLERANCE})")));
    }
    vector::shorten(&mut vector, length).map_err(|error| invalid(error.message))?;
    let modality = convert::modality_in(raw.modality)?;
    Ok(Part::of_one(vector, modality.map(|modality| (modality, 1.0)).into_iter().collect()))
}

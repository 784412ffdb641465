//! A question: weighted parts of any modality, stored items and raw vectors, summed to one unit vector.

use std::collections::BTreeMap;

use futures::future::try_join_all;
use onespace_core::{
    CollectionName, Deadline, EncodeRequest, Error, Modality, Reason, Result, Tenant, Timings, Track,
    limits::QUERY_PARTS,
    vector::{self, UNIT_TOLERANCE},
};
use onespace_proto::{convert, v1};

use crate::Gateway;

/// The unit vectors of a question, and where the time went.
pub struct Question {
    /// One alone, unless a part's tower has several heads and the question is aimed at several modalities.
    vectors: Vec<Aimed>,
    /// The modality and the weight of each part; a vector whose modality was not said has none.
    pub modalities: Vec<(Modality, f32)>,
    /// The parts' timings, merged.
    pub timings: Timings,
}

/// A question as it meets some modalities.
struct Aimed {
    /// Which of each part's vectors is in it.
    choice: Vec<usize>,
    targets: Vec<Modality>,
    /// Unit length, of the server's space, as long as the vectors it will meet.
    vector: Vec<f32>,
}

impl Question {
    /// The vector that meets a modality.
    #[must_use]
    pub fn vector(&self, target: Modality) -> &[f32] {
        let aimed = self.vectors.iter().find(|aimed| aimed.targets.contains(&target)).or(self.vectors.first());
        aimed.map(|aimed| aimed.vector.as_slice()).unwrap_or_default()
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

/// Whose items a question meets, and where.
#[derive(Clone, Debug)]
pub struct Shelf {
    /// The owner.
    pub tenant: Tenant,
    /// The collection.
    pub collection: CollectionName,
    /// The length of its vectors.
    pub dimension: usize,
}

/// A part of a question.
struct Part {
    /// From each head that is asked for, at least one.
    vectors: Vec<Vec<f32>>,
    /// Which of them meets a modality; one that is not named, the first.
    heads: BTreeMap<Modality, usize>,
    modality: Option<Modality>,
    timings: Timings,
}

impl Part {
    fn one(vector: Vec<f32>, modality: Option<Modality>) -> Self {
        Self { vectors: vec![vector], heads: BTreeMap::new(), modality, timings: Timings::default() }
    }
}

/// Embeds, fetches and sums the parts of a question. `targets` are the modalities that it will meet: a part is embedded
/// once for each of its tower's heads that these call for.
///
/// # Errors
/// Whatever a part gives, its field under `parts[n]`; `QUERY_CANCELS_OUT`; `SPACE_MISMATCH` for foreign vectors.
pub async fn ask(
    gateway: &Gateway,
    shelf: Option<&Shelf>,
    parts: Vec<v1::QueryPart>,
    targets: &[Modality],
    deadline: Deadline,
) -> Result<Question> {
    if parts.is_empty() {
        return Err(Error::new(Reason::FieldRequired, "parts", "a query needs at least one part"));
    }
    if parts.len() > QUERY_PARTS {
        return Err(Error::new(Reason::TooMany, "parts", format!("{} parts, the limit is {QUERY_PARTS}", parts.len())));
    }
    let resolved = try_join_all(parts.into_iter().enumerate().map(|(index, part)| async move {
        let weight = part.weight.unwrap_or(1.0);
        let part = resolve(gateway, shelf, part, targets, deadline).await;
        let part = part.map_err(|error| error.under(&format!("parts[{index}]")))?;
        Ok::<_, Error>((part, weight))
    }))
    .await?;
    let mut timings = Timings::default();
    resolved.iter().for_each(|(part, _)| timings.merge(&part.timings));
    let modalities = resolved.iter().filter_map(|(part, weight)| Some((part.modality?, *weight))).collect();
    Ok(Question { vectors: aim(&resolved, targets)?, modalities, timings })
}

/// The weighted sums: one for each choice among the heads of the parts' towers.
fn aim(parts: &[(Part, f32)], targets: &[Modality]) -> Result<Vec<Aimed>> {
    let mut aimed: Vec<Aimed> = Vec::new();
    let mut choose = |target: Option<Modality>| -> Result<()> {
        let head = |part: &Part| target.and_then(|target| part.heads.get(&target).copied()).unwrap_or(0);
        let choice: Vec<usize> = parts.iter().map(|(part, _)| head(part)).collect();
        if let Some(same) = aimed.iter_mut().find(|other| other.choice == choice) {
            same.targets.extend(target);
            return Ok(());
        }
        let chosen = parts.iter().zip(&choice);
        let chosen = chosen.filter_map(|((part, weight), head)| Some((part.vectors.get(*head)?.as_slice(), *weight)));
        let vector = vector::weighted_sum(chosen)?;
        aimed.push(Aimed { choice, targets: target.into_iter().collect(), vector });
        Ok(())
    };
    if targets.is_empty() {
        choose(None)?;
    }
    targets.iter().try_for_each(|target| choose(Some(*target)))?;
    Ok(aimed)
}

async fn resolve(
    gateway: &Gateway,
    shelf: Option<&Shelf>,
    part: v1::QueryPart,
    targets: &[Modality],
    deadline: Deadline,
) -> Result<Part> {
    use v1::query_part::Part as Wire;
    let length = shelf.map_or(gateway.space().dimension, |shelf| shelf.dimension);
    match part.part {
        None => Err(Error::new(Reason::FieldRequired, "part", "must be set: media, item or vector")),
        Some(Wire::Media(media)) => {
            let embedded = async { embedded(gateway, told(media)?, targets, length, deadline).await }.await;
            embedded.map_err(|error| error.under("media"))
        }
        Some(Wire::Item(item)) => {
            let Some(shelf) = shelf else {
                return Err(Error::new(Reason::FieldInvalid, "item", "only a search names stored items"));
            };
            stored(gateway, shelf, &item).await
        }
        Some(Wire::Vector(raw)) => foreign(gateway, raw, length).map_err(|error| error.under("vector")),
    }
}

/// A media as a question, its modality told.
///
/// # Errors
/// `MEDIA_*`, `MODALITY_*`, `FIELD_*`.
pub fn told(media: v1::Media) -> Result<EncodeRequest> {
    let media = convert::media_in(media)?;
    let media_type = media.media_type.clone();
    let (bytes, modality) = media.resolve()?;
    Ok(EncodeRequest { media_type, ..EncodeRequest::new(modality, bytes) })
}

/// The one modality that all of these have; none where they differ, or nothing is there.
pub fn common(modalities: impl IntoIterator<Item = Modality>) -> Option<Modality> {
    let mut modalities = modalities.into_iter();
    let first = modalities.next()?;
    modalities.all(|other| other == first).then_some(first)
}

/// The one modality of a question whose parts are all media of it; none where that cannot be told beforehand.
pub fn modality(parts: &[v1::QueryPart]) -> Option<Modality> {
    let modality = |part: &v1::QueryPart| match &part.part {
        Some(v1::query_part::Part::Media(media)) => Some(told(media.clone()).ok()?.modality),
        _ => None,
    };
    common(parts.iter().map(modality).collect::<Option<Vec<_>>>()?)
}

/// The whole of one media: of a film the pictures, of anything else all.
///
/// # Errors
/// As [`Gateway::encode`].
pub async fn whole(gateway: &Gateway, request: EncodeRequest, deadline: Deadline) -> Result<(Vec<f32>, Timings)> {
    let reply = gateway.encode(request, deadline).await?;
    let first = reply.embeddings.into_iter().next();
    let first = first.ok_or_else(|| Error::internal("an encoder answered without an embedding"))?;
    Ok((first.vector, reply.timings))
}

/// A media, once from each head of its tower that the targets call for.
async fn embedded(
    gateway: &Gateway,
    request: EncodeRequest,
    targets: &[Modality],
    length: usize,
    deadline: Deadline,
) -> Result<Part> {
    let tower = gateway.tower(request.modality);
    let mut part = Part {
        vectors: Vec::new(),
        heads: BTreeMap::new(),
        modality: Some(request.modality),
        timings: Timings::default(),
    };
    // The target that stands for each head, in the order of the vectors.
    let mut heads: Vec<(Option<&str>, Option<Modality>)> = Vec::new();
    for target in targets.iter().copied() {
        let head = tower.and_then(|tower| tower.head(Some(target)));
        let known = heads.iter().position(|(other, _)| *other == head);
        part.heads.insert(target, known.unwrap_or(heads.len()));
        if known.is_none() {
            heads.push((head, head.map(|_| target)));
        }
    }
    if heads.is_empty() {
        heads.push((None, None));
    }
    let asked =
        heads.into_iter().map(|(_, target)| whole(gateway, EncodeRequest { target, ..request.clone() }, deadline));
    for (mut vector, timings) in try_join_all(asked).await? {
        vector::shorten(&mut vector, length)?;
        part.vectors.push(vector);
        part.timings.merge(&timings);
    }
    Ok(part)
}

async fn stored(gateway: &Gateway, shelf: &Shelf, item: &str) -> Result<Part> {
    let item = item.parse()?;
    let points = gateway.store().item(&shelf.tenant, &shelf.collection, &item).await?;
    let whole = points
        .iter()
        .filter(|point| point.segment == 0)
        .min_by_key(|point| point.track != Track::Whole && point.track != Track::Visual);
    let whole = whole.ok_or_else(|| Error::internal(format!("item \"{item}\" has no whole")))?;
    gateway.space().expect_vector(&whole.carried(), &format!("the vector of item \"{item}\""))?;
    Ok(Part::one(whole.vector.clone(), Some(whole.modality)))
}

/// A vector obtained before: of the length that is met here, or a whole one, which is cut to it.
fn foreign(gateway: &Gateway, raw: v1::RawVector, length: usize) -> Result<Part> {
    if raw.space.is_empty() {
        return Err(Error::new(Reason::FieldRequired, "space", "name the space that the vector came from"));
    }
    gateway.space().expect_vector(&raw.space.parse()?, "the vector")?;
    let invalid = |message: String| Error::new(Reason::FieldInvalid, "values", message);
    let (mut vector, whole) = (raw.values, gateway.space().dimension);
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
    Ok(Part::one(vector, convert::modality_in(raw.modality)?))
}

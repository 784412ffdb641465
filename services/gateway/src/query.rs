//! A question: weighted parts of any modality, stored items and raw vectors, summed to one unit vector.

use futures::future::try_join_all;
use onespace_core::{
    CollectionName, Deadline, Error, Modality, Reason, Result, Tenant, Timings, Track,
    limits::QUERY_PARTS,
    vector::{self, UNIT_TOLERANCE},
};
use onespace_proto::{convert, v1};

use crate::Gateway;

/// The unit vector of a question, and where the time went.
pub struct Question {
    /// Unit length, of the server's space, as long as the vectors it will meet.
    pub vector: Vec<f32>,
    /// The modality and the weight of each part; a vector whose modality was not said has none.
    pub modalities: Vec<(Modality, f32)>,
    /// The parts' timings, merged.
    pub timings: Timings,
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
    vector: Vec<f32>,
    modality: Option<Modality>,
    timings: Timings,
}

/// Embeds, fetches and sums the parts of a question.
///
/// # Errors
/// Whatever a part gives, its field under `parts[n]`; `QUERY_CANCELS_OUT`; `SPACE_MISMATCH` for foreign vectors.
pub async fn ask(
    gateway: &Gateway,
    shelf: Option<&Shelf>,
    parts: Vec<v1::QueryPart>,
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
        let part =
            resolve(gateway, shelf, part, deadline).await.map_err(|error| error.under(&format!("parts[{index}]")))?;
        Ok::<_, Error>((part, weight))
    }))
    .await?;
    let mut timings = Timings::default();
    resolved.iter().for_each(|(part, _)| timings.merge(&part.timings));
    let vector = vector::weighted_sum(resolved.iter().map(|(part, weight)| (part.vector.as_slice(), *weight)))?;
    let modalities = resolved.iter().filter_map(|(part, weight)| Some((part.modality?, *weight))).collect();
    Ok(Question { vector, modalities, timings })
}

async fn resolve(gateway: &Gateway, shelf: Option<&Shelf>, part: v1::QueryPart, deadline: Deadline) -> Result<Part> {
    use v1::query_part::Part as Wire;
    let length = shelf.map_or(gateway.space().dimension, |shelf| shelf.dimension);
    match part.part {
        None => Err(Error::new(Reason::FieldRequired, "part", "must be set: media, item or vector")),
        Some(Wire::Media(media)) => {
            let embedded = whole(gateway, media, deadline).await.and_then(|(mut vector, modality, timings)| {
                vector::shorten(&mut vector, length)?;
                Ok(Part { vector, modality: Some(modality), timings })
            });
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

/// The whole of one media: of a film the pictures, of anything else all.
///
/// # Errors
/// As [`Gateway::embed`].
pub async fn whole(gateway: &Gateway, media: v1::Media, deadline: Deadline) -> Result<(Vec<f32>, Modality, Timings)> {
    let reply = gateway.embed(convert::media_in(media)?, false, deadline).await?;
    let first = reply.embeddings.into_iter().next();
    let first = first.ok_or_else(|| Error::internal("an encoder answered without an embedding"))?;
    Ok((first.vector, first.modality, reply.timings))
}

async fn stored(gateway: &Gateway, shelf: &Shelf, item: &str) -> Result<Part> {
    let item = item.parse()?;
    let points = gateway.store().item(&shelf.tenant, &shelf.collection, &item).await?;
    let whole = points
        .iter()
        .filter(|point| point.segment == 0)
        .min_by_key(|point| point.track != Track::Whole && point.track != Track::Visual);
    let whole = whole.ok_or_else(|| Error::internal(format!("item \"{item}\" has no whole")))?;
    Ok(Part { vector: whole.vector.clone(), modality: Some(whole.modality), timings: Timings::default() })
}

/// A vector obtained before: of the length that is met here, or a whole one, which is cut to it.
fn foreign(gateway: &Gateway, raw: v1::RawVector, length: usize) -> Result<Part> {
    if raw.space.is_empty() {
        return Err(Error::new(Reason::FieldRequired, "space", "name the space that the vector came from"));
    }
    gateway.space().expect(&raw.space.parse()?, "the vector")?;
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
    Ok(Part { vector, modality: convert::modality_in(raw.modality)?, timings: Timings::default() })
}

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
    /// Unit length, of the server's space.
    pub vector: Vec<f32>,
    /// The parts' timings, merged.
    pub timings: Timings,
}

/// Whose items a part may name.
pub struct Shelf<'a> {
    /// The owner.
    pub tenant: &'a Tenant,
    /// The collection.
    pub collection: &'a CollectionName,
}

/// Embeds, fetches and sums the parts of a question.
///
/// # Errors
/// Whatever a part gives, its field under `parts[n]`; `QUERY_CANCELS_OUT`; `SPACE_MISMATCH` for foreign vectors.
pub async fn ask(
    gateway: &Gateway,
    shelf: Option<&Shelf<'_>>,
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
        let (vector, timings) =
            resolve(gateway, shelf, part, deadline).await.map_err(|error| error.under(&format!("parts[{index}]")))?;
        Ok::<_, Error>((vector, weight, timings))
    }))
    .await?;
    let mut timings = Timings::default();
    resolved.iter().for_each(|(_, _, part)| timings.merge(part));
    let vector = vector::weighted_sum(resolved.iter().map(|(vector, weight, _)| (vector.as_slice(), *weight)))?;
    Ok(Question { vector, timings })
}

async fn resolve(
    gateway: &Gateway,
    shelf: Option<&Shelf<'_>>,
    part: v1::QueryPart,
    deadline: Deadline,
) -> Result<(Vec<f32>, Timings)> {
    use v1::query_part::Part;
    match part.part {
        None => Err(Error::new(Reason::FieldRequired, "part", "must be set: media, item or vector")),
        Some(Part::Media(media)) => {
            let (vector, _, timings) = whole(gateway, media, deadline).await.map_err(|error| error.under("media"))?;
            Ok((vector, timings))
        }
        Some(Part::Item(item)) => {
            let Some(shelf) = shelf else {
                return Err(Error::new(Reason::FieldInvalid, "item", "only a search names stored items"));
            };
            Ok((stored(gateway, shelf, &item).await?, Timings::default()))
        }
        Some(Part::Vector(raw)) => Ok((foreign(gateway, raw)?, Timings::default())),
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

async fn stored(gateway: &Gateway, shelf: &Shelf<'_>, item: &str) -> Result<Vec<f32>> {
    let item = item.parse()?;
    let points = gateway.store().item(shelf.tenant, shelf.collection, &item).await?;
    let whole = points
        .iter()
        .filter(|point| point.segment == 0)
        .min_by_key(|point| point.track != Track::Whole && point.track != Track::Visual);
    whole.map(|point| point.vector.clone()).ok_or_else(|| Error::internal(format!("item \"{item}\" has no whole")))
}

fn foreign(gateway: &Gateway, raw: v1::RawVector) -> Result<Vec<f32>> {
    if raw.space.is_empty() {
        return Err(Error::new(Reason::FieldRequired, "vector.space", "name the space that the vector came from"));
    }
    let space = raw.space.parse().map_err(|error: Error| error.under("vector"))?;
    gateway.space().expect(&space, "the vector").map_err(|error| error.under("vector"))?;
    let (found, wanted) = (raw.values.len(), gateway.space().dimension);
    if found != wanted {
        return Err(Error::new(
            Reason::FieldInvalid,
            "vector.values",
            format!("{found} values, the space has {wanted}"),
        ));
    }
    let norm = vector::norm(&raw.values);
    if !norm.is_finite() || (norm - 1.0).abs() > UNIT_TOLERANCE {
        let message = format!("the norm is {norm}, vectors of the space have norm 1 (within {UNIT_TOLERANCE})");
        return Err(Error::new(Reason::FieldInvalid, "vector.values", message));
    }
    Ok(raw.values)
}

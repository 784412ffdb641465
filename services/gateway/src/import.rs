//! Items that come with their vectors, as they were listed elsewhere.

use std::{collections::BTreeSet, slice};

use onespace_core::{
    CollectionRef, ContentHash, Error, Fingerprint, ItemDetails, ItemId, Modality, Point, Reason, Result,
    limits::{CALLER_ID_BYTES, ITEMS_PER_REQUEST, check_text},
};
use onespace_proto::{
    convert::{self, modality_named},
    status::item_error,
    v1,
};

use crate::{Gateway, call::Call, details::DetailsUpdate};

/// Stores items with the vectors that they have.
///
/// # Errors
/// `FIELD_*`, `TOO_MANY`, `SPACE_MISMATCH` for a collection of another space, `COLLECTION_NOT_FOUND`, `STORE_*`.
pub async fn import(
    gateway: &Gateway,
    call: &Call,
    request: v1::ImportItemsRequest,
) -> Result<v1::ImportItemsResponse> {
    let collection = call.locate(gateway, &request.collection).await?;
    let found = request.items.len();
    if found == 0 {
        return Err(Error::new(Reason::FieldRequired, "items", "name at least one item"));
    }
    if found > ITEMS_PER_REQUEST {
        let message = format!("{found} items, the limit is {ITEMS_PER_REQUEST}");
        return Err(Error::new(Reason::TooMany, "items", message));
    }
    gateway.collection(&collection).await?;
    let mut results = Vec::with_capacity(found);
    for (index, item) in request.items.into_iter().enumerate() {
        call.deadline.check("before everything was stored: the same call again goes on")?;
        let mut event = v1::IngestResponse { modality: item.modality, ..Default::default() };
        event.item_id = item.item_id.chars().take(CALLER_ID_BYTES / 4).collect();
        match store(gateway, call, &collection, item, &mut event).await {
            Ok(status) => event.status = status.into(),
            Err(error) => {
                event.status = v1::IngestStatus::Failed.into();
                event.error = Some(item_error(&error.under(&format!("items[{index}]"))));
            }
        }
        let became = if event.error.is_some() { "failed" } else { "imported" };
        call.caller.note_items(became, 1);
        results.push(event);
    }
    Ok(v1::ImportItemsResponse { results })
}

async fn store(
    gateway: &Gateway,
    call: &Call,
    collection: &CollectionRef,
    item: v1::Item,
    event: &mut v1::IngestResponse,
) -> Result<v1::IngestStatus> {
    let imported = Imported::read(gateway, item)?;
    let Imported { id, hash, details, points } = imported;
    let store = gateway.store();
    let lock = gateway.item_locks().get(collection, &id);
    let _writing = lock.lock().await;
    let before = store.stored(collection, slice::from_ref(&id)).await?.remove(&id);
    let same = before.as_ref().filter(|before| before.content_hash == hash);
    if same.is_some_and(|before| before.details.as_ref() == Some(&details)) {
        return Ok(v1::IngestStatus::Unchanged);
    }
    let most = call.caller.quota().items.filter(|_| before.is_none());
    let room = gateway.stored_items().reserve(store, &collection.tenant, most).await?;
    event.points = u32::try_from(points.len()).unwrap_or(u32::MAX);
    store.upsert(collection, points).await?;
    if before.is_some() {
        store.delete_items(collection, slice::from_ref(&id), Some(&hash)).await?;
    }
    room.keep();
    Ok(if before.is_some() { v1::IngestStatus::Updated } else { v1::IngestStatus::Stored })
}

/// An item that was read.
struct Imported {
    id: ItemId,
    hash: ContentHash,
    details: ItemDetails,
    points: Vec<Point>,
}

impl Imported {
    fn read(gateway: &Gateway, item: v1::Item) -> Result<Self> {
        let id: ItemId = item.item_id.parse().map_err(|error: Error| Error { field: "item_id".to_owned(), ..error })?;
        let hash = stored_hash(&item)?;
        let modality = modality_named(item.modality)?;
        let details = DetailsUpdate::of_set(item.uri, item.title, item.metadata)?.apply(ItemDetails::default());
        let embeddings = item.embeddings.into_iter().enumerate();
        let point = |(index, embedding)| {
            let blamed = |error: Error| error.under(&format!("embeddings[{index}]"));
            point(gateway, embedding, (&id, modality), &hash, &details).map_err(blamed)
        };
        let points: Vec<Point> = embeddings.map(point).collect::<Result<_>>()?;
        let places: BTreeSet<_> = points.iter().map(|point| (point.track, point.segment)).collect();
        if places.len() < points.len() {
            let message = "two of them stand for the same segment of the same track";
            return Err(Error::new(Reason::FieldInvalid, "embeddings", message));
        }
        if !points.iter().any(|point| point.segment == 0) {
            let message = "none stands for a whole: list items with segments and vectors";
            return Err(Error::new(Reason::FieldRequired, "embeddings", message));
        }
        Ok(Self { id, hash, details, points })
    }
}

/// What the item's content and its vectors are known by.
fn stored_hash(item: &v1::Item) -> Result<ContentHash> {
    let (field, text) = match item.stored_hash.as_str() {
        "" => ("content_hash", item.content_hash.as_str()),
        stored => ("stored_hash", stored),
    };
    check_text(field, text, CALLER_ID_BYTES)?;
    match text {
        "" => Err(Error::new(Reason::FieldRequired, field, "what the item's content is known by")),
        text if text.bytes().all(|byte| byte.is_ascii_graphic()) => Ok(ContentHash::from_stored(text)),
        _ => Err(Error::new(Reason::FieldInvalid, field, "it has characters that no hash has")),
    }
}

fn point(
    gateway: &Gateway,
    embedding: v1::Embedding,
    (id, modality): (&ItemId, Modality),
    hash: &ContentHash,
    details: &ItemDetails,
) -> Result<Point> {
    let space = gateway.space();
    let carried: Fingerprint = embedding
        .space_fingerprint
        .parse()
        .map_err(|error: Error| Error { field: "space_fingerprint".to_owned(), ..error })?;
    let tower = (carried != space.fingerprint).then_some(carried);
    if !space.meets(tower.as_ref()) {
        let message = format!("a vector of space {}, this server's is {}", carried.short(), space.fingerprint.short());
        return Err(Error::new(Reason::SpaceMismatch, "space_fingerprint", message));
    }
    let embedding = convert::embedding_in(embedding)?;
    Ok(Point {
        item: id.clone(),
        modality,
        track: embedding.track,
        segment: embedding.segment,
        span: embedding.span,
        uri: details.uri.clone(),
        title: details.title.clone(),
        content_hash: hash.clone(),
        space: space.fingerprint,
        tower,
        metadata: details.metadata.clone(),
        parts: embedding.parts,
        transcript: embedding.transcript,
        vector: embedding.vector,
    })
}

//! Collections: made, listed, indexed, removed.

use std::collections::{BTreeMap, HashMap};

use onespace_core::{CollectionInfo, CollectionSpec, Error, FieldKind, Reason, Result, limits};
use onespace_proto::{space::dimension_out, v1};

use crate::{Gateway, call::Call, page::page_size};

/// The kinds of indexed fields: on the wire and in core.
const KINDS: [(v1::FieldKind, FieldKind); 4] = [
    (v1::FieldKind::Keyword, FieldKind::Keyword),
    (v1::FieldKind::Integer, FieldKind::Integer),
    (v1::FieldKind::Float, FieldKind::Float),
    (v1::FieldKind::Bool, FieldKind::Bool),
];

/// Makes a collection of this server's space.
///
/// # Errors
/// `COLLECTION_EXISTS` unless that is fine and its vectors have the length that was named; `FIELD_*`, `STORE_*`.
pub async fn create(gateway: &Gateway, call: &Call, request: v1::CreateCollectionRequest) -> Result<v1::Collection> {
    let collection = call.collection(&request.name)?;
    let indexed = indexed_in(request.indexed)?;
    let space = gateway.space();
    let dimension = space.length(request.dimension as usize)?;
    let spec = CollectionSpec { collection: collection.clone(), space: space.clone(), dimension, indexed };
    match gateway.store().create_collection(&spec).await {
        Ok(()) => gateway.collection(&collection).await.map(collection_out),
        Err(error) if error.reason == Reason::CollectionExists && request.exist_ok => {
            let stands = gateway.store().collection(&collection).await?;
            let as_asked = request.dimension == 0 || stands.dimension == dimension;
            if as_asked && stands.space == space.fingerprint { Ok(collection_out(stands)) } else { Err(error) }
        }
        Err(error) => Err(error),
    }
}

/// A page of the collections that the caller may reach, those of other spaces too: their owner should see them.
///
/// # Errors
/// `FIELD_INVALID`, `STORE_*`.
pub async fn list(
    gateway: &Gateway,
    call: &Call,
    request: v1::ListCollectionsRequest,
) -> Result<v1::ListCollectionsResponse> {
    let size = page_size("page_size", request.page_size)?;
    // A page token is how many collections came before it, as a position among names that may come and go.
    let start = match request.page_token.as_str() {
        "" => 0,
        token => token
            .parse()
            .map_err(|_| Error::new(Reason::FieldInvalid, "page_token", "not a page token of this server"))?,
    };
    let mut all = gateway.store().list_collections(&call.tenant).await?;
    all.retain(|collection| call.caller.sees(collection.name.as_str()));
    let next_page_token =
        if all.len().saturating_sub(start) > size { (start + size).to_string() } else { String::new() };
    let collections = all.into_iter().skip(start).take(size).map(collection_out).collect();
    Ok(v1::ListCollectionsResponse { collections, next_page_token })
}

/// One collection.
///
/// # Errors
/// `COLLECTION_NOT_FOUND`, `STORE_*`.
pub async fn get(gateway: &Gateway, call: &Call, name: &str) -> Result<v1::Collection> {
    gateway.store().collection(&call.collection(name)?).await.map(collection_out)
}

/// Removes a collection with all that is in it.
///
/// # Errors
/// `COLLECTION_NOT_FOUND`, `STORE_*`.
pub async fn delete(gateway: &Gateway, call: &Call, name: &str) -> Result<()> {
    gateway.store().delete_collection(&call.collection(name)?).await
}

/// Indexes metadata fields of a collection.
///
/// # Errors
/// `FIELD_*`, `TOO_MANY`, `COLLECTION_NOT_FOUND`, `STORE_*`.
pub async fn index_fields(gateway: &Gateway, call: &Call, request: v1::IndexFieldsRequest) -> Result<v1::Collection> {
    let collection = call.collection(&request.collection)?;
    let fields = indexed_in(request.indexed)?;
    if fields.is_empty() {
        return Err(Error::new(Reason::FieldRequired, "indexed", "name at least one field"));
    }
    gateway.store().index_fields(&collection, &fields).await?;
    gateway.store().collection(&collection).await.map(collection_out)
}

fn indexed_in(indexed: HashMap<String, i32>) -> Result<BTreeMap<String, FieldKind>> {
    if indexed.len() > limits::METADATA_FIELDS {
        let message = format!("{} fields, the limit is {}", indexed.len(), limits::METADATA_FIELDS);
        return Err(Error::new(Reason::TooMany, "indexed", message));
    }
    let field = |(field, number): (String, i32)| {
        limits::check_text("indexed", &field, limits::FIELD_NAME_BYTES)?;
        let known = KINDS.iter().find(|(wire, _)| i32::from(*wire) == number);
        let (_, kind) = known.ok_or_else(|| {
            Error::new(Reason::FieldInvalid, format!("indexed[\"{field}\"]"), format!("{number} is no kind of field"))
        })?;
        Ok((field, *kind))
    };
    indexed.into_iter().map(field).collect()
}

fn collection_out(info: CollectionInfo) -> v1::Collection {
    let kind = |kind: FieldKind| KINDS.iter().find(|(_, core)| *core == kind).map_or(0, |(wire, _)| i32::from(*wire));
    v1::Collection {
        name: info.name.to_string(),
        space_fingerprint: info.space.to_string(),
        dimension: dimension_out(info.dimension),
        points: info.points,
        indexed: info.indexed.into_iter().map(|(field, found)| (field, kind(found))).collect(),
        unavailable: info.unavailable.unwrap_or_default(),
    }
}

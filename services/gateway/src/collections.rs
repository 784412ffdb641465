//! Collections and the items in them.

use std::collections::BTreeMap;

use onespace_core::{
    CollectionInfo, CollectionName, CollectionSpec, Error, ItemId, Point, Reason, Result, Tenant, Track, limits,
};
use onespace_proto::{convert, filter::filter_in, space::dimension_out, v1};

use crate::{Gateway, search::limit};

/// Items of a page whose size is not named.
const PAGE_DEFAULT: usize = 100;

/// The kinds of indexed fields: on the wire and in the store's words.
const KINDS: [(v1::FieldKind, &str); 4] = [
    (v1::FieldKind::Keyword, "keyword"),
    (v1::FieldKind::Integer, "integer"),
    (v1::FieldKind::Float, "float"),
    (v1::FieldKind::Bool, "bool"),
];

/// Makes a collection of this server's space.
///
/// # Errors
/// `COLLECTION_EXISTS` unless that is fine and its vectors have the length that was named; `FIELD_*`, `STORE_*`.
pub async fn create(gateway: &Gateway, request: v1::CreateCollectionRequest) -> Result<v1::Collection> {
    let name: CollectionName = request.name.parse()?;
    if request.indexed.len() > limits::METADATA_FIELDS {
        let message = format!("{} fields, the limit is {}", request.indexed.len(), limits::METADATA_FIELDS);
        return Err(Error::new(Reason::TooMany, "indexed", message));
    }
    let indexed = request.indexed.into_iter().map(|(field, kind)| {
        let known = KINDS.iter().find(|(wire, _)| i32::from(*wire) == kind);
        limits::check_text("indexed", &field, limits::FIELD_NAME_BYTES)?;
        let (_, kind) = known.ok_or_else(|| {
            Error::new(Reason::FieldInvalid, format!("indexed[\"{field}\"]"), format!("{kind} is no kind of field"))
        })?;
        Ok((field, (*kind).to_owned()))
    });
    let indexed = indexed.collect::<Result<BTreeMap<_, _>>>()?;
    let space = gateway.space();
    let dimension = space.length(request.dimension as usize)?;
    let spec = CollectionSpec { name: name.clone(), space: space.clone(), dimension, indexed };
    match gateway.store().create_collection(&spec).await {
        Ok(()) => gateway.collection(&name).await.map(collection_out),
        Err(error) if error.reason == Reason::CollectionExists && request.exist_ok => {
            let stands = gateway.store().collection(&name).await?;
            let as_asked = request.dimension == 0 || stands.dimension == dimension;
            if as_asked && stands.space == space.fingerprint { Ok(collection_out(stands)) } else { Err(error) }
        }
        Err(error) => Err(error),
    }
}

/// Every collection, those of other spaces too: their owner should see them.
///
/// # Errors
/// `STORE_*`.
pub async fn list(gateway: &Gateway) -> Result<Vec<v1::Collection>> {
    Ok(gateway.store().list_collections().await?.into_iter().map(collection_out).collect())
}

/// One collection.
///
/// # Errors
/// `COLLECTION_NOT_FOUND`, `STORE_*`.
pub async fn get(gateway: &Gateway, name: &str) -> Result<v1::Collection> {
    gateway.store().collection(&name.parse()?).await.map(collection_out)
}

/// Removes a collection with all that is in it.
///
/// # Errors
/// `COLLECTION_NOT_FOUND`, `STORE_*`.
pub async fn delete(gateway: &Gateway, name: &str) -> Result<()> {
    gateway.store().delete_collection(&name.parse()?).await
}

/// An item with all its vectors.
///
/// # Errors
/// `ITEM_NOT_FOUND`, `COLLECTION_NOT_FOUND`, `STORE_*`.
pub async fn item(gateway: &Gateway, tenant: &Tenant, request: v1::GetItemRequest) -> Result<v1::GetItemResponse> {
    let (name, item): (CollectionName, ItemId) = (request.collection.parse()?, request.item.parse()?);
    let points = gateway.store().item(tenant, &name, &item).await?;
    let first = points.iter().min_by_key(|point| (point.segment, point.track == Track::Audio)).cloned();
    let embeddings = points.into_iter().map(embedding_out).collect();
    Ok(v1::GetItemResponse { item: first.map(convert::item_out), embeddings })
}

/// Removes items.
///
/// # Errors
/// `TOO_MANY`, `COLLECTION_NOT_FOUND`, `STORE_*`.
pub async fn delete_items(gateway: &Gateway, tenant: &Tenant, request: v1::DeleteItemsRequest) -> Result<u64> {
    let name = request.collection.parse()?;
    let found = request.items.len();
    if found == 0 {
        return Err(Error::new(Reason::FieldRequired, "items", "name at least one item"));
    }
    if found > limits::ITEMS_PER_REQUEST {
        return Err(Error::new(
            Reason::TooMany,
            "items",
            format!("{found} items, the limit is {}", limits::ITEMS_PER_REQUEST),
        ));
    }
    let items: Vec<ItemId> = request.items.iter().map(|item| item.parse()).collect::<Result<_>>()?;
    gateway.store().delete_items(tenant, &name, &items, None).await
}

/// A page of items.
///
/// # Errors
/// `FIELD_INVALID` for a page token that is not ours, `COLLECTION_NOT_FOUND`, `STORE_*`.
pub async fn list_items(
    gateway: &Gateway,
    tenant: &Tenant,
    request: v1::ListItemsRequest,
) -> Result<v1::ListItemsResponse> {
    let name = request.collection.parse()?;
    let filter = filter_in(request.filter)?;
    let size = limit("page_size", request.page_size, PAGE_DEFAULT)?;
    limits::check_text("page_token", &request.page_token, limits::NAME_BYTES)?;
    let token = convert::some(request.page_token);
    let page = gateway.store().list_items(tenant, &name, &filter, size, token.as_deref()).await?;
    Ok(v1::ListItemsResponse {
        items: page.items.into_iter().map(convert::item_out).collect(),
        next_page_token: page.next.unwrap_or_default(),
    })
}

fn collection_out(info: CollectionInfo) -> v1::Collection {
    let kind = |name: &str| KINDS.iter().find(|(_, kind)| *kind == name).map_or(0, |(wire, _)| i32::from(*wire));
    v1::Collection {
        name: info.name.to_string(),
        space: info.space.to_string(),
        dimension: dimension_out(info.dimension),
        points: info.points,
        indexed: info.indexed.into_iter().map(|(field, name)| (field, kind(&name))).collect(),
        unavailable: info.unavailable.unwrap_or_default(),
    }
}

fn embedding_out(point: Point) -> v1::Embedding {
    v1::Embedding {
        space: point.carried().to_string(),
        vector: point.vector,
        modality: convert::modality_out(point.modality),
        track: convert::track_out(point.track),
        segment: point.segment,
        span: point.span.map(convert::span_out),
    }
}

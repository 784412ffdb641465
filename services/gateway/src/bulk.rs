//! Many items at once: counted by the values of a field, changed, removed.

use onespace_core::{CollectionRef, Error, FacetValue, Facets, Filter, ItemId, Reason, Result, limits};
use onespace_proto::{
    filter::{facet_field_in, filter_in},
    v1,
};

use crate::{
    Gateway,
    call::Call,
    details::{DetailsUpdate, rewrite},
    items::item_ids,
    page::page_size,
};

/// The values of a field and how many items have each.
///
/// # Errors
/// `FIELD_*`, `TOO_MANY`, `COLLECTION_NOT_FOUND`, `STORE_*`.
pub async fn facets(gateway: &Gateway, call: &Call, request: v1::FacetItemsRequest) -> Result<v1::FacetItemsResponse> {
    let collection = call.locate(gateway, &request.collection).await?;
    let (field, filter) = (facet_field_in(request.key)?, filter_in(request.filter)?);
    let limit = page_size("limit", request.limit)?;
    let Facets { values, distinct, items, without } =
        gateway.store().facets(&collection, &field, &filter, limit).await?;
    let value = |(value, items): (FacetValue, u64)| {
        let value = match value {
            FacetValue::Bool(boolean) => v1::scalar::Value::Boolean(boolean),
            FacetValue::Integer(integer) => v1::scalar::Value::Integer(integer),
            FacetValue::Text(text) => v1::scalar::Value::Text(text),
        };
        v1::FacetValue { value: Some(v1::Scalar { value: Some(value) }), items }
    };
    Ok(v1::FacetItemsResponse { values: values.into_iter().map(value).collect(), distinct, items, without })
}

/// Makes the same change of many items, named or let through by a filter.
///
/// # Errors
/// `FIELD_*`, `TOO_MANY`, `COLLECTION_NOT_FOUND`, `STORE_*`.
pub async fn update(
    gateway: &Gateway,
    call: &Call,
    request: v1::UpdateItemsRequest,
) -> Result<v1::UpdateItemsResponse> {
    let collection = call.locate(gateway, &request.collection).await?;
    let update = DetailsUpdate::of_request(request.uri, request.title, request.metadata, request.update_mask)?;
    let updated = match (request.item_ids.as_slice(), request.filter) {
        (ids, None) => rewrite_all(gateway, call, &collection, &item_ids(ids)?, &update).await?,
        ([], filter) => update_matching(gateway, call, &collection, filter, &update).await?,
        (_, Some(_)) => return Err(both()),
    };
    call.caller.note_items("updated", updated);
    Ok(v1::UpdateItemsResponse { updated })
}

/// Page by page. What is changed may no longer pass the filter, or pass it now: pages go by ids, so each item that
/// passes when its page is read is changed once.
async fn update_matching(
    gateway: &Gateway,
    call: &Call,
    collection: &CollectionRef,
    filter: Option<v1::Filter>,
    update: &DetailsUpdate,
) -> Result<u64> {
    let filter = narrowing(filter, ".item exists holds for all of them")?;
    let (mut updated, mut token) = (0, None);
    loop {
        let page = gateway.store().list_items(collection, &filter, limits::ITEMS_PER_REQUEST, token.as_deref()).await?;
        let ids: Vec<ItemId> = page.items.into_iter().map(|point| point.item).collect();
        updated += rewrite_all(gateway, call, collection, &ids, update).await?;
        token = page.next;
        if token.is_none() {
            return Ok(updated);
        }
    }
}

/// Those of some items that are there; how many that were.
async fn rewrite_all(
    gateway: &Gateway,
    call: &Call,
    collection: &CollectionRef,
    ids: &[ItemId],
    update: &DetailsUpdate,
) -> Result<u64> {
    let mut updated = 0;
    for id in ids {
        call.deadline.check("before everything was changed: the same call again goes on")?;
        let lock = gateway.item_locks().get(collection, id);
        let _writing = lock.lock().await;
        match rewrite(gateway, collection, id, update).await {
            Ok(_) => updated += 1,
            Err(error) if error.reason == Reason::ItemNotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(updated)
}

/// Removes items, by their ids or by a filter.
///
/// # Errors
/// `FIELD_*`, `TOO_MANY`, `COLLECTION_NOT_FOUND`, `STORE_*`.
pub async fn delete(
    gateway: &Gateway,
    call: &Call,
    request: v1::DeleteItemsRequest,
) -> Result<v1::DeleteItemsResponse> {
    let collection = call.locate(gateway, &request.collection).await?;
    let deleted = match (request.item_ids.as_slice(), request.filter) {
        (ids, None) => gateway.store().delete_items(&collection, &item_ids(ids)?, None).await?,
        ([], filter) => delete_matching(gateway, call, &collection, filter).await?,
        (_, Some(_)) => return Err(both()),
    };
    call.caller.note_items("deleted", deleted);
    Ok(v1::DeleteItemsResponse { deleted })
}

/// Page by page, so that a deadline leaves whole items behind; the same call again goes on.
async fn delete_matching(
    gateway: &Gateway,
    call: &Call,
    collection: &CollectionRef,
    filter: Option<v1::Filter>,
) -> Result<u64> {
    let filter = narrowing(filter, "DeleteCollection removes everything")?;
    let (mut deleted, mut token) = (0, None);
    loop {
        call.deadline.check("before everything was deleted: the same call again goes on")?;
        let page = gateway.store().list_items(collection, &filter, limits::ITEMS_PER_REQUEST, token.as_deref()).await?;
        let ids: Vec<ItemId> = page.items.into_iter().map(|point| point.item).collect();
        deleted += gateway.store().delete_items(collection, &ids, None).await?;
        token = page.next;
        if token.is_none() {
            return Ok(deleted);
        }
    }
}

/// A filter that lets not everything through by mistake.
fn narrowing(filter: Option<v1::Filter>, instead: &str) -> Result<Filter> {
    let filter = filter_in(filter)?;
    if filter.is_empty() {
        let message = format!("a filter without a condition lets everything through: {instead}");
        return Err(Error::new(Reason::FieldRequired, "filter", message));
    }
    Ok(filter)
}

fn both() -> Error {
    Error::new(Reason::FieldInvalid, "filter", "name items or give a filter, not both")
}

//! Stored items: read, counted, changed, removed.

use std::collections::{BTreeMap, BTreeSet};

use onespace_core::{CollectionRef, Error, ItemId, Point, Reason, Result, limits};
use onespace_proto::{
    convert,
    filter::filter_in,
    v1,
    view::{View, leading},
};

use crate::{
    Gateway,
    answer::AnswerRoom,
    call::Call,
    details::{DetailsUpdate, not_found, rewrite},
    page::page_size,
};

/// Items that are read at once with all of their segments.
const READ_AT_ONCE: usize = 8;

/// One item.
///
/// # Errors
/// `ITEM_NOT_FOUND`, `COLLECTION_NOT_FOUND`, `STORE_*`.
pub async fn get(gateway: &Gateway, call: &Call, request: v1::GetItemRequest) -> Result<v1::GetItemResponse> {
    let collection = call.locate(gateway, &request.collection).await?;
    let id = item_id("item_id", &request.item_id)?;
    let view = View::read(request.view.as_ref(), true)?;
    let mut found = read(gateway, &collection, std::slice::from_ref(&id), &view).await?;
    let item = found.remove(&id).ok_or_else(|| not_found(&collection, &id))?;
    Ok(v1::GetItemResponse { item: Some(item) })
}

/// Several items, and which of them are not there.
///
/// # Errors
/// `TOO_MANY`, `ANSWER_TOO_LARGE`, `COLLECTION_NOT_FOUND`, `STORE_*`.
pub async fn batch_get(
    gateway: &Gateway,
    call: &Call,
    request: v1::BatchGetItemsRequest,
) -> Result<v1::BatchGetItemsResponse> {
    let collection = call.locate(gateway, &request.collection).await?;
    let ids = item_ids(&request.item_ids)?;
    let view = View::read(request.view.as_ref(), true)?;
    call.hold.reserve(call.answer.expected(limits::RESULTS)).await?;
    let mut room = call.answer;
    let mut answer = v1::BatchGetItemsResponse::default();
    let mut seen = BTreeSet::new();
    let ids: Vec<ItemId> = ids.into_iter().filter(|id| seen.insert(id.clone())).collect();
    for some in ids.chunks(READ_AT_ONCE) {
        let mut found = read(gateway, &collection, some, &view).await?;
        for id in some {
            match found.remove(id) {
                Some(item) if room.take(&item) => answer.items.push(item),
                Some(_) => return Err(room.too_large(&format!("item \"{id}\""))),
                None => answer.missing_item_ids.push(id.to_string()),
            }
        }
    }
    Ok(answer)
}

/// These items as a view shows them.
async fn read(
    gateway: &Gateway,
    collection: &CollectionRef,
    ids: &[ItemId],
    view: &View,
) -> Result<BTreeMap<ItemId, v1::Item>> {
    let fetch = view.fetch().unwrap_or(onespace_core::Fetch { segments: false, vectors: false });
    let found = gateway.store().items(collection, ids, fetch).await?;
    let item = |(id, points): (ItemId, Vec<Point>)| {
        let lead = leading(&points)?.clone();
        let shown = if view.fetch().is_some() { points } else { Vec::new() };
        Some((id, view.item_out(lead, shown)))
    };
    Ok(found.into_iter().filter_map(item).collect())
}

/// Items that points stand for, as a view shows them: what it needs beside is fetched at once.
///
/// # Errors
/// `STORE_*`.
async fn show(gateway: &Gateway, collection: &CollectionRef, leads: Vec<Point>, view: &View) -> Result<Vec<v1::Item>> {
    let mut embeddings = BTreeMap::new();
    if let Some(fetch) = view.fetch() {
        let ids: Vec<ItemId> = leads.iter().map(|point| point.item.clone()).collect();
        for ids in ids.chunks(READ_AT_ONCE) {
            embeddings.append(&mut gateway.store().items(collection, ids, fetch).await?);
        }
    }
    let item = |lead: Point| {
        let shown = embeddings.get(&lead.item).cloned().unwrap_or_default();
        view.item_out(lead, shown)
    };
    Ok(leads.into_iter().map(item).collect())
}

/// A page of items.
///
/// # Errors
/// `FIELD_INVALID` for a page token that is not ours, `ANSWER_TOO_LARGE`, `COLLECTION_NOT_FOUND`, `STORE_*`.
pub async fn list(gateway: &Gateway, call: &Call, request: v1::ListItemsRequest) -> Result<v1::ListItemsResponse> {
    let collection = call.locate(gateway, &request.collection).await?;
    let filter = filter_in(request.filter)?;
    let size = page_size("page_size", request.page_size)?;
    let view = View::read(request.view.as_ref(), false)?;
    limits::check_text("page_token", &request.page_token, limits::NAME_BYTES)?;
    call.hold.reserve(call.answer.expected(size)).await?;
    let mut token = convert::some(request.page_token);
    let (mut items, mut room): (Vec<v1::Item>, AnswerRoom) = (Vec::new(), call.answer);
    // A few at a time: what does not fit is not read, but for the rest of the last few.
    while items.len() < size {
        let some = (size - items.len()).min(limits::ITEMS_PER_REQUEST);
        let page = gateway.store().list_items(&collection, &filter, some, token.as_deref()).await?;
        // A page token is the id of the point that the page starts with.
        let starts: Vec<String> = page.items.iter().map(|point| point.id(&collection.tenant).to_string()).collect();
        let mut shown = show(gateway, &collection, page.items, &view).await?;
        let fits = room.fitting(&shown);
        if fits == 0 && items.is_empty() && !shown.is_empty() {
            return Err(room.too_large("one item"));
        }
        shown.truncate(fits);
        items.append(&mut shown);
        let full = starts.get(fits).cloned();
        let ends = full.is_some();
        token = full.or(page.next);
        if ends || token.is_none() {
            break;
        }
    }
    Ok(v1::ListItemsResponse { items, next_page_token: token.unwrap_or_default() })
}

/// How many items a filter lets through.
///
/// # Errors
/// `FIELD_*`, `COLLECTION_NOT_FOUND`, `STORE_*`.
pub async fn count(gateway: &Gateway, call: &Call, request: v1::CountItemsRequest) -> Result<v1::CountItemsResponse> {
    let collection = call.locate(gateway, &request.collection).await?;
    let filter = filter_in(request.filter)?;
    Ok(v1::CountItemsResponse { items: gateway.store().count_items(&collection, &filter).await? })
}

/// Changes what is said of an item.
///
/// # Errors
/// `FIELD_*`, `TOO_MANY`, `ITEM_NOT_FOUND`, `COLLECTION_NOT_FOUND`, `STORE_*`.
pub async fn update(gateway: &Gateway, call: &Call, request: v1::UpdateItemRequest) -> Result<v1::UpdateItemResponse> {
    let collection = call.locate(gateway, &request.collection).await?;
    let id = item_id("item_id", &request.item_id)?;
    let update = DetailsUpdate::of_request(request.uri, request.title, request.metadata, request.update_mask)?;
    let lock = gateway.item_locks().get(&collection, &id);
    let _writing = lock.lock().await;
    let points = rewrite(gateway, &collection, &id, &update).await?;
    let view = View::read(None, false)?;
    let item = leading(&points).map(|lead| view.item_out(lead.clone(), Vec::new()));
    Ok(v1::UpdateItemResponse { item })
}

/// Items that a request names.
///
/// # Errors
/// `FIELD_*`, `TOO_MANY`.
pub fn item_ids(ids: &[String]) -> Result<Vec<ItemId>> {
    if ids.is_empty() {
        return Err(Error::new(Reason::FieldRequired, "item_ids", "name at least one item"));
    }
    if ids.len() > limits::ITEMS_PER_REQUEST {
        let message = format!("{} items, the limit is {}", ids.len(), limits::ITEMS_PER_REQUEST);
        return Err(Error::new(Reason::TooMany, "item_ids", message));
    }
    ids.iter().enumerate().map(|(index, id)| item_id(&format!("item_ids[{index}]"), id)).collect()
}

fn item_id(field: &str, id: &str) -> Result<ItemId> {
    id.parse().map_err(|error: Error| Error { field: field.to_owned(), ..error })
}

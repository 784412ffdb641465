//! `onespace item`.

use std::collections::BTreeMap;

use anyhow::Result;
use onespace_client::Client;
use onespace_proto::{
    convert,
    metadata::{metadata_in, metadata_out},
    v1::{self, facet_items_request, field_condition, scalar},
};
use prost_types::{FieldMask, Struct};
use serde_json::{Value, json};

use super::modality_name;
use crate::{
    args::ItemCommand,
    output::{Outcome, Rows, print_line, span_json, span_text},
};

/// Items asked for at once while listing.
const PAGE: u32 = 1000;
/// How much of an item's metadata stands in a table.
const METADATA_SHOWN: usize = 80;

/// Runs the command.
pub async fn run(client: &Client, command: ItemCommand, json: bool) -> Result<Outcome> {
    match command {
        ItemCommand::List { collection, filter } => list(client, collection, filter, json).await?,
        ItemCommand::Get { collection, item_id, vectors } => get(client, collection, item_id, vectors, json).await?,
        ItemCommand::Facets { collection, field, filter, limit } => {
            facets(client, collection, field, filter, limit, json).await?;
        }
        ItemCommand::Count { collection, filter } => {
            let request = v1::CountItemsRequest { collection, filter };
            let count = async |client: Client, request| client.collection_service().count_items(request).await;
            let items = client.call(request, count).await?.items;
            print_line(&if json { json!({"items": items}).to_string() } else { items.to_string() });
        }
        ItemCommand::Update { collection, item_ids, filter, uri, title, metadata, remove } => {
            let change = change(uri, title, metadata, remove);
            let request = v1::UpdateItemsRequest { collection, item_ids, filter, ..change };
            let send = async |client: Client, request| client.collection_service().update_items(request).await;
            let updated = client.call(request, send).await?.updated;
            print_line(&if json { json!({"updated": updated}).to_string() } else { format!("updated {updated}") });
        }
        ItemCommand::Delete { collection, item_ids, filter } => {
            let request = v1::DeleteItemsRequest { collection, item_ids, filter };
            let delete = async |client: Client, request| client.collection_service().delete_items(request).await;
            let deleted = client.call(request, delete).await?.deleted;
            print_line(&if json { json!({"deleted": deleted}).to_string() } else { format!("deleted {deleted}") });
        }
    }
    Ok(Outcome::AllWell)
}

async fn list(client: &Client, collection: String, filter: Option<v1::Filter>, json: bool) -> Result<()> {
    let list = async |client: Client, request| client.collection_service().list_items(request).await;
    let mut rows = Rows::new(json, ["item id", "modality", "source", "title", "metadata"]);
    let mut page_token = String::new();
    loop {
        let (collection, filter) = (collection.clone(), filter.clone());
        let request = v1::ListItemsRequest { collection, filter, page_size: PAGE, page_token, view: None };
        let page = client.call(request, list).await?;
        for item in page.items {
            let metadata = metadata(item.metadata.clone());
            let object = item_json(&item, &metadata);
            let modality = modality_name(item.modality).to_owned();
            rows.push(vec![item.item_id, modality, item.uri, item.title, in_short(&metadata)], &object);
        }
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    rows.finish();
    Ok(())
}

async fn get(client: &Client, collection: String, item_id: String, vectors: bool, json: bool) -> Result<()> {
    let view = v1::ItemView { vectors: Some(vectors), segments: Some(true), ..Default::default() };
    let request = v1::GetItemRequest { collection, item_id, view: Some(view) };
    let get = async |client: Client, request| client.collection_service().get_item(request).await;
    let item = client.call(request, get).await?.item.unwrap_or_default();
    let metadata = metadata(item.metadata.clone());
    if json {
        let mut object = item_json(&item, &metadata);
        object["content_hash"] = item.content_hash.as_str().into();
        object["space_fingerprint"] = item.space_fingerprint.as_str().into();
        object["embeddings"] = item.embeddings.iter().map(|one| embedding_json(one, vectors)).collect();
        print_line(&object.to_string());
        return Ok(());
    }
    let mut rows = Rows::new(false, ["field", "value"]);
    let own = [
        ("item id", item.item_id.as_str()),
        ("modality", modality_name(item.modality)),
        ("source", &item.uri),
        ("title", &item.title),
        ("content", &item.content_hash),
        ("space", &item.space_fingerprint),
    ];
    own.into_iter().for_each(|(name, value)| rows.push(vec![name.to_owned(), value.to_owned()], &Value::Null));
    for (name, value) in metadata {
        rows.push(vec![format!("metadata {name}"), shown(&value)], &Value::Null);
    }
    for one in &item.embeddings {
        let track = track_name(one);
        let name = if one.segment == 0 { track } else { format!("{track} {}", one.segment) };
        let said = format!("{} {}", span_text(one.span.as_ref()), one.transcript);
        rows.push(vec![name, said.trim().to_owned()], &Value::Null);
    }
    rows.finish();
    Ok(())
}

async fn facets(
    client: &Client,
    collection: String,
    field: field_condition::Key,
    filter: Option<v1::Filter>,
    limit: u32,
    json: bool,
) -> Result<()> {
    let key = match field {
        field_condition::Key::Metadata(name) => facet_items_request::Key::Metadata(name),
        field_condition::Key::Item(field) => facet_items_request::Key::Item(field),
    };
    let request = v1::FacetItemsRequest { collection, key: Some(key), filter, limit };
    let send = async |client: Client, request| client.collection_service().facet_items(request).await;
    let facets = client.call(request, send).await?;
    let mut rows = Rows::new(json, ["value", "items"]);
    for facet in &facets.values {
        let value = match facet.value.as_ref().and_then(|scalar| scalar.value.as_ref()) {
            Some(scalar::Value::Text(text)) => Value::from(text.as_str()),
            Some(scalar::Value::Integer(integer)) => Value::from(*integer),
            Some(scalar::Value::Number(number)) => Value::from(*number),
            Some(scalar::Value::Boolean(boolean)) => Value::from(*boolean),
            None => Value::Null,
        };
        rows.push(vec![shown(&value), facet.items.to_string()], &json!({"value": value, "items": facet.items}));
    }
    rows.finish();
    if !json {
        let (distinct, items, without) = (facets.distinct, facets.items, facets.without);
        print_line(&format!("{distinct} values among {items} items; {without} items have none"));
    }
    Ok(())
}

/// What is written of items: what a flag names, and nothing else.
fn change(
    uri: Option<String>,
    title: Option<String>,
    metadata: Vec<(String, Value)>,
    remove: Vec<String>,
) -> v1::UpdateItemsRequest {
    let named = [("uri", uri.is_some()), ("title", title.is_some())];
    let named = named.into_iter().filter(|(_, named)| *named).map(|(path, _)| path.to_owned());
    let fields = metadata.iter().map(|(name, _)| name).chain(&remove);
    let paths = named.chain(fields.map(|name| format!("metadata.{name}"))).collect();
    v1::UpdateItemsRequest {
        uri: uri.unwrap_or_default(),
        title: title.unwrap_or_default(),
        metadata: metadata_out(metadata.into_iter().collect()),
        update_mask: Some(FieldMask { paths }),
        ..Default::default()
    }
}

/// An item's metadata as programs read it.
pub fn metadata(metadata: Option<Struct>) -> BTreeMap<String, Value> {
    metadata_in(metadata).unwrap_or_default()
}

/// An item's metadata as people read it in a table.
pub fn in_short(metadata: &BTreeMap<String, Value>) -> String {
    let all = metadata.iter().map(|(name, value)| format!("{name}={}", shown(value))).collect::<Vec<_>>().join(" ");
    match all.char_indices().nth(METADATA_SHOWN) {
        Some((end, _)) => format!("{}…", all.get(..end).unwrap_or_default()),
        None => all,
    }
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
}

fn item_json(item: &v1::Item, metadata: &BTreeMap<String, Value>) -> Value {
    json!({
        "item_id": item.item_id, "modality": modality_name(item.modality), "source": item.uri, "title": item.title,
        "metadata": metadata,
    })
}

fn embedding_json(one: &v1::Embedding, vectors: bool) -> Value {
    let mut object = json!({
        "track": track_name(one), "segment": one.segment, "span": span_json(one.span.as_ref()),
        "transcript": Some(&one.transcript).filter(|transcript| !transcript.is_empty()),
    });
    if vectors {
        object["vector"] = one.vector.as_slice().into();
    }
    object
}

fn track_name(one: &v1::Embedding) -> String {
    convert::track_in(one.track).map(|track| track.name().to_owned()).unwrap_or_default()
}

//! `onespace collection` and `onespace item`.

use std::collections::BTreeMap;

use anyhow::Result;
use onespace_client::Client;
use onespace_proto::{metadata::metadata_out, v1};
use prost_types::FieldMask;
use serde_json::json;

use super::modality_name;
use crate::{
    args::{CollectionCommand, ItemCommand},
    output::{Outcome, Rows, print_line},
};

/// Items asked for at once while listing.
const PAGE: u32 = 1000;

/// The columns of a list of collections.
const HEADERS: [&str; 6] = ["collection", "space", "dimension", "points", "indexed", "unavailable"];

/// Runs a collection command.
pub async fn run(client: &Client, command: CollectionCommand, json: bool) -> Result<Outcome> {
    match command {
        CollectionCommand::List => {
            let list = async |client: Client, request| client.collection_service().list_collections(request).await;
            let mut rows = Rows::new(json, HEADERS);
            let mut page_token = String::new();
            loop {
                let page = client.call(v1::ListCollectionsRequest { page_size: PAGE, page_token }, list).await?;
                page.collections.iter().for_each(|collection| push(&mut rows, collection));
                page_token = page.next_page_token;
                if page_token.is_empty() {
                    break;
                }
            }
            rows.finish();
        }
        CollectionCommand::Create { name, index, dimension } => {
            let indexed = index.into_iter().map(|(field, kind)| (field, kind.into())).collect();
            let request = v1::CreateCollectionRequest { name, indexed, exist_ok: false, dimension };
            let create = async |client: Client, request| client.collection_service().create_collection(request).await;
            let response = client.call(request, create).await?;
            let mut rows = Rows::new(json, HEADERS);
            push(&mut rows, &response.collection.unwrap_or_default());
            rows.finish();
        }
        CollectionCommand::Index { name, index } => {
            let indexed = index.into_iter().map(|(field, kind)| (field, kind.into())).collect();
            let request = v1::IndexFieldsRequest { collection: name, indexed };
            let call = async |client: Client, request| client.collection_service().index_fields(request).await;
            let response = client.call(request, call).await?;
            let mut rows = Rows::new(json, HEADERS);
            push(&mut rows, &response.collection.unwrap_or_default());
            rows.finish();
        }
        CollectionCommand::Delete { name } => {
            let request = v1::DeleteCollectionRequest { name: name.clone() };
            let delete = async |client: Client, request| client.collection_service().delete_collection(request).await;
            client.call(request, delete).await?;
            print_line(&if json { json!({"deleted": name}).to_string() } else { format!("deleted {name}") });
        }
    }
    Ok(Outcome::AllWell)
}

fn push(rows: &mut Rows, collection: &v1::Collection) {
    let indexed: BTreeMap<&str, &str> =
        collection.indexed.iter().map(|(field, kind)| (field.as_str(), kind_name(*kind))).collect();
    let cells = vec![
        collection.name.clone(),
        collection.space_fingerprint.chars().take(12).collect(),
        collection.dimension.to_string(),
        collection.points.to_string(),
        indexed.iter().map(|(field, kind)| format!("{field}={kind}")).collect::<Vec<_>>().join(" "),
        collection.unavailable.clone(),
    ];
    let mut object = json!({
        "collection": collection.name, "space_fingerprint": collection.space_fingerprint,
        "dimension": collection.dimension, "points": collection.points, "indexed": indexed,
    });
    if let Some(fields) = object.as_object_mut().filter(|_| !collection.unavailable.is_empty()) {
        fields.insert("unavailable".to_owned(), collection.unavailable.as_str().into());
    }
    rows.push(cells, &object);
}

fn kind_name(number: i32) -> &'static str {
    match v1::FieldKind::try_from(number) {
        Ok(v1::FieldKind::Keyword) => "keyword",
        Ok(v1::FieldKind::Integer) => "integer",
        Ok(v1::FieldKind::Float) => "float",
        Ok(v1::FieldKind::Bool) => "bool",
        Ok(v1::FieldKind::Unspecified) | Err(_) => "unknown",
    }
}

/// Runs an item command.
pub async fn items(client: &Client, command: ItemCommand, json: bool) -> Result<Outcome> {
    match command {
        ItemCommand::List { collection, filter } => {
            let mut rows = Rows::new(json, ["item id", "modality", "source", "title"]);
            let mut page_token = String::new();
            loop {
                let request = v1::ListItemsRequest {
                    collection: collection.clone(),
                    filter: filter.clone(),
                    page_size: PAGE,
                    page_token,
                    view: None,
                };
                let list = async |client: Client, request| client.collection_service().list_items(request).await;
                let page = client.call(request, list).await?;
                for item in page.items {
                    let modality = modality_name(item.modality);
                    let object =
                        json!({"item_id": item.item_id, "modality": modality, "source": item.uri, "title": item.title});
                    rows.push(vec![item.item_id, modality.to_owned(), item.uri, item.title], &object);
                }
                page_token = page.next_page_token;
                if page_token.is_empty() {
                    break;
                }
            }
            rows.finish();
        }
        ItemCommand::Count { collection, filter } => {
            let request = v1::CountItemsRequest { collection, filter };
            let count = async |client: Client, request| client.collection_service().count_items(request).await;
            let items = client.call(request, count).await?.items;
            print_line(&if json { json!({"items": items}).to_string() } else { items.to_string() });
        }
        ItemCommand::Update { collection, item_id, uri, title, metadata, remove } => {
            let request = update(collection, item_id, (uri, title), metadata, remove);
            let send = async |client: Client, request| client.collection_service().update_item(request).await;
            let item = client.call(request, send).await?.item.unwrap_or_default();
            print_line(&if json {
                json!({"item_id": item.item_id, "source": item.uri, "title": item.title}).to_string()
            } else {
                format!("updated {}", item.item_id)
            });
        }
        ItemCommand::Delete { collection, item_ids, filter } => {
            let request = v1::DeleteItemsRequest { collection, item_ids, filter };
            let delete = async |client: Client, request| client.collection_service().delete_items(request).await;
            let response = client.call(request, delete).await?;
            let deleted = response.deleted;
            print_line(&if json { json!({"deleted": deleted}).to_string() } else { format!("deleted {deleted}") });
        }
    }
    Ok(Outcome::AllWell)
}

/// What is written of an item: what a flag names, and nothing else.
fn update(
    collection: String,
    item_id: String,
    (uri, title): (Option<String>, Option<String>),
    metadata: Vec<(String, serde_json::Value)>,
    remove: Vec<String>,
) -> v1::UpdateItemRequest {
    let named = [("uri", uri.is_some()), ("title", title.is_some())];
    let named = named.into_iter().filter(|(_, named)| *named).map(|(path, _)| path.to_owned());
    let fields = metadata.iter().map(|(name, _)| name).chain(&remove);
    let paths = named.chain(fields.map(|name| format!("metadata.{name}"))).collect();
    v1::UpdateItemRequest {
        collection,
        item_id,
        uri: uri.unwrap_or_default(),
        title: title.unwrap_or_default(),
        metadata: metadata_out(metadata.into_iter().collect()),
        update_mask: Some(FieldMask { paths }),
    }
}

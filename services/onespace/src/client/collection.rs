//! `onespace collection`.

use std::collections::BTreeMap;

use anyhow::Result;
use onespace_client::Client;
use onespace_proto::v1;
use serde_json::json;

use super::transfer;
use crate::{
    args::CollectionCommand,
    output::{Outcome, Rows, print_line},
};

/// Collections asked for at once while listing.
const PAGE: u32 = 1000;

/// The columns of a list of collections.
const HEADERS: [&str; 7] = ["collection", "space", "dimension", "points", "indexed", "aliases", "unavailable"];

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
            show(client.call(request, create).await?.collection, json);
        }
        CollectionCommand::Index { name, index } => {
            let indexed = index.into_iter().map(|(field, kind)| (field, kind.into())).collect();
            let request = v1::IndexFieldsRequest { collection: name, indexed };
            let call = async |client: Client, request| client.collection_service().index_fields(request).await;
            show(client.call(request, call).await?.collection, json);
        }
        CollectionCommand::Export { name, file } => return transfer::export(client, &name, &file, json).await,
        CollectionCommand::Import { file, name } => return transfer::import(client, &file, name, json).await,
        CollectionCommand::Rename { name, new_name } => {
            let request = v1::RenameCollectionRequest { name, new_name };
            let call = async |client: Client, request| client.collection_service().rename_collection(request).await;
            show(client.call(request, call).await?.collection, json);
        }
        CollectionCommand::Alias { alias, collection: Some(collection), .. } => {
            let request = v1::SetAliasRequest { alias, collection };
            let call = async |client: Client, request| client.collection_service().set_alias(request).await;
            show(client.call(request, call).await?.collection, json);
        }
        CollectionCommand::Alias { alias, collection: None, .. } => {
            let request = v1::DeleteAliasRequest { alias: alias.clone() };
            let call = async |client: Client, request| client.collection_service().delete_alias(request).await;
            client.call(request, call).await?;
            print_line(&if json { json!({"deleted": alias}).to_string() } else { format!("deleted {alias}") });
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

/// One collection in a table of its own.
fn show(collection: Option<v1::Collection>, json: bool) {
    let mut rows = Rows::new(json, HEADERS);
    push(&mut rows, &collection.unwrap_or_default());
    rows.finish();
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
        collection.aliases.join(" "),
        collection.unavailable.clone(),
    ];
    let mut object = json!({
        "collection": collection.name, "space_fingerprint": collection.space_fingerprint,
        "dimension": collection.dimension, "points": collection.points, "indexed": indexed,
        "aliases": collection.aliases,
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

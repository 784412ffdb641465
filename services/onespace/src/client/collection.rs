//! `onespace collection` and `onespace item`.

use anyhow::Result;
use onespace_proto::v1;
use serde_json::json;

use super::{Client, modality_name};
use crate::{
    args::{CollectionCommand, ItemCommand},
    output::{Outcome, Rows, print_line},
};

/// Items asked for at once while listing.
const PAGE: u32 = 1000;

/// The columns of a list of collections.
const HEADERS: [&str; 5] = ["collection", "space", "dimension", "points", "unavailable"];

/// Runs a collection command.
pub async fn run(client: &Client, command: CollectionCommand, json: bool) -> Result<Outcome> {
    match command {
        CollectionCommand::List => {
            let request = v1::ListCollectionsRequest {};
            let list = async |client: &Client, request| client.collections().list_collections(request).await;
            let response = client.call(request, list).await?;
            let mut rows = Rows::new(json, HEADERS);
            response.collections.iter().for_each(|collection| push(&mut rows, collection));
            rows.finish();
        }
        CollectionCommand::Create { name, index, dimension } => {
            let indexed = index.into_iter().map(|(field, kind)| (field, kind.into())).collect();
            let request = v1::CreateCollectionRequest { name, indexed, exist_ok: false, dimension };
            let create = async |client: &Client, request| client.collections().create_collection(request).await;
            let response = client.call(request, create).await?;
            let mut rows = Rows::new(json, HEADERS);
            push(&mut rows, &response.collection.unwrap_or_default());
            rows.finish();
        }
        CollectionCommand::Delete { name } => {
            let request = v1::DeleteCollectionRequest { name: name.clone() };
            let delete = async |client: &Client, request| client.collections().delete_collection(request).await;
            client.call(request, delete).await?;
            print_line(&if json { json!({"deleted": name}).to_string() } else { format!("deleted {name}") });
        }
    }
    Ok(Outcome::AllWell)
}

fn push(rows: &mut Rows, collection: &v1::Collection) {
    let short = collection.space.chars().take(12).collect();
    let (dimension, points) = (collection.dimension.to_string(), collection.points.to_string());
    let cells = vec![collection.name.clone(), short, dimension, points, collection.unavailable.clone()];
    let mut object = json!({
        "collection": collection.name, "space": collection.space, "dimension": collection.dimension,
        "points": collection.points,
    });
    if let Some(fields) = object.as_object_mut().filter(|_| !collection.unavailable.is_empty()) {
        fields.insert("unavailable".to_owned(), collection.unavailable.as_str().into());
    }
    rows.push(cells, &object);
}

/// Runs an item command.
pub async fn items(client: &Client, command: ItemCommand, json: bool) -> Result<Outcome> {
    match command {
        ItemCommand::List { collection, filter } => {
            let mut rows = Rows::new(json, ["item", "modality", "source", "title"]);
            let mut page_token = String::new();
            loop {
                let request = v1::ListItemsRequest {
                    collection: collection.clone(),
                    filter: filter.clone(),
                    page_size: PAGE,
                    page_token,
                };
                let list = async |client: &Client, request| client.collections().list_items(request).await;
                let page = client.call(request, list).await?;
                for item in page.items {
                    let modality = modality_name(item.modality);
                    let object =
                        json!({"item": item.item, "modality": modality, "source": item.uri, "title": item.title});
                    rows.push(vec![item.item, modality.to_owned(), item.uri, item.title], &object);
                }
                page_token = page.next_page_token;
                if page_token.is_empty() {
                    break;
                }
            }
            rows.finish();
        }
        ItemCommand::Delete { collection, items } => {
            let request = v1::DeleteItemsRequest { collection, items };
            let delete = async |client: &Client, request| client.collections().delete_items(request).await;
            let response = client.call(request, delete).await?;
            let deleted = response.deleted;
            print_line(&if json { json!({"deleted": deleted}).to_string() } else { format!("deleted {deleted}") });
        }
    }
    Ok(Outcome::AllWell)
}

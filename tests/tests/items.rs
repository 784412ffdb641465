//! Stored items: what is shown of them, how they are counted, changed and removed, and whose they are.

use std::collections::BTreeSet;

use onespace_proto::v1::{self, IngestStatus, Modality, ingest_request::Message};
use onespace_tests::{
    Client, Server,
    client::{equals, metadata, part, question, segments, text, why},
    samples, sound,
};
use tokio::sync::OnceCell;
use tonic::{Code, Request};

async fn client() -> Client {
    static SERVER: OnceCell<Server> = OnceCell::const_new();
    SERVER.get_or_init(Server::start).await.client().await
}

/// A call on behalf of a tenant.
fn of_tenant<T>(tenant: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("onespace-tenant", tenant.parse().unwrap());
    request
}

fn texts(words: &[&str]) -> Vec<v1::IngestItem> {
    let item = |(number, word): (usize, &&str)| v1::IngestItem {
        item_id: (*word).to_owned(),
        media: Some(text(format!("a {word}"))),
        title: format!("a {word}"),
        metadata: metadata(serde_json::json!({"number": number, "kind": "word"})),
        ..Default::default()
    };
    words.iter().enumerate().map(item).collect()
}

const WORDS: [&str; 6] = ["mug", "bell", "tree", "house", "robot", "guitar"];

async fn count(client: &Client, collection: &str, filter: Option<v1::Filter>) -> u64 {
    let request = v1::CountItemsRequest { collection: collection.to_owned(), filter };
    client.collections().count_items(request).await.unwrap().into_inner().items
}

fn only(condition: v1::Condition) -> Option<v1::Filter> {
    Some(v1::Filter { must: vec![condition], ..Default::default() })
}

#[tokio::test]
async fn what_is_shown_is_chosen() {
    let client = client().await;
    let (file, _) = sound::long_recording(5);
    let long = v1::IngestItem {
        item_id: "long".into(),
        media: Some(onespace_tests::client::data(file)),
        ..Default::default()
    };
    let video = samples::named("videos/purple-guitar-bouncing-01.mp4").item();
    client.ingest("views", vec![long, video.clone()]).await;
    let get = |item_id: &str, view: Option<v1::ItemView>| {
        let request = v1::GetItemRequest { collection: "views".into(), item_id: item_id.to_owned(), view };
        let client = client.clone();
        async move { client.collections().get_item(request).await.unwrap().into_inner().item.unwrap() }
    };
    let view = |segments, vectors, encoding: v1::VectorEncoding| {
        let encoding = encoding.into();
        Some(v1::ItemView { segments: Some(segments), vectors: Some(vectors), encoding, ..Default::default() })
    };
    let all = get("long", None).await;
    assert!(all.embeddings.len() > 4 && all.embeddings.iter().all(|one| one.vector.len() == 256));
    let wholes = get("long", view(false, true, v1::VectorEncoding::Floats)).await.embeddings;
    assert_eq!(wholes, all.embeddings[..1]);
    let spans = get("long", view(true, false, v1::VectorEncoding::Floats)).await.embeddings;
    assert!(spans.len() == all.embeddings.len() && spans.iter().all(|one| one.vector.is_empty() && one.span.is_some()));
    assert!(get("long", view(false, false, v1::VectorEncoding::Floats)).await.embeddings.is_empty());
    let bytes = get("long", view(false, true, v1::VectorEncoding::Float32)).await.embeddings.remove(0);
    let values = bytes.vector_float32.chunks(4).map(|four| f32::from_le_bytes(four.try_into().unwrap()));
    assert_eq!((values.collect::<Vec<_>>(), bytes.vector.len()), (wholes[0].vector.clone(), 0));
    let half = get("long", view(false, true, v1::VectorEncoding::Float16)).await.embeddings.remove(0);
    assert_eq!((half.vector_float16.len(), half.vector.len()), (512, 0));

    let bare = Some(v1::ItemView { metadata: Some(false), ..Default::default() });
    assert!(get(&video.item_id, None).await.metadata.is_some() && get(&video.item_id, bare).await.metadata.is_none());
    let tracks: Vec<_> = get(&video.item_id, None).await.embeddings.iter().map(v1::Embedding::track).collect();
    assert_eq!(tracks, [v1::Track::Visual, v1::Track::Audio]);

    let listing = v1::ListItemsRequest { collection: "views".into(), ..Default::default() };
    let list = |view| {
        let (client, request) = (client.clone(), v1::ListItemsRequest { view, ..listing.clone() });
        async move { client.collections().list_items(request).await.unwrap().into_inner().items }
    };
    assert!(list(None).await.iter().all(|item| item.embeddings.is_empty()));
    let shown = list(view(true, true, v1::VectorEncoding::Floats)).await;
    assert_eq!(shown.iter().find(|item| item.item_id == "long").unwrap().embeddings, all.embeddings);
    let asked = |view| v1::SearchRequest { view, ..question("views", vec![part(text("a guitar"))]) };
    assert!(client.search(asked(None)).await.iter().all(|hit| hit.item.as_ref().unwrap().embeddings.is_empty()));
    for hit in client.search(asked(view(true, true, v1::VectorEncoding::Floats))).await {
        let item = hit.item.unwrap();
        let matching = item
            .embeddings
            .iter()
            .find(|one| (one.track(), one.segment) == (hit.track.try_into().unwrap(), hit.segment));
        assert_eq!(matching.unwrap().vector.len(), 256, "{}", item.item_id);
    }
}

#[tokio::test]
async fn several_are_read_at_once_and_counted() {
    let client = client().await;
    client.ingest("counted", texts(&WORDS)).await;
    client.store("counted", [samples::named("videos/purple-guitar-bouncing-01.mp4")]).await;
    assert_eq!(count(&client, "counted", None).await, 7, "a video is one item, its tracks are two points");
    assert_eq!(count(&client, "counted", only(equals("kind", "word"))).await, 6);
    assert_eq!(count(&client, "counted", only(equals(".modality", "video"))).await, 1);
    assert_eq!(count(&client, "counted", only(equals(".item_id", "mug"))).await, 1);
    let item_ids: Vec<String> = ["tree", "nobody", "mug", "tree"].map(str::to_owned).into();
    let request = v1::BatchGetItemsRequest { collection: "counted".into(), item_ids, view: None };
    let answer = client.collections().batch_get_items(request.clone()).await.unwrap().into_inner();
    let found: Vec<_> = answer.items.iter().map(|item| item.item_id.as_str()).collect();
    assert_eq!((found, answer.missing_item_ids), (vec!["tree", "mug"], vec!["nobody".to_owned()]));
    assert!(answer.items.iter().all(|item| item.embeddings[0].vector.len() == 256));
    let many = v1::BatchGetItemsRequest { item_ids: vec!["x".into(); 65], ..request };
    assert_eq!(why(&client.collections().batch_get_items(many).await.unwrap_err()).0, "TOO_MANY");
}

#[tokio::test]
async fn an_item_is_changed_by_mask_and_nothing_is_embedded() {
    let server = Server::start().await;
    let client = server.client().await;
    client.ingest("updated", texts(&WORDS)).await;
    let embedded = || server.counters()["onespace_embed_total"];
    let so_far = embedded();
    let update = |paths: &[&str], title: &str, fields: serde_json::Value| {
        let update_mask = Some(prost_types::FieldMask { paths: paths.iter().map(ToString::to_string).collect() });
        let request = v1::UpdateItemRequest {
            collection: "updated".into(),
            item_id: "mug".into(),
            title: title.to_owned(),
            metadata: metadata(fields),
            update_mask,
            ..Default::default()
        };
        let client = client.clone();
        async move { client.collections().update_item(request).await.map(|answer| answer.into_inner().item.unwrap()) }
    };
    let fields =
        |item: &v1::Item| item.metadata.clone().unwrap_or_default().fields.into_keys().collect::<BTreeSet<_>>();
    let keys = |names: &[&str]| names.iter().map(ToString::to_string).collect::<BTreeSet<_>>();
    let one =
        update(&["metadata.colour", "metadata.number"], "ignored", serde_json::json!({"colour": "red"})).await.unwrap();
    assert_eq!((one.title.as_str(), fields(&one)), ("a mug", keys(&["colour", "kind"])));
    let set = update(&[], "the mug", serde_json::json!({})).await.unwrap();
    assert_eq!((set.title.as_str(), fields(&set)), ("the mug", keys(&["colour", "kind"])), "only what is set");
    let all = update(&["title", "metadata"], "", serde_json::json!({"year": 1999})).await.unwrap();
    assert_eq!((all.title.as_str(), fields(&all)), ("", keys(&["year"])));
    assert_eq!(count(&client, "updated", only(equals("kind", "word"))).await, 5, "filters see it");
    let hits = client.search(question("updated", vec![part(text("a mug"))])).await;
    assert_eq!(hits[0].item.as_ref().unwrap().item_id, "mug", "vectors stay");
    assert_eq!(embedded() - so_far, 1.0, "the query alone");

    let wrong = why(&update(&["vector"], "", serde_json::json!({})).await.unwrap_err());
    assert_eq!(wrong, ("FIELD_INVALID".into(), "update_mask.paths[0]".into(), Code::InvalidArgument));
    let nothing = why(&update(&[], "", serde_json::json!({})).await.unwrap_err());
    assert_eq!(nothing.0, "FIELD_REQUIRED");
    let request = v1::UpdateItemRequest {
        collection: "updated".into(),
        item_id: "nobody".into(),
        title: "x".into(),
        ..Default::default()
    };
    assert_eq!(why(&client.collections().update_item(request).await.unwrap_err()).0, "ITEM_NOT_FOUND");
}

#[tokio::test]
async fn items_are_removed_by_filter() {
    let client = client().await;
    client.ingest("removed", texts(&WORDS)).await;
    let number = v1::field_condition::Matches::Range(v1::Range { lt: Some(2.0), ..Default::default() });
    let delete = |filter: Option<v1::Filter>, item_ids: &[&str]| {
        let item_ids = item_ids.iter().map(ToString::to_string).collect();
        let request = v1::DeleteItemsRequest { collection: "removed".into(), item_ids, filter };
        let client = client.clone();
        async move { client.collections().delete_items(request).await.map(|answer| answer.into_inner().deleted) }
    };
    let small = only(onespace_tests::client::on("number", number));
    assert_eq!(delete(small.clone(), &[]).await.unwrap(), 2);
    assert_eq!(delete(small.clone(), &[]).await.unwrap(), 0);
    assert_eq!(count(&client, "removed", None).await, 4);
    for (filter, ids, field) in [
        (Some(v1::Filter::default()), &[][..], "filter"),
        (small, &["tree"][..], "filter"),
        (None, &[][..], "item_ids"),
    ] {
        assert_eq!(why(&delete(filter, ids).await.unwrap_err()).1, field);
    }
    assert_eq!(count(&client, "removed", None).await, 4);
}

#[tokio::test]
async fn fields_are_indexed_after_the_fact() {
    let client = client().await;
    client.ingest("indexed", texts(&WORDS)).await;
    let index = |kind: v1::FieldKind| {
        let indexed = [("number".to_owned(), kind.into())].into();
        let request = v1::IndexFieldsRequest { collection: "indexed".into(), indexed };
        let client = client.clone();
        async move { client.collections().index_fields(request).await.map(|answer| answer.into_inner().collection) }
    };
    let collection = index(v1::FieldKind::Integer).await.unwrap().unwrap();
    assert_eq!(collection.indexed["number"], i32::from(v1::FieldKind::Integer));
    assert_eq!(index(v1::FieldKind::Integer).await.unwrap().unwrap(), collection, "once more is well");
    let other = why(&index(v1::FieldKind::Keyword).await.unwrap_err());
    assert_eq!((other.0.as_str(), other.2), ("FIELD_INVALID", Code::InvalidArgument));
    let number = v1::field_condition::Matches::Range(v1::Range { gte: Some(4.0), ..Default::default() });
    assert_eq!(count(&client, "indexed", only(onespace_tests::client::on("number", number))).await, 2);
}

#[tokio::test]
async fn tenants_see_nothing_of_each_other() {
    let client = client().await;
    let create = |tenant: &'static str| {
        let request = v1::CreateCollectionRequest { name: "ours".into(), ..Default::default() };
        let client = client.clone();
        async move { client.collections().create_collection(of_tenant(tenant, request)).await.unwrap() }
    };
    create("acme").await;
    create("zeta").await;
    let start = v1::IngestStart { collection: "ours".into(), create: false, options: None };
    let messages = [Message::Start(start)].into_iter().chain(texts(&WORDS).into_iter().map(Message::Item));
    let messages: Vec<_> = messages.map(|message| v1::IngestRequest { message: Some(message) }).collect();
    let mut events =
        client.collections().ingest(of_tenant("acme", futures::stream::iter(messages))).await.unwrap().into_inner();
    while let Some(event) = events.message().await.unwrap() {
        assert_eq!(event.status(), IngestStatus::Stored, "{event:?}");
    }
    let counted = |tenant: &'static str| {
        let request = v1::CountItemsRequest { collection: "ours".into(), filter: None };
        let client = client.clone();
        async move { client.collections().count_items(of_tenant(tenant, request)).await.map(|a| a.into_inner().items) }
    };
    assert_eq!((counted("acme").await.unwrap(), counted("zeta").await.unwrap()), (6, 0));
    let absent =
        client.collections().count_items(v1::CountItemsRequest { collection: "ours".into(), filter: None }).await;
    assert_eq!(why(&absent.unwrap_err()).0, "COLLECTION_NOT_FOUND", "the default tenant has none of that name");
    let listed = |tenant: &'static str| {
        let client = client.clone();
        async move {
            let request = of_tenant(tenant, v1::ListCollectionsRequest::default());
            let answer = client.collections().list_collections(request).await.unwrap().into_inner();
            answer.collections.into_iter().map(|one| (one.name, one.points)).collect::<Vec<_>>()
        }
    };
    assert_eq!(listed("acme").await, [("ours".to_owned(), 6)]);
    assert_eq!(listed("zeta").await, [("ours".to_owned(), 0)]);
    assert!(listed("nobody").await.is_empty());
    let search = |tenant: &'static str| {
        let request = of_tenant(tenant, question("ours", vec![part(text("a mug"))]));
        let client = client.clone();
        async move { client.searching().search(request).await.unwrap().into_inner().hits.len() }
    };
    assert_eq!((search("acme").await, search("zeta").await), (6, 0));
    let delete = of_tenant("zeta", v1::DeleteCollectionRequest { name: "ours".into() });
    client.collections().delete_collection(delete).await.unwrap();
    assert_eq!(
        (counted("acme").await.unwrap(), why(&counted("zeta").await.unwrap_err()).0.as_str()),
        (6, "COLLECTION_NOT_FOUND")
    );
    let odd = client.collections().list_collections(of_tenant("a/b", v1::ListCollectionsRequest::default())).await;
    assert_eq!(why(&odd.unwrap_err()), ("FIELD_INVALID".into(), "onespace-tenant".into(), Code::InvalidArgument));
}

#[tokio::test]
async fn collections_have_pages() {
    let server = Server::start().await;
    let client = server.client().await;
    for name in ["c", "a", "e", "b", "d"] {
        client.create(name).await;
    }
    let (mut names, mut request) = (Vec::new(), v1::ListCollectionsRequest { page_size: 2, ..Default::default() });
    loop {
        let page = client.collections().list_collections(request.clone()).await.unwrap().into_inner();
        assert!(page.collections.len() <= 2);
        names.extend(page.collections.into_iter().map(|collection| collection.name));
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            break;
        }
    }
    assert_eq!(names, ["a", "b", "c", "d", "e"]);
}

#[tokio::test]
async fn other_options_embed_the_same_content_again() {
    let client = client().await;
    let (file, _) = sound::long_recording(5);
    let item = || v1::IngestItem {
        item_id: "it".into(),
        media: Some(onespace_tests::client::data(file.clone())),
        title: "five words".into(),
        ..Default::default()
    };
    let again = |item: v1::IngestItem, options: Option<v1::EmbedOptions>| {
        let client = client.clone();
        async move { client.ingest_with("options", options, vec![Message::Item(item)]).await.unwrap().remove(0) }
    };
    let first = again(item(), None).await;
    assert_eq!(first.status(), IngestStatus::Stored);
    let off = || Some(segments(v1::SegmentMode::Off));
    let silent = v1::IngestItem { title: String::new(), ..item() };
    let whole = again(silent, off()).await;
    assert_eq!((whole.status(), whole.points), (IngestStatus::Updated, 1), "its segments are gone");
    assert_eq!(again(item(), off()).await.status(), IngestStatus::Unchanged);
    let request = v1::GetItemRequest { collection: "options".into(), item_id: "it".into(), view: None };
    let now = client.collections().get_item(request).await.unwrap().into_inner().item.unwrap();
    assert_eq!((now.embeddings.len(), now.title.as_str(), now.modality()), (1, "five words", Modality::Audio));
    let back = again(item(), None).await;
    assert_eq!((back.status(), back.points), (IngestStatus::Updated, first.points));
}

//! Ingest: every item is answered once it would survive a crash, and what was answered does.

use std::collections::{BTreeMap, BTreeSet};

use onespace_proto::v1::{self, IngestStatus, Modality, ingest_request::Message};
use onespace_tests::{
    Client, Sample, Server,
    client::{chunk, data, on, part, question, segments, text, why},
    samples, sound,
};
use tokio::sync::{OnceCell, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Code;

async fn client() -> Client {
    static SERVER: OnceCell<Server> = OnceCell::const_new();
    SERVER.get_or_init(Server::start).await.client().await
}

/// A film with sound, each no longer than one stretch.
const SHORT_FILM: &str = "videos/purple-guitar-bouncing-01.mp4";

fn named(name: &str, media: v1::Media) -> v1::IngestItem {
    v1::IngestItem { request_id: name.to_owned(), item_id: name.to_owned(), media: Some(media), ..Default::default() }
}

/// How often each status was told.
fn tally<'a>(events: impl IntoIterator<Item = &'a v1::IngestResponse>) -> BTreeMap<&'static str, usize> {
    let mut tally = BTreeMap::new();
    events.into_iter().for_each(|event| *tally.entry(event.status().as_str_name()).or_default() += 1);
    tally
}

async fn item(client: &Client, collection: &str, item: &str) -> Result<v1::GetItemResponse, tonic::Status> {
    let request = v1::GetItemRequest { collection: collection.to_owned(), item_id: item.to_owned(), view: None };
    client.collections().get_item(request).await.map(tonic::Response::into_inner)
}

#[tokio::test]
async fn items_are_stored_once_and_failures_named() {
    let client = client().await;
    let sample = samples::with_extension("png");
    let items = || {
        vec![
            sample.item(),
            samples::named(SHORT_FILM).item(),
            named("broken", data(sample.bytes.slice(..1000))),
            named("a text", text("a red mug")),
            v1::IngestItem {
                request_id: "nothing".into(),
                item_id: "\u{7}".into(),
                media: Some(text("a bell")),
                ..Default::default()
            },
        ]
    };
    let events = client.ingest("once", items()).await;
    let by_id: BTreeMap<_, _> = events.iter().map(|event| (event.request_id.as_str(), event)).collect();
    assert_eq!(by_id.len(), 5);
    let stored = by_id[sample.name.as_str()];
    assert_eq!(
        (stored.status(), stored.points, stored.modality(), stored.item_id.as_str()),
        (IngestStatus::Stored, 1, Modality::Image, sample.name.as_str())
    );
    assert!(stored.timings.unwrap().store_us > 0);
    assert_eq!(by_id[SHORT_FILM].points, 2, "pictures and sound");
    let broken = by_id["broken"];
    assert_eq!(
        (broken.status(), broken.error.as_ref().unwrap().reason.as_str()),
        (IngestStatus::Failed, "MEDIA_MALFORMED")
    );
    assert_eq!(by_id["nothing"].error.as_ref().unwrap().reason, "FIELD_INVALID");

    let again = client.ingest("once", items()).await;
    assert_eq!(tally(&again), BTreeMap::from([("INGEST_STATUS_UNCHANGED", 3), ("INGEST_STATUS_FAILED", 2)]));
    let shown = item(&client, "once", &sample.name).await.unwrap();
    let told = shown.item.unwrap();
    assert_eq!(
        (told.uri.as_str(), told.title.as_str(), told.modality()),
        (sample.name.as_str(), sample.name.as_str(), Modality::Image)
    );
    assert_eq!(told.metadata.unwrap().fields.len(), 2);
    assert_eq!(told.embeddings.len(), 1);
    assert_eq!(
        why(&item(&client, "once", "broken").await.unwrap_err()),
        ("ITEM_NOT_FOUND".into(), "item_id".into(), Code::NotFound)
    );
}

#[tokio::test]
async fn large_items_come_in_chunks() {
    let client = client().await;
    let (file, _) = sound::long_recording(40);
    let header = |id: &str| {
        let (request_id, item_id) = (id.to_owned(), id.to_owned());
        Message::Item(v1::IngestItem { request_id, item_id, ..Default::default() })
    };
    let chunk = |data: Vec<u8>, last| Message::Chunk(chunk(data, last));
    let mut parts = vec![header("long")];
    let pieces: Vec<_> = file.chunks(256 * 1024).collect();
    assert!(pieces.len() > 3);
    parts.extend(pieces.iter().enumerate().map(|(index, piece)| chunk(piece.to_vec(), index + 1 == pieces.len())));
    // A failure in the middle does not take the next item with it.
    parts.extend([header("too large"), chunk(vec![0; 3 << 20], false), chunk(vec![0; 10], true)]);
    parts.extend([header("empty"), chunk(Vec::new(), true)]);
    let mut events = client.ingest_parts("chunks", parts).await.unwrap();
    let whole_only = vec![Message::Item(named("whole only", data(file.clone())))];
    let off = Some(segments(v1::SegmentMode::Off));
    events.extend(client.ingest_with("chunks", off, whole_only).await.unwrap());
    let told: BTreeMap<_, _> = events.iter().map(|event| (event.request_id.as_str(), event)).collect();
    assert_eq!(told["long"].status(), IngestStatus::Stored);
    assert!(told["long"].points > 10, "the whole and its stretches: {}", told["long"].points);
    assert_eq!(told["whole only"].points, 1);
    assert_eq!(told["too large"].error.as_ref().unwrap().reason, "MEDIA_TOO_LARGE");
    assert_eq!(told["empty"].error.as_ref().unwrap().reason, "MEDIA_EMPTY");
}

#[tokio::test]
async fn the_same_content_at_once_is_stored_once() {
    let client = client().await;
    let film = samples::named(SHORT_FILM);
    let unnamed =
        |id: usize| v1::IngestItem { request_id: id.to_string(), media: Some(film.media()), ..Default::default() };
    client.create("same").await;
    let streams = (0..4).map(|stream| {
        let client = client.clone();
        async move { client.ingest("same", (0..8).map(|index| unnamed(stream * 8 + index)).collect()).await }
    });
    let events: Vec<_> = futures::future::join_all(streams).await.concat();
    assert_eq!(tally(&events), BTreeMap::from([("INGEST_STATUS_STORED", 1), ("INGEST_STATUS_UNCHANGED", 31)]));
    let ids: BTreeSet<_> = events.iter().map(|event| event.item_id.as_str()).collect();
    assert_eq!(ids.len(), 1, "the content is the name");
    let request = v1::GetCollectionRequest { name: "same".to_owned() };
    let collection = client.collections().get_collection(request).await.unwrap().into_inner().collection.unwrap();
    assert_eq!(collection.points, 2, "pictures and sound of one film");
}

/// What anybody can be told of an item that is listed.
async fn told(client: &Client, collection: &str, name: &str) -> (String, String, Option<prost_types::Struct>) {
    let item = item(client, collection, name).await.unwrap().item.unwrap();
    (item.uri, item.title, item.metadata)
}

#[tokio::test]
async fn the_same_content_under_another_name_is_updated_without_embedding() {
    let server = Server::start().await;
    let client = server.client().await;
    let film = samples::named(SHORT_FILM);
    let first = client.ingest("changing-words", vec![film.item()]).await;
    assert_eq!((first[0].status(), first[0].points), (IngestStatus::Stored, 2));
    let before = item(&client, "changing-words", &film.name).await.unwrap().item.unwrap().embeddings;
    let embedded = || server.counters()["onespace_embed_total"];
    let so_far = embedded();

    let metadata = |json| onespace_tests::client::metadata(json);
    let as_it_was = film.item();
    let changes = [
        v1::IngestItem { title: "A purple guitar".to_owned(), ..film.item() },
        v1::IngestItem { uri: "elsewhere/guitar.mp4".to_owned(), ..film.item() },
        v1::IngestItem { metadata: metadata(serde_json::json!({"colour": "purple", "year": 2026})), ..film.item() },
        v1::IngestItem { metadata: Some(prost_types::Struct::default()), ..film.item() },
        as_it_was,
    ];
    for change in changes {
        let wanted =
            (change.uri.clone(), change.title.clone(), change.metadata.clone().filter(|all| !all.fields.is_empty()));
        let event = client.ingest("changing-words", vec![change.clone()]).await.remove(0);
        assert_eq!((event.status(), event.points), (IngestStatus::Updated, 2), "{event:?}");
        assert_eq!(told(&client, "changing-words", &film.name).await, wanted);
        let again = client.ingest("changing-words", vec![change]).await.remove(0);
        assert_eq!(again.status(), IngestStatus::Unchanged, "{again:?}");
    }
    let nothing = v1::IngestItem { uri: String::new(), title: String::new(), metadata: None, ..film.item() };
    let before_nothing = told(&client, "changing-words", &film.name).await;
    let event = client.ingest("changing-words", vec![nothing]).await.remove(0);
    assert_eq!(event.status(), IngestStatus::Unchanged, "what is left out is not said");
    assert_eq!(told(&client, "changing-words", &film.name).await, before_nothing);
    let after = item(&client, "changing-words", &film.name).await.unwrap().item.unwrap().embeddings;
    assert_eq!(after, before, "vectors stay");
    assert_eq!(embedded(), so_far, "nothing was embedded again");

    let year = v1::Range { gte: Some(2026.0), ..Default::default() };
    let condition = on("year", v1::field_condition::Matches::Range(year));
    let filter = Some(v1::Filter { must: vec![condition], ..Default::default() });
    let asked =
        || v1::SearchRequest { filter: filter.clone(), ..question("changing-words", vec![part(text("a guitar"))]) };
    assert!(client.search(asked()).await.is_empty(), "what it was told between is forgotten");
    let metadata = metadata(serde_json::json!({"year": 2027}));
    client.ingest("changing-words", vec![v1::IngestItem { metadata, ..film.item() }]).await;
    assert_eq!(client.search(asked()).await.len(), 1, "filters see what is new");
}

#[tokio::test]
async fn new_content_replaces_the_old_entirely() {
    let client = client().await;
    let (long, _) = sound::long_recording(9);
    let first = client.ingest("changing", vec![named("it", data(long))]).await;
    assert!(first[0].points > 4);
    let picture = samples::named("images/pink-cactus-01.png");
    let second = client.ingest("changing", vec![named("it", picture.media())]).await;
    assert_eq!((second[0].status(), second[0].points), (IngestStatus::Stored, 1));
    let now = item(&client, "changing", "it").await.unwrap().item.unwrap();
    assert_eq!((now.modality(), now.embeddings.len()), (Modality::Image, 1), "nothing of the recording is left");
    let hits = client.search(question("changing", vec![part(text("a pink cactus"))])).await;
    assert_eq!(hits.len(), 1);

    let request = v1::DeleteItemsRequest {
        collection: "changing".to_owned(),
        item_ids: vec!["it".into(), "nobody".into()],
        filter: None,
    };
    let deleted = client.collections().delete_items(request).await.unwrap().into_inner().deleted;
    assert_eq!(deleted, 1);
    assert_eq!(item(&client, "changing", "it").await.unwrap_err().code(), Code::NotFound);
    assert!(client.search(question("changing", vec![part(text("a pink cactus"))])).await.is_empty());
}

#[tokio::test]
async fn a_stream_out_of_order_is_refused() {
    let client = client().await;
    let stray = Message::Chunk(chunk(vec![1], true));
    let stray = client.ingest_parts("order", vec![stray]).await.unwrap_err();
    assert_eq!(why(&stray), ("FIELD_INVALID".into(), "message".into(), Code::InvalidArgument));
    let waiting = Message::Item(v1::IngestItem { request_id: "waiting".into(), ..Default::default() });
    let interrupted =
        client.ingest_parts("order", vec![waiting, Message::Item(named("next", text("a mug")))]).await.unwrap_err();
    assert_eq!(why(&interrupted).0, "FIELD_INVALID");

    let start = |collection: &str, create| {
        let start = v1::IngestStart { collection: collection.to_owned(), create, options: None };
        let requests = futures::stream::iter([v1::IngestRequest { message: Some(Message::Start(start)) }]);
        let mut collections = client.collections();
        async move { collections.ingest(requests).await?.into_inner().message().await }
    };
    assert_eq!(why(&start("absent", false).await.unwrap_err()).0, "COLLECTION_NOT_FOUND");
    assert_eq!(why(&start("", true).await.unwrap_err()).0, "FIELD_REQUIRED");
    assert!(start("present", true).await.unwrap().is_none(), "an ingest of nothing is well");
    let none = client.collections().ingest(futures::stream::empty()).await.unwrap().into_inner().message().await;
    assert_eq!(why(&none.unwrap_err()).0, "FIELD_REQUIRED");
}

#[tokio::test]
async fn collections_are_made_listed_and_removed() {
    let client = client().await;
    let make = |exist_ok| {
        let indexed =
            [("colour".to_owned(), v1::FieldKind::Keyword.into()), ("year".to_owned(), v1::FieldKind::Integer.into())];
        v1::CreateCollectionRequest { name: "made".to_owned(), indexed: indexed.into(), exist_ok, dimension: 0 }
    };
    let made = client.collections().create_collection(make(false)).await.unwrap().into_inner().collection.unwrap();
    assert_eq!((made.name.as_str(), made.dimension, made.points, made.indexed.len()), ("made", 256, 0, 2));
    assert_eq!(made.space_fingerprint, client.fingerprint().await);
    let twice = client.collections().create_collection(make(false)).await.unwrap_err();
    assert_eq!(why(&twice), ("COLLECTION_EXISTS".into(), "collection".into(), Code::AlreadyExists));
    assert!(client.collections().create_collection(make(true)).await.is_ok());
    let list = || async {
        client
            .collections()
            .list_collections(v1::ListCollectionsRequest::default())
            .await
            .unwrap()
            .into_inner()
            .collections
    };
    assert!(list().await.contains(&made));
    let remove = || client.clone().collections();
    let request = v1::DeleteCollectionRequest { name: "made".to_owned() };
    remove().delete_collection(request.clone()).await.unwrap();
    assert!(list().await.iter().all(|collection| collection.name != "made"));
    assert_eq!(why(&remove().delete_collection(request).await.unwrap_err()).0, "COLLECTION_NOT_FOUND");
}

/// Items whose events were seen before the crash.
const BEFORE_THE_CRASH: usize = 40;

#[tokio::test]
async fn what_was_acknowledged_survives_a_kill() {
    let mut server = Server::start().await;
    let all: Vec<&Sample> = samples::all().iter().collect();
    let acknowledged = ingest_until_killed(&mut server, &all).await;
    assert!(
        (BEFORE_THE_CRASH..all.len()).contains(&acknowledged.len()),
        "{}: it was killed in the middle",
        acknowledged.len()
    );

    server.restart().await;
    let client = server.client().await;
    for name in &acknowledged {
        let found = item(&client, "crash", name)
            .await
            .unwrap_or_else(|status| panic!("{name} was acknowledged, then: {status:?}"));
        assert!(!found.item.unwrap().embeddings.is_empty());
    }
    let events = client.ingest("crash", all.iter().map(|sample| sample.item()).collect()).await;
    let unchanged: BTreeSet<_> = events
        .iter()
        .filter(|event| event.status() == IngestStatus::Unchanged)
        .map(|event| event.request_id.clone())
        .collect();
    assert!(acknowledged.is_subset(&unchanged), "what was acknowledged is not embedded again");
    let stored = events.iter().filter(|event| event.status() == IngestStatus::Stored).count();
    assert_eq!(stored + unchanged.len(), all.len(), "{events:?}");
    let embedded = server.counters().get("onespace_embed_total").copied().unwrap_or_default();
    assert!((embedded - stored as f64).abs() < 0.5, "{embedded} were embedded, {stored} were new");

    let hits = client.search(v1::SearchRequest { limit: 1000, ..question("crash", vec![part(text("a mug"))]) }).await;
    assert_eq!(hits.len(), all.len(), "each once");
}

/// Ingests until enough items were acknowledged, kills the server while more are on their way, and gives the names of
/// those that were acknowledged.
async fn ingest_until_killed(server: &mut Server, samples: &[&Sample]) -> BTreeSet<String> {
    let client = server.client().await;
    let (sender, requests) = mpsc::channel(4);
    let start = v1::IngestStart { collection: "crash".to_owned(), create: true, options: None };
    let start = Message::Start(start);
    let parts: Vec<_> = [start].into_iter().chain(samples.iter().map(|sample| Message::Item(sample.item()))).collect();
    let sending = tokio::spawn(async move {
        for part in parts {
            if sender.send(v1::IngestRequest { message: Some(part) }).await.is_err() {
                return;
            }
        }
    });
    let mut events = client.collections().ingest(ReceiverStream::new(requests)).await.unwrap().into_inner();
    let mut acknowledged = BTreeSet::new();
    while let Ok(Some(event)) = events.message().await {
        assert_eq!(event.status(), IngestStatus::Stored, "{event:?}");
        acknowledged.insert(event.item_id);
        if acknowledged.len() == BEFORE_THE_CRASH {
            server.process_mut().kill();
        }
    }
    sending.await.unwrap();
    acknowledged
}

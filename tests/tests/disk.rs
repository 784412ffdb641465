//! A disk that is full, and files that are broken: what can be served is served.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    time::Instant,
};

use onespace_proto::v1;
use onespace_tests::{
    Client, PATIENCE, Server,
    client::{part, question, text, why},
    disk::Disk,
};
use serde_json::json;
use sha2::{Digest as _, Sha512};
use tonic::Code;
use tonic_health::pb::health_check_response::ServingStatus::{NotServing, Serving};
use tonic_types::StatusExt as _;

const SEARCH: &str = "onespace.v1.SearchService";
const COLLECTIONS: &str = "onespace.v1.CollectionService";
/// Room for a collection, the reserve, the spare file and some thousand items.
const SMALL: usize = 260;
const LARGE: usize = 480;

/// Items that take much room and little time to embed.
fn items(batch: usize) -> Vec<v1::IngestItem> {
    let item = |n: usize| {
        // What compresses well would not fill a disk.
        let noise = |field: usize| format!("{:x}", Sha512::digest(format!("{batch} {n} {field}")));
        let fields = (0..60).map(|field| (format!("f{field}"), json!(noise(field) + &noise(field + 60))));
        v1::IngestItem {
            request_id: format!("{batch}-{n}"),
            item_id: format!("{batch}-{n}"),
            media: Some(text(format!("thing {batch} {n}"))),
            metadata: onespace_tests::client::metadata(serde_json::Value::Object(fields.collect())),
            ..Default::default()
        }
    };
    (0..64).map(item).collect()
}

/// Writes until that is refused; what was acknowledged.
async fn fill(client: &Client, collection: &str) -> BTreeSet<String> {
    let mut stored = BTreeSet::new();
    for batch in 0.. {
        assert!(batch < 200, "the disk is never full");
        let events = client.ingest(collection, items(batch)).await;
        let (kept, refused): (Vec<_>, Vec<_>) = events.into_iter().partition(|event| event.error.is_none());
        stored.extend(kept.into_iter().map(|event| event.item_id));
        for error in refused.iter().filter_map(|event| event.error.as_ref()) {
            assert_eq!(
                (error.reason.as_str(), error.code),
                ("STORE_FULL", Code::ResourceExhausted as i32),
                "{error:?}"
            );
            assert!(error.retry_after_ms > 0 && error.message.contains("bytes are free"), "{error:?}");
        }
        if !refused.is_empty() {
            break;
        }
    }
    stored
}

async fn listed(client: &Client, collection: &str) -> BTreeSet<String> {
    let (mut all, mut page_token) = (BTreeSet::new(), String::new());
    loop {
        let request = v1::ListItemsRequest {
            collection: collection.to_owned(),
            page_size: 1000,
            page_token,
            ..Default::default()
        };
        let page = client.collections().list_items(request).await.unwrap().into_inner();
        all.extend(page.items.into_iter().map(|item| item.item_id));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return all;
        }
    }
}

fn full(status: &tonic::Status) {
    let (reason, _, code) = why(status);
    assert_eq!((reason.as_str(), code), ("STORE_FULL", Code::ResourceExhausted), "{status:?}");
    assert!(status.get_details_retry_info().is_some_and(|info| info.retry_delay.is_some()), "{status:?}");
}

fn create(name: &str) -> v1::CreateCollectionRequest {
    v1::CreateCollectionRequest { name: name.to_owned(), ..Default::default() }
}

fn delete(name: &str) -> v1::DeleteCollectionRequest {
    v1::DeleteCollectionRequest { name: name.to_owned() }
}

async fn finds(client: &Client, collection: &str) -> bool {
    !client.search(question(collection, vec![part(text("thing 0 1"))])).await.is_empty()
}

/// One item more, until it is taken: nobody restarts anything.
async fn writes_again(client: &Client, collection: &str, name: &str) {
    let began = Instant::now();
    loop {
        let item = v1::IngestItem {
            request_id: name.into(),
            item_id: name.into(),
            media: Some(text(name)),
            ..Default::default()
        };
        match client.ingest(collection, vec![item]).await.remove(0).error {
            None => return,
            Some(error) => assert!(began.elapsed() < PATIENCE, "{error:?}"),
        }
    }
}

#[tokio::test]
async fn a_full_disk_refuses_writes_and_serves_on() {
    let folder = tempfile::Builder::new().prefix("onespace-test-").tempdir().unwrap();
    let Some(disk) = Disk::mount(&folder.path().join("data"), SMALL) else { return };
    let mut server = Server::start_in(folder).await;
    let client = server.client().await;
    let mut stored = fill(&client, "shelf").await;
    assert!(stored.len() > 100, "{} items fit", stored.len());
    assert!(server.process().alive(), "it died:\n{}", server.log());

    server.until(COLLECTIONS, NotServing).await;
    assert_eq!((server.health(SEARCH).await, server.health("").await), (Serving, Serving));
    let (code, said) = server.get("/readyz");
    assert!(code == 200 && said.contains("STORE_FULL") && said.contains("too little room"), "{code} {said}");
    full(&client.collections().create_collection(create("more")).await.unwrap_err());
    assert!(finds(&client, "shelf").await);
    client.vector(text("a mug")).await;

    disk.resize(LARGE);
    writes_again(&client, "shelf", "after").await;
    stored.insert("after".to_owned());
    server.until(COLLECTIONS, Serving).await;
    assert_eq!(server.get("/readyz"), (200, "ready\n".to_owned()));
    client.collections().create_collection(create("more")).await.unwrap();

    server.process_mut().kill();
    server.restart().await;
    let client = server.client().await;
    let missing: Vec<_> = stored.difference(&listed(&client, "shelf").await).cloned().collect();
    assert!(missing.is_empty(), "acknowledged and lost: {missing:?}");

    // Not a byte is left, and it starts.
    server.process_mut().kill();
    disk.fill_but(0);
    server.restart().await;
    let client = server.client().await;
    assert_eq!(listed(&client, "shelf").await.len(), stored.len());
    assert!(finds(&client, "shelf").await);
    let event = client.ingest("shelf", items(1000)).await.remove(0);
    assert_eq!(event.error.unwrap().reason, "STORE_FULL");
    client.collections().delete_collection(delete("more")).await.unwrap();
    disk.clear();
    writes_again(&client, "shelf", "last").await;
    server.process().terminate();
    assert!(server.exit().await.success(), "{}", server.log());
}

#[tokio::test]
async fn a_full_disk_while_it_writes_kills_nobody() {
    let folder = tempfile::Builder::new().prefix("onespace-test-").tempdir().unwrap();
    let Some(disk) = Disk::mount(&folder.path().join("data"), LARGE) else { return };
    let server = Server::start_in(folder).await;
    let client = server.client().await;
    writes_again(&client, "shelf", "before").await;
    let mut stored = BTreeSet::from(["before".to_owned()]);
    for round in 0..6 {
        // Somebody else fills the disk, to the reserve and beyond, while items come.
        let ingest = async {
            let mut kept = BTreeSet::new();
            for batch in 0..4 {
                let events = client.ingest("shelf", items(round * 10 + batch)).await;
                for event in events {
                    match event.error {
                        None => drop(kept.insert(event.item_id)),
                        Some(error) => assert_eq!(error.reason, "STORE_FULL", "{error:?}"),
                    }
                }
            }
            kept
        };
        let (kept, ()) = tokio::join!(ingest, async { disk.fill_but(2 + round * 14) });
        stored.extend(kept);
        assert!(server.process().alive(), "it died:\n{}", server.log());
        disk.clear();
    }
    writes_again(&client, "shelf", "after").await;
    stored.insert("after".to_owned());
    assert_eq!(listed(&client, "shelf").await, stored);
}

/// The folder of a collection.
fn folder_of(server: &Server, collection: &str) -> PathBuf {
    let start = format!("{collection}__");
    let folders = fs::read_dir(server.folder().join("data/collections")).unwrap();
    let found =
        folders.map(|entry| entry.unwrap()).find(|entry| entry.file_name().to_string_lossy().starts_with(&start));
    found.expect("a collection has a folder").path()
}

/// Every file of that name below a folder.
fn named(folder: &Path, name: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            found.extend(named(&entry, name));
        } else if entry.ends_with(name) {
            found.push(entry);
        }
    }
    found
}

#[tokio::test]
async fn a_broken_collection_leaves_the_others_served() {
    let mut server = Server::start().await;
    let client = server.client().await;
    let broken = ["torn", "noise", "folder", "segments", "journal"];
    for name in broken.into_iter().chain(["sound"]) {
        writes_again(&client, name, "one").await;
    }
    server.process_mut().kill();
    let states = |name: &str| named(&folder_of(&server, name), "segment.json");
    for state in states("torn") {
        let bytes = fs::read(&state).unwrap();
        fs::write(&state, &bytes[..bytes.len() / 2]).unwrap();
    }
    states("noise").iter().for_each(|state| fs::write(state, [0x9d; 700]).unwrap());
    fs::remove_dir_all(folder_of(&server, "folder")).unwrap();
    fs::remove_dir_all(folder_of(&server, "segments").join("shard/segments")).unwrap();
    let journal = folder_of(&server, "journal").join("journal");
    fs::remove_file(&journal).unwrap();
    fs::create_dir(&journal).unwrap();

    for _ in 0..2 {
        server.restart().await;
        let client = server.client().await;
        assert!(finds(&client, "sound").await);
        client.vector(text("a mug")).await;
        writes_again(&client, "sound", "two").await;
        let listed =
            client.collections().list_collections(v1::ListCollectionsRequest::default()).await.unwrap().into_inner();
        let unavailable: BTreeSet<_> = listed
            .collections
            .iter()
            .filter(|collection| !collection.unavailable.is_empty())
            .map(|collection| collection.name.as_str())
            .collect();
        assert_eq!((listed.collections.len(), unavailable), (6, BTreeSet::from(broken)));
        for name in broken {
            let asked = client.searching().search(question(name, vec![part(text("thing"))])).await.unwrap_err();
            let made = client.collections().create_collection(create(name)).await.unwrap_err();
            for status in [asked, made] {
                let (reason, field, code) = why(&status);
                assert_eq!(reason, "COLLECTION_UNAVAILABLE", "{status:?}");
                assert_eq!((field.as_str(), code), ("collection", Code::FailedPrecondition));
                assert!(status.message().contains(name), "{status:?}");
                assert!(!status.message().contains(server.folder().to_str().unwrap()), "{status:?}");
            }
        }
        assert!(server.log().contains("segment.json") && server.log().contains("data/collections"), "{}", server.log());
        server.process_mut().kill();
    }
    server.restart().await;
    let client = server.client().await;
    for name in broken {
        client.collections().delete_collection(delete(name)).await.unwrap();
        writes_again(&client, name, "new").await;
    }
}

#[tokio::test]
async fn a_collection_that_is_mended_comes_back_by_itself() {
    let mut server = Server::start().await;
    writes_again(&server.client().await, "shelf", "one").await;
    server.process_mut().kill();
    let state = named(&folder_of(&server, "shelf"), "segment.json").remove(0);
    let sound = fs::read(&state).unwrap();
    fs::write(&state, "{").unwrap();
    server.restart().await;
    let client = server.client().await;
    let ask = || question("shelf", vec![part(text("one"))]);
    assert_eq!(why(&client.searching().search(ask()).await.unwrap_err()).0, "COLLECTION_UNAVAILABLE");
    fs::write(&state, sound).unwrap();
    let began = Instant::now();
    while let Err(status) = client.searching().search(ask()).await {
        assert_eq!(why(&status).0, "COLLECTION_UNAVAILABLE");
        assert!(began.elapsed() < PATIENCE, "it stays shut");
    }
    assert_eq!(listed(&client, "shelf").await, BTreeSet::from(["one".to_owned()]));
}

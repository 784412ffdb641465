//! Bytes on the disk that are no longer what was written, and backups: seen from outside, with the real binary.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    time::Instant,
};

use onespace_proto::v1;
use onespace_tests::{
    Client, PATIENCE, Server,
    client::{part, question, text, why},
    process::command,
};
use serde_json::Value;
use tonic::Code;

const ITEMS: usize = 40;

fn label(n: usize) -> String {
    format!("item-{n:02}")
}

fn thing(n: usize) -> v1::IngestItem {
    v1::IngestItem {
        request_id: label(n),
        item_id: label(n),
        media: Some(text(format!("thing number {n}"))),
        title: format!("mark {n:02} unmistakable"),
        ..Default::default()
    }
}

/// Stores items one after the other, each acknowledged.
async fn store(client: &Client, collection: &str, items: impl IntoIterator<Item = usize>) {
    for n in items {
        let event = client.ingest(collection, vec![thing(n)]).await.remove(0);
        assert!(event.error.is_none(), "{event:?}");
    }
}

async fn listed(client: &Client, collection: &str) -> BTreeSet<String> {
    let (mut all, mut page_token) = (BTreeSet::new(), String::new());
    loop {
        let collection = collection.to_owned();
        let request = v1::ListItemsRequest { collection, page_size: 1000, page_token, ..Default::default() };
        let page = client.collections().list_items(request).await.unwrap().into_inner();
        all.extend(page.items.into_iter().map(|item| item.item_id));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return all;
        }
    }
}

async fn get(client: &Client, n: usize) -> Result<v1::GetItemResponse, tonic::Status> {
    let request = v1::GetItemRequest { collection: "shelf".to_owned(), item_id: label(n), ..Default::default() };
    Ok(client.collections().get_item(request).await?.into_inner())
}

/// The file of the collection "shelf" for which `wanted` says so.
fn file(data: &Path, wanted: impl Fn(&Path) -> bool) -> PathBuf {
    let mut folders = vec![data.join("collections")];
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.to_str().unwrap().contains("/shelf__") && wanted(&path) {
                return path;
            }
        }
    }
    panic!("there is no such file");
}

/// Runs `onespace store … --json`: how it ended, its lines, and what else it said.
fn store_command(arguments: &[&str]) -> (i32, Vec<Value>, String) {
    let output = command().arg("store").args(arguments).arg("--json").stdin(Stdio::null()).output().unwrap();
    let lines = String::from_utf8(output.stdout).unwrap();
    let lines = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    (output.status.code().unwrap(), lines, String::from_utf8(output.stderr).unwrap())
}

async fn stop(server: &mut Server) {
    server.process().terminate();
    assert!(server.exit().await.success(), "{}", server.log());
}

fn texts(value: &Value) -> BTreeSet<String> {
    value.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_bit_in_the_middle_of_a_journal_closes_its_collection_until_it_is_repaired() {
    let mut server = Server::start().await;
    let client = server.client().await;
    store(&client, "shelf", 0..ITEMS).await;
    store(&client, "other", 0..3).await;
    server.process_mut().kill();
    let data = server.folder().join("data");
    let journal = file(&data, |path| path.ends_with("journal"));
    let mut bytes = fs::read(&journal).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&journal, bytes).unwrap();

    server.restart().await;
    let client = server.client().await;
    assert_eq!(listed(&client, "other").await.len(), 3);
    let refused = client.searching().search(question("shelf", vec![part(text("thing"))])).await.unwrap_err();
    assert_eq!((why(&refused).0.as_str(), refused.code()), ("COLLECTION_UNAVAILABLE", Code::FailedPrecondition));
    assert!(
        refused.message().contains("journal") && !refused.message().contains(data.to_str().unwrap()),
        "{refused:?}"
    );
    for said in ["journal in ", "the record at byte", "sound records lie behind it", "onespace store repair"] {
        assert!(server.log().contains(said), "{said}: {}", server.log());
    }
    let at = data.to_str().unwrap();
    let (code, _, said) = store_command(&["verify", at]);
    assert!(code == 1 && said.contains("in use by another process"), "{code} {said}");

    stop(&mut server).await;
    let (code, faults, _) = store_command(&["verify", at]);
    assert_eq!((code, faults.len()), (1, 1), "{faults:?}");
    assert_eq!(faults[0]["kind"], "journal");
    let (code, mended, _) = store_command(&["repair", at, "--collection", "shelf"]);
    assert_eq!((code, mended.len()), (0, 1), "{mended:?}");
    assert!(mended[0]["kept_points"].as_u64().unwrap() as usize >= ITEMS - 1, "{mended:?}");
    assert_eq!(store_command(&["verify", at]).0, 0);
    server.restart().await;
    let client = server.client().await;
    let there = listed(&client, "shelf").await;
    let lost = texts(&mended[0]["lost_items"]);
    let missing: Vec<_> = (0..ITEMS).map(label).filter(|name| !there.contains(name)).collect();
    assert!(
        missing.len() <= 1 && (lost.len() == missing.len() || mended[0]["lost_points"] == 1),
        "{missing:?} {mended:?}"
    );
}

#[tokio::test]
async fn a_cut_id_mapping_is_noticed_at_the_start() {
    let mut server = Server::start().await;
    store(&server.client().await, "shelf", 0..ITEMS).await;
    stop(&mut server).await;
    let data = server.folder().join("data");
    let mapping = file(&data, |path| path.to_str().unwrap().ends_with(".mappings"));
    let length = fs::metadata(&mapping).unwrap().len();
    fs::File::options().write(true).open(&mapping).unwrap().set_len(length / 2).unwrap();
    server.restart().await;
    let client = server.client().await;
    let refused = client.searching().search(question("shelf", vec![part(text("thing"))])).await.unwrap_err();
    assert_eq!(why(&refused).0, "COLLECTION_UNAVAILABLE", "{refused:?}");
    assert!(server.log().contains(".mappings"), "{}", server.log());
    stop(&mut server).await;
    let (code, mended, _) = store_command(&["repair", data.to_str().unwrap()]);
    let lost = texts(&mended[0]["lost_items"]);
    assert!(code == 0 && lost.len() >= ITEMS / 4, "{mended:?}");
    server.restart().await;
    let client = server.client().await;
    let there = listed(&client, "shelf").await;
    assert_eq!(there.union(&lost).count(), ITEMS);
    assert!(there.is_disjoint(&lost), "{lost:?}");
    store(&client, "shelf", 0..ITEMS).await;
    assert_eq!(listed(&client, "shelf").await.len(), ITEMS);
}

#[tokio::test]
async fn a_damaged_payload_fails_its_item_alone_and_is_counted() {
    let mut server = Server::start().await;
    store(&server.client().await, "shelf", 0..ITEMS).await;
    stop(&mut server).await;
    let data = server.folder().join("data");
    let wanted = b"mark 07 un";
    let place = |bytes: &[u8]| bytes.windows(wanted.len()).position(|window| window == wanted);
    let page = file(&data, |path| {
        path.to_str().unwrap().contains("payload_storage/page_") && place(&fs::read(path).unwrap()).is_some()
    });
    let mut bytes = fs::read(&page).unwrap();
    let at = place(&bytes).unwrap();
    bytes[at + 1] ^= 1;
    fs::write(&page, bytes).unwrap();

    server.restart().await;
    let began = Instant::now();
    // Nobody asked for anything yet.
    while server.counters().get("onespace_store_damaged_points_total").is_none_or(|count| *count < 1.0) {
        assert!(began.elapsed() < PATIENCE, "it is not found");
    }
    assert!(server.log().contains("item-07"), "{}", server.log());
    let client = server.client().await;
    let others: BTreeSet<_> = (0..ITEMS).filter(|n| *n != 7).map(label).collect();
    assert_eq!(listed(&client, "shelf").await, others);
    let asked = v1::SearchRequest { limit: 1000, ..question("shelf", vec![part(text("thing number 7"))]) };
    let hits = client.search(asked).await;
    let hits: BTreeSet<_> = hits.into_iter().map(|hit| hit.item.unwrap().item_id).collect();
    assert_eq!(hits, others);
    let refused = get(&client, 7).await.unwrap_err();
    assert_eq!(why(&refused), ("ITEM_DAMAGED".to_owned(), "item_id".to_owned(), Code::Internal));
    assert!(refused.message().contains("item-07"), "{refused:?}");
    get(&client, 8).await.unwrap();
    store(&client, "shelf", [7]).await;
    get(&client, 7).await.unwrap();
    assert_eq!(listed(&client, "shelf").await.len(), ITEMS);
}

#[tokio::test]
async fn a_backup_during_an_ingest_has_everything_that_was_acknowledged_before() {
    let mut server = Server::start().await;
    let client = server.client().await;
    store(&client, "shelf", 0..ITEMS).await;
    let (data, backup) = (server.folder().join("data"), server.folder().join("backup"));
    let (back, at) = (server.folder().join("back"), data.to_str().unwrap().to_owned());
    let to = backup.to_str().unwrap().to_owned();
    let going_on = async {
        let mut stored = ITEMS;
        while !backup.exists() {
            store(&client, "shelf", [stored]).await;
            stored += 1;
        }
        stored
    };
    let backing_up = tokio::task::spawn_blocking(move || store_command(&["backup", &at, &to]));
    let (stored, backed) = tokio::join!(going_on, backing_up);
    let (code, told, said) = backed.unwrap();
    assert!(code == 0 && told[0]["points"].as_u64().unwrap() >= ITEMS as u64, "{told:?} {said}");

    let (from, to) = (backup.to_str().unwrap(), back.to_str().unwrap());
    let (code, _, said) = store_command(&["restore", from, data.to_str().unwrap()]);
    assert!(code == 1 && said.contains("not empty"), "{said}");
    assert_eq!(store_command(&["restore", from, to]).0, 0);
    stop(&mut server).await;
    fs::rename(&data, server.folder().join("before")).unwrap();
    fs::rename(&back, &data).unwrap();
    server.restart().await;
    let client = server.client().await;
    let there = listed(&client, "shelf").await;
    let missing: Vec<_> = (0..ITEMS).map(label).filter(|name| !there.contains(name)).collect();
    assert!(missing.is_empty() && there.len() <= stored, "{missing:?}");
    for n in 0..ITEMS {
        let asked = v1::SearchRequest { limit: 1, ..question("shelf", vec![part(text(format!("thing number {n}")))]) };
        assert_eq!(client.search(asked).await[0].item.as_ref().unwrap().item_id, label(n));
    }
}

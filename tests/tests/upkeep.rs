//! A collection kept in order: looked at, counted, changed, renamed, moved.

use std::{fs, path::Path};

use onespace_proto::v1;
use onespace_tests::{Server, process::command, said::Said, samples};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

async fn server() -> &'static Server {
    static SERVER: OnceCell<Server> = OnceCell::const_new();
    SERVER.get_or_init(Server::start).await
}

async fn run(arguments: &[&str]) -> Said {
    Said::by(command().args(arguments).args(["--endpoint", &server().await.endpoint()]))
}

const NAMES: [&str; 4] =
    ["images/red-mug-01.jpg", "images/red-mug-02.jpg", "texts/red-mug-01.txt", "videos/yellow-teapot-bouncing-01.mp4"];

/// Stores four samples.
async fn filled(collection: &str) {
    let client = server().await.client().await;
    let all: Vec<_> = NAMES.iter().map(|name| samples::named(name)).collect();
    client.store(collection, all).await;
}

async fn count(collection: &str, filter: &str) -> String {
    let filter = if filter.is_empty() { vec![] } else { vec!["--filter", filter] };
    run(&[&["item", "count", "-c", collection][..], &filter].concat()).await.expect(0).out.trim().to_owned()
}

#[tokio::test]
async fn items_are_shown_counted_and_changed_together() {
    filled("kept").await;
    let mugs = ["item", "update", "-c", "kept", "--filter", ".modality = image", "--metadata", "colour=red"];
    assert_eq!(run(&mugs).await.expect(0).out.trim(), "updated 2");
    assert_eq!(run(&mugs).await.expect(0).out.trim(), "updated 2", "again is no fault");
    let ids: Vec<String> = run(&["item", "list", "-c", "kept", "--json", "--filter", ".modality != image"])
        .await
        .expect(0)
        .lines()
        .iter()
        .map(|line| line["item_id"].as_str().unwrap().to_owned())
        .collect();
    let named = [&["item", "update", "-c", "kept"][..], &[&ids[0], &ids[1], "nobody"], &["--metadata", "colour=none"]];
    assert_eq!(run(&named.concat()).await.expect(0).out.trim(), "updated 2", "nobody is not there");
    let facets = run(&["item", "facets", "-c", "kept", "colour", "--json"]).await.expect(0).lines();
    assert_eq!(facets, [json!({"value": "none", "items": 2}), json!({"value": "red", "items": 2})]);
    let facets = run(&["item", "facets", "-c", "kept", ".modality", "--filter", "colour = red"]).await.expect(0);
    assert!(facets.out.contains("image") && facets.out.contains("1 values among 2 items"), "{}", facets.out);
    run(&["item", "facets", "-c", "kept", ".owner"]).await.expect(2);
    assert!(run(&["item", "facets", "-c", "kept", "colour", "--limit", "5000"]).await.expect(1).err.contains("1000"));
    let item = run(&["item", "get", "-c", "kept", &ids[0], "--json", "--vectors"]).await.expect(0).lines().remove(0);
    assert_eq!(item["metadata"]["colour"], "none");
    let embeddings = item["embeddings"].as_array().unwrap();
    assert!(embeddings.iter().all(|one| one["vector"].as_array().unwrap().len() == 256), "{item}");
    let table = run(&["item", "get", "-c", "kept", &ids[0]]).await.expect(0).out;
    assert!(table.contains("metadata colour") && table.contains("none"), "{table}");
    assert!(run(&["item", "get", "-c", "kept", "nobody"]).await.expect(1).err.contains("nobody"));
    assert_eq!(
        run(&["item", "delete", "-c", "kept", "--filter", "colour = red"]).await.expect(0).out.trim(),
        "deleted 2"
    );
    assert_eq!(count("kept", "").await, "2");
    let client = server().await.client().await;
    let all = v1::UpdateItemsRequest { collection: "kept".into(), title: "all".into(), ..Default::default() };
    let refused = client.collections().update_items(all).await.unwrap_err();
    assert!(refused.message().contains("filter"), "everything is not changed by mistake: {refused}");
}

#[tokio::test]
async fn collections_are_renamed_and_led_to() {
    filled("winter").await;
    run(&["collection", "create", "summer"]).await.expect(0);
    let led = run(&["collection", "alias", "current", "winter", "--json"]).await.expect(0).lines().remove(0);
    assert_eq!((&led["collection"], &led["aliases"]), (&json!("winter"), &json!(["current"])));
    assert_eq!(count("current", "").await, "4");
    let found = run(&["search", "-c", "current", "--text", "a red mug", "--json"]).await.expect(0);
    assert_eq!(found.lines().len(), 4);
    let ingested = run(&["ingest", &path(NAMES[2]), "-c", "current"]).await.expect(0);
    assert!(ingested.out.contains("stored: 1 text"), "{}", ingested.out);
    assert_eq!(count("winter", "").await, "5", "it went where the alias led");
    run(&["collection", "alias", "current", "summer"]).await.expect(0);
    assert_eq!(count("current", "").await, "0", "switched");
    let listed = run(&["collection", "list"]).await.expect(0).out;
    assert!(listed.lines().any(|line| line.contains("summer") && line.contains("current")), "{listed}");
    run(&["collection", "rename", "summer", "autumn"]).await.expect(0);
    assert_eq!(count("current", "").await, "0");
    assert!(run(&["item", "count", "-c", "summer"]).await.expect(1).err.contains("summer"));
    assert!(run(&["collection", "rename", "autumn", "winter"]).await.expect(1).err.contains("winter"));
    assert!(run(&["collection", "rename", "autumn", "cur rent"]).await.expect(1).err.contains("new_name"));
    run(&["collection", "alias", "current", "--remove"]).await.expect(0);
    assert!(run(&["item", "count", "-c", "current"]).await.expect(1).err.contains("current"));
    run(&["collection", "alias", "current"]).await.expect(2);
}

fn path(name: &str) -> String {
    samples::named(name).path().display().to_string()
}

/// The items of a collection as programs see them, vectors and all.
async fn everything(collection: &str) -> Vec<Value> {
    let mut all = Vec::new();
    for line in run(&["item", "list", "-c", collection, "--json"]).await.expect(0).lines() {
        let item = line["item_id"].as_str().unwrap().to_owned();
        all.extend(run(&["item", "get", "-c", collection, &item, "--vectors", "--json"]).await.expect(0).lines());
    }
    all
}

#[tokio::test]
async fn what_is_exported_is_imported_to_the_last_bit() {
    filled("here").await;
    run(&["item", "update", "-c", "here", "--filter", ".item exists", "--metadata", "n=7"]).await.expect(0);
    run(&["collection", "index", "here", "n=integer"]).await.expect(0);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("here.jsonl");
    let shown = file.display().to_string();
    assert!(run(&["collection", "export", "here", &shown]).await.expect(0).out.contains("exported 4 items"));
    assert!(run(&["collection", "export", "here", &shown]).await.expect(1).err.contains("there already"));
    assert_eq!(files(folder.path()), ["here.jsonl"]);
    let said = run(&["collection", "import", &shown, "there"]).await.expect(0);
    assert!(said.out.contains("stored: 4"), "{}", said.out);
    assert_eq!(everything("here").await, everything("there").await);
    let listed = run(&["collection", "list", "--json"]).await.expect(0).lines();
    let there = listed.iter().find(|line| line["collection"] == "there").unwrap();
    assert_eq!(there["indexed"], json!({"n": "integer"}));
    let again = run(&["collection", "import", &shown, "there"]).await.expect(0);
    assert!(again.out.contains("unchanged: 4"), "{}", again.out);
    // Ingesting the same files finds them.
    let client = server().await.client().await;
    let items: Vec<_> = NAMES.iter().map(|name| samples::named(name).item()).collect();
    for event in client.ingest("there", items).await {
        assert_ne!(event.status(), v1::IngestStatus::Stored, "{event:?}");
        assert!(event.error.is_none());
    }
    refused(folder.path(), &fs::read_to_string(&file).unwrap()).await;
}

fn files(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    entries.collect()
}

/// Files that are not what was exported.
async fn refused(folder: &Path, whole: &str) {
    let (header, lines) = whole.split_once('\n').unwrap();
    let read: Value = serde_json::from_str(header).unwrap();
    let other = "0".repeat(64);
    let foreign = header.replace(read["space_fingerprint"].as_str().unwrap(), &other);
    let first = lines.lines().next().unwrap();
    let mut long: Value = serde_json::from_str(first).unwrap();
    long["embeddings"][0]["vector"].as_array_mut().unwrap().push(json!(0.5));
    let mut strange: Value = serde_json::from_str(first).unwrap();
    strange["embeddings"][0]["space_fingerprint"] = other.as_str().into();
    for (content, says) in [
        (format!("{foreign}\n{lines}"), "are of space"),
        (format!("{foreign}\n{lines}"), other.as_str()),
        (lines.to_owned(), "first line"),
        (format!("{header}\n{first}\n{{\"item_id\": 1"), "line 3"),
        (format!("{header}\n{}\n", first.get(..first.len() / 2).unwrap()), "line 2"),
        (format!("{header}\n{long}\n"), "257"),
        (format!("{header}\n{strange}\n"), "SPACE_MISMATCH"),
        (String::new(), "first line"),
    ] {
        let file = folder.join("refused.jsonl");
        fs::write(&file, content).unwrap();
        let said = run(&["collection", "import", &file.display().to_string(), "refused"]).await.expect(1);
        assert!(said.err.contains(says), "{says}: {}", said.err);
    }
    assert!(["0", ""].contains(&run(&["item", "count", "-c", "refused"]).await.out.trim()));
}

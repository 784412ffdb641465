//! Folders that become collections and are kept in step: what is taken, what it says of itself, what is sent again.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    net::TcpListener,
    path::Path,
    process::{Child, Stdio},
    time::{Duration, Instant},
};

use onespace_core::{ContentHash, Modality};
use onespace_proto::v1::{self, IngestStatus};
use onespace_tests::{
    PATIENCE, Server, bundle, client,
    process::{Process, command},
    root,
    said::Said,
    samples,
};
use serde_json::{Value, json};
use tokio::{sync::OnceCell, time::sleep};

async fn server() -> &'static Server {
    static SERVER: OnceCell<Server> = OnceCell::const_new();
    SERVER.get_or_init(Server::start).await
}

async fn run(arguments: &[&str]) -> Said {
    Said::by(command().args(arguments).args(["--endpoint", &server().await.endpoint()]))
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// The items of a collection, by the names of their files.
async fn items(collection: &str) -> BTreeMap<String, Value> {
    let said = run(&["item", "list", "-c", collection, "--json"]).await.expect(0);
    let name = |line: &Value| line["source"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    said.lines().into_iter().map(|line| (name(&line), line)).collect()
}

async fn names(collection: &str) -> Vec<String> {
    items(collection).await.into_keys().collect()
}

/// A photograph that says when and where it was taken.
fn photo() -> Vec<u8> {
    fs::read(root().join("clients/tags/tests/golden/photo.jpg")).unwrap()
}

#[tokio::test]
async fn sidecars_say_something_of_their_files_and_are_none() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("photo.jpg"), photo()).unwrap();
    let takeout = json!({"title": "photo.jpg", "description": "On the beach", "people": [{"name": "Ada"}]});
    fs::write(at("photo.jpg.supplemental-metadata.json"), takeout.to_string()).unwrap();
    fs::write(at("photo.xmp"), "broken").unwrap();
    fs::write(at("notes.txt"), "a note").unwrap();
    fs::write(at("cup.mtl"), "newmtl red").unwrap();
    fs::write(at(".hidden"), "hidden").unwrap();
    let there = shown(folder.path());
    let stated = ["--metadata", "camera_make=mine", "--metadata", "latitude=1.5"];
    let said = run(&[&["ingest", &there, "-c", "sidecars"][..], &stated].concat()).await.expect(0);
    assert!(said.err.contains("4 hidden files"), "{}", said.err);
    let found = items("sidecars").await;
    assert_eq!(found.keys().collect::<Vec<_>>(), ["notes.txt", "photo.jpg"]);
    let metadata = &found["photo.jpg"]["metadata"];
    assert_eq!(found["photo.jpg"]["title"], "The tower");
    assert_eq!((&metadata["taken_year"], &metadata["camera_model"]), (&json!(2023), &json!("EOS R5")));
    assert_eq!((&metadata["description"], &metadata["people"]), (&json!("On the beach"), &json!(["Ada"])));
    assert_eq!(metadata["camera_make"], "mine", "what is stated wins");
    assert_eq!((&metadata["latitude"], metadata.get("longitude")), (&json!(1.5), None), "and stands alone");
    // What somebody says later stays, and what files say does not come where it is not wanted.
    let id = found["photo.jpg"]["item_id"].as_str().unwrap();
    run(&["item", "update", "-c", "sidecars", id, "--metadata", "shelf=3"]).await.expect(0);
    let again = run(&["ingest", &there, "-c", "sidecars"]).await.expect(0);
    assert!(again.out.contains("updated: 1; unchanged: 1"), "{}", again.out);
    assert_eq!(items("sidecars").await["photo.jpg"]["metadata"]["shelf"], 3);
    run(&["ingest", &there, "-c", "plain", "--no-media-metadata", "--include", "*.jpg"]).await.expect(0);
    assert_eq!(items("plain").await["photo.jpg"]["metadata"], json!({}));
    run(&["ingest", &there, "-c", "chosen", "--include", "*.txt", "--include", ".hidden"]).await.expect(0);
    assert_eq!(names("chosen").await, [".hidden", "notes.txt"]);
    run(&["ingest", &there, "-c", "spared", "--exclude", "*.jpg"]).await.expect(0);
    assert_eq!(names("spared").await, ["notes.txt"]);
    run(&["ingest", &there, "-c", "x", "--include", "a["]).await.expect(2);
}

#[tokio::test]
async fn content_that_is_there_is_not_sent() {
    let client = server().await.client().await;
    let text = "a text that is known by its hash";
    let hash = ContentHash::of(Modality::Text, text.as_bytes()).as_str().to_owned();
    let hashed = |title: &str| v1::IngestItem {
        content_hash: hash.clone(),
        modality: v1::Modality::Text.into(),
        title: title.to_owned(),
        ..Default::default()
    };
    let sent = v1::IngestItem { media: Some(client::text(text)), title: "one".to_owned(), ..Default::default() };
    let status = async |item| client.ingest("hashed", vec![item]).await.remove(0);
    let needed = status(hashed("one")).await;
    assert_eq!((needed.status(), needed.error), (IngestStatus::ContentNeeded, None));
    let stored = status(sent).await;
    assert_eq!(stored.status(), IngestStatus::Stored);
    let same = status(hashed("one")).await;
    assert_eq!((same.status(), same.item_id), (IngestStatus::Unchanged, stored.item_id.clone()));
    assert_eq!(status(hashed("two")).await.status(), IngestStatus::Updated);
    let other = v1::IngestItem { item_id: "another id".to_owned(), ..hashed("one") };
    assert_eq!(status(other).await.status(), IngestStatus::ContentNeeded);
    let image = ContentHash::of(Modality::Image, text.as_bytes()).as_str().to_owned();
    let image = v1::IngestItem { content_hash: image, modality: v1::Modality::Image.into(), ..hashed("two") };
    assert_eq!(status(image).await.status(), IngestStatus::ContentNeeded, "another modality is another content");
    for (item, field) in [
        (v1::IngestItem { content_hash: "0".repeat(63), ..hashed("") }, "item.content_hash"),
        (v1::IngestItem { modality: 0, ..hashed("") }, "item.modality"),
    ] {
        assert_eq!(status(item).await.error.unwrap().field, field);
    }
}

#[tokio::test]
async fn a_list_says_what_files_are() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("texts")).unwrap();
    fs::write(folder.path().join("texts/a.txt"), "the first").unwrap();
    fs::write(folder.path().join("texts/b.txt"), "the second").unwrap();
    let list = folder.path().join("list.csv");
    fs::write(&list, "path,item_id,title,shelf\ntexts/a.txt,first,The First,7\ntexts/b.txt,,,\n").unwrap();
    run(&["ingest", "--manifest", &shown(&list), "-c", "listed", "--metadata", "shelf=1"]).await.expect(0);
    let found = items("listed").await;
    let first = &found["a.txt"];
    assert_eq!((&first["item_id"], &first["title"]), (&json!("first"), &json!("The First")));
    assert_eq!((&first["metadata"]["shelf"], &found["b.txt"]["metadata"]["shelf"]), (&json!(7), &json!(1)));
    fs::write(&list, "path\ntexts/c.txt\n").unwrap();
    let said = run(&["ingest", "--manifest", &shown(&list), "-c", "listed"]).await.expect(1);
    assert!(said.err.contains("c.txt"), "{}", said.err);
    run(&["ingest", "-c", "listed"]).await.expect(2);
}

#[tokio::test]
async fn a_run_goes_on_by_its_report() {
    let folder = tempfile::tempdir().unwrap();
    let report = shown(&folder.path().join("report.jsonl"));
    let files = folder.path().join("files");
    fs::create_dir(&files).unwrap();
    fs::write(files.join("a.txt"), "the first").unwrap();
    fs::write(files.join("broken.png"), b"\x89PNG\r\n\x1a\n and no more").unwrap();
    let ingest = async || run(&["ingest", &shown(&files), "-c", "reported", "--report", &report, "--json"]).await;
    assert_eq!(ingest().await.expect(1).lines().len(), 2);
    let written = fs::read_to_string(&report).unwrap();
    let lines: Vec<Value> = written.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2);
    assert!(lines.iter().any(|line| line["status"] == "failed" && line["reason"].as_str().unwrap().contains("MEDIA")));
    fs::write(files.join("b.txt"), "the second").unwrap();
    let sources: BTreeSet<String> = ingest().await.expect(1).lines().iter().map(|line| name(line)).collect();
    assert_eq!(sources, BTreeSet::from(["b.txt".to_owned(), "broken.png".to_owned()]), "what failed is tried again");
}

fn name(line: &Value) -> String {
    line["source"].as_str().unwrap().rsplit('/').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_collection_is_made_to_hold_what_a_folder_holds() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for name in ["a.txt", "b.txt", "c.txt"] {
        fs::write(at(name), format!("the text {name}")).unwrap();
    }
    let there = shown(folder.path());
    let sync = async |more: &[&str]| run(&[&["sync", &there, "-c", "synced"][..], more].concat()).await;
    sync(&[]).await.expect(0);
    run(&["ingest", "--manifest", &shown(&outside(folder.path())), "-c", "synced"]).await.expect(0);
    fs::rename(at("a.txt"), at("moved.txt")).unwrap();
    fs::write(at("b.txt"), "another text").unwrap();
    fs::remove_file(at("c.txt")).unwrap();
    fs::write(at("new.txt"), "a new text").unwrap();
    let said = sync(&["--dry-run", "--json"]).await.expect(0);
    let told: BTreeMap<String, String> =
        said.lines().iter().map(|line| (name(line), line["status"].as_str().unwrap().to_owned())).collect();
    let expected = [("c.txt", "would delete"), ("moved.txt", "would update"), ("new.txt", "would store")];
    expected.iter().for_each(|(name, status)| assert_eq!(told[*name], *status, "{told:?}"));
    assert_eq!(names("synced").await, ["a.txt", "b.txt", "c.txt", "elsewhere.txt"], "nothing is done");
    // Nobody is there to be asked.
    let unasked = sync(&[]).await.expect(1);
    assert!(unasked.err.contains("--yes") && unasked.err.contains("c.txt"), "{}", unasked.err);
    let said = sync(&["--yes"]).await.expect(0);
    assert!(said.out.contains("deleted: 2"), "{}", said.out);
    assert_eq!(names("synced").await, ["b.txt", "elsewhere.txt", "moved.txt", "new.txt"]);
    assert!(sync(&["--yes"]).await.expect(0).out.contains("unchanged: 3"));
    assert_eq!(run(&["sync", "/nowhere", "-c", "synced"]).await.code, 1);
    assert_eq!(names("synced").await.len(), 4);
}

/// A list of a file that lies elsewhere.
fn outside(folder: &Path) -> std::path::PathBuf {
    let elsewhere = folder.with_extension("elsewhere");
    fs::create_dir_all(&elsewhere).unwrap();
    fs::write(elsewhere.join("elsewhere.txt"), "a text that lies elsewhere").unwrap();
    fs::write(elsewhere.join("list.jsonl"), "{\"path\": \"elsewhere.txt\"}\n").unwrap();
    elsewhere.join("list.jsonl")
}

/// A command that goes on until it is dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn a_folder_that_is_watched_is_followed() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("in")).unwrap();
    fs::write(at("a.txt"), "the first").unwrap();
    fs::write(at("in/b.txt"), "the second").unwrap();
    let endpoint = server().await.endpoint();
    let mut watching = command();
    watching.args(["ingest", &shown(folder.path()), "-c", "watched", "--watch", "--endpoint", &endpoint]);
    let _running = Running(watching.stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap());
    until(&["a.txt", "b.txt"]).await;
    let vector = async |name: &str| {
        let item = items("watched").await[name]["item_id"].as_str().unwrap().to_owned();
        (item.clone(), run(&["item", "get", "-c", "watched", &item, "--vectors", "--json"]).await.expect(0).out)
    };
    let (before, _) = vector("b.txt").await;
    fs::write(at("in/c.txt"), "the third").unwrap();
    until(&["a.txt", "b.txt", "c.txt"]).await;
    fs::rename(at("in"), at("out")).unwrap();
    fs::rename(at("out/b.txt"), at("out/moved.txt")).unwrap();
    until(&["a.txt", "c.txt", "moved.txt"]).await;
    assert_eq!(vector("moved.txt").await.0, before, "the same item under its new path");
    fs::write(at("a.txt"), "the first, changed").unwrap();
    fs::remove_file(at("out/c.txt")).unwrap();
    until(&["a.txt", "moved.txt"]).await;
    let changed = ContentHash::of(Modality::Text, b"the first, changed").item().to_string();
    assert_eq!(items("watched").await["a.txt"]["item_id"], changed);
}

/// Waits until the watched collection holds items of these files and no others, each by its path of today.
async fn until(wanted: &[&str]) {
    let began = Instant::now();
    loop {
        let there = run(&["item", "list", "-c", "watched", "--json"]).await;
        let lines = if there.code == 0 { there.lines() } else { Vec::new() };
        let names: BTreeSet<String> = lines.iter().map(name).collect();
        let alive = lines.iter().all(|line| Path::new(line["source"].as_str().unwrap()).exists());
        if alive && lines.len() == wanted.len() && names == wanted.iter().map(ToString::to_string).collect() {
            return;
        }
        assert!(began.elapsed() < PATIENCE, "{names:?}, not {wanted:?}");
        sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn a_server_that_is_killed_meanwhile_loses_nothing() {
    const FILES: usize = 300;
    let folder = tempfile::tempdir().unwrap();
    let files = folder.path().join("files");
    fs::create_dir(&files).unwrap();
    for n in 0..FILES {
        let name = format!("{n}.jpg");
        // A comment behind the end of a picture makes it another content.
        let picture = [&samples::named("images/red-mug-01.jpg").bytes[..], n.to_string().as_bytes()].concat();
        fs::write(files.join(name), picture).unwrap();
    }
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let listen = format!("127.0.0.1:{port}");
    let endpoint = format!("http://{listen}");
    let (data, bundle) = (shown(&folder.path().join("data")), shown(&bundle()));
    let line = ["up", "--bundle", &bundle, "--listen", &listen, "--http", "127.0.0.1:0", "--data", &data];
    let start = || Process::spawn(&line.map(ToOwned::to_owned), folder.path());
    let mut up = start();
    healthy(&endpoint).await;
    let mut ingest = command();
    ingest.args(["ingest", &shown(&files), "-c", "killed", "--json", "--endpoint", &endpoint]);
    let ingest = ingest.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let count = || {
        let said = Said::by(command().args(["item", "count", "-c", "killed", "--endpoint", &endpoint]));
        said.out.trim().parse::<usize>().unwrap_or_default()
    };
    let began = Instant::now();
    while count() < 20 {
        assert!(began.elapsed() < PATIENCE);
        sleep(Duration::from_millis(20)).await;
    }
    let before = count();
    up.kill();
    up = start();
    let output = ingest.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let told = String::from_utf8(output.stdout).unwrap();
    let sources: BTreeSet<&str> = told.lines().collect();
    assert!(before < FILES, "it was killed in the midst of it");
    assert_eq!((told.lines().count(), sources.len(), count()), (FILES, FILES, FILES));
    up.terminate();
}

async fn healthy(endpoint: &str) {
    let began = Instant::now();
    while Said::by(command().args(["health", "--endpoint", endpoint])).code != 0 {
        assert!(began.elapsed() < PATIENCE);
        sleep(Duration::from_millis(50)).await;
    }
}

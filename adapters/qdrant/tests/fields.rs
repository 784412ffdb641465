//! What only a store of files has to do of tenants and of indexed fields: remember them, whatever ends its process.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test whose ground gives way can only stop"
)]

mod common;

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use common::*;
use onespace_core::{CollectionRef, CollectionSpec, FieldKind, Filter, Match, Point, Scalar, Tenant, VectorStore};
use onespace_qdrant::EmbeddedStore;
use serde_json::{Value, json};

const SIDES: usize = 8;
const FIELDS: usize = 40;
const POINTS: usize = 700;
/// Names the directory to the child.
const CHILD: &str = "ONESPACE_TEST_CHILD";

fn photos() -> CollectionRef {
    collection("default", "photos")
}

fn catalogue(directory: &Path) -> PathBuf {
    directory.join("catalogue.json")
}

fn load(directory: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(catalogue(directory)).unwrap()).unwrap()
}

fn physical() -> String {
    format!("photos__{}", space("one", SIDES).fingerprint.short())
}

/// A field is true for some items, false for others, and absent from the rest.
fn truth(field: usize, n: usize) -> Option<bool> {
    match (n * 31 + field * 17) % 7 {
        0 | 1 => Some(true),
        2 | 3 => Some(false),
        _ => None,
    }
}

fn thing(n: usize, dice: &mut Dice) -> Point {
    let fields = (0..FIELDS).filter_map(|field| Some((format!("f{field}"), truth(field, n)?.into())));
    Point { metadata: fields.collect(), ..point(&space("one", SIDES), &format!("{n}"), dice.vector(SIDES)) }
}

async fn fill(store: &EmbeddedStore) {
    let bare = CollectionSpec { indexed: fields(&[]), ..spec(&photos(), &space("one", SIDES)) };
    store.create_collection(&bare).await.unwrap();
    let mut dice = Dice(1);
    store.upsert(&photos(), (0..POINTS).map(|n| thing(n, &mut dice)).collect()).await.unwrap();
}

/// Every field is answered as if there were no index.
async fn check(store: &EmbeddedStore) {
    for n in 0..FIELDS {
        for wanted in [true, false] {
            let filter = must(vec![field(&format!("f{n}"), Match::Any(vec![Scalar::Bool(wanted)]))]);
            let expected = (0..POINTS).filter(|item| truth(n, *item) == Some(wanted)).count();
            let counted = store.count_items(&photos(), &filter).await.unwrap();
            assert_eq!(counted, expected as u64, "f{n} is {wanted}");
        }
        let filter = must(vec![field(&format!("f{n}"), Match::Exists)]);
        let expected = (0..POINTS).filter(|item| truth(n, *item).is_some()).count();
        assert_eq!(store.count_items(&photos(), &filter).await.unwrap(), expected as u64, "f{n} is there");
    }
}

/// Metadata fields that the engine says are indexed, in every segment.
fn indexed_by_engine(directory: &Path) -> Vec<String> {
    let entry = &load(directory)["collections"][physical()];
    let segments = directory.join("collections").join(entry["folder"].as_str().unwrap()).join("shard/segments");
    let mut common: Option<Vec<String>> = None;
    for segment in std::fs::read_dir(segments).unwrap() {
        let config = segment.unwrap().path().join("payload_index/config.json");
        let Ok(config) = std::fs::read(config) else { continue };
        let config: Value = serde_json::from_slice(&config).unwrap();
        let keys = config["indexed_fields"].as_object().unwrap().keys();
        let fields: Vec<_> = keys
            .filter_map(|key| key.strip_prefix("metadata."))
            .map(|field| field.trim_matches('"').to_owned())
            .collect();
        common = Some(match common {
            None => fields,
            Some(common) => common.into_iter().filter(|field| fields.contains(field)).collect(),
        });
    }
    let mut common = common.unwrap();
    common.sort();
    common
}

/// Indexes one field after the other, until it is killed.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by the test that kills it"]
async fn child() {
    let directory = std::env::var(CHILD).expect("the test that kills this one names a directory");
    let store = open_when_free(Path::new(&directory));
    for n in 0..FIELDS {
        store.index_fields(&photos(), &fields(&[(&format!("f{n}"), FieldKind::Bool)])).await.unwrap();
        println!("\nindexed {n}");
    }
    std::thread::sleep(Duration::from_secs(600));
}

#[tokio::test(flavor = "multi_thread")]
async fn indexed_fields_survive_a_kill() {
    let directory = tempfile::tempdir().unwrap();
    let store = open_when_free(directory.path());
    fill(&store).await;
    drop(store);
    let mut dice = Dice(2);
    let mut unfinished = 0;
    for until in (3..FIELDS).step_by(4) {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child", "--ignored", "--nocapture", "--test-threads=1"])
            .env(CHILD, directory.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut told = lines.map_while(Result::ok).filter_map(|line| line.strip_prefix("indexed ")?.parse().ok());
        assert!(told.any(|field: usize| field >= until), "the child ended by itself");
        // Somewhere within one of the next calls.
        std::thread::sleep(Duration::from_micros(dice.roll(30_000)));
        child.kill().unwrap();
        child.wait().unwrap();
        let entry = load(directory.path())["collections"][physical()].clone();
        unfinished += usize::from(entry.get("unfinished").is_some());

        let store = open_when_free(directory.path());
        let indexed = store.collection(&photos()).await.unwrap().indexed;
        assert!((0..=until).all(|n| indexed.get(&format!("f{n}")) == Some(&FieldKind::Bool)), "{indexed:?}");
        check(&store).await;
        drop(store);
        let by_engine = indexed_by_engine(directory.path());
        assert!(indexed.keys().all(|field| by_engine.contains(field)), "{by_engine:?} are all of {indexed:?}");
        let entry = load(directory.path())["collections"][physical()].clone();
        assert_eq!(entry.get("unfinished"), None, "what was unfinished is finished");
    }
    println!("{unfinished} kills left an index unfinished");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unfinished_index_is_made_anew() {
    let directory = tempfile::tempdir().unwrap();
    let store = open_when_free(directory.path());
    fill(&store).await;
    store.index_fields(&photos(), &fields(&[("f0", FieldKind::Bool), ("f1", FieldKind::Bool)])).await.unwrap();
    drop(store);
    // f1 is thought to be half made, f2 was never begun, f3 was given up.
    let mut old = load(directory.path());
    let entry = &mut old["collections"][physical()];
    entry["indexed"] = json!({ "f0": "bool", "f1": "bool", "f2": "bool" });
    entry["unfinished"] = json!(["f1", "f2", "f3"]);
    // What was written before there were checksums.
    old.as_object_mut().unwrap().remove("sum");
    std::fs::write(catalogue(directory.path()), old.to_string()).unwrap();
    let store = open_when_free(directory.path());
    let expected = fields(&[("f0", FieldKind::Bool), ("f1", FieldKind::Bool), ("f2", FieldKind::Bool)]);
    assert_eq!(store.collection(&photos()).await.unwrap().indexed, expected);
    check(&store).await;
    assert_eq!(load(directory.path())["collections"][physical()].get("unfinished"), None);
    drop(store);
    assert_eq!(indexed_by_engine(directory.path()), ["f0", "f1", "f2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_from_before_there_were_tenants_opens() {
    let directory = tempfile::tempdir().unwrap();
    let store = open_when_free(directory.path());
    let space = space("one", SIDES);
    store.create_collection(&spec(&photos(), &space)).await.unwrap();
    let mut dice = Dice(3);
    let written: Vec<_> = (0..50).map(|n| point(&space, &format!("{n}"), dice.vector(SIDES))).collect();
    store.upsert(&photos(), written.clone()).await.unwrap();
    drop(store);
    // The catalogue as it was written then, to the byte.
    let folder = load(directory.path())["collections"][physical()]["folder"].as_str().unwrap().to_owned();
    let old = format!(
        r#"{{
  "format": 1,
  "collections": {{
    "{physical}": {{
      "folder": "{folder}",
      "name": "photos",
      "space": "{space}",
      "dimension": 8,
      "indexed": {{
        "colour": "keyword",
        "price": "float",
        "sold": "bool",
        "year": "integer"
      }}
    }}
  }},
  "aliases": {{
    "photos": "{physical}"
  }}
}}"#,
        physical = physical(),
        space = space.fingerprint,
    );
    let mut now = load(directory.path());
    assert!(now.as_object_mut().unwrap().remove("sum").is_some(), "a checksum is what came since");
    assert_eq!(now, serde_json::from_str::<serde_json::Value>(&old).unwrap(), "it is still written like that");
    assert!(folder.starts_with(&format!("{}-", physical())));
    std::fs::write(catalogue(directory.path()), &old).unwrap();

    let store = open_when_free(directory.path());
    let info = store.collection(&photos()).await.unwrap();
    assert_eq!((info.points, info.indexed), (50, spec(&photos(), &space).indexed));
    for point in &written {
        let hits = store.search(&photos(), &nearest(point.vector.clone(), 1)).await.unwrap();
        assert_eq!(hits[0].point.item, point.item);
    }
    assert_eq!(store.count_items(&photos(), &Filter::default()).await.unwrap(), 50);
    assert_eq!(store.list_collections(&Tenant::default()).await.unwrap().len(), 1);
    assert!(store.list_collections(&tenant("acme")).await.unwrap().is_empty());
    store.index_fields(&photos(), &fields(&[("material", FieldKind::Keyword)])).await.unwrap();
    drop(store);
    let store = open_when_free(directory.path());
    assert_eq!(store.collection(&photos()).await.unwrap().indexed["material"], FieldKind::Keyword);
}

#[tokio::test(flavor = "multi_thread")]
async fn tenants_with_names_as_long_as_they_may_be_are_remembered() {
    let directory = tempfile::tempdir().unwrap();
    let store = open_when_free(directory.path());
    let (space, name) = (space("one", SIDES), "n".repeat(128));
    let owned = [collection(&"t".repeat(128), &name), collection(&format!("{}u", "t".repeat(127)), &name)];
    let mut dice = Dice(4);
    for (n, one) in owned.iter().enumerate() {
        store.create_collection(&spec(one, &space)).await.unwrap();
        let points = (0..=n).map(|n| point(&space, &format!("{n}"), dice.vector(SIDES))).collect();
        store.upsert(one, points).await.unwrap();
    }
    drop(store);
    let store = open_when_free(directory.path());
    for (n, one) in owned.iter().enumerate() {
        assert_eq!(store.collection(one).await.unwrap().points, n as u64 + 1);
        assert_eq!(store.list_collections(&one.tenant).await.unwrap().len(), 1);
    }
    store.delete_collection(&owned[0]).await.unwrap();
    assert_eq!(store.collection(&owned[1]).await.unwrap().points, 2);
}

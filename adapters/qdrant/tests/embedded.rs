//! What only a store of files has to do: outlive its process, however that ends, and keep others out.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test whose ground gives way can only stop"
)]

mod common;

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use common::*;
use onespace_core::{CollectionRef, Filter, Match, Point, Query, Reason, Scalar, Tenant, VectorStore};
use onespace_qdrant::EmbeddedStore;

const SIDES: usize = 256;
const BATCH: u64 = 64;
/// Names the directory to the child, and how many writes it makes before it has nothing more to do.
const CHILD: &str = "ONESPACE_TEST_CHILD";

fn photos() -> CollectionRef {
    collection("default", "photos")
}

/// The writes the child makes, in order, all of them the same in every process: new items mostly, now and then
/// older ones with another content, now and then older ones deleted.
enum Write {
    Put(Vec<Point>),
    Delete(Vec<String>),
}

fn write(step: u64) -> Write {
    let mut dice = Dice(step);
    let batch = |of: u64| (0..BATCH).map(move |n| format!("{of}-{n}"));
    let older = dice.roll(step.max(1));
    match dice.roll(8) {
        0 => Write::Delete(batch(older).step_by(3).collect()),
        roll => {
            let of = if roll == 1 { older } else { step };
            let put = batch(of).map(|name| {
                let mut put = point(&space("one", SIDES), &name, dice.vector(SIDES));
                put.content_hash = content(&format!("written at {step}"));
                put.metadata = metadata(&format!(r#"{{"year":{},"colour":"blue"}}"#, step % 7));
                put
            });
            Write::Put(put.collect())
        }
    }
}

fn after(steps: u64) -> BTreeMap<String, Point> {
    let mut there = BTreeMap::new();
    for step in 0..steps {
        match write(step) {
            Write::Put(points) => there.extend(points.into_iter().map(|point| (point.item.to_string(), point))),
            Write::Delete(names) => names.iter().for_each(|name| drop(there.remove(name))),
        }
    }
    there
}

async fn make(store: &EmbeddedStore, write: Write) {
    match write {
        Write::Put(points) => store.upsert(&photos(), points).await.unwrap(),
        Write::Delete(names) => {
            let items: Vec<_> = names.iter().map(|name| item(name)).collect();
            store.delete_items(&photos(), &items, None).await.unwrap();
        }
    }
}

async fn all(store: &EmbeddedStore) -> BTreeMap<String, Point> {
    let (mut found, mut page) = (BTreeMap::new(), None::<String>);
    loop {
        let answer = store.list_items(&photos(), &Filter::default(), 1000, page.as_deref()).await.unwrap();
        found.extend(answer.items.into_iter().map(|point| (point.item.to_string(), point)));
        page = answer.next;
        if page.is_none() {
            return found;
        }
    }
}

/// Everything acknowledged is there, with its vector; of the write that was under way all or nothing.
async fn check(directory: &Path, acknowledged: u64) -> u64 {
    let store = EmbeddedStore::open(directory).unwrap();
    let found = all(&store).await;
    let is = |steps: u64| {
        let expected = after(steps);
        expected.len() == found.len()
            && expected.iter().zip(&found).all(|((a, wanted), (b, found))| {
                a == b && wanted.content_hash == found.content_hash && wanted.metadata == found.metadata
            })
    };
    let steps = (acknowledged..=acknowledged + 1).find(|steps| is(*steps));
    let steps = steps.unwrap_or_else(|| panic!("{} items stand after {acknowledged} writes", found.len()));
    let expected = after(steps);
    let mut dice = Dice(acknowledged);
    let names: Vec<_> = expected.keys().cloned().collect();
    for _ in 0..50 {
        let wanted = &expected[&dice.pick(&names)];
        let parts = read(&store, &photos(), &wanted.item).await;
        assert_eq!(parts.len(), 1);
        assert!(onespace_core::vector::dot(&parts[0].vector, &wanted.vector) > 0.9999);
        let query = nearest(wanted.vector.clone(), 3);
        let hits = store.search(&photos(), &query).await.unwrap();
        assert_eq!(hits[0].point.item, wanted.item);
        assert_eq!(hits[0].point.content_hash, wanted.content_hash);
    }
    // A filter sees what stands now, not what stood before.
    let of_year = must(vec![field("year", onespace_core::Match::Any(vec![onespace_core::Scalar::Integer(3)]))]);
    let listed = store.list_items(&photos(), &of_year, 100_000, None).await.unwrap().items;
    assert_eq!(listed.len(), expected.values().filter(|point| lets_through(&of_year, point)).count());
    steps
}

/// The child: opens the store and goes on writing where the last one was killed, saying so after each write.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by the tests that kill it"]
async fn child() {
    let told = std::env::var(CHILD).expect("the tests that kill this one name a directory");
    let (directory, from) = told.rsplit_once(':').unwrap();
    let store = EmbeddedStore::open(Path::new(directory)).unwrap();
    if store.collection(&photos()).await.is_err() {
        store.create_collection(&spec(&photos(), &space("one", SIDES))).await.unwrap();
    }
    for step in from.parse::<u64>().unwrap().. {
        make(&store, write(step)).await;
        println!("\nwritten {step}");
    }
}

/// Starts a child, kills it once `enough` says so of the last write it told of, and tells how many there are.
fn kill_after(child: &str, directory: &Path, from: u64, mut enough: impl FnMut(u64) -> bool) -> u64 {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", child, "--ignored", "--nocapture", "--test-threads=1"])
        .env(CHILD, format!("{}:{from}", directory.display()))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let written = |line: &str| line.trim_end().strip_prefix("written ")?.parse::<u64>().ok();
    let mut acknowledged = from;
    let mut line = String::new();
    while lines.read_line(&mut line).unwrap() > 0 {
        if let Some(step) = written(&line) {
            acknowledged = step + 1;
            if enough(step) {
                break;
            }
        }
        line.clear();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    // What it said before it died counts too.
    let mut rest = String::new();
    lines.read_to_string(&mut rest).unwrap();
    rest.split_inclusive('\n')
        .filter(|line| line.ends_with('\n'))
        .filter_map(written)
        .fold(acknowledged, |_, step| step + 1)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_acknowledged_write_survives_a_kill() {
    let directory = tempfile::tempdir().unwrap();
    let (mut steps, mut dice) = (0, Dice(8));
    for _ in 0..8 {
        let until = steps + dice.roll(40);
        let nap = Duration::from_micros(dice.roll(8_000));
        let acknowledged = kill_after("child", directory.path(), steps, |step| {
            let enough = step >= until;
            if enough {
                // Somewhere within one of the next writes.
                std::thread::sleep(nap);
            }
            enough
        });
        assert!(acknowledged > steps, "the child wrote nothing");
        steps = check(directory.path(), acknowledged).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_acknowledged_write_survives_a_kill_while_the_index_is_built() {
    let directory = tempfile::tempdir().unwrap();
    let segments = || {
        let folder = std::fs::read_dir(directory.path().join("collections")).unwrap().next().unwrap().unwrap().path();
        std::fs::read_dir(folder.join("shard/segments")).unwrap().count()
    };
    // The engine writes to a second segment while it builds an index over the first: a few writes into that.
    let mut building = None;
    let acknowledged = kill_after("child", directory.path(), 0, |step| {
        assert!(step < 3_000, "no index was begun");
        if building.is_none() && segments() > 1 {
            building = Some(step);
        }
        building.is_some_and(|since| step > since + 20)
    });
    // What is opened goes on with its index and keeps its directory for it: a copy leaves the store free.
    let copy = tempfile::tempdir().unwrap();
    let copied = Command::new("cp").arg("-r").arg(directory.path()).arg(copy.path().join("store")).status();
    assert!(copied.unwrap().success());
    let steps = check(&copy.path().join("store"), acknowledged).await;
    // And the same store goes on.
    let acknowledged = kill_after("child", directory.path(), steps, |step| step > steps + 20);
    check(directory.path(), acknowledged).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_store_opens_as_it_was() {
    let directory = tempfile::tempdir().unwrap();
    let store = EmbeddedStore::open(directory.path()).unwrap();
    for (name, label) in [("photos", "one"), ("photos", "two"), ("videos", "two"), ("gone", "one")] {
        store.create_collection(&spec(&collection("default", name), &space(label, SIDES))).await.unwrap();
    }
    store.create_collection(&spec(&photos(), &space("one", SIDES))).await.unwrap();
    store.delete_collection(&collection("default", "gone")).await.unwrap();
    for step in 0..40 {
        make(&store, write(step)).await;
    }
    let before = (store.list_collections(&Tenant::default()).await.unwrap(), all(&store).await);
    drop(store);
    let store = EmbeddedStore::open(directory.path()).unwrap();
    assert_eq!((store.list_collections(&Tenant::default()).await.unwrap(), all(&store).await), before);
    assert_eq!(before.0.len(), 3);
    assert_eq!(before.1.len(), after(40).len());
    drop(store);
    assert_eq!(check(directory.path(), 40).await, 40);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_crash_left_over_is_taken_away() {
    let directory = tempfile::tempdir().unwrap();
    let store = EmbeddedStore::open(directory.path()).unwrap();
    store.create_collection(&spec(&photos(), &space("one", SIDES))).await.unwrap();
    drop(store);
    // Making a collection was cut short before the catalogue knew of it.
    let half = directory.path().join("collections/half__0123-4567");
    std::fs::create_dir_all(half.join("shard")).unwrap();
    std::fs::write(directory.path().join("catalogue.json.new"), "{\"for").unwrap();
    let store = EmbeddedStore::open(directory.path()).unwrap();
    assert!(!half.exists());
    assert_eq!(store.list_collections(&Tenant::default()).await.unwrap().len(), 1);
    store.delete_collection(&photos()).await.unwrap();
    drop(store);
    assert_eq!(std::fs::read_dir(directory.path().join("collections")).unwrap().count(), 0, "deleted files are gone");
    std::fs::write(directory.path().join("catalogue.json"), "{\"for").unwrap();
    let error = EmbeddedStore::open(directory.path()).err().unwrap();
    assert_eq!(error.reason, Reason::StoreFailed);
    assert!(error.message.contains("catalogue.json"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_changes_the_time_and_not_the_answers() {
    // Vectors so long that few of them are worth an index.
    const LONG: usize = 4096;
    let directory = tempfile::tempdir().unwrap();
    let store = EmbeddedStore::open(directory.path()).unwrap();
    let (space, mut dice) = (space("long", LONG), Dice(9));
    store.create_collection(&spec(&photos(), &space)).await.unwrap();
    let mut written: Vec<Point> = Vec::new();
    for n in 0..1_600 {
        let mut put = point(&space, &format!("{n}"), dice.vector(LONG));
        put.metadata = metadata(&format!(r#"{{"year":{}}}"#, dice.roll(40)));
        written.push(put);
    }
    for batch in written.chunks(64) {
        store.upsert(&photos(), batch.to_vec()).await.unwrap();
    }
    drop(store);
    let store = open_when_free(directory.path());
    let files = std::fs::read_dir(directory.path().join("collections")).unwrap().next().unwrap().unwrap().path();
    assert!(has_graph(&files.join("shard/segments")), "there is no index");

    let one_year = must(vec![field("year", Match::Any(vec![Scalar::Integer(7)]))]);
    let half = Match::Range { gt: None, gte: None, lt: Some(20.0), lte: None };
    let half = must(vec![field("year", half)]);
    let (mut right, mut asked) = (0, 0);
    for _ in 0..20 {
        let query = nearest(dice.vector(LONG), 10);
        for (filter, exact) in [(one_year.clone(), true), (half.clone(), false)] {
            let let_through = written.iter().filter(|point| lets_through(&filter, point));
            let mut nearest: Vec<_> = let_through
                .map(|point| (onespace_core::vector::dot(&point.vector, &query.vector), point.item.to_string()))
                .collect();
            nearest.sort_by(|a, b| b.0.total_cmp(&a.0));
            nearest.truncate(query.limit);
            let hits = store.search(&photos(), &Query { filter, ..query.clone() }).await.unwrap();
            assert_eq!(hits.len(), nearest.len());
            let found =
                hits.iter().filter(|hit| nearest.iter().any(|(_, item)| hit.point.item.as_str() == item)).count();
            assert!(!exact || found == nearest.len(), "a narrow filter is answered exactly");
            (right, asked) = (right + found, asked + nearest.len());
        }
    }
    println!("{right} of {asked} nearest were found");
    assert!(right * 100 >= asked * 95, "{right} of {asked} nearest were found");
}

/// Whether a segment has the file of a vector graph.
fn has_graph(segments: &Path) -> bool {
    std::fs::read_dir(segments).is_ok_and(|entries| {
        entries.filter_map(Result::ok).any(|entry| {
            entry.path().is_dir() && has_graph(&entry.path())
                || entry.file_name().to_string_lossy().starts_with("graph")
        })
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_has_one_owner() {
    let directory = tempfile::tempdir().unwrap();
    let store = EmbeddedStore::open(directory.path()).unwrap();
    let error = EmbeddedStore::open(directory.path()).err().unwrap();
    assert_eq!(error.reason, Reason::StoreUnavailable);
    assert!(error.message.contains(directory.path().to_str().unwrap()), "{error}");
    assert!(error.retry_after.is_some());
    drop(store);
    EmbeddedStore::open(directory.path()).unwrap().ready().await.unwrap();
}

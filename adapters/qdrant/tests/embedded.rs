//! What only a store of files has to do: outlive its process, however that ends, and keep others out.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test whose ground gives way can only stop"
)]

mod common;

use std::{path::Path, time::Duration};

use common::{kills::*, *};
use onespace_core::{Match, Point, Query, Reason, Scalar, Tenant, VectorStore};
use onespace_qdrant::EmbeddedStore;

const SCRIPT: Script = Script { sides: 256, filters: false };

/// The child: opens the store and goes on writing where the last one was killed, saying so after each write.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by the tests that kill it"]
async fn child() {
    let (directory, from) = told();
    let store = EmbeddedStore::open(Path::new(&directory)).unwrap();
    SCRIPT.write_on(&store, from, drop).await;
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
        steps = SCRIPT.check(directory.path(), acknowledged).await;
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
    copied(directory.path(), &copy.path().join("store"));
    let steps = SCRIPT.check(&copy.path().join("store"), acknowledged).await;
    // And the same store goes on.
    let acknowledged = kill_after("child", directory.path(), steps, |step| step > steps + 20);
    SCRIPT.check(directory.path(), acknowledged).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_store_opens_as_it_was() {
    let directory = tempfile::tempdir().unwrap();
    let store = EmbeddedStore::open(directory.path()).unwrap();
    for (name, label) in [("photos", "one"), ("photos", "two"), ("videos", "two"), ("gone", "one")] {
        store.create_collection(&spec(&collection("default", name), &space(label, SCRIPT.sides))).await.unwrap();
    }
    store.create_collection(&spec(&photos(), &space("one", SCRIPT.sides))).await.unwrap();
    store.delete_collection(&collection("default", "gone")).await.unwrap();
    for step in 0..40 {
        make(&store, SCRIPT.write(step)).await;
    }
    let before = (store.list_collections(&Tenant::default()).await.unwrap(), all(&store).await);
    drop(store);
    let store = EmbeddedStore::open(directory.path()).unwrap();
    assert_eq!((store.list_collections(&Tenant::default()).await.unwrap(), all(&store).await), before);
    assert_eq!(before.0.len(), 3);
    assert_eq!(before.1.len(), SCRIPT.after(40).len());
    drop(store);
    assert_eq!(SCRIPT.check(directory.path(), 40).await, 40);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_crash_left_over_is_taken_away() {
    let directory = tempfile::tempdir().unwrap();
    let store = EmbeddedStore::open(directory.path()).unwrap();
    store.create_collection(&spec(&photos(), &space("one", SCRIPT.sides))).await.unwrap();
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
    // Its copy tells as much, unless that is damaged too.
    std::fs::write(directory.path().join("catalogue.json"), "{\"for").unwrap();
    drop(EmbeddedStore::open(directory.path()).unwrap());
    std::fs::write(directory.path().join("catalogue.copy.json"), "{\"for").unwrap();
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

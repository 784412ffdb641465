//! Killed while collections are renamed and aliases switched: each has one of two names, and all of its points.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test whose ground gives way can only stop"
)]

mod common;

use std::{path::Path, thread, time::Duration};

use common::{kills::*, *};
use onespace_core::{CollectionRef, Filter, Tenant, VectorStore};
use onespace_qdrant::{EmbeddedStore, restore};

const ITEMS: usize = 20;

fn named(name: &str) -> CollectionRef {
    collection("default", name)
}

async fn fill(store: &EmbeddedStore, name: &str) {
    let space = space("one", 8);
    store.create_collection(&spec(&named(name), &space)).await.unwrap();
    let mut dice = Dice(ITEMS as u64);
    let points = (0..ITEMS).map(|n| point(&space, &format!("{name} {n}"), dice.vector(8))).collect();
    store.upsert(&named(name), points).await.unwrap();
}

/// The child: renames one collection to and fro, and leads an alias from one to the other.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by the test that kills it"]
async fn renaming_child() {
    let (directory, from) = told();
    let store = open_when_free(Path::new(&directory));
    let there = async |name: &str| store.collection(&named(name)).await.is_ok();
    for round in from.. {
        let (before, after) = if there("odd").await { ("odd", "even") } else { ("even", "odd") };
        store.rename_collection(&named(before), &named(after).name).await.unwrap();
        println!("\nrenamed {round}");
        let target = if round % 2 == 0 { after } else { "fixed" };
        store.set_alias(&named("alias"), &named(target).name).await.unwrap();
        println!("\nswitched {round}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whenever_it_is_killed_a_name_leads_to_all_or_to_nothing() {
    let root = tempfile::tempdir().unwrap();
    let directory = root.path().join("store");
    {
        let store = EmbeddedStore::open(&directory).unwrap();
        fill(&store, "odd").await;
        fill(&store, "fixed").await;
        store.set_alias(&named("alias"), &named("fixed").name).await.unwrap();
    }
    let (mut dice, mut rounds) = (Dice(5), 0);
    for _ in 0..6 {
        let nap = Duration::from_micros(dice.roll(30_000));
        let mut ready = false;
        let lines = kill_when("renaming_child", &directory, rounds, |line| {
            ready |= number(line, "switched").is_some();
            if ready {
                thread::sleep(nap);
            }
            ready
        });
        let last = |word: &str| lines.iter().filter_map(|line| number(line, word)).max();
        rounds = last("switched").unwrap() + 1;
        let store = open_when_free(&directory);
        let items = async |name: &str| {
            let page = store.list_items(&named(name), &Filter::default(), 100, None).await;
            page.map_or(0, |page| page.items.len())
        };
        let found = [items("odd").await, items("even").await, items("fixed").await];
        assert!(found == [ITEMS, 0, ITEMS] || found == [0, ITEMS, ITEMS], "{found:?}");
        let led = store.resolve(&named("alias")).await.unwrap();
        assert!(items(led.name.as_str()).await == ITEMS, "{led}");
        assert_eq!(store.list_collections(&Tenant::default()).await.unwrap().len(), 2);
        assert_eq!(store.aliases(&Tenant::default()).await.unwrap().into_values().flatten().count(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn names_outlive_a_stop_and_a_backup() {
    let root = tempfile::tempdir().unwrap();
    let (directory, backup, data) = (root.path().join("store"), root.path().join("backup"), root.path().join("data"));
    {
        let store = EmbeddedStore::open(&directory).unwrap();
        fill(&store, "before").await;
        store.set_alias(&named("alias"), &named("before").name).await.unwrap();
        store.rename_collection(&named("before"), &named("after").name).await.unwrap();
    }
    {
        let store = open_when_free(&directory);
        assert_eq!(store.resolve(&named("alias")).await.unwrap(), named("after"));
        store.backup(&backup, &|_| ()).await.unwrap();
    }
    restore(&backup, &data, &|_| ()).await.unwrap();
    let store = open_when_free(&data);
    assert_eq!(store.resolve(&named("alias")).await.unwrap(), named("after"));
    assert_eq!(store.collection(&named("after")).await.unwrap().points, ITEMS as u64);
}

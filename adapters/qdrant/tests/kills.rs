//! Killed at any moment: while an index is built, a backup written, items deleted by a filter, collections made and
//! deleted. Nothing that was acknowledged is lost, nothing that was removed is there again.
//!
//! `ONESPACE_TEST_KILLS` says how many moments (4).

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
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

use common::{kills::*, *};
use onespace_core::{CollectionRef, Filter, VectorStore};
use onespace_qdrant::{EmbeddedStore, restore};

/// Vectors so long that an index is mostly being built.
const SCRIPT: Script = Script { sides: 2048, filters: true };

fn churned() -> CollectionRef {
    collection("default", "churned")
}

fn backups(directory: &Path) -> PathBuf {
    directory.with_extension("backups")
}

/// The child: writes, makes and deletes a collection, and backs up, all at once.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by the test that kills it"]
async fn busy_child() {
    let (directory, from) = told();
    let directory = Path::new(&directory);
    let store = open_when_free(directory);
    let done = AtomicU64::new(from);
    let writing = SCRIPT.write_on(&store, from, |step| done.store(step + 1, Ordering::SeqCst));
    tokio::join!(writing, churn(&store), back_up(&store, directory, &done));
}

async fn churn(store: &EmbeddedStore) {
    let space = space("one", 8);
    let stands = store.collection(&churned()).await.is_ok();
    for round in 0_u64.. {
        if round > 0 || !stands {
            store.create_collection(&spec(&churned(), &space)).await.unwrap();
            println!("\nmade {round}");
        }
        let mut dice = Dice(round);
        let points = (0..5).map(|n| point(&space, &format!("{n}"), dice.vector(8))).collect();
        store.upsert(&churned(), points).await.unwrap();
        println!("\nfilled {round}");
        tokio::time::sleep(Duration::from_millis(20)).await;
        println!("\ngoing {round}");
        store.delete_collection(&churned()).await.unwrap();
        println!("\ngone {round}");
    }
}

async fn back_up(store: &EmbeddedStore, directory: &Path, done: &AtomicU64) {
    std::fs::create_dir_all(backups(directory)).unwrap();
    while store.collection(&photos()).await.is_err() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    for _ in 0..1_000_000 {
        let begun = done.load(Ordering::SeqCst);
        let to = backups(directory).join(format!("since-{begun}"));
        if !to.exists() {
            store.backup(&to, &|_| ()).await.unwrap();
            println!("\nbacked {begun}");
            println!("\nuntil {}", done.load(Ordering::SeqCst));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_and_nothing_removed_is_back_whenever_it_is_killed() {
    let moments: u64 = std::env::var("ONESPACE_TEST_KILLS").map_or(4, |moments| moments.parse().unwrap());
    let root = tempfile::tempdir().unwrap();
    let directory = root.path().join("store");
    std::fs::create_dir(&directory).unwrap();
    let (mut steps, mut dice) = (0, Dice(17));
    let mut seen = BTreeMap::<&str, u64>::new();
    for moment in 0..moments {
        let (nap, began) = (Duration::from_millis(dice.roll(1_000)), Instant::now());
        let mut ready = false;
        let lines = kill_when("busy_child", &directory, steps, |line| {
            ready |= number(line, "written").is_some();
            if ready {
                // Somewhere within whatever it is at then.
                thread::sleep(nap);
            }
            assert!(began.elapsed() < Duration::from_secs(120), "it writes nothing");
            ready
        });
        let acknowledged = lines.iter().filter_map(|line| number(line, "written")).max().map_or(steps, |step| step + 1);
        let copy = root.path().join(format!("copy-{moment}"));
        copied(&directory, &copy);
        *seen.entry("index").or_default() += u64::from(half_built(&copy));
        *seen.entry("backup").or_default() += u64::from(half_written(&backups(&directory)));
        *seen.entry("writes").or_default() += acknowledged - steps;
        steps = SCRIPT.check(&copy, acknowledged).await;
        churned_as_told(&open_when_free(&copy), &lines).await;
        let backed = lines.iter().filter_map(|line| number(line, "backed")).max();
        // Restoring takes its time, as an index is built on the way.
        if let Some(begun) = backed.filter(|_| moment % 4 == 3) {
            *seen.entry("restored").or_default() += 1;
            restores(&backups(&directory).join(format!("since-{begun}")), begun, steps).await;
        }
        std::fs::remove_dir_all(&copy).unwrap();
        std::fs::remove_dir_all(backups(&directory)).unwrap();
    }
    println!("{moments} moments: {seen:?}");
    assert!(seen["writes"] > moments, "{seen:?}");
}

/// Whether an index was being built.
fn half_built(store: &Path) -> bool {
    let folders = std::fs::read_dir(store.join("collections")).unwrap().map(|folder| folder.unwrap().path());
    folders.into_iter().any(|folder| {
        std::fs::read_dir(folder.join("shard/temp_segments")).is_ok_and(|mut built| built.next().is_some())
    })
}

/// Whether a backup was being written.
fn half_written(backups: &Path) -> bool {
    std::fs::read_dir(backups)
        .is_ok_and(|entries| entries.flatten().any(|entry| entry.file_name().to_string_lossy().contains(".part")))
}

/// The collection that comes and goes is as the last acknowledged word has it; whatever was under way may be so or so.
async fn churned_as_told(store: &EmbeddedStore, lines: &[String]) {
    let last = |word: &str| lines.iter().filter_map(|line| number(line, word)).max();
    let (filled, going, gone) = (last("filled"), last("going"), last("gone"));
    let there = store.list_items(&churned(), &Filter::default(), 100, None).await;
    if filled.is_some() && filled > going {
        assert_eq!(there.unwrap().items.len(), 5, "filled and lost");
    } else if gone.is_some() && gone == going && last("made") <= gone {
        // The next one may just have been made.
        assert!(there.map_or(0, |page| page.items.len()) == 0, "gone and back");
    }
}

/// A backup has everything that was acknowledged before it began, and is as the store was at one moment.
async fn restores(backup: &Path, least: u64, most: u64) {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    restore(backup, &data, &|_| ()).await.unwrap();
    let store = open_when_free(&data);
    let steps = SCRIPT.steps(&store, least, most + 1).await;
    let differs = if steps.is_none() { SCRIPT.differs(&store, least, most + 1).await } else { Vec::new() };
    assert!(
        steps.is_some(),
        "a backup that began after {least} of {most} writes is as the store never was; after each of these, items \
         that lack, that are too many, that are others: {differs:?}"
    );
}

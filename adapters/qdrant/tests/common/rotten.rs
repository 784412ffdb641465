//! A store whose files are altered, and what it then gives.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use onespace_core::{CollectionRef, Fetch, Filter, Match, Point, Reason, Scalar, Track, VectorStore};
use onespace_qdrant::EmbeddedStore;
use tempfile::TempDir;

use super::*;

pub const SIDES: usize = 16;
pub const ITEMS: u64 = 40;

pub fn shelf() -> CollectionRef {
    collection("default", "shelf")
}

pub fn label(n: u64) -> String {
    format!("item-{n:02}")
}

/// An item's whole, and for every fourth one a segment.
pub fn points(n: u64) -> Vec<Point> {
    let (space, mut dice) = (space("one", SIDES), Dice(n));
    let mut whole = point(&space, &label(n), dice.vector(SIDES));
    whole.title = Some(format!("mark {n:02} unmistakable"));
    whole.metadata = metadata(&format!(r#"{{"year":{},"price":{}.25}}"#, 2000 + n % 5, n));
    let segment =
        Point { segment: 1, track: Track::Whole, span: span(0, 1000), vector: dice.vector(SIDES), ..whole.clone() };
    if n.is_multiple_of(4) { vec![whole, segment] } else { vec![whole] }
}

pub async fn write(store: &EmbeddedStore, items: impl IntoIterator<Item = u64>) {
    for n in items {
        store.upsert(&shelf(), points(n)).await.unwrap();
    }
}

/// A store of two collections that was stopped cleanly.
pub async fn stopped() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let store = EmbeddedStore::open(&directory.path().join("data")).unwrap();
    let spec = spec(&shelf(), &space("one", SIDES));
    store.create_collection(&spec).await.unwrap();
    store.create_collection(&super::spec(&collection("default", "other"), &space("one", SIDES))).await.unwrap();
    write(&store, 0..ITEMS + 2).await;
    // What was removed is not there either.
    let gone: Vec<_> = (ITEMS..ITEMS + 2).map(|n| item(&label(n))).collect();
    assert_eq!(store.delete_items(&shelf(), &gone, None).await.unwrap(), 2);
    drop(store);
    directory
}

/// Every file below a folder that the store made, as a path within it.
pub fn files(root: &Path) -> Vec<PathBuf> {
    let (mut found, mut folders) = (Vec::new(), vec![root.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            if entry.path().is_dir() {
                folders.push(entry.path());
            } else if !["lock", "spare"].contains(&entry.file_name().to_str().unwrap()) {
                found.push(entry.path().strip_prefix(root).unwrap().to_owned());
            }
        }
    }
    found.sort();
    found
}

/// Flips a bit in the middle of what a file holds; false where it holds nothing.
pub fn flip(path: &Path) -> bool {
    let mut bytes = fs::read(path).unwrap();
    let held: Vec<_> = (0..bytes.len()).filter(|index| bytes[*index] != 0).collect();
    let Some(index) = held.get(held.len() / 2) else { return false };
    bytes[*index] ^= 0x10;
    fs::write(path, bytes).unwrap();
    true
}

pub fn halve(path: &Path) -> bool {
    let file = fs::File::options().write(true).open(path).unwrap();
    let length = file.metadata().unwrap().len();
    file.set_len(length / 2).unwrap();
    length > 0
}

/// What a store gives, item by item.
#[derive(Debug, Default)]
pub struct Given {
    /// Found in every way, as they were written.
    pub served: BTreeSet<u64>,
    /// An error says that they are damaged.
    pub named: BTreeSet<u64>,
}

/// Asks for every item in every way.
pub async fn ask(store: &EmbeddedStore) -> Result<Given, Reason> {
    let mut given = Given::default();
    store.collection(&shelf()).await.map_err(|error| error.reason)?;
    for n in 0..ITEMS {
        match store.items(&shelf(), &[item(&label(n))], Fetch::ALL).await {
            Ok(found) => {
                let found = found.get(&item(&label(n))).cloned().unwrap_or_default();
                let same = |(found, wanted): (&Point, &Point)| {
                    onespace_core::vector::dot(&found.vector, &wanted.vector) > 0.9999
                        && Point { vector: Vec::new(), ..found.clone() }
                            == Point { vector: Vec::new(), ..wanted.clone() }
                };
                let wanted = points(n);
                if found.len() == wanted.len() && found.iter().zip(&wanted).all(same) {
                    given.served.insert(n);
                }
            }
            Err(error) if error.reason == Reason::ItemDamaged => {
                assert!(error.message.contains(&label(n)), "{error}");
                given.named.insert(n);
            }
            Err(error) => panic!("{n}: {error}"),
        }
    }
    let listed = store.list_items(&shelf(), &Filter::default(), 1000, None).await.unwrap().items;
    let listed: BTreeSet<_> = names(&listed);
    let mut missed = BTreeSet::new();
    for n in given.served.clone() {
        let hits = store.search(&shelf(), &nearest(points(n)[0].vector.clone(), 1)).await.unwrap();
        let year = must(vec![field("year", Match::Any(vec![Scalar::Integer(2000 + (n % 5) as i64)]))]);
        let of_year = names(&store.list_items(&shelf(), &year, 1000, None).await.unwrap().items);
        let found = hits.first().is_some_and(|hit| hit.point.item.as_str() == label(n));
        if !found || !listed.contains(&label(n)) || !of_year.contains(&label(n)) {
            missed.insert(n);
        }
    }
    given.served.retain(|n| !missed.contains(n));
    for n in [ITEMS, ITEMS + 1] {
        assert!(!listed.contains(&label(n)), "what was removed is there again");
    }
    Ok(given)
}

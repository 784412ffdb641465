//! How long the embedded store takes to write, to search and to index, on this machine.
//!
//! ```text
//! cargo run --release -p onespace-qdrant --example measure -- [POINTS]
//! ```

use std::{
    collections::BTreeMap,
    error::Error,
    path::Path,
    time::{Duration, Instant},
};

use onespace_core::{
    Calibration, CollectionRef, CollectionSpec, ContentHash, FieldKind, Filter, Fingerprint, Modality, Point, Query,
    Reason, Space, Tenant, Track, VectorStore, vector::normalise,
};
use onespace_qdrant::EmbeddedStore;

const DIMENSION: usize = 256;
const BATCH: usize = 256;
const SEARCHES: u32 = 200;
const OPENS: u32 = 7;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let points: usize = std::env::args().nth(1).map_or(Ok(10_000), |count| count.parse())?;
    let directory = tempfile::tempdir()?;
    let store = EmbeddedStore::open(directory.path())?;
    let photos = CollectionRef::new(Tenant::default(), "photos".parse()?);
    let space = Space {
        fingerprint: Fingerprint::of(b"measure"),
        dimension: DIMENSION,
        name: "measure".into(),
        matryoshka: Vec::new(),
        calibration: Calibration::default(),
        talk: None,
        added: BTreeMap::new(),
    };
    let (collection, indexed) = (photos.clone(), BTreeMap::new());
    let spec = CollectionSpec { collection, space: space.clone(), dimension: DIMENSION, indexed };
    store.create_collection(&spec).await?;

    let mut state = 1_u64;
    let mut batches = Vec::new();
    for first in (0..points).step_by(BATCH) {
        let mut batch = Vec::new();
        for n in first..points.min(first + BATCH) {
            batch.push(point(&space, n, &mut state)?);
        }
        let start = Instant::now();
        store.upsert(&photos, batch).await?;
        batches.push(start.elapsed());
    }
    report(&format!("write and sync {BATCH} points"), &mut batches);

    search(&store, &photos, "before the index", &mut state).await?;

    // The first time it is opened with what came while an index was being built, and goes on with that.
    let start = Instant::now();
    let mut store = reopen(reopen(store, directory.path())?, directory.path())?;
    println!("build the index of {} points: {:?}", store.collection(&photos).await?.points, start.elapsed());
    search(&store, &photos, "with the index", &mut state).await?;

    let (mut opens, mut closes) = (Vec::new(), Vec::new());
    for _ in 0..OPENS {
        let start = Instant::now();
        drop(store);
        closes.push(start.elapsed());
        let start = Instant::now();
        store = EmbeddedStore::open(directory.path())?;
        opens.push(start.elapsed());
    }
    report(&format!("close {points} points"), &mut closes);
    report(&format!("open {points} points"), &mut opens);

    let start = Instant::now();
    let items = store.count_items(&photos, &Filter::default()).await?;
    println!("count {items} items: {:?}", start.elapsed());
    let start = Instant::now();
    store.index_fields(&photos, &BTreeMap::from([("year".to_owned(), FieldKind::Integer)])).await?;
    println!("index a metadata field: {:?}", start.elapsed());
    Ok(())
}

/// Closes a store and opens it when it lets go of its directory: an index that is being built keeps that.
fn reopen(store: EmbeddedStore, directory: &Path) -> Result<EmbeddedStore, Box<dyn Error>> {
    drop(store);
    loop {
        match EmbeddedStore::open(directory) {
            Err(error) if error.reason == Reason::StoreUnavailable => std::thread::sleep(Duration::from_millis(10)),
            opened => return Ok(opened?),
        }
    }
}

/// Most points, and few of them by another field.
async fn search(
    store: &EmbeddedStore,
    photos: &CollectionRef,
    when: &str,
    state: &mut u64,
) -> Result<(), Box<dyn Error>> {
    for (what, modality, tracks) in
        [("images", Modality::Image, vec![]), ("audio tracks", Modality::Video, vec![Track::Audio])]
    {
        let mut searches = Vec::new();
        for _ in 0..SEARCHES {
            let tracks = tracks.clone();
            let query = Query {
                vector: unit(state)?,
                modalities: vec![modality],
                tracks,
                filter: Filter::default(),
                limit: 10,
            };
            let start = Instant::now();
            store.search(photos, &query).await?;
            searches.push(start.elapsed());
        }
        report(&format!("search {what} {when}"), &mut searches);
    }
    Ok(())
}

/// An image; every tenth is the visual track of a video, and the one after it an audio track.
fn point(space: &Space, n: usize, state: &mut u64) -> Result<Point, Box<dyn Error>> {
    let (modality, track) = match n % 10 {
        0 => (Modality::Video, Track::Visual),
        1 => (Modality::Video, Track::Audio),
        _ => (Modality::Image, Track::Whole),
    };
    Ok(Point {
        item: format!("item {n}").parse()?,
        modality,
        track,
        segment: 0,
        span: None,
        uri: Some(format!("file:///photos/{n}.jpg")),
        title: None,
        content_hash: ContentHash::from_stored(&format!("{n:064x}")),
        space: space.fingerprint,
        tower: None,
        metadata: BTreeMap::from([("year".to_owned(), (n % 30 + 1990).into())]),
        parts: Vec::new(),
        transcript: None,
        vector: unit(state)?,
    })
}

/// A unit vector whose direction only looks random.
fn unit(state: &mut u64) -> Result<Vec<f32>, Box<dyn Error>> {
    let mut vector: Vec<f32> = (0..DIMENSION)
        .map(|_| {
            *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (*state >> 40) as f32 / (1_u64 << 23) as f32 - 1.0
        })
        .collect();
    normalise(&mut vector)?;
    Ok(vector)
}

fn report(what: &str, times: &mut [Duration]) {
    times.sort_unstable();
    let at = |share: usize| times.get(times.len() * share / 100).copied().unwrap_or_default();
    println!("{what}: median {:?}, 99th percentile {:?}", at(50), at(99));
}

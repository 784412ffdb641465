use std::{
    collections::BTreeMap,
    fs::File,
    path::Path,
    time::{Duration, Instant},
};

use onespace_core::{FieldKind, Fingerprint, Reason};
use serde_json::{Value, json};
use uuid::Uuid;

use super::*;
use crate::{
    description::Description,
    embedded::{engine::INDEX_KIB, filter::filter, journal::JOURNAL, kept::Kept},
    filter::{Clauses, Test},
};

/// So long that few of them are worth an index.
const DIMENSION: usize = 4096;
const ENOUGH: usize = INDEX_KIB * 1024 / (DIMENSION * size_of::<f32>()) + 100;

/// An engine with just so many points that they are worth an index, and what wrote them.
fn filled(directory: &Path) -> (Arc<Engine>, Arc<Room>, Operation) {
    let lock = Arc::new(File::create(directory.join("lock")).unwrap());
    let (name, space) = ("photos".parse().unwrap(), Fingerprint::of(b"space"));
    let description = Description {
        tenant: Tenant::default(),
        name,
        space,
        dimension: DIMENSION,
        indexed: BTreeMap::new(),
        aliases: BTreeSet::new(),
        made_as: None,
    };
    let engine = Arc::new(Engine::create(&directory.join("photos"), description, lock).unwrap());
    let room = Arc::new(Room::new(directory).unwrap());
    let mut seed = 1_u32;
    let mut next = || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    let rows = (0..ENOUGH).map(|n| {
        let vector = (0..DIMENSION).map(|_| next()).collect();
        let Value::Object(payload) = json!({ "metadata": { "even": n % 2 == 0 } }) else { unreachable!() };
        Row { id: Uuid::from_u128(n as u128), payload, vector }
    });
    let written = Operation::Upsert(rows.collect());
    engine.apply(written.clone()).unwrap();
    engine.flush().unwrap();
    (engine, room, written)
}

fn start(engine: &Arc<Engine>, room: Arc<Room>, unfinished: &BTreeSet<String>) -> Result<Writer> {
    let kept = Kept::open(engine.folder()).map_err(|refused| refused.error)?;
    Writer::start(engine.clone(), room, kept.agree(engine)?, unfinished)
}

/// How many points say that they are even.
fn even(engine: &Engine) -> usize {
    let even = Test::Bool("metadata.\"even\"".to_owned(), true);
    engine.count(&filter(&Clauses { must: vec![even], ..Clauses::default() }).unwrap()).unwrap()
}

/// Whether every segment (or none) has an index of the field.
fn is_indexed(engine: &Engine) -> bool {
    let segments = std::fs::read_dir(engine.mapped().join("segments")).unwrap();
    let indexed: Vec<_> = segments
        .map(|segment| std::fs::read_to_string(segment.unwrap().path().join("payload_index/config.json")).unwrap())
        .map(|config| config.contains("even"))
        .collect();
    assert!(indexed.iter().all(|one| *one == indexed[0]));
    indexed[0]
}

#[test]
fn what_a_stop_left_without_an_index_gets_one_without_another_write() {
    let directory = tempfile::tempdir().unwrap();
    let (engine, room, written) = filled(directory.path());
    for (left, what) in [(false, "none of it was indexed"), (true, "all of it is in the journal still")] {
        if left {
            let (mut journal, _) = Journal::open(&engine.folder().join(JOURNAL)).unwrap();
            journal.append(&written).unwrap();
            journal.sync().unwrap();
        }
        drop(start(&engine, room.clone(), &BTreeSet::new()).unwrap());
        let start = Instant::now();
        while Arc::strong_count(&engine) > 1 {
            assert!(start.elapsed() < Duration::from_secs(300), "{what}: the index is never done");
            thread::sleep(Duration::from_millis(10));
        }
        assert_eq!(engine.counts().unwrap(), (ENOUGH, 0), "{what}");
        assert!(!engine.optimise().unwrap(), "{what}: something was left to do");
    }
}

#[test]
fn fields_are_indexed_once_an_optimisation_is_over() {
    let directory = tempfile::tempdir().unwrap();
    let (engine, room, _) = filled(directory.path());
    let writer = start(&engine, room, &BTreeSet::new()).unwrap();
    let fields = BTreeMap::from([("even".to_owned(), FieldKind::Bool)]);
    engine.describe(engine.description().with_fields(&fields).unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(writer.index(fields.into_keys().collect())).unwrap();
    assert_eq!(engine.counts().unwrap(), (ENOUGH, 0), "the optimisation came first");
    assert_eq!(even(&engine), ENOUGH.div_ceil(2));
    assert!(is_indexed(&engine));
    assert_eq!(std::fs::metadata(engine.folder().join(JOURNAL)).unwrap().len(), 0, "it is flushed");
}

#[test]
fn a_full_disk_takes_no_index_and_answers_all_the_same() {
    let directory = tempfile::tempdir().unwrap();
    let (engine, room, _) = filled(directory.path());
    let fields = BTreeMap::from([("even".to_owned(), FieldKind::Bool)]);
    engine.describe(engine.description().with_fields(&fields).unwrap());
    let even_alone: BTreeSet<_> = fields.into_keys().collect();
    engine.index_fields(&even_alone).unwrap();
    assert!(is_indexed(&engine));
    // Thought to be half made, and without room for a whole one.
    let full = Arc::new(Room::full(directory.path()).unwrap());
    let writer = start(&engine, full, &even_alone).unwrap();
    assert_eq!(writer.indexed().unwrap_err().reason, Reason::StoreFull);
    assert!(!is_indexed(&engine));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let error = runtime.block_on(writer.index(even_alone.clone())).unwrap_err();
    assert_eq!(error.reason, Reason::StoreFull);
    assert!(!is_indexed(&engine));
    assert_eq!(even(&engine), ENOUGH.div_ceil(2));
    drop(writer);
    let writer = start(&engine, room, &even_alone).unwrap();
    writer.indexed().unwrap();
    assert!(is_indexed(&engine));
    assert_eq!(even(&engine), ENOUGH.div_ceil(2));
}

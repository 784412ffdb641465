//! What the tests of this crate share: points to write, numbers that only look random, and a model of the store.
#![allow(dead_code)] // Each test binary uses its part.

pub mod kills;
pub mod rotten;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    time::{Duration, Instant},
};

use onespace_core::{
    Calibration, CollectionRef, CollectionSpec, Condition, ContentHash, Fetch, Field, FieldKind, Filter, Fingerprint,
    ItemField, ItemId, Match, Modality, Point, Query, Reason, Scalar, Space, Span, Tenant, Track, VectorStore,
};
use onespace_qdrant::EmbeddedStore;
use serde_json::Value;

/// Splitmix: the same numbers for the same seed, everywhere.
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }

    pub fn one_in(&mut self, chances: u64) -> bool {
        self.roll(chances) == 0
    }

    pub fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[usize::try_from(self.roll(from.len() as u64)).unwrap()].clone()
    }

    /// A unit vector.
    pub fn vector(&mut self, dimension: usize) -> Vec<f32> {
        let mut vector: Vec<f32> = (0..dimension).map(|_| self.roll(20_001) as f32 / 10_000.0 - 1.0).collect();
        onespace_core::vector::normalise(&mut vector).unwrap();
        vector
    }
}

pub fn space(label: &str, dimension: usize) -> Space {
    Space {
        fingerprint: Fingerprint::of(label.as_bytes()),
        dimension,
        name: format!("{label} 1.0"),
        matryoshka: (1..dimension).rev().filter(|length| length.is_multiple_of(2)).collect(),
        calibration: Calibration::default(),
        talk: None,
        added: BTreeMap::new(),
    }
}

pub fn spec(collection: &CollectionRef, space: &Space) -> CollectionSpec {
    CollectionSpec {
        collection: collection.clone(),
        space: space.clone(),
        dimension: space.dimension,
        indexed: fields(&[
            ("colour", FieldKind::Keyword),
            ("year", FieldKind::Integer),
            ("price", FieldKind::Float),
            ("sold", FieldKind::Bool),
        ]),
    }
}

pub fn fields(kinds: &[(&str, FieldKind)]) -> BTreeMap<String, FieldKind> {
    kinds.iter().map(|(field, kind)| ((*field).to_owned(), *kind)).collect()
}

pub fn collection(tenant: &str, name: &str) -> CollectionRef {
    CollectionRef::new(tenant.parse().unwrap(), name.parse().unwrap())
}

pub fn content(text: &str) -> ContentHash {
    ContentHash::from_stored(text)
}

/// All points of an item, wholes first; none where it is not there.
pub async fn read(store: &dyn VectorStore, collection: &CollectionRef, item: &ItemId) -> Vec<Point> {
    let mut found = store.items(collection, std::slice::from_ref(item), Fetch::ALL).await.unwrap();
    let points = found.remove(item).unwrap_or_default();
    assert!(found.is_empty(), "items that nobody asked for");
    points
}

pub fn tenant(name: &str) -> Tenant {
    name.parse().unwrap()
}

pub fn item(name: &str) -> ItemId {
    name.parse().unwrap()
}

/// An image that says nothing of itself.
pub fn point(space: &Space, name: &str, vector: Vec<f32>) -> Point {
    Point {
        item: item(name),
        modality: Modality::Image,
        track: Track::Whole,
        segment: 0,
        span: None,
        uri: None,
        title: None,
        content_hash: content(&format!("content of {name}")),
        space: space.fingerprint,
        tower: None,
        metadata: BTreeMap::new(),
        parts: Vec::new(),
        transcript: None,
        vector,
    }
}

/// What is nearest, of everything.
pub fn nearest(vector: Vec<f32>, limit: usize) -> Query {
    Query { vector, modalities: Vec::new(), tracks: Vec::new(), filter: Filter::default(), limit }
}

pub fn metadata(json: &str) -> BTreeMap<String, Value> {
    serde_json::from_str(json).unwrap()
}

pub fn span(start_ms: u64, end_ms: u64) -> Option<Span> {
    Some(Span { start_ms, end_ms })
}

/// A condition on one of the owner's fields.
pub fn field(field: &str, matches: Match) -> Condition {
    Condition::Field { field: Field::Metadata(field.to_owned()), matches }
}

/// A condition on one of ours.
pub fn own(field: ItemField, matches: Match) -> Condition {
    Condition::Field { field: Field::Item(field), matches }
}

pub fn text(text: &str) -> Scalar {
    Scalar::Text(text.to_owned())
}

pub fn must(conditions: Vec<Condition>) -> Filter {
    Filter { must: conditions, ..Filter::default() }
}

/// Whether a filter lets a point through: what the stores have to agree with.
pub fn lets_through(filter: &Filter, point: &Point) -> bool {
    let holds = |condition: &Condition| match condition {
        Condition::Nested(inner) => lets_through(inner, point),
        Condition::Field { field, matches } => matches_value(&value_of(point, field), matches),
    };
    filter.must.iter().all(holds)
        && !filter.must_not.iter().any(holds)
        && (filter.should.is_empty() || filter.should.iter().any(holds))
}

fn value_of(point: &Point, field: &Field) -> Value {
    match field {
        Field::Metadata(own) => point.metadata.get(own).cloned().unwrap_or(Value::Null),
        Field::Item(ItemField::Modality) => point.modality.name().into(),
        Field::Item(ItemField::Uri) => point.uri.clone().into(),
        Field::Item(ItemField::Title) => point.title.clone().into(),
        Field::Item(ItemField::ItemId) => point.item.as_str().into(),
        Field::Item(ItemField::Track) => point.track.name().into(),
        Field::Item(ItemField::ContentHash) => point.content_hash.as_str().into(),
    }
}

/// Whether an item is listed and counted by this point.
pub fn represents(point: &Point) -> bool {
    point.segment == 0 && Track::LEADING.contains(&point.track)
}

fn matches_value(value: &Value, matches: &Match) -> bool {
    match (value, matches) {
        (Value::Null, _) => false,
        (Value::Array(values), Match::Exists) => !values.is_empty(),
        (_, Match::Exists) => true,
        (Value::Array(values), _) => values.iter().any(|value| matches_value(value, matches)),
        (value, Match::Any(any)) => any.iter().any(|scalar| match scalar {
            Scalar::Text(text) => value.as_str() == Some(text),
            Scalar::Integer(integer) => value.as_i64() == Some(*integer),
            Scalar::Bool(truth) => value.as_bool() == Some(*truth),
            Scalar::Number(_) => false,
        }),
        (value, Match::Range { gt, gte, lt, lte }) => value.as_f64().is_some_and(|number| {
            gt.is_none_or(|bound| number > bound)
                && gte.is_none_or(|bound| number >= bound)
                && lt.is_none_or(|bound| number < bound)
                && lte.is_none_or(|bound| number <= bound)
        }),
    }
}

pub fn names(points: &[Point]) -> BTreeSet<String> {
    points.iter().map(|point| point.item.to_string()).collect()
}

/// Opens a store once it is free. An index that is being built keeps the directory of a store that was closed; so does,
/// for a moment, a process that another test of this binary starts.
pub fn open_when_free(directory: &Path) -> EmbeddedStore {
    let start = Instant::now();
    loop {
        match EmbeddedStore::open(directory) {
            Err(error) if error.reason == Reason::StoreUnavailable => std::thread::sleep(Duration::from_millis(50)),
            opened => return opened.unwrap(),
        }
        assert!(start.elapsed() < Duration::from_secs(300), "the index is never done");
    }
}

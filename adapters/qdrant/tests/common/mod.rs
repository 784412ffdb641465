//! What the tests of this crate share: points to write, numbers that only look random, and a model of the store.
#![allow(dead_code)] // Each test binary uses its part.

use std::collections::{BTreeMap, BTreeSet};

use onespace_core::{
    Calibration, CollectionName, CollectionSpec, Condition, Filter, Fingerprint, ItemId, Match, Modality, Point, Query,
    Scalar, Space, Span, Tenant, Track,
};
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
        added: BTreeMap::new(),
    }
}

pub fn spec(name: &CollectionName, space: &Space) -> CollectionSpec {
    let indexed = [("colour", "keyword"), ("year", "integer"), ("price", "float"), ("sold", "bool")];
    CollectionSpec {
        name: name.clone(),
        space: space.clone(),
        dimension: space.dimension,
        indexed: indexed.map(|(field, kind)| (field.to_owned(), kind.to_owned())).into(),
    }
}

pub fn tenant(name: &str) -> Tenant {
    name.parse().unwrap()
}

pub fn item(name: &str) -> ItemId {
    name.parse().unwrap()
}

/// A picture that says nothing of itself.
pub fn point(space: &Space, name: &str, vector: Vec<f32>) -> Point {
    Point {
        item: item(name),
        modality: Modality::Image,
        track: Track::Whole,
        segment: 0,
        span: None,
        uri: None,
        title: None,
        content_hash: format!("content of {name}"),
        space: space.fingerprint,
        tower: None,
        metadata: BTreeMap::new(),
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

pub fn field(field: &str, matches: Match) -> Condition {
    Condition::Field { field: field.to_owned(), matches }
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

fn value_of(point: &Point, field: &str) -> Value {
    match field {
        ".modality" => point.modality.name().into(),
        ".uri" => point.uri.clone().into(),
        ".title" => point.title.clone().into(),
        ".item" => point.item.as_str().into(),
        ".track" => point.track.name().into(),
        ".content_hash" => point.content_hash.clone().into(),
        own => point.metadata.get(own).cloned().unwrap_or(Value::Null),
    }
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

//! Metadata fields that are indexed after the collection was made.

use onespace_core::{
    CollectionSpec, FieldKind, Filter, Match, Point, Query, Reason, Scalar, Space, limits::METADATA_FIELDS,
};

use crate::{Ground, common::*};

const SIDES: usize = 8;

/// An item that says how old it is, and whether it is for sale.
fn thing(n: usize, dice: &mut Dice) -> Point {
    let mut thing = point(&space("one", SIDES), &format!("thing {n}"), dice.vector(SIDES));
    thing.metadata = match n % 10 {
        7 => metadata("{}"),
        8 => metadata(r#"{"age":"old","sale":"yes"}"#),
        n => metadata(&format!(r#"{{"age":{n},"sale":{},"place.name":"shelf {n}"}}"#, n % 2 == 0)),
    };
    thing
}

fn conditions() -> Vec<Filter> {
    let young = Match::Range { gt: None, gte: None, lt: Some(3.0), lte: None };
    let any = |value| Match::Any(vec![value]);
    let conditions = [
        field("age", any(Scalar::Integer(3))),
        field("age", any(text("old"))),
        field("age", young),
        field("age", Match::Exists),
        field("sale", any(Scalar::Bool(true))),
        field("sale", any(Scalar::Bool(false))),
        field("place.name", any(text("shelf 4"))),
        field("place.name", Match::Exists),
    ];
    let other = |condition| Filter { must_not: vec![condition], ..Filter::default() };
    conditions.into_iter().flat_map(|condition| [must(vec![condition.clone()]), other(condition)]).collect()
}

pub async fn what_is_stored_is_indexed_too(ground: Ground) {
    let (store, photos, mut dice) = (&ground.store, ground.collection("photos"), Dice(12));
    let (mine, bare) = (space("one", SIDES), fields(&[]));
    store.create_collection(&CollectionSpec { indexed: bare, ..spec(&photos, &mine) }).await.unwrap();
    let mut things: Vec<_> = (0..300).map(|n| thing(n, &mut dice)).collect();
    store.upsert(&photos, things.clone()).await.unwrap();
    let added = [
        fields(&[("age", FieldKind::Integer)]),
        fields(&[("sale", FieldKind::Bool), ("place.name", FieldKind::Keyword), ("age", FieldKind::Integer)]),
    ];
    let mut indexed = fields(&[]);
    for added in added {
        store.index_fields(&photos, &added).await.unwrap();
        indexed.extend(added);
        assert_eq!(store.collection(&photos).await.unwrap().indexed, indexed);
        // What is written from now on is in the index as well; some of it replaces.
        let first = things.len() - 50;
        let more: Vec<_> = (first..first + 150).map(|n| thing(n + 3, &mut dice)).collect();
        let ids: Vec<_> = more.iter().map(|thing| thing.item.clone()).collect();
        things.retain(|thing| !ids.contains(&thing.item));
        store.upsert(&photos, more.clone()).await.unwrap();
        things.extend(more);
        for filter in conditions() {
            let expected: Vec<_> = things.iter().filter(|thing| lets_through(&filter, thing)).cloned().collect();
            let query = Query { filter: filter.clone(), ..nearest(dice.vector(SIDES), 1_000) };
            let found: Vec<_> = store.search(&photos, &query).await.unwrap().into_iter().map(|hit| hit.point).collect();
            assert_eq!(names(&found), names(&expected), "{filter:?}");
            assert_eq!(store.count_items(&photos, &filter).await.unwrap(), expected.len() as u64, "{filter:?}");
            let listed = store.list_items(&photos, &filter, 1_000, None).await.unwrap();
            assert_eq!(names(&listed.items), names(&expected), "{filter:?}");
        }
    }
    store.index_fields(&photos, &fields(&[])).await.unwrap();
    assert_eq!(store.collection(&photos).await.unwrap().indexed, indexed);
}

pub async fn fields_keep_their_kind(ground: Ground) {
    let (store, photos) = (&ground.store, ground.collection("photos"));
    store.create_collection(&spec(&photos, &space("one", SIDES))).await.unwrap();
    let before = store.collection(&photos).await.unwrap().indexed;
    store.index_fields(&photos, &before).await.unwrap();
    let other_kind = fields(&[("age", FieldKind::Integer), ("year", FieldKind::Keyword)]);
    let error = store.index_fields(&photos, &other_kind).await.unwrap_err();
    assert_eq!((error.reason, error.field.as_str()), (Reason::FieldInvalid, "indexed.year"));
    for word in ["year", "integer", "keyword"] {
        assert!(error.message.contains(word), "{error}");
    }
    let error = store.index_fields(&photos, &fields(&[("a\"b", FieldKind::Bool)])).await.unwrap_err();
    assert_eq!(error.reason, Reason::FieldInvalid);
    let many = |count: usize| (0..count).map(|n| (format!("field {n}"), FieldKind::Keyword)).collect();
    let error = store.index_fields(&photos, &many(METADATA_FIELDS - before.len() + 1)).await.unwrap_err();
    assert_eq!(error.reason, Reason::TooMany);
    assert_eq!(store.collection(&photos).await.unwrap().indexed, before, "a refusal changes nothing");

    // Calls at the same time add up.
    let (one, other) = (many(3), fields(&[("age", FieldKind::Integer)]));
    let (first, second) = tokio::join!(store.index_fields(&photos, &one), store.index_fields(&photos, &other));
    first.unwrap();
    second.unwrap();
    let after = store.collection(&photos).await.unwrap().indexed;
    assert_eq!(after.len(), before.len() + 4);
    assert_eq!(after["age"], FieldKind::Integer);
    // Another tenant's collection of the same name has none of it.
    let theirs = ground.of("you", "photos");
    store.create_collection(&spec(&theirs, &space("one", SIDES))).await.unwrap();
    assert_eq!(store.collection(&theirs).await.unwrap().indexed, before);
}

pub async fn fields_of_a_detached_collection(ground: Ground) {
    let (store, photos) = (&ground.store, ground.collection("photos"));
    let (one, two) = (space("one", SIDES), space("two", SIDES));
    let with =
        |space: &Space, kinds: &[(&str, FieldKind)]| CollectionSpec { indexed: fields(kinds), ..spec(&photos, space) };
    let year = ("year", FieldKind::Integer);
    store.create_collection(&with(&one, &[year])).await.unwrap();
    store.create_collection(&with(&two, &[])).await.unwrap();
    let error = store.create_collection(&with(&one, &[("year", FieldKind::Float)])).await.unwrap_err();
    assert_eq!((error.reason, error.field.as_str()), (Reason::FieldInvalid, "indexed.year"));
    assert_eq!(store.collection(&photos).await.unwrap().space, two.fingerprint, "a refusal changes nothing");
    store.create_collection(&with(&one, &[("age", FieldKind::Integer)])).await.unwrap();
    let info = store.collection(&photos).await.unwrap();
    assert_eq!((info.space, info.indexed), (one.fingerprint, fields(&[year, ("age", FieldKind::Integer)])));
}

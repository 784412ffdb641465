//! Collections, and the space each belongs to.

use onespace_core::{CollectionSpec, Fetch, FieldKind, Filter, Point, Reason};

use crate::{Ground, common::*};

pub async fn vectors_that_do_not_belong_are_refused(ground: Ground) {
    let (one, two, photos) = (space("one", 4), space("two", 4), ground.collection("photos"));
    ground.store.create_collection(&spec(&photos, &one)).await.unwrap();
    let good = point(&one, "good", vec![1.0, 0.0, 0.0, 0.0]);
    let foreign = point(&two, "foreign", vec![1.0, 0.0, 0.0, 0.0]);
    let error = ground.store.upsert(&photos, vec![good.clone(), foreign]).await.unwrap_err();
    assert_eq!((error.reason, error.field.as_str()), (Reason::SpaceMismatch, "points[1].space"));
    assert!(error.message.contains(&one.fingerprint.short()) && error.message.contains(&two.fingerprint.short()));

    let bent: [&[f32]; 5] =
        [&[1.0, 0.0, 0.0], &[f32::NAN, 0.0, 0.0, 0.0], &[0.0; 4], &[1.1, 0.0, 0.0, 0.0], &[f32::INFINITY; 4]];
    for vector in bent {
        let bad = Point { vector: vector.to_vec(), ..good.clone() };
        let error = ground.store.upsert(&photos, vec![good.clone(), bad]).await.unwrap_err();
        assert_eq!((error.reason, error.field.as_str()), (Reason::FieldInvalid, "points[1].vector"), "{vector:?}");
    }
    assert_eq!(ground.store.collection(&photos).await.unwrap().points, 0, "a refused write leaves nothing");
}

pub async fn unknown_collections_are_named(ground: Ground) {
    let (one, photos) = (space("one", 4), ground.collection("nowhere"));
    let thing = point(&one, "thing", vec![1.0, 0.0, 0.0, 0.0]);
    let store = &ground.store;
    let errors = [
        store.collection(&photos).await.unwrap_err(),
        store.delete_collection(&photos).await.unwrap_err(),
        store.upsert(&photos, vec![thing.clone()]).await.unwrap_err(),
        store.stored(&photos, &[item("thing")]).await.unwrap_err(),
        store.search(&photos, &nearest(thing.vector, 10)).await.unwrap_err(),
        store.items(&photos, &[item("thing")], Fetch::ALL).await.unwrap_err(),
        store.list_items(&photos, &Filter::default(), 1, None).await.unwrap_err(),
        store.count_items(&photos, &Filter::default()).await.unwrap_err(),
        store.index_fields(&photos, &fields(&[("year", FieldKind::Integer)])).await.unwrap_err(),
        store.index_fields(&photos, &fields(&[])).await.unwrap_err(),
        store.delete_items(&photos, &[item("thing")], None).await.unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.reason, Reason::CollectionNotFound);
        assert!(error.message.contains(photos.name.as_str()), "{error}");
    }
    let mut bad = spec(&photos, &one);
    bad.indexed.insert("sha\"pe".into(), FieldKind::Keyword);
    let error = store.create_collection(&bad).await.unwrap_err();
    assert_eq!((error.reason, error.field.as_str()), (Reason::FieldInvalid, "indexed.sha\"pe"));
}

pub async fn two_spaces_live_under_one_name(ground: Ground) {
    let (one, two, photos) = (space("one", 4), space("two", 3), ground.collection("photos"));
    let (old, new) = (point(&one, "old", vec![1.0, 0.0, 0.0, 0.0]), point(&two, "new", vec![0.0, 1.0, 0.0]));
    ground.store.create_collection(&spec(&photos, &one)).await.unwrap();
    ground.store.upsert(&photos, vec![old.clone()]).await.unwrap();
    let again = ground.store.create_collection(&spec(&photos, &one)).await.unwrap_err();
    assert_eq!(again.reason, Reason::CollectionExists);

    ground.store.create_collection(&spec(&photos, &two)).await.unwrap();
    assert_eq!(ground.store.collection(&photos).await.unwrap().space, two.fingerprint);
    ground.store.upsert(&photos, vec![new.clone()]).await.unwrap();
    assert_eq!(ground.store.upsert(&photos, vec![old.clone()]).await.unwrap_err().reason, Reason::SpaceMismatch);
    let hits = ground.store.search(&photos, &nearest(new.vector.clone(), 10)).await.unwrap();
    assert_eq!(hits.len(), 1);
    assert_eq!(hits[0].point.item, new.item);
    let all = ground.store.list_collections(&photos.tenant).await.unwrap();
    let mine: Vec<_> = all.iter().filter(|info| info.name == photos.name).map(|info| info.space).collect();
    assert_eq!(mine, vec![two.fingerprint, one.fingerprint], "both stand, the one in use first");

    // Serving the old bundle again finds its vectors where they were left.
    ground.store.create_collection(&spec(&photos, &one)).await.unwrap();
    let hits = ground.store.search(&photos, &nearest(old.vector.clone(), 10)).await.unwrap();
    assert_eq!(hits.len(), 1);
    assert_eq!(hits[0].point.item, old.item);

    ground.store.delete_collection(&photos).await.unwrap();
    let left = ground.store.list_collections(&photos.tenant).await.unwrap();
    assert!(left.iter().all(|info| info.name != photos.name), "both are gone");
}

pub async fn vectors_may_be_cut_to_a_listed_length(ground: Ground) {
    let (one, two, photos) = (space("one", 4), space("two", 4), ground.collection("photos"));
    let cut = |dimension| CollectionSpec { dimension, ..spec(&photos, &one) };
    let unlisted = ground.store.create_collection(&cut(3)).await.unwrap_err();
    assert_eq!((unlisted.reason, unlisted.field.as_str()), (Reason::FieldInvalid, "dimension"));
    ground.store.create_collection(&cut(2)).await.unwrap();
    let (near, far) = (point(&one, "near", vec![0.6, 0.8]), point(&one, "far", vec![-0.6, 0.8]));
    ground.store.upsert(&photos, vec![far, near.clone()]).await.unwrap();
    let whole = point(&one, "whole", vec![1.0, 0.0, 0.0, 0.0]);
    let error = ground.store.upsert(&photos, vec![whole.clone()]).await.unwrap_err();
    assert_eq!((error.reason, error.field.as_str()), (Reason::FieldInvalid, "points[0].vector"));
    assert_eq!(
        ground.store.search(&photos, &nearest(whole.vector, 10)).await.unwrap_err().reason,
        Reason::FieldInvalid
    );

    // Another length is refused, in use or detached for another space; one of the same length is used again.
    let refused = |error: onespace_core::Error| {
        assert_eq!(error.reason, Reason::CollectionExists);
        assert!(error.message.contains("2 values") && error.message.contains("not 4"), "{error}");
    };
    refused(ground.store.create_collection(&cut(4)).await.unwrap_err());
    ground.store.create_collection(&spec(&photos, &two)).await.unwrap();
    refused(ground.store.create_collection(&cut(4)).await.unwrap_err());
    assert_eq!(ground.store.collection(&photos).await.unwrap().space, two.fingerprint, "a refusal changes nothing");
    ground.store.create_collection(&cut(2)).await.unwrap();
    let info = ground.store.collection(&photos).await.unwrap();
    assert_eq!((info.dimension, info.points), (2, 2));
    let hits = ground.store.search(&photos, &nearest(vec![1.0, 0.0], 10)).await.unwrap();
    assert_eq!(hits[0].point.item, near.item);
    assert!((hits[0].score - 0.6).abs() < 1e-3, "{}", hits[0].score);
}

pub async fn a_deleted_collection_leaves_nothing(ground: Ground) {
    let (one, photos, other) = (space("one", 4), ground.collection("photos"), ground.collection("photos-2"));
    let thing = point(&one, "thing", vec![1.0, 0.0, 0.0, 0.0]);
    for name in [&photos, &other] {
        ground.store.create_collection(&spec(name, &one)).await.unwrap();
        ground.store.upsert(name, vec![thing.clone()]).await.unwrap();
    }
    for _ in 0..3 {
        ground.store.delete_collection(&photos).await.unwrap();
        assert_eq!(ground.store.collection(&photos).await.unwrap_err().reason, Reason::CollectionNotFound);
        ground.store.create_collection(&spec(&photos, &one)).await.unwrap();
        assert_eq!(ground.store.collection(&photos).await.unwrap().points, 0);
        assert!(ground.store.search(&photos, &nearest(thing.vector.clone(), 10)).await.unwrap().is_empty());
        ground.store.upsert(&photos, vec![thing.clone()]).await.unwrap();
    }
    assert_eq!(ground.store.collection(&other).await.unwrap().points, 1, "its neighbour is untouched");
}

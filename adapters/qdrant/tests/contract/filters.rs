//! Conditions on what is stored beside a vector.

use onespace_core::{
    CollectionRef, Condition, FacetValue, Facets, Field, Filter, ItemField, Match, Modality, Point, Query, Reason,
    Scalar,
};

use crate::{Ground, common::*};

const SIDES: usize = 8;

/// A shelf of ten things, some indexed fields, some not, some missing, some lists.
fn shelf() -> Vec<Point> {
    let space = space("one", SIDES);
    let metadata_of = [
        r#"{"colour":"blue","year":2019,"price":9.5,"sold":true,"size":1}"#,
        r#"{"colour":"red","year":2020,"price":10.5,"sold":false,"size":2}"#,
        r#"{"colour":["blue","red"],"year":2021,"price":-3,"size":[3,30]}"#,
        r#"{"colour":"Blue","year":-5,"price":1e9,"sold":true,"material":"clay"}"#,
        r#"{"colour":null,"year":2019,"note":"blue"}"#,
        r#"{"year":0,"price":0.0,"tags":[],"a.b":"dotted"}"#,
        r#"{"a":{"b":"nested"},"sold":false,"material":"glass"}"#,
        r#"{}"#,
        r#"{"year":"2019","price":"9.5","sold":"true","size":"1"}"#,
        r#"{"year":9007199254740993,"price":0.1,"größe":"XL","material":["clay","glass"]}"#,
    ];
    let mut dice = Dice(5);
    let shelf = metadata_of.iter().enumerate().map(|(n, json)| {
        let mut thing = point(&space, &format!("thing {n}"), dice.vector(SIDES));
        thing.metadata = metadata(json);
        thing.modality = Modality::ALL[n % 5];
        thing.uri = (n % 2 == 0).then(|| format!("file:///{n}"));
        thing.title = (n % 3 == 0).then(|| format!("Thing № {n}"));
        thing
    });
    shelf.collect()
}

async fn filled(ground: &Ground) -> CollectionRef {
    let photos = ground.collection("shelf");
    ground.store.create_collection(&spec(&photos, &space("one", SIDES))).await.unwrap();
    ground.store.upsert(&photos, shelf()).await.unwrap();
    photos
}

/// Asks by search and by list, and compares both with the model.
async fn agrees(ground: &Ground, photos: &CollectionRef, filter: &Filter) -> usize {
    let expected: Vec<_> = shelf().into_iter().filter(|thing| lets_through(filter, thing)).collect();
    let query = Query { filter: filter.clone(), ..nearest(Dice(6).vector(SIDES), 100) };
    let hits = ground.store.search(photos, &query).await.unwrap();
    let found: Vec<_> = hits.into_iter().map(|hit| hit.point).collect();
    assert_eq!(names(&found), names(&expected), "searching {filter:?}");
    assert_eq!(found.len(), expected.len());
    let listed = ground.store.list_items(photos, filter, 100, None).await.unwrap();
    assert_eq!(names(&listed.items), names(&expected), "listing {filter:?}");
    let counted = ground.store.count_items(photos, filter).await.unwrap();
    assert_eq!(counted, expected.len() as u64, "counting {filter:?}");
    expected.len()
}

pub async fn modalities_narrow(ground: Ground) {
    let photos = filled(&ground).await;
    let asked: [&[Modality]; 3] = [&[], &[Modality::Text], &[Modality::Image, Modality::PointCloud]];
    for (modalities, expected) in asked.into_iter().zip([10, 2, 4]) {
        let modalities = modalities.to_vec();
        let query = Query { modalities: modalities.clone(), ..nearest(Dice(6).vector(SIDES), 100) };
        let hits = ground.store.search(&photos, &query).await.unwrap();
        assert_eq!(hits.len(), expected);
        assert!(modalities.is_empty() || hits.iter().all(|hit| modalities.contains(&hit.point.modality)));
        let only_clay = must(vec![field("material", Match::Any(vec![text("clay")]))]);
        let hits = ground.store.search(&photos, &Query { filter: only_clay.clone(), ..query }).await.unwrap();
        let both = shelf().into_iter().filter(|thing| {
            lets_through(&only_clay, thing) && (modalities.is_empty() || modalities.contains(&thing.modality))
        });
        assert_eq!(hits.len(), both.count());
    }
}

pub async fn every_kind_of_match(ground: Ground) {
    let photos = filled(&ground).await;
    let range = |gt, gte, lt, lte| Match::Range { gt, gte, lt, lte };
    let any = Match::Any;
    let mut found = 0;
    for matches in [
        field("colour", any(vec![text("blue")])),
        field("colour", any(vec![text("blue"), text("red")])),
        field("note", any(vec![text("blue")])),
        field("year", any(vec![Scalar::Integer(2019)])),
        field("year", any(vec![Scalar::Integer(2019), Scalar::Integer(-5), Scalar::Integer(0)])),
        field("year", any(vec![text("2019"), Scalar::Integer(2020)])),
        field("year", any(vec![Scalar::Integer(9_007_199_254_740_993)])),
        field("size", any(vec![Scalar::Integer(30), text("1")])),
        field("sold", any(vec![Scalar::Bool(true)])),
        field("sold", any(vec![Scalar::Bool(true), Scalar::Bool(false)])),
        field("sold", any(vec![Scalar::Bool(false), text("true")])),
        field("price", range(Some(0.0), None, None, None)),
        field("price", range(None, Some(0.0), Some(10.0), None)),
        field("price", range(None, None, None, Some(-3.0))),
        field("year", range(Some(2018.5), None, Some(2020.5), None)),
        field("year", range(None, Some(2019.5), None, None)),
        field("year", range(None, None, None, Some(2019.9))),
        field("size", range(None, Some(1.5), None, Some(40.0))),
        field("colour", Match::Exists),
        field("tags", Match::Exists),
        field("a", Match::Exists),
        field("a.b", Match::Exists),
        field("a.b", any(vec![text("dotted")])),
        field("größe", any(vec![text("XL")])),
        field("material", any(vec![text("glass")])),
        field("nowhere", Match::Exists),
        field("nowhere", any(vec![text("x")])),
        own(ItemField::Modality, any(vec![text("audio"), text("video")])),
        own(ItemField::Uri, any(vec![text("file:///4")])),
        own(ItemField::Uri, Match::Exists),
        own(ItemField::Title, any(vec![text("Thing № 3")])),
        own(ItemField::Title, Match::Exists),
        own(ItemField::ItemId, any(vec![text("thing 7")])),
        own(ItemField::Track, any(vec![text("whole")])),
        own(ItemField::ContentHash, any(vec![text("content of thing 2")])),
    ] {
        found += agrees(&ground, &photos, &must(vec![matches.clone()])).await;
        agrees(&ground, &photos, &Filter { must_not: vec![matches.clone()], ..Filter::default() }).await;
        agrees(&ground, &photos, &Filter { should: vec![matches], ..Filter::default() }).await;
    }
    assert!(found > 60, "the conditions let only {found} through: the shelf tests nothing");
}

pub async fn filters_nest(ground: Ground) {
    let photos = filled(&ground).await;
    agrees(&ground, &photos, &Filter::default()).await;
    let blue = || field("colour", Match::Any(vec![text("blue")]));
    let sold = || field("sold", Match::Any(vec![Scalar::Bool(true)]));
    let cheap = || field("price", Match::Range { gt: None, gte: None, lt: Some(9.6), lte: None });
    let either = Filter { should: vec![blue(), sold()], ..Filter::default() };
    let neither = Filter { must_not: vec![blue(), sold()], ..Filter::default() };
    let nested = |filter: &Filter| Condition::Nested(filter.clone());
    let deep =
        Filter { must: vec![cheap(), nested(&either)], should: vec![nested(&neither), blue()], must_not: vec![] };
    for filter in [
        either.clone(),
        neither.clone(),
        must(vec![nested(&either), nested(&neither)]),
        Filter { must_not: vec![nested(&neither)], ..Filter::default() },
        Filter { must: vec![blue()], should: vec![sold(), cheap()], must_not: vec![field("size", Match::Exists)] },
        deep.clone(),
        Filter {
            must_not: vec![nested(&deep)],
            should: vec![cheap(), nested(&Filter::default())],
            ..Filter::default()
        },
        Filter { must_not: vec![nested(&Filter::default())], ..Filter::default() },
    ] {
        agrees(&ground, &photos, &filter).await;
    }
}

pub async fn what_cannot_be_evaluated_is_refused(ground: Ground) {
    let photos = filled(&ground).await;
    for (matches, names) in [
        (own(ItemField::Uri, Match::Any(vec![Scalar::Number(9.5)])), "field \"uri\" of the item"),
        (field("col\"our", Match::Exists), "col\\\"our"),
        (field("price", Match::Any(vec![Scalar::Number(9.5)])), "price"),
        (field("colour", Match::Any(vec![])), "colour"),
    ] {
        let filter = must(vec![Condition::Nested(Filter { must_not: vec![matches], ..Filter::default() })]);
        let query = Query { filter: filter.clone(), ..nearest(Dice(6).vector(SIDES), 1) };
        let searched = ground.store.search(&photos, &query).await.unwrap_err();
        let listed = ground.store.list_items(&photos, &filter, 1, None).await.unwrap_err();
        let counted = ground.store.count_items(&photos, &filter).await.unwrap_err();
        for error in [searched, listed, counted] {
            assert_eq!(error.reason, Reason::FieldInvalid);
            assert!(error.message.contains(names), "{error} does not name {names}");
        }
    }
    let many = must(vec![field("colour", Match::Exists); onespace_core::limits::FILTER_CONDITIONS + 1]);
    let error = ground.store.list_items(&photos, &many, 1, None).await.unwrap_err();
    assert_eq!(error.reason, Reason::TooMany);
}

pub async fn values_are_counted(ground: Ground) {
    let photos = filled(&ground).await;
    let facets = async |field: Field, filter: &Filter, limit: usize| {
        ground.store.facets(&photos, &field, filter, limit).await.unwrap()
    };
    let metadata = |name: &str| Field::Metadata(name.to_owned());
    let text = |text: &str| FacetValue::Text(text.to_owned());
    let all = Filter::default();
    let colours = facets(metadata("colour"), &all, 10).await;
    let values = vec![(text("blue"), 2), (text("red"), 2), (text("Blue"), 1)];
    assert_eq!(colours, Facets { values: values.clone(), distinct: 3, items: 10, without: 6 });
    let top = facets(metadata("colour"), &all, 1).await;
    assert_eq!(top, Facets { values: values[..1].to_vec(), ..colours });
    let years = facets(metadata("year"), &all, 1).await;
    assert_eq!(years.values, [(FacetValue::Integer(2019), 2)], "a text that looks like it is another value");
    let sold = facets(metadata("sold"), &all, 10).await;
    assert_eq!(sold.values[..2], [(FacetValue::Bool(false), 2), (FacetValue::Bool(true), 2)]);
    let dotted = facets(metadata("a.b"), &all, 10).await;
    assert_eq!((dotted.values, dotted.without), (vec![(text("dotted"), 1)], 9));
    let modalities = facets(Field::Item(ItemField::Modality), &all, 10).await;
    assert_eq!((modalities.distinct, modalities.without), (5, 0));
    let blue = must(vec![field("colour", Match::Any(vec![Scalar::Text("blue".to_owned())]))]);
    let among = facets(metadata("year"), &blue, 10).await;
    assert_eq!((among.items, among.distinct), (2, 2));
    let nowhere = ground.collection("nowhere");
    let error = ground.store.facets(&nowhere, &metadata("a"), &all, 1).await.unwrap_err();
    assert_eq!(error.reason, Reason::CollectionNotFound);
}

//! Tenants with collections of one name, against a model that keeps them apart by construction.

use std::collections::BTreeMap;

use onespace_core::{
    CollectionName, CollectionRef, CollectionSpec, Condition, Fetch, Filter, Fingerprint, ItemDetails, ItemField,
    Match, Modality, Point, Query, Reason, Scalar, Track,
};

use crate::{Ground, common::*};

const SIDES: usize = 8;
const STEPS: usize = 1_500;

/// One tenant's points, by item, track and segment.
type Mine = BTreeMap<(String, Track, u32), Point>;

/// A condition on the few fields and values that the random points have; often one that names a tenant.
fn condition(dice: &mut Dice, depth: u32) -> Condition {
    let texts = ["red", "blue", "tenant-1", "tenant-2", "item 1"];
    match dice.roll(if depth == 0 { 6 } else { 7 }) {
        0 => field("colour", Match::Any(vec![text(dice.pick(&texts)), text(dice.pick(&texts))])),
        1 => field("tenant", Match::Any(vec![text(dice.pick(&texts))])),
        2 => field("year", Match::Any(vec![Scalar::Integer(dice.roll(4) as i64), text(dice.pick(&texts))])),
        3 => {
            let low = dice.roll(5) as f64 - 0.5;
            field("year", Match::Range { gt: Some(low), gte: None, lt: dice.one_in(2).then_some(low + 2.0), lte: None })
        }
        4 => match dice.pick(&["colour", "year", "tenant", "uri", "sold"]) {
            "uri" => own(ItemField::Uri, Match::Exists),
            name => field(name, Match::Exists),
        },
        5 => own(ItemField::ItemId, Match::Any(vec![text(&format!("item {}", dice.roll(12)))])),
        _ => Condition::Nested(filter(dice, depth - 1)),
    }
}

fn filter(dice: &mut Dice, depth: u32) -> Filter {
    let mut some = |most: u64| (0..dice.roll(most)).map(|_| condition(dice, depth)).collect::<Vec<_>>();
    Filter { must: some(3), should: some(3), must_not: some(3) }
}

fn random_point(dice: &mut Dice) -> Point {
    let mut random = point(&space("one", SIDES), &format!("item {}", dice.roll(12)), dice.vector(SIDES));
    random.modality = dice.pick(&Modality::ALL);
    random.track = dice.pick(&Track::ALL);
    random.segment = dice.roll(3) as u32;
    random.content_hash = content(&format!("content {}", dice.roll(3)));
    random.tower = dice.one_in(2).then(|| Fingerprint::of(b"tower"));
    random.uri = dice.one_in(2).then(|| "tenant-1".to_owned());
    // Fields that look like ours must not be taken for ours.
    let colour = dice.pick(&["\"red\"", "\"blue\"", "null", "[\"red\",\"tenant-2\"]"]);
    random.metadata = metadata(&format!(
        r#"{{"colour":{colour},"year":{},"tenant":"tenant-{}","item":"item 1"}}"#,
        dice.roll(5),
        dice.roll(5)
    ));
    random
}

/// What a search says of a point.
fn without_details(point: &Point) -> Point {
    without_vector(point).described(ItemDetails::default())
}

fn without_vector(point: &Point) -> Point {
    Point { vector: Vec::new(), ..point.clone() }
}

pub async fn nobody_sees_what_is_not_theirs(ground: Ground) {
    let owned: Vec<_> = (0..5).map(|n| ground.of(&format!("tenant-{n}"), "shared")).collect();
    for collection in &owned {
        ground.store.create_collection(&spec(collection, &space("one", SIDES))).await.unwrap();
    }
    let (mut model, mut dice) = (BTreeMap::<CollectionRef, Mine>::new(), Dice(7));
    for step in 0..STEPS {
        let who = dice.pick(&owned);
        let mine = model.entry(who.clone()).or_default();
        match dice.roll(8) {
            0..=2 => {
                let points: Vec<_> = (0..=dice.roll(4)).map(|_| random_point(&mut dice)).collect();
                for point in &points {
                    mine.insert((point.item.to_string(), point.track, point.segment), point.clone());
                }
                ground.store.upsert(&who, points).await.unwrap();
            }
            3 | 4 => search(&ground, &who, mine, &mut dice, step).await,
            5 => list(&ground, &who, mine, &mut dice, step).await,
            6 => fetch(&ground, &who, mine, &mut dice).await,
            _ => delete(&ground, &who, mine, &mut dice).await,
        }
    }
    for (who, mine) in &model {
        let held = ground.store.collection(who).await.unwrap().points;
        assert_eq!(held, mine.len() as u64, "no more and no less of {} is held", who.tenant);
    }
    let stranger = ground.of("tenant-9", "shared");
    let error = ground.store.list_items(&stranger, &Filter::default(), 100, None).await.unwrap_err();
    assert_eq!(error.reason, Reason::CollectionNotFound);
}

async fn search(ground: &Ground, who: &CollectionRef, mine: &Mine, dice: &mut Dice, step: usize) {
    let modalities: Vec<_> = Modality::ALL.into_iter().filter(|_| dice.one_in(4)).collect();
    let query = nearest(dice.vector(SIDES), 1_000);
    let query = Query { modalities, filter: filter(dice, 2), ..query };
    let hits = ground.store.search(who, &query).await.unwrap();
    let mut found: Vec<_> = hits.into_iter().map(|hit| hit.point).collect();
    let mut expected: Vec<_> = mine
        .values()
        .filter(|point| query.modalities.is_empty() || query.modalities.contains(&point.modality))
        .filter(|point| lets_through(&query.filter, point))
        .map(without_details)
        .collect();
    found.sort_by_key(order);
    expected.sort_by_key(order);
    let tenant = &who.tenant;
    assert_eq!(found, expected, "step {step}: {tenant} searching {:?} in {:?}", query.filter, query.modalities);
}

fn order(point: &Point) -> (String, Track, u32) {
    (point.item.to_string(), point.track, point.segment)
}

async fn list(ground: &Ground, who: &CollectionRef, mine: &Mine, dice: &mut Dice, step: usize) {
    let filter = filter(dice, 2);
    let (mut listed, mut page) = (Vec::new(), None::<String>);
    loop {
        let answer = ground.store.list_items(who, &filter, 3, page.as_deref()).await.unwrap();
        listed.extend(answer.items);
        page = answer.next;
        if page.is_none() {
            break;
        }
    }
    listed.sort_by_key(order);
    // These items are of random tracks: one with two leading ones, which no ingest makes, is listed twice.
    let expected = mine.values().filter(|point| represents(point) && lets_through(&filter, point));
    let expected: Vec<_> = expected.map(without_vector).collect();
    assert_eq!(listed, expected, "step {step}: {} listing {filter:?}", who.tenant);
    let counted = ground.store.count_items(who, &filter).await.unwrap();
    assert_eq!(counted, expected.len() as u64, "step {step}: {} counting {filter:?}", who.tenant);
}

async fn fetch(ground: &Ground, who: &CollectionRef, mine: &Mine, dice: &mut Dice) {
    let asked = [format!("item {}", dice.roll(12)), format!("item {}", dice.roll(12))];
    let items = asked.each_ref().map(|asked| item(asked));
    let fetch = Fetch { segments: dice.one_in(2), vectors: dice.one_in(2) };
    let found = ground.store.items(who, &items, fetch).await.unwrap();
    let stored = ground.store.stored(who, &items).await.unwrap();
    for (asked, item) in asked.iter().zip(&items) {
        let mut expected: Vec<_> =
            mine.values().filter(|point| point.item.as_str() == asked).map(without_vector).collect();
        expected.sort_by_key(|point| (point.segment, point.track));
        let first = expected.first().map(|part| part.content_hash.clone());
        let agree = first.filter(|first| expected.iter().all(|part| part.content_hash == *first));
        assert_eq!(stored.get(item).map(|known| &known.content_hash), agree.as_ref());
        expected.retain(|point| fetch.segments || point.segment == 0);
        let found = found.get(item).map(Vec::as_slice).unwrap_or_default();
        assert!(found.iter().all(|point| point.vector.is_empty() != fetch.vectors));
        assert_eq!(found.iter().map(without_vector).collect::<Vec<_>>(), expected);
    }
    assert!(found.keys().all(|item| items.contains(item)));
}

async fn delete(ground: &Ground, who: &CollectionRef, mine: &mut Mine, dice: &mut Dice) {
    let asked: Vec<_> = (0..=dice.roll(2)).map(|_| format!("item {}", dice.roll(12))).collect();
    // A hash that no stored content has: keeping it spares nothing.
    let kept = onespace_core::ContentHash::of(Modality::Text, b"kept");
    let keep = dice.one_in(3).then_some(&kept);
    let before: std::collections::BTreeSet<_> =
        mine.keys().map(|(item, ..)| item.clone()).filter(|item| asked.contains(item)).collect();
    mine.retain(|(item, ..), _| !asked.contains(item));
    let items: Vec<_> = asked.iter().map(|asked| item(asked)).collect();
    assert_eq!(ground.store.delete_items(who, &items, keep).await.unwrap(), before.len() as u64);
}

async fn listed(ground: &Ground, who: &CollectionRef) -> Vec<(CollectionName, usize, u64)> {
    let all = ground.store.list_collections(&who.tenant).await.unwrap();
    // Names of this run: a served store has those of others too.
    let prefix = who.name.as_str().strip_suffix("photos").unwrap();
    let mine = all.into_iter().filter(|info| info.name.as_str().starts_with(prefix));
    mine.map(|info| (info.name, info.dimension, info.points)).collect()
}

pub async fn collections_of_one_name_never_meet(ground: Ground) {
    let store = &ground.store;
    let space = space("one", 4);
    let photos = ["default", "acme", "acme.eu"].map(|tenant| ground.of(tenant, "photos"));
    let [ours, acme, europe] = &photos;
    for (n, one) in photos.iter().enumerate() {
        // Two of them cut the vectors of the same space to another length.
        let dimension = if n == 0 { 4 } else { 2 };
        store.create_collection(&CollectionSpec { dimension, ..spec(one, &space) }).await.unwrap();
        let again = store.create_collection(&spec(one, &space)).await.unwrap_err();
        assert_eq!(again.reason, Reason::CollectionExists);
        let mut vector = vec![0.0; dimension];
        vector[0] = 1.0;
        let points: Vec<_> =
            (0..=n).map(|m| point(&space, &format!("{m} of {}", one.tenant), vector.clone())).collect();
        let same = Point { title: Some(one.tenant.to_string()), ..point(&space, "same", vector) };
        store.upsert(one, [points, vec![same]].concat()).await.unwrap();
    }
    store.create_collection(&spec(&ground.of("acme", "albums"), &space)).await.unwrap();
    let albums = ground.of("acme", "albums").name;
    assert_eq!(listed(&ground, ours).await, [(ours.name.clone(), 4, 2)]);
    assert_eq!(listed(&ground, acme).await, [(albums.clone(), 4, 0), (acme.name.clone(), 2, 3)], "by name");
    assert_eq!(listed(&ground, europe).await, [(europe.name.clone(), 2, 4)]);
    for (n, one) in photos.iter().enumerate() {
        assert_eq!(store.count_items(one, &Filter::default()).await.unwrap(), n as u64 + 2);
        let query = nearest(if n == 0 { vec![1.0, 0.0, 0.0, 0.0] } else { vec![1.0, 0.0] }, 100);
        let hits = store.search(one, &query).await.unwrap();
        assert_eq!(hits.len(), n + 2);
        let same = read(&**store, one, &item("same")).await;
        assert_eq!(same[0].title.as_deref(), Some(one.tenant.as_str()));
        let theirs = photos.iter().filter(|other| *other != one).map(|other| item(&format!("0 of {}", other.tenant)));
        let theirs: Vec<_> = theirs.collect();
        assert!(store.items(one, &theirs, Fetch::ALL).await.unwrap().is_empty());
        assert!(store.stored(one, &theirs).await.unwrap().is_empty());
        assert_eq!(store.delete_items(one, &theirs, None).await.unwrap(), 0);
    }

    assert_eq!(store.delete_items(acme, &[item("same")], None).await.unwrap(), 1);
    assert_eq!(read(&**store, ours, &item("same")).await.len(), 1, "only one of them lost it");
    store.delete_collection(acme).await.unwrap();
    assert_eq!(store.collection(acme).await.unwrap_err().reason, Reason::CollectionNotFound);
    assert_eq!(listed(&ground, acme).await, [(albums, 4, 0)]);
    assert_eq!((store.collection(ours).await.unwrap().points, listed(&ground, ours).await.len()), (2, 1));
    assert_eq!(store.collection(europe).await.unwrap().points, 4);
    store.delete_collection(ours).await.unwrap();
    assert_eq!(store.collection(europe).await.unwrap().points, 4);
}

/// Whatever a tenant calls its collections, they lead to none of another tenant, and to none of another space.
pub async fn no_name_reaches_another_tenant(ground: Ground) {
    let (store, space) = (&ground.store, space("one", 4));
    let photos = ground.of("default", "photos");
    store.create_collection(&spec(&photos, &space)).await.unwrap();
    store.upsert(&photos, vec![point(&space, "mug", vec![1.0, 0.0, 0.0, 0.0])]).await.unwrap();
    let physical = format!("photos__{}", space.fingerprint.short());
    for tenant in ["default", "acme", "photos", "default__photos"] {
        let named_alike = ground.of(tenant, &physical);
        assert_eq!(store.collection(&named_alike).await.unwrap_err().reason, Reason::CollectionNotFound, "{tenant}");
        let error = store.count_items(&named_alike, &Filter::default()).await.unwrap_err();
        assert_eq!(error.reason, Reason::CollectionNotFound, "{tenant}");
        assert_eq!(store.delete_collection(&named_alike).await.unwrap_err().reason, Reason::CollectionNotFound);
        if tenant == "default" {
            // A server keeps names and what they lead to in one place, and has no room for this one.
            continue;
        }
        store.create_collection(&spec(&named_alike, &space)).await.unwrap();
        assert_eq!(store.collection(&named_alike).await.unwrap().points, 0);
        store.delete_collection(&named_alike).await.unwrap();
    }
    for bent in ["acme~photos", "default~photos", "~"] {
        assert!(bent.parse::<CollectionName>().is_err() && bent.parse::<onespace_core::Tenant>().is_err());
    }
    assert_eq!(store.collection(&photos).await.unwrap().points, 1);
}

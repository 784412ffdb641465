//! Tenants in one collection, against a model that keeps them apart by construction.

use std::collections::BTreeMap;

use onespace_core::{Condition, Filter, Fingerprint, Match, Modality, Point, Query, Reason, Scalar, Tenant, Track};

use crate::{Ground, common::*};

const SIDES: usize = 8;
const STEPS: usize = 1_500;

/// The model: every tenant's points in a map of its own, by item, track and segment.
type Model = BTreeMap<Tenant, BTreeMap<(String, Track, u32), Point>>;

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
        4 => field(dice.pick(&["colour", "year", "tenant", ".uri", "sold"]), Match::Exists),
        5 => field(".item", Match::Any(vec![text(&format!("item {}", dice.roll(12)))])),
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
    random.content_hash = format!("content {}", dice.roll(3));
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

fn without_vector(point: &Point) -> Point {
    Point { vector: Vec::new(), ..point.clone() }
}

pub async fn nobody_sees_what_is_not_theirs(ground: Ground) {
    let name = ground.name("shared");
    ground.store.create_collection(&spec(&name, &space("one", SIDES))).await.unwrap();
    let tenants: Vec<Tenant> = (0..5).map(|n| tenant(&format!("tenant-{n}"))).collect();
    let (mut model, mut dice) = (Model::new(), Dice(7));
    for step in 0..STEPS {
        let who = dice.pick(&tenants);
        let mine = model.entry(who.clone()).or_default();
        match dice.roll(8) {
            0..=2 => {
                let points: Vec<_> = (0..=dice.roll(4)).map(|_| random_point(&mut dice)).collect();
                for point in &points {
                    mine.insert((point.item.to_string(), point.track, point.segment), point.clone());
                }
                ground.store.upsert(&who, &name, points).await.unwrap();
            }
            3 | 4 => search(&ground, &name, &who, mine, &mut dice, step).await,
            5 => list(&ground, &name, &who, mine, &mut dice, step).await,
            6 => read(&ground, &name, &who, mine, &mut dice).await,
            _ => delete(&ground, &name, &who, mine, &mut dice).await,
        }
    }
    let held: usize = model.values().map(BTreeMap::len).sum();
    assert_eq!(ground.store.collection(&name).await.unwrap().points, held as u64, "no more and no less is held");
    let stranger = ground.store.list_items(&tenant("tenant-9"), &name, &Filter::default(), 100, None).await.unwrap();
    assert!(stranger.items.is_empty());
}

type Mine = BTreeMap<(String, Track, u32), Point>;

async fn search(
    ground: &Ground,
    name: &onespace_core::CollectionName,
    who: &Tenant,
    mine: &Mine,
    dice: &mut Dice,
    step: usize,
) {
    let modalities: Vec<_> = Modality::ALL.into_iter().filter(|_| dice.one_in(4)).collect();
    let query = nearest(dice.vector(SIDES), 1_000);
    let query = Query { modalities, filter: filter(dice, 2), ..query };
    let hits = ground.store.search(who, name, &query).await.unwrap();
    let mut found: Vec<_> = hits.into_iter().map(|hit| hit.point).collect();
    let mut expected: Vec<_> = mine
        .values()
        .filter(|point| query.modalities.is_empty() || query.modalities.contains(&point.modality))
        .filter(|point| lets_through(&query.filter, point))
        .map(without_vector)
        .collect();
    let order = |point: &Point| (point.item.to_string(), point.track, point.segment);
    found.sort_by_key(order);
    expected.sort_by_key(order);
    assert_eq!(found, expected, "step {step}: {who} searching {:?} in {:?}", query.filter, query.modalities);
}

async fn list(
    ground: &Ground,
    name: &onespace_core::CollectionName,
    who: &Tenant,
    mine: &Mine,
    dice: &mut Dice,
    step: usize,
) {
    let filter = filter(dice, 2);
    let (mut listed, mut page) = (Vec::new(), None::<String>);
    loop {
        let answer = ground.store.list_items(who, name, &filter, 3, page.as_deref()).await.unwrap();
        listed.extend(answer.items);
        page = answer.next;
        if page.is_none() {
            break;
        }
    }
    listed.sort_by_key(|point| point.item.to_string());
    // The first track of an item that has a whole stands for it.
    let mut expected: BTreeMap<String, Point> = BTreeMap::new();
    for ((item, _, _), point) in mine.iter().filter(|((_, _, segment), _)| *segment == 0) {
        expected.entry(item.clone()).or_insert_with(|| without_vector(point));
    }
    let expected: Vec<_> = expected.into_values().filter(|point| lets_through(&filter, point)).collect();
    assert_eq!(listed, expected, "step {step}: {who} listing {filter:?}");
}

async fn read(ground: &Ground, name: &onespace_core::CollectionName, who: &Tenant, mine: &Mine, dice: &mut Dice) {
    let asked = format!("item {}", dice.roll(12));
    let mut expected: Vec<_> = mine.values().filter(|point| point.item.as_str() == asked).map(without_vector).collect();
    expected.sort_by_key(|point| (point.segment, point.track));
    match ground.store.item(who, name, &item(&asked)).await {
        Ok(parts) => assert_eq!(parts.iter().map(without_vector).collect::<Vec<_>>(), expected),
        Err(error) => assert_eq!((error.reason, expected.len()), (Reason::ItemNotFound, 0)),
    }
    let stored = ground.store.stored(who, name, &[item(&asked)]).await.unwrap();
    let first = expected.first().map(|part| part.content_hash.clone());
    let agree = first.filter(|first| expected.iter().all(|part| part.content_hash == *first));
    assert_eq!(stored.get(&item(&asked)).map(|known| &known.content_hash), agree.as_ref());
}

async fn delete(ground: &Ground, name: &onespace_core::CollectionName, who: &Tenant, mine: &mut Mine, dice: &mut Dice) {
    let asked: Vec<_> = (0..=dice.roll(2)).map(|_| format!("item {}", dice.roll(12))).collect();
    // A hash that no stored content has: keeping it spares nothing.
    let kept = onespace_core::ContentHash::of(Modality::Text, b"kept");
    let keep = dice.one_in(3).then_some(&kept);
    let before: std::collections::BTreeSet<_> =
        mine.keys().map(|(item, ..)| item.clone()).filter(|item| asked.contains(item)).collect();
    mine.retain(|(item, ..), _| !asked.contains(item));
    let items: Vec<_> = asked.iter().map(|asked| item(asked)).collect();
    assert_eq!(ground.store.delete_items(who, name, &items, keep).await.unwrap(), before.len() as u64);
}

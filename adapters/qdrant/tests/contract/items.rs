//! Writing, reading, searching, paging, deleting.

use onespace_core::{ContentHash, Filter, ItemDetails, Modality, Point, Reason, Span, StoredItem, Track};

use crate::{Ground, common::*};

pub async fn what_is_written_comes_back(ground: Ground) {
    let (space, name, me) = (space("one", 4), ground.name("photos"), tenant("me"));
    ground.store.create_collection(&spec(&name, &space)).await.unwrap();
    let mut written = point(&space, "mug ☕ \"quoted\" / id", vec![0.6, 0.8, 0.0, 0.0]);
    written.modality = Modality::PointCloud;
    written.uri = Some("file:///mug.ply".into());
    written.title = Some("A mug".into());
    written.metadata = metadata(
        r#"{"colour":"blue","year":2019,"price":-1.5,"sold":true,"none":null,"tags":["a",1],"deep":{"x":{"y":[]}},"a.b":"dot","":0}"#,
    );
    let mut second = written.clone();
    second.segment = 1;
    second.span = span(0, 2_000);
    second.vector = vec![0.0, 0.0, 0.0, -1.0];
    let mut third = second.clone();
    third.segment = 2;
    third.span = Some(Span { start_ms: 2_000, end_ms: 3_600_000_000 });
    ground.store.upsert(&me, &name, vec![third.clone(), written.clone(), second.clone()]).await.unwrap();

    let read = ground.store.item(&me, &name, &written.item).await.unwrap();
    assert_eq!(read, vec![written.clone(), second, third], "everything, the whole first");
    let hits = ground.store.search(&me, &name, &nearest(vec![0.6, 0.8, 0.0, 0.0], 1)).await.unwrap();
    written.vector = Vec::new();
    assert_eq!(hits[0].point, written);
    let info = ground.store.collection(&name).await.unwrap();
    assert_eq!((info.points, info.dimension, info.space), (3, 4, space.fingerprint));
    assert_eq!(info.indexed, spec(&name, &space).indexed);
    let error = ground.store.item(&me, &name, &item("cup")).await.unwrap_err();
    assert_eq!(error.reason, Reason::ItemNotFound);
    assert!(error.message.contains("cup"), "{error}");
    ground.store.ready().await.unwrap();
}

pub async fn writing_again_replaces(ground: Ground) {
    let (space, name, me) = (space("one", 4), ground.name("photos"), tenant("me"));
    ground.store.create_collection(&spec(&name, &space)).await.unwrap();
    let mut mug = point(&space, "mug", vec![1.0, 0.0, 0.0, 0.0]);
    mug.metadata = metadata(r#"{"colour":"blue","year":1}"#);
    for _ in 0..3 {
        ground.store.upsert(&me, &name, vec![mug.clone(), mug.clone()]).await.unwrap();
    }
    assert_eq!(ground.store.collection(&name).await.unwrap().points, 1);
    assert_eq!(ground.store.item(&me, &name, &mug.item).await.unwrap(), vec![mug.clone()]);
    let stored = ground.store.stored(&me, &name, &[item("mug"), item("cup")]).await.unwrap();
    let known = StoredItem {
        content_hash: "content of mug".to_owned(),
        details: Some(ItemDetails { metadata: mug.metadata.clone(), ..ItemDetails::default() }),
    };
    assert_eq!(stored, [(item("mug"), known)].into());

    mug.content_hash = "another content".into();
    mug.vector = vec![0.0, 1.0, 0.0, 0.0];
    mug.metadata = metadata(r#"{"colour":"red"}"#);
    ground.store.upsert(&me, &name, vec![mug.clone()]).await.unwrap();
    assert_eq!(
        ground.store.item(&me, &name, &mug.item).await.unwrap(),
        vec![mug.clone()],
        "nothing of the old is left"
    );
    let stored = ground.store.stored(&me, &name, &[item("mug")]).await.unwrap();
    assert_eq!(stored[&item("mug")].content_hash, "another content");
    ground.store.upsert(&me, &name, Vec::new()).await.unwrap();
}

pub async fn a_search_is_ordered_by_cosine(ground: Ground) {
    let (space, name, me) = (space("one", 32), ground.name("photos"), tenant("me"));
    ground.store.create_collection(&spec(&name, &space)).await.unwrap();
    let mut dice = Dice(1);
    let points: Vec<_> = (0..300).map(|n| point(&space, &format!("item {n}"), dice.vector(32))).collect();
    ground.store.upsert(&me, &name, points.clone()).await.unwrap();
    for limit in [1, 10, 300, 1000] {
        let query = dice.vector(32);
        let mut expected: Vec<f32> =
            points.iter().map(|point| onespace_core::vector::dot(&point.vector, &query)).collect();
        expected.sort_by(|a, b| b.total_cmp(a));
        expected.truncate(limit);
        let hits = ground.store.search(&me, &name, &nearest(query.clone(), limit)).await.unwrap();
        assert_eq!(hits.len(), expected.len());
        for (hit, expected) in hits.iter().zip(&expected) {
            assert!((hit.score - expected).abs() < 1e-4, "{} is not {expected}", hit.score);
            let whole = points.iter().find(|point| point.item == hit.point.item).unwrap();
            assert!((onespace_core::vector::dot(&whole.vector, &query) - hit.score).abs() < 1e-4);
            assert!(hit.point.vector.is_empty());
        }
    }
    assert!(ground.store.search(&me, &name, &nearest(dice.vector(32), 0)).await.unwrap().is_empty());
    let error = ground.store.search(&me, &name, &nearest(dice.vector(31), 1)).await.unwrap_err();
    assert_eq!((error.reason, error.field.as_str()), (Reason::FieldInvalid, "vector"));
}

pub async fn pages_cover_everything_once(ground: Ground) {
    let (space, name, me) = (space("one", 4), ground.name("photos"), tenant("me"));
    ground.store.create_collection(&spec(&name, &space)).await.unwrap();
    let mut dice = Dice(2);
    let mut points = Vec::new();
    for n in 0..57 {
        let mut whole = point(&space, &format!("item {n}"), dice.vector(4));
        whole.metadata = metadata(if n % 3 == 0 { r#"{"colour":"blue"}"# } else { "{}" });
        for segment in 0..=n % 4 {
            let mut part = whole.clone();
            part.segment = segment;
            points.push(part);
        }
    }
    ground.store.upsert(&me, &name, points).await.unwrap();
    for (filter, expected) in [(Filter::default(), 57), (must(vec![field("colour", onespace_core::Match::Exists)]), 19)]
    {
        for limit in [1, 10, 19, 57, 1000] {
            let (mut listed, mut page, mut pages) = (Vec::new(), None::<String>, 0);
            loop {
                let answer = ground.store.list_items(&me, &name, &filter, limit, page.as_deref()).await.unwrap();
                assert!(answer.items.len() <= limit);
                assert!(answer.items.iter().all(|point| point.segment == 0 && point.vector.is_empty()));
                listed.extend(answer.items);
                pages += 1;
                page = answer.next;
                if page.is_none() {
                    break;
                }
            }
            assert_eq!((listed.len(), names(&listed).len()), (expected, expected), "each once");
            assert!(pages <= expected.div_ceil(limit) + 1);
        }
    }
    let error = ground.store.list_items(&me, &name, &Filter::default(), 10, Some("2")).await.unwrap_err();
    assert_eq!((error.reason, error.field.as_str()), (Reason::FieldInvalid, "page"));
}

pub async fn a_film_is_listed_once(ground: Ground) {
    let (space, name, me) = (space("one", 4), ground.name("films"), tenant("me"));
    ground.store.create_collection(&spec(&name, &space)).await.unwrap();
    let mut dice = Dice(3);
    let mut points = Vec::new();
    for n in 0..20 {
        for track in [Track::Visual, Track::Audio] {
            // Every fifth film has lost its pictures: its sound stands for it.
            if n % 5 == 0 && track == Track::Visual {
                continue;
            }
            for segment in 0..3 {
                let mut part = point(&space, &format!("film {n}"), dice.vector(4));
                (part.modality, part.track, part.segment) = (Modality::Video, track, segment);
                points.push(part);
            }
        }
    }
    ground.store.upsert(&me, &name, points).await.unwrap();
    let (mut listed, mut page) = (Vec::new(), None::<String>);
    loop {
        let answer = ground.store.list_items(&me, &name, &Filter::default(), 3, page.as_deref()).await.unwrap();
        listed.extend(answer.items);
        page = answer.next;
        if page.is_none() {
            break;
        }
    }
    assert_eq!((listed.len(), names(&listed).len()), (20, 20));
    assert_eq!(listed.iter().filter(|point| point.track == Track::Audio).count(), 4);
    let parts = ground.store.item(&me, &name, &item("film 1")).await.unwrap();
    let order: Vec<_> = parts.iter().map(|part| (part.segment, part.track)).collect();
    assert_eq!(order[..3], [(0, Track::Visual), (0, Track::Audio), (1, Track::Visual)]);
}

pub async fn deleting_spares_the_content_to_keep(ground: Ground) {
    let (space, name, me) = (space("one", 4), ground.name("films"), tenant("me"));
    ground.store.create_collection(&spec(&name, &space)).await.unwrap();
    let (old, new) = (ContentHash::of(Modality::Video, b"old"), ContentHash::of(Modality::Video, b"new"));
    let mut dice = Dice(4);
    let mut film = |name: &str, content: &ContentHash, segments: u32| -> Vec<_> {
        let part = |segment| {
            let mut part = point(&space, name, dice.vector(4));
            (part.segment, part.content_hash) = (segment, content.as_str().to_owned());
            part
        };
        (0..=segments).map(part).collect()
    };
    for film in [film("a", &old, 5), film("b", &old, 5), film("c", &old, 0)] {
        ground.store.upsert(&me, &name, film).await.unwrap();
    }
    ground.store.upsert(&me, &name, film("a", &new, 2)).await.unwrap();
    assert!(ground.store.stored(&me, &name, &[item("a")]).await.unwrap().is_empty(), "its parts disagree");
    assert_eq!(ground.store.delete_items(&me, &name, &[item("a")], Some(&new)).await.unwrap(), 1);
    let parts = ground.store.item(&me, &name, &item("a")).await.unwrap();
    assert_eq!(parts.len(), 3);
    assert!(parts.iter().all(|part| part.content_hash == new.as_str()));
    assert_eq!(ground.store.stored(&me, &name, &[item("a")]).await.unwrap()[&item("a")].content_hash, new.as_str());
    assert_eq!(ground.store.delete_items(&me, &name, &[item("a")], Some(&new)).await.unwrap(), 0);

    let all = [item("a"), item("b"), item("nobody")];
    assert_eq!(ground.store.delete_items(&me, &name, &all, None).await.unwrap(), 2);
    assert_eq!(ground.store.delete_items(&me, &name, &[], None).await.unwrap(), 0);
    assert_eq!(ground.store.item(&me, &name, &item("b")).await.unwrap_err().reason, Reason::ItemNotFound);
    let left = ground.store.list_items(&me, &name, &Filter::default(), 10, None).await.unwrap();
    assert_eq!(names(&left.items), ["c".to_owned()].into());
    assert_eq!(ground.store.search(&me, &name, &nearest(dice.vector(4), 10)).await.unwrap().len(), 1);
}

pub async fn many_writers_at_once(ground: Ground) {
    let (space, name, me) = (space("one", 16), ground.name("photos"), tenant("me"));
    ground.store.create_collection(&spec(&name, &space)).await.unwrap();
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..16_u64 {
        let (ground, space, name, me) = (ground.clone(), space.clone(), name.clone(), me.clone());
        writers.spawn(async move {
            let mut dice = Dice(writer);
            for round in 0..10 {
                let points = (0..8).map(|n| point(&space, &format!("{writer} {round} {n}"), dice.vector(16))).collect();
                ground.store.upsert(&me, &name, points).await.unwrap();
                // What was acknowledged is seen at once, while others write.
                let read = ground.store.item(&me, &name, &item(&format!("{writer} {round} 7"))).await.unwrap();
                assert_eq!(read.len(), 1);
                assert!(!ground.store.search(&me, &name, &nearest(dice.vector(16), 5)).await.unwrap().is_empty());
            }
            let mine: Vec<_> = (0..8).map(|n| item(&format!("{writer} 0 {n}"))).collect();
            assert_eq!(ground.store.delete_items(&me, &name, &mine, None).await.unwrap(), 8);
        });
    }
    while let Some(writer) = writers.join_next().await {
        writer.unwrap();
    }
    let listed = ground.store.list_items(&me, &name, &Filter::default(), 10_000, None).await.unwrap();
    assert_eq!(names(&listed.items).len(), 16 * 9 * 8);
}

pub async fn half_written_items_are_not_stored(ground: Ground) {
    let (space, name, me) = (space("one", 4), ground.name("films"), tenant("me"));
    ground.store.create_collection(&spec(&name, &space)).await.unwrap();
    let whole = point(&space, "film", vec![1.0, 0.0, 0.0, 0.0]);
    let mut stretch = whole.clone();
    (stretch.segment, stretch.content_hash) = (1, "older".into());
    ground.store.upsert(&me, &name, vec![whole, stretch.clone()]).await.unwrap();
    assert!(ground.store.stored(&me, &name, &[item("film")]).await.unwrap().is_empty());
    stretch.content_hash = "content of film".into();
    ground.store.upsert(&me, &name, vec![stretch]).await.unwrap();
    assert_eq!(ground.store.stored(&me, &name, &[item("film")]).await.unwrap().len(), 1);
    assert!(ground.store.stored(&me, &name, &[]).await.unwrap().is_empty());
}

/// What its owner says of an item is known without its vectors, changes alone, and counts only where all parts agree.
pub async fn details_are_known_and_change_alone(ground: Ground) {
    let (space, name, me) = (space("one", 4), ground.name("photos"), tenant("me"));
    ground.store.create_collection(&spec(&name, &space)).await.unwrap();
    let known =
        || async { ground.store.stored(&me, &name, &[item("mug")]).await.unwrap().remove(&item("mug")).unwrap() };
    let whole = point(&space, "mug", vec![1.0, 0.0, 0.0, 0.0]);
    let part = Point { segment: 1, vector: vec![0.0, 1.0, 0.0, 0.0], ..whole.clone() };
    ground.store.upsert(&me, &name, vec![whole.clone(), part.clone()]).await.unwrap();
    assert_eq!(known().await.details, Some(ItemDetails::default()));

    let told = ItemDetails {
        uri: Some("shelf/mug.png".to_owned()),
        title: Some("A mug".to_owned()),
        metadata: metadata(r#"{"colour":"blue","year":1}"#),
    };
    ground.store.upsert(&me, &name, vec![whole.clone().described(told.clone())]).await.unwrap();
    assert_eq!(known().await.details, None, "one of its parts says otherwise");
    ground.store.upsert(&me, &name, vec![part.clone().described(told.clone())]).await.unwrap();
    assert_eq!(known().await, StoredItem { content_hash: whole.content_hash.clone(), details: Some(told.clone()) });
    let parts = ground.store.item(&me, &name, &item("mug")).await.unwrap();
    assert_eq!(parts, [whole.described(told.clone()), part.described(told)], "vectors stay");
}

//! Writing, reading, searching, paging, deleting.

use std::collections::{BTreeMap, BTreeSet};

use onespace_core::{
    ContentHash, Fetch, Filter, Fingerprint, ItemDetails, ItemField, Match, Modality, Point, Query, Reason, Span,
    StoredItem, Track,
};

use crate::{Ground, common::*};

pub async fn what_is_written_comes_back(ground: Ground) {
    let (space, photos) = (space("one", 4), ground.collection("photos"));
    ground.store.create_collection(&spec(&photos, &space)).await.unwrap();
    let mut written = point(&space, "mug ☕ \"quoted\" / id", vec![0.6, 0.8, 0.0, 0.0]);
    written.modality = Modality::PointCloud;
    written.uri = Some("file:///mug.ply".into());
    written.title = Some("A mug".into());
    written.metadata = metadata(concat!(
        r#"{"colour":"blue","year":2019,"price":-1.5,"sold":true,"none":null,"tags":["a",1],"#,
        r#""deep":{"x":{"y":[]}},"a.b":"dot","":0}"#,
    ));
    let mut second = written.clone();
    second.segment = 1;
    second.span = span(0, 2_000);
    second.vector = vec![0.0, 0.0, 0.0, -1.0];
    let mut third = second.clone();
    third.segment = 2;
    third.span = Some(Span { start_ms: 2_000, end_ms: 3_600_000_000 });
    ground.store.upsert(&photos, vec![third.clone(), written.clone(), second.clone()]).await.unwrap();

    let found = read(&*ground.store, &photos, &written.item).await;
    assert_eq!(found, vec![written.clone(), second, third], "everything, the whole first");
    let hits = ground.store.search(&photos, &nearest(vec![0.6, 0.8, 0.0, 0.0], 1)).await.unwrap();
    let found = Point { vector: Vec::new(), transcript: None, ..written.described(ItemDetails::default()) };
    assert_eq!(hits[0].point, found, "what its owner says of it is read for those that are shown");
    let info = ground.store.collection(&photos).await.unwrap();
    assert_eq!((info.points, info.dimension, info.space), (3, 4, space.fingerprint));
    assert_eq!(info.indexed, spec(&photos, &space).indexed);
    assert!(read(&*ground.store, &photos, &item("cup")).await.is_empty());
    ground.store.ready().await.unwrap();
}

pub async fn writing_again_replaces(ground: Ground) {
    let (space, photos) = (space("one", 4), ground.collection("photos"));
    ground.store.create_collection(&spec(&photos, &space)).await.unwrap();
    let mut mug = point(&space, "mug", vec![1.0, 0.0, 0.0, 0.0]);
    mug.metadata = metadata(r#"{"colour":"blue","year":1}"#);
    for _ in 0..3 {
        ground.store.upsert(&photos, vec![mug.clone(), mug.clone()]).await.unwrap();
    }
    assert_eq!(ground.store.collection(&photos).await.unwrap().points, 1);
    assert_eq!(read(&*ground.store, &photos, &mug.item).await, vec![mug.clone()]);
    let stored = ground.store.stored(&photos, &[item("mug"), item("cup")]).await.unwrap();
    let known = StoredItem {
        content_hash: content("content of mug"),
        details: Some(ItemDetails { metadata: mug.metadata.clone(), ..ItemDetails::default() }),
    };
    assert_eq!(stored, [(item("mug"), known)].into());

    mug.content_hash = content("another content");
    mug.vector = vec![0.0, 1.0, 0.0, 0.0];
    mug.metadata = metadata(r#"{"colour":"red"}"#);
    ground.store.upsert(&photos, vec![mug.clone()]).await.unwrap();
    assert_eq!(read(&*ground.store, &photos, &mug.item).await, vec![mug.clone()], "nothing of the old is left");
    let stored = ground.store.stored(&photos, &[item("mug")]).await.unwrap();
    assert_eq!(stored[&item("mug")].content_hash, content("another content"));
    ground.store.upsert(&photos, Vec::new()).await.unwrap();
}

pub async fn a_search_is_ordered_by_cosine(ground: Ground) {
    let (space, photos) = (space("one", 32), ground.collection("photos"));
    ground.store.create_collection(&spec(&photos, &space)).await.unwrap();
    let mut dice = Dice(1);
    let points: Vec<_> = (0..300).map(|n| point(&space, &format!("item {n}"), dice.vector(32))).collect();
    ground.store.upsert(&photos, points.clone()).await.unwrap();
    for limit in [1, 10, 300, 1000] {
        let query = dice.vector(32);
        let mut expected: Vec<f32> =
            points.iter().map(|point| onespace_core::vector::dot(&point.vector, &query)).collect();
        expected.sort_by(|a, b| b.total_cmp(a));
        expected.truncate(limit);
        let hits = ground.store.search(&photos, &nearest(query.clone(), limit)).await.unwrap();
        assert_eq!(hits.len(), expected.len());
        for (hit, expected) in hits.iter().zip(&expected) {
            assert!((hit.score - expected).abs() < 1e-4, "{} is not {expected}", hit.score);
            let whole = points.iter().find(|point| point.item == hit.point.item).unwrap();
            assert!((onespace_core::vector::dot(&whole.vector, &query) - hit.score).abs() < 1e-4);
            assert!(hit.point.vector.is_empty());
        }
    }
    assert!(ground.store.search(&photos, &nearest(dice.vector(32), 0)).await.unwrap().is_empty());
    let error = ground.store.search(&photos, &nearest(dice.vector(31), 1)).await.unwrap_err();
    assert_eq!((error.reason, error.field.as_str()), (Reason::FieldInvalid, "vector"));
}

pub async fn pages_cover_everything_once(ground: Ground) {
    let (space, photos) = (space("one", 4), ground.collection("photos"));
    ground.store.create_collection(&spec(&photos, &space)).await.unwrap();
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
    ground.store.upsert(&photos, points).await.unwrap();
    for (filter, expected) in [(Filter::default(), 57), (must(vec![field("colour", Match::Exists)]), 19)] {
        for limit in [1, 10, 19, 57, 1000] {
            let (mut listed, mut page, mut pages) = (Vec::new(), None::<String>, 0);
            loop {
                let answer = ground.store.list_items(&photos, &filter, limit, page.as_deref()).await.unwrap();
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
    let error = ground.store.list_items(&photos, &Filter::default(), 10, Some("2")).await.unwrap_err();
    assert_eq!((error.reason, error.field.as_str()), (Reason::FieldInvalid, "page"));
}

pub async fn a_listing_ends_where_the_items_do_while_others_are_deleted(ground: Ground) {
    let (space, photos) = (space("one", 4), ground.collection("photos"));
    ground.store.create_collection(&spec(&photos, &space)).await.unwrap();
    let mut dice = Dice(5);
    let stay: BTreeSet<String> = (0..600).map(|n| format!("stays {n}")).collect();
    let go: Vec<String> = (0..900).map(|n| format!("goes {n}")).collect();
    let points = stay.iter().chain(&go).map(|name| point(&space, name, dice.vector(4))).collect();
    ground.store.upsert(&photos, points).await.unwrap();
    let (store, collection) = (ground.store.clone(), photos.clone());
    let deleting = tokio::spawn(async move {
        for batch in go.chunks(6) {
            let items: Vec<_> = batch.iter().map(|name| item(name)).collect();
            assert_eq!(store.delete_items(&collection, &items, None).await.unwrap(), 6);
        }
    });
    while !deleting.is_finished() {
        let (mut listed, mut page) = (Vec::new(), None::<String>);
        loop {
            let answer = ground.store.list_items(&photos, &Filter::default(), 40, page.as_deref()).await.unwrap();
            listed.extend(answer.items);
            page = answer.next;
            if page.is_none() {
                break;
            }
        }
        let listed = names(&listed);
        let missing: Vec<_> = stay.iter().filter(|name| !listed.contains(name.as_str())).collect();
        assert!(missing.is_empty(), "{} of {} that stay are not listed", missing.len(), stay.len());
    }
    deleting.await.unwrap();
}

pub async fn a_video_is_listed_and_counted_once(ground: Ground) {
    let (space, videos) = (space("one", 4), ground.collection("videos"));
    ground.store.create_collection(&spec(&videos, &space)).await.unwrap();
    let mut dice = Dice(3);
    let mut points = Vec::new();
    for n in 0..20 {
        for track in [Track::Visual, Track::Audio, Track::Fused] {
            // Every fifth video is silent.
            if n % 5 == 0 && track != Track::Visual {
                continue;
            }
            for segment in 0..3 {
                let mut part = point(&space, &format!("video {n}"), dice.vector(4));
                (part.modality, part.track, part.segment) = (Modality::Video, track, segment);
                points.push(part);
            }
        }
    }
    for (name, track) in [("image", Track::Whole), ("recipe", Track::Parts)] {
        points.push(Point { track, ..point(&space, name, dice.vector(4)) });
    }
    ground.store.upsert(&videos, points).await.unwrap();
    let (mut listed, mut page) = (Vec::new(), None::<String>);
    loop {
        let answer = ground.store.list_items(&videos, &Filter::default(), 3, page.as_deref()).await.unwrap();
        assert!(answer.items.len() == 3 || answer.next.is_none(), "only the last page is short");
        listed.extend(answer.items);
        page = answer.next;
        if page.is_none() {
            break;
        }
    }
    assert_eq!((listed.len(), names(&listed).len()), (22, 22));
    assert_eq!(listed.iter().filter(|point| point.track == Track::Visual).count(), 20);
    assert_eq!(ground.store.count_items(&videos, &Filter::default()).await.unwrap(), 22);
    let only = |modality: Modality| must(vec![own(ItemField::Modality, Match::Any(vec![text(modality.name())]))]);
    assert_eq!(ground.store.count_items(&videos, &only(Modality::Video)).await.unwrap(), 20);
    assert_eq!(ground.store.count_items(&videos, &only(Modality::Text)).await.unwrap(), 0);
    let parts = read(&*ground.store, &videos, &item("video 1")).await;
    let order: Vec<_> = parts.iter().map(|part| (part.segment, part.track)).collect();
    assert_eq!(order[..4], [(0, Track::Visual), (0, Track::Audio), (0, Track::Fused), (1, Track::Visual)]);
}

pub async fn sums_say_what_they_are_the_sum_of(ground: Ground) {
    let (space, photos) = (space("one", 4), ground.collection("photos"));
    ground.store.create_collection(&spec(&photos, &space)).await.unwrap();
    let fused = Point {
        modality: Modality::Video,
        track: Track::Fused,
        parts: vec![(Modality::Video, 1.0), (Modality::Audio, 0.1)],
        tower: Some(Fingerprint::of(b"both")),
        ..point(&space, "clip", vec![1.0, 0.0, 0.0, 0.0])
    };
    let visual = Point { track: Track::Visual, tower: None, parts: Vec::new(), ..fused.clone() };
    // The same modality twice, and in the order given.
    let sum = Point {
        track: Track::Parts,
        parts: vec![(Modality::Text, 0.3), (Modality::Image, f32::MIN_POSITIVE), (Modality::Text, -2.5e7)],
        ..point(&space, "recipe", vec![0.0, 1.0, 0.0, 0.0])
    };
    ground.store.upsert(&photos, vec![fused.clone(), visual.clone(), sum.clone()]).await.unwrap();
    assert_eq!(read(&*ground.store, &photos, &item("clip")).await, [visual, fused.clone()]);
    assert_eq!(read(&*ground.store, &photos, &item("recipe")).await, std::slice::from_ref(&sum));
    let query = Query { tracks: vec![Track::Fused, Track::Parts], ..nearest(vec![1.0, 0.0, 0.0, 0.0], 10) };
    let hits = ground.store.search(&photos, &query).await.unwrap();
    let found: Vec<_> = hits.iter().map(|hit| (hit.point.track, hit.point.parts.clone())).collect();
    assert_eq!(found, [(Track::Fused, fused.parts), (Track::Parts, sum.parts.clone())]);
    let endless = Point { parts: vec![(Modality::Text, f32::INFINITY)], ..sum };
    let error = ground.store.upsert(&photos, vec![endless]).await.unwrap_err();
    assert_eq!((error.reason, error.field.as_str()), (Reason::FieldInvalid, "points[0].parts"));
}

pub async fn items_are_read_together(ground: Ground) {
    let (space, photos) = (space("one", 4), ground.collection("photos"));
    ground.store.create_collection(&spec(&photos, &space)).await.unwrap();
    let mut dice = Dice(11);
    let mut written = BTreeMap::new();
    for n in 0..30_u32 {
        let mut points = Vec::new();
        for segment in 0..=n % 3 {
            for track in [Track::Visual, Track::Audio] {
                let part = point(&space, &format!("video {n}"), dice.vector(4));
                points.push(Point { modality: Modality::Video, track, segment, ..part });
            }
        }
        let backwards = points.iter().rev().cloned().collect();
        ground.store.upsert(&photos, backwards).await.unwrap();
        written.insert(item(&format!("video {n}")), points);
    }
    let asked: Vec<_> = ["video 5", "nobody", "video 2", "video 29", "video 5"].map(item).into();
    for (segments, vectors) in [(true, true), (true, false), (false, true), (false, false)] {
        let found = ground.store.items(&photos, &asked, Fetch { segments, vectors }).await.unwrap();
        let expected = written.iter().filter(|(item, _)| asked.contains(item)).map(|(item, points)| {
            let points = points.iter().filter(|point| segments || point.segment == 0).cloned();
            let points = points.map(|point| if vectors { point } else { Point { vector: Vec::new(), ..point } });
            (item.clone(), points.collect::<Vec<_>>())
        });
        let expected: BTreeMap<_, _> = expected.collect();
        assert_eq!(expected.len(), 3);
        for (item, points) in &expected {
            let near = |(a, b): (&f32, &f32)| (a - b).abs() < 1e-6;
            for (found, expected) in found[item].iter().zip(points) {
                assert!(found.vector.iter().zip(&expected.vector).all(near), "{item}");
                assert_eq!(found.vector.len(), expected.vector.len());
                assert_eq!(
                    Point { vector: Vec::new(), ..found.clone() },
                    Point { vector: Vec::new(), ..expected.clone() }
                );
            }
            assert_eq!(found[item].len(), points.len(), "{item}, segments {segments}");
        }
        assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
    }
    assert!(ground.store.items(&photos, &[], Fetch::ALL).await.unwrap().is_empty());
}

pub async fn deleting_spares_the_content_to_keep(ground: Ground) {
    let (space, photos) = (space("one", 4), ground.collection("clips"));
    ground.store.create_collection(&spec(&photos, &space)).await.unwrap();
    let (old, new) = (ContentHash::of(Modality::Video, b"old"), ContentHash::of(Modality::Video, b"new"));
    let mut dice = Dice(4);
    let mut clip = |name: &str, content: &ContentHash, segments: u32| -> Vec<_> {
        let part = |segment| {
            let mut part = point(&space, name, dice.vector(4));
            (part.segment, part.content_hash) = (segment, content.clone());
            part
        };
        (0..=segments).map(part).collect()
    };
    for points in [clip("a", &old, 5), clip("b", &old, 5), clip("c", &old, 0)] {
        ground.store.upsert(&photos, points).await.unwrap();
    }
    ground.store.upsert(&photos, clip("a", &new, 2)).await.unwrap();
    assert!(ground.store.stored(&photos, &[item("a")]).await.unwrap().is_empty(), "its parts disagree");
    assert_eq!(ground.store.delete_items(&photos, &[item("a")], Some(&new)).await.unwrap(), 1);
    let parts = read(&*ground.store, &photos, &item("a")).await;
    assert_eq!(parts.len(), 3);
    assert!(parts.iter().all(|part| part.content_hash == new));
    assert_eq!(ground.store.stored(&photos, &[item("a")]).await.unwrap()[&item("a")].content_hash, new);
    assert_eq!(ground.store.delete_items(&photos, &[item("a")], Some(&new)).await.unwrap(), 0);

    let all = [item("a"), item("b"), item("nobody")];
    assert_eq!(ground.store.delete_items(&photos, &all, None).await.unwrap(), 2);
    assert_eq!(ground.store.delete_items(&photos, &[], None).await.unwrap(), 0);
    assert!(read(&*ground.store, &photos, &item("b")).await.is_empty());
    let left = ground.store.list_items(&photos, &Filter::default(), 10, None).await.unwrap();
    assert_eq!(names(&left.items), ["c".to_owned()].into());
    assert_eq!(ground.store.search(&photos, &nearest(dice.vector(4), 10)).await.unwrap().len(), 1);
}

pub async fn many_writers_at_once(ground: Ground) {
    let (space, photos) = (space("one", 16), ground.collection("photos"));
    ground.store.create_collection(&spec(&photos, &space)).await.unwrap();
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..16_u64 {
        let (ground, space, photos) = (ground.clone(), space.clone(), photos.clone());
        writers.spawn(async move {
            let mut dice = Dice(writer);
            for round in 0..10 {
                let points = (0..8).map(|n| point(&space, &format!("{writer} {round} {n}"), dice.vector(16))).collect();
                ground.store.upsert(&photos, points).await.unwrap();
                // What was acknowledged is seen at once, while others write.
                let found = read(&*ground.store, &photos, &item(&format!("{writer} {round} 7"))).await;
                assert_eq!(found.len(), 1);
                assert!(!ground.store.search(&photos, &nearest(dice.vector(16), 5)).await.unwrap().is_empty());
            }
            let mine: Vec<_> = (0..8).map(|n| item(&format!("{writer} 0 {n}"))).collect();
            assert_eq!(ground.store.delete_items(&photos, &mine, None).await.unwrap(), 8);
        });
    }
    while let Some(writer) = writers.join_next().await {
        writer.unwrap();
    }
    let listed = ground.store.list_items(&photos, &Filter::default(), 10_000, None).await.unwrap();
    assert_eq!(names(&listed.items).len(), 16 * 9 * 8);
}

pub async fn half_written_items_are_not_stored(ground: Ground) {
    let (space, photos) = (space("one", 4), ground.collection("clips"));
    ground.store.create_collection(&spec(&photos, &space)).await.unwrap();
    let whole = point(&space, "clip", vec![1.0, 0.0, 0.0, 0.0]);
    let mut part = whole.clone();
    (part.segment, part.content_hash) = (1, content("older"));
    ground.store.upsert(&photos, vec![whole, part.clone()]).await.unwrap();
    assert!(ground.store.stored(&photos, &[item("clip")]).await.unwrap().is_empty());
    part.content_hash = content("content of clip");
    ground.store.upsert(&photos, vec![part]).await.unwrap();
    assert_eq!(ground.store.stored(&photos, &[item("clip")]).await.unwrap().len(), 1);
    assert!(ground.store.stored(&photos, &[]).await.unwrap().is_empty());
}

/// What its owner says of an item is known without its vectors, changes alone, and counts only where all parts agree.
pub async fn details_are_known_and_change_alone(ground: Ground) {
    let (space, photos) = (space("one", 4), ground.collection("photos"));
    ground.store.create_collection(&spec(&photos, &space)).await.unwrap();
    let known = || async { ground.store.stored(&photos, &[item("mug")]).await.unwrap().remove(&item("mug")).unwrap() };
    let whole = point(&space, "mug", vec![1.0, 0.0, 0.0, 0.0]);
    let part = Point { segment: 1, vector: vec![0.0, 1.0, 0.0, 0.0], ..whole.clone() };
    ground.store.upsert(&photos, vec![whole.clone(), part.clone()]).await.unwrap();
    assert_eq!(known().await.details, Some(ItemDetails::default()));

    let told = ItemDetails {
        uri: Some("shelf/mug.png".to_owned()),
        title: Some("A mug".to_owned()),
        metadata: metadata(r#"{"colour":"blue","year":1}"#),
    };
    ground.store.upsert(&photos, vec![whole.clone().described(told.clone())]).await.unwrap();
    assert_eq!(known().await.details, None, "one of its parts says otherwise");
    ground.store.upsert(&photos, vec![part.clone().described(told.clone())]).await.unwrap();
    assert_eq!(known().await, StoredItem { content_hash: whole.content_hash.clone(), details: Some(told.clone()) });
    let parts = read(&*ground.store, &photos, &item("mug")).await;
    assert_eq!(parts, [whole.described(told.clone()), part.described(told)], "vectors stay");
}

//! What collections are called: renamed, and led to by other names.

use std::{collections::BTreeMap, sync::Arc};

use onespace_core::{CollectionRef, Filter, Point, Reason, Space};

use crate::{Ground, common::*};

async fn filled(ground: &Ground, label: &str, space: &Space) -> (CollectionRef, Point) {
    let (collection, thing) = (ground.collection(label), point(space, label, vec![1.0, 0.0, 0.0, 0.0]));
    ground.store.create_collection(&spec(&collection, space)).await.unwrap();
    ground.store.upsert(&collection, vec![thing.clone()]).await.unwrap();
    (collection, thing)
}

async fn holds(ground: &Ground, name: &CollectionRef) -> Vec<String> {
    let found = ground.store.resolve(name).await.unwrap();
    let listed = ground.store.list_items(&found, &Filter::default(), 10, None).await.unwrap().items;
    listed.into_iter().map(|point| point.item.to_string()).collect()
}

pub async fn an_alias_leads_to_one_collection_after_the_other(ground: Ground) {
    let space = space("one", 4);
    let ((first, _), (second, _)) = (filled(&ground, "first", &space).await, filled(&ground, "second", &space).await);
    let (alias, store) = (ground.collection("alias"), &ground.store);
    assert_eq!(store.resolve(&alias).await.unwrap(), alias, "it leads nowhere");
    assert_eq!(store.remove_alias(&alias).await.unwrap_err().reason, Reason::CollectionNotFound);
    let nowhere = ground.collection("nowhere");
    assert_eq!(store.set_alias(&alias, &nowhere.name).await.unwrap_err().reason, Reason::CollectionNotFound);
    for (target, item) in [(&first, "first"), (&second, "second"), (&second, "second")] {
        store.set_alias(&alias, &target.name).await.unwrap();
        assert_eq!(store.resolve(&alias).await.unwrap(), *target);
        assert_eq!(holds(&ground, &alias).await, [item]);
        let expected = BTreeMap::from([(target.name.clone(), vec![alias.name.clone()])]);
        assert_eq!(store.aliases(&alias.tenant).await.unwrap(), expected);
    }
    assert_eq!(store.set_alias(&first, &second.name).await.unwrap_err().reason, Reason::CollectionExists);
    assert_eq!(store.remove_alias(&first).await.unwrap_err().reason, Reason::CollectionNotFound);
    let taken = store.create_collection(&spec(&alias, &space)).await.unwrap_err();
    assert_eq!(taken.reason, Reason::CollectionExists, "a name is one thing alone");
    // Nobody else's names lead there.
    let theirs = ground.of("somebody-else", "alias");
    assert_eq!(store.resolve(&theirs).await.unwrap(), theirs);
    assert!(store.aliases(&theirs.tenant).await.unwrap().is_empty());
    store.remove_alias(&alias).await.unwrap();
    assert_eq!(store.resolve(&alias).await.unwrap(), alias);
    store.set_alias(&alias, &first.name).await.unwrap();
    store.delete_collection(&first).await.unwrap();
    assert_eq!(store.resolve(&alias).await.unwrap(), alias, "it goes with its collection");
    assert_eq!(holds(&ground, &second).await, ["second"]);
}

pub async fn a_renamed_collection_is_the_same(ground: Ground) {
    let space = space("one", 4);
    let (before, thing) = filled(&ground, "before", &space).await;
    let (after, alias, store) = (ground.collection("after"), ground.collection("alias"), &ground.store);
    store.set_alias(&alias, &before.name).await.unwrap();
    let (other, _) = filled(&ground, "other", &space).await;
    for taken in [&other, &alias, &before] {
        let error = store.rename_collection(&before, &taken.name).await.unwrap_err();
        assert_eq!(error.reason, Reason::CollectionExists, "{taken}");
    }
    store.rename_collection(&before, &after.name).await.unwrap();
    assert_eq!(store.resolve(&alias).await.unwrap(), after, "aliases follow");
    assert_eq!(store.collection(&after).await.unwrap().name, after.name);
    assert_eq!(store.collection(&before).await.unwrap_err().reason, Reason::CollectionNotFound);
    let gone = store.rename_collection(&before, &after.name).await.unwrap_err();
    assert_eq!(gone.reason, Reason::CollectionNotFound);
    let hits = store.search(&after, &nearest(thing.vector.clone(), 3)).await.unwrap();
    assert_eq!(hits.len(), 1);
    store.upsert(&after, vec![point(&space, "more", vec![0.0, 1.0, 0.0, 0.0])]).await.unwrap();
    store.index_fields(&after, &fields(&[("year", onespace_core::FieldKind::Integer)])).await.unwrap();
    assert_eq!(store.collection(&after).await.unwrap().indexed.len(), 1);
    // The old name is free, and what is made under it is another collection.
    filled(&ground, "before", &space).await;
    assert_eq!((holds(&ground, &before).await.len(), holds(&ground, &after).await.len()), (1, 2));
    let names: Vec<_> = store.list_collections(&before.tenant).await.unwrap().into_iter().map(|one| one.name).collect();
    let expected = [&after, &before, &other].map(|one| one.name.clone());
    assert_eq!(names.into_iter().filter(|name| expected.contains(name)).collect::<Vec<_>>(), expected);
    store.delete_collection(&before).await.unwrap();
    assert_eq!(holds(&ground, &after).await.len(), 2);
    store.rename_collection(&after, &before.name).await.unwrap();
    assert_eq!(holds(&ground, &before).await.len(), 2, "and back");
    assert_eq!(store.resolve(&alias).await.unwrap(), before);
}

pub async fn names_lead_on_when_the_space_changes(ground: Ground) {
    let (one, two) = (space("one", 4), space("two", 4));
    let (photos, _) = filled(&ground, "photos", &one).await;
    let (alias, store) = (ground.collection("alias"), &ground.store);
    store.set_alias(&alias, &photos.name).await.unwrap();
    store.create_collection(&spec(&photos, &two)).await.unwrap();
    store.upsert(&photos, vec![point(&two, "of two", vec![1.0, 0.0, 0.0, 0.0])]).await.unwrap();
    assert_eq!(holds(&ground, &alias).await, ["of two"]);
    let renamed = ground.collection("renamed");
    store.rename_collection(&photos, &renamed.name).await.unwrap();
    assert_eq!(holds(&ground, &alias).await, ["of two"]);
    // What was detached was renamed as well, and is come back to.
    store.create_collection(&spec(&renamed, &one)).await.unwrap();
    assert_eq!(holds(&ground, &renamed).await, ["photos"]);
    assert_eq!(holds(&ground, &alias).await, ["photos"]);
}

pub async fn a_switch_is_never_seen_half_done(ground: Ground) {
    let space = space("one", 4);
    let ((first, _), (second, _)) = (filled(&ground, "first", &space).await, filled(&ground, "second", &space).await);
    let alias = ground.collection("alias");
    ground.store.set_alias(&alias, &first.name).await.unwrap();
    let ground = Arc::new(ground);
    let reader = tokio::spawn({
        let (ground, alias, known) = (ground.clone(), alias.clone(), [first.clone(), second.clone()]);
        async move {
            for _ in 0..200 {
                let found = ground.store.resolve(&alias).await.unwrap();
                assert!(known.contains(&found), "{found}");
                assert_eq!(holds(&ground, &alias).await.len(), 1);
            }
        }
    });
    for turn in 0..40 {
        let target = if turn % 2 == 0 { &second } else { &first };
        ground.store.set_alias(&alias, &target.name).await.unwrap();
    }
    reader.await.unwrap();
}

pub async fn a_collection_has_so_many_aliases(ground: Ground) {
    let (photos, _) = filled(&ground, "photos", &space("one", 4)).await;
    let alias = |n: usize| ground.collection(&format!("alias-{n}"));
    for n in 0..onespace_core::limits::ALIASES {
        ground.store.set_alias(&alias(n), &photos.name).await.unwrap();
    }
    let error = ground.store.set_alias(&alias(10_000), &photos.name).await.unwrap_err();
    assert_eq!((error.reason, error.field.as_str()), (Reason::TooMany, "alias"));
    ground.store.set_alias(&alias(0), &photos.name).await.unwrap();
}

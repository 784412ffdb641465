use onespace_core::{Calibration, Fingerprint, Modality, Reason, Space, Track};

use super::*;

fn point(space: Fingerprint, item: &str) -> Point {
    Point {
        item: item.parse().unwrap(),
        modality: Modality::Image,
        track: Track::Whole,
        segment: 0,
        span: None,
        uri: None,
        title: None,
        content_hash: ContentHash::from_stored("content"),
        space,
        tower: None,
        metadata: BTreeMap::new(),
        parts: Vec::new(),
        transcript: None,
        vector: vec![1.0, 0.0],
    }
}

/// Collections are kept apart by tenant. Should a point of another one come into a collection all the same, then no
/// call tells of it or removes it.
#[tokio::test(flavor = "multi_thread")]
async fn a_point_of_another_tenant_stays_unseen() {
    let directory = tempfile::tempdir().unwrap();
    let store = EmbeddedStore::open(directory.path()).unwrap();
    let collection = CollectionRef::new("acme".parse().unwrap(), "photos".parse().unwrap());
    let space = Space {
        fingerprint: Fingerprint::of(b"space"),
        dimension: 2,
        name: "space 1.0".into(),
        matryoshka: Vec::new(),
        calibration: Calibration::default(),
        talk: None,
        added: BTreeMap::new(),
    };
    let fingerprint = space.fingerprint;
    let spec = CollectionSpec { collection: collection.clone(), space, dimension: 2, indexed: BTreeMap::new() };
    store.create_collection(&spec).await.unwrap();
    store.upsert(&collection, vec![point(fingerprint, "ours")]).await.unwrap();

    let (stranger, foreign) = ("stranger".parse().unwrap(), point(fingerprint, "theirs"));
    let id = foreign.id(&stranger).0;
    let row = row(id, payload(&stranger, &foreign), vec![1.0, 0.0]);
    let shard = store.shard(&collection).await.unwrap();
    shard.writer.upsert(vec![row]).await.unwrap();
    assert_eq!(store.collection(&collection).await.unwrap().points, 2);

    let (all, items) = (Filter::default(), ["ours", "theirs"].map(|item| item.parse::<ItemId>().unwrap()));
    assert_eq!(store.count_items(&collection, &all).await.unwrap(), 1);
    assert_eq!(store.list_items(&collection, &all, 10, None).await.unwrap().items.len(), 1);
    let query = Query { vector: vec![1.0, 0.0], modalities: Vec::new(), tracks: Vec::new(), filter: all, limit: 10 };
    assert_eq!(store.search(&collection, &query).await.unwrap().len(), 1);
    let found = store.items(&collection, &items, Fetch::ALL).await.unwrap();
    assert_eq!(found.into_keys().collect::<Vec<_>>(), items[..1]);
    assert_eq!(store.stored(&collection, &items).await.unwrap().len(), 1);
    assert_eq!(store.delete_items(&collection, &items, None).await.unwrap(), 1);
    assert_eq!(store.collection(&collection).await.unwrap().points, 1);
}

/// Three hundred of them took six hundred descriptors, three hundred threads, and eighteen seconds of the next start.
#[tokio::test(flavor = "multi_thread")]
async fn there_are_only_so_many_collections() {
    let directory = tempfile::tempdir().unwrap();
    let shared = Arc::new(Shared::open(directory.path(), 2).unwrap());
    let store = EmbeddedStore { _patrol: Patrol::start(&shared), shared, reads: Arc::new(Semaphore::new(STORE_READS)) };
    let spec = |tenant: &str, name: &str| {
        let collection = CollectionRef::new(tenant.parse().unwrap(), name.parse().unwrap());
        let space = Space {
            fingerprint: Fingerprint::of(b"space"),
            dimension: 2,
            name: "space 1.0".into(),
            matryoshka: Vec::new(),
            calibration: Calibration::default(),
            talk: None,
            added: BTreeMap::new(),
        };
        CollectionSpec { collection, space, dimension: 2, indexed: BTreeMap::new() }
    };
    store.create_collection(&spec("acme", "one")).await.unwrap();
    store.create_collection(&spec("other", "two")).await.unwrap();
    let refused = store.create_collection(&spec("acme", "three")).await.unwrap_err();
    assert_eq!(refused.reason, Reason::TooManyCollections);
    assert!(refused.message.contains("COLLECTIONS"), "{refused}");
    let again = store.create_collection(&spec("acme", "one")).await.unwrap_err();
    assert_eq!(again.reason, Reason::CollectionExists, "one that stands is no further one");
    store.delete_collection(&spec("other", "two").collection).await.unwrap();
    store.create_collection(&spec("acme", "three")).await.unwrap();
}

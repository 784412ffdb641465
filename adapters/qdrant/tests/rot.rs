//! Bytes that are no longer what was written: noticed, named, and no more lost than they are.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test whose ground gives way can only stop"
)]

mod common;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    time::{Duration, Instant},
};

use common::{kills::copied, rotten::*, *};
use onespace_core::{FieldKind, Filter, Reason, Tenant, VectorStore};
use onespace_qdrant::{EmbeddedStore, Fault, repair, restore, verify};
use tempfile::TempDir;

fn quiet(_: &str) {}

/// What came of one fault: served, named at the start, named item by item; and what verify and repair say.
async fn outcome(data: &Path, scratch: &Path) -> (String, Vec<Fault>) {
    let (served, repaired) = (scratch.join("served"), scratch.join("repaired"));
    copied(data, &served);
    copied(data, &repaired);
    let faults = verify(data, &mut quiet);
    let faults = faults.unwrap_or_else(|error| panic!("verify: {error}"));
    let (start, all) = match EmbeddedStore::open(&served) {
        Err(error) => (format!("refused ({})", error.reason.name()), false),
        Ok(store) => match ask(&store).await {
            Err(reason) => (reason.name().to_owned(), false),
            Ok(Given { served, named }) if served.len() as u64 == ITEMS => {
                assert!(named.is_empty());
                ("all served".to_owned(), true)
            }
            Ok(Given { served, named }) => {
                let unnamed: Vec<_> = (0..ITEMS).filter(|n| !served.contains(n) && !named.contains(n)).collect();
                // A segment alone may be damaged: then verify names the item.
                let told = |n: &u64| faults.iter().any(|fault| fault.items.contains(&label(*n)));
                let silent: Vec<_> = unnamed.iter().filter(|n| !told(n)).collect();
                assert!(silent.is_empty(), "silently lost: {silent:?}");
                (format!("{} served, {} named", served.len(), ITEMS - served.len() as u64), false)
            }
        },
    };
    assert!(all || !faults.is_empty(), "{start}, and verify finds nothing");
    if faults.is_empty() {
        return (start, faults);
    }
    let mended = repair(&repaired, None, &mut quiet).unwrap_or_else(|error| panic!("repair: {error}"));
    let lost: BTreeSet<_> = mended.iter().flat_map(|one| one.items.clone()).collect();
    assert_eq!(verify(&repaired, &mut quiet).unwrap(), [], "a repair leaves nothing to repair");
    let Given { served: after, named } = ask(&open_when_free(&repaired)).await.unwrap();
    assert!(named.is_empty());
    for n in 0..ITEMS {
        assert!(
            after.contains(&n) || lost.contains(&label(n)),
            "{n} is neither there after the repair nor said to be gone"
        );
    }
    mended.iter().for_each(|one| assert!(one.quarantine.join("shard").is_dir() || one.kept == 0));
    let kinds: BTreeSet<_> = faults.iter().map(|fault| fault.kind).collect();
    (format!("{start}; verify: {kinds:?}; repair keeps {} of {ITEMS}", after.len()), faults)
}

/// Damages a file, if there is enough of it.
type Damage = fn(&Path) -> bool;

/// Changes the bytes of a journal.
type Bend<'a> = &'a dyn Fn(&mut Vec<u8>);

#[tokio::test(flavor = "multi_thread")]
async fn whatever_file_of_a_stopped_store_is_altered_nothing_is_silently_lost() {
    let directory = stopped().await;
    let data = directory.path().join("data");
    let mut table = BTreeMap::<String, Vec<String>>::new();
    let faults: [(&str, Damage); 2] = [("bit", flip), ("half", halve)];
    // Each takes a start, a look at all and a repair: one file in seven, unless all are asked for.
    let each = std::env::var("ONESPACE_TEST_ROT").map_or(7, |each| each.parse().unwrap());
    let altered = files(&data).into_iter().filter(|file| !file.display().to_string().contains("/other__"));
    for file in altered.step_by(each) {
        for (what, fault) in faults {
            let scratch = tempfile::tempdir().unwrap();
            let bent = scratch.path().join("data");
            copied(&data, &bent);
            if !fault(&bent.join(&file)) {
                continue;
            }
            let name = file.display().to_string();
            println!("{what} {name}");
            let (outcome, _) = outcome(&bent, scratch.path()).await;
            let parts: Vec<_> = name.split('/').filter(|part| part.len() < 36).collect();
            table.entry(outcome).or_default().push(format!("{what} {}", parts.join("/")));
        }
    }
    for (outcome, files) in &table {
        println!("== {outcome}: {}\n   {}", files.len(), files.join("\n   "));
    }
}

/// Makes a journal of many records and damages it.
async fn journaled(damage: impl Fn(&mut Vec<u8>)) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("running");
    let store = EmbeddedStore::open(&data).unwrap();
    store.create_collection(&spec(&shelf(), &space("one", SIDES))).await.unwrap();
    write(&store, 0..ITEMS).await;
    // As a kill leaves it.
    copied(&data, &directory.path().join("data"));
    let journal = files(&directory.path().join("data")).into_iter().find(|path| path.ends_with("journal")).unwrap();
    let journal = directory.path().join("data").join(journal);
    let mut bytes = fs::read(&journal).unwrap();
    damage(&mut bytes);
    fs::write(journal, bytes).unwrap();
    directory
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bit_in_the_middle_of_a_journal_costs_at_most_its_record() {
    for bit in 0..8 {
        let directory = journaled(|bytes| {
            let middle = bytes.len() / 2 + 31 * bit;
            bytes[middle] ^= 1 << bit;
        })
        .await;
        let data = directory.path().join("data");
        let store = EmbeddedStore::open(&data).unwrap();
        let error = store.collection(&shelf()).await.unwrap_err();
        assert_eq!(error.reason, Reason::CollectionUnavailable, "{error}");
        assert!(error.message.contains("journal") && !error.message.contains(data.to_str().unwrap()), "{error}");
        drop(store);
        let faults = verify(&data, &mut quiet).unwrap();
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert!(faults[0].kind == "journal" && faults[0].what.contains("sound records lie behind it"), "{faults:?}");
        let mended = repair(&data, Some("shelf"), &mut quiet).unwrap();
        assert!(mended[0].kept as u64 >= ITEMS + ITEMS / 4 - 2, "{mended:?}");
        let given = ask(&open_when_free(&data)).await.unwrap();
        let lost: BTreeSet<_> = mended[0].items.iter().cloned().collect();
        let missing: BTreeSet<_> = (0..ITEMS).filter(|n| !given.served.contains(n)).map(label).collect();
        assert!(missing.is_subset(&lost) || missing.is_empty() || mended[0].lost > 0, "{missing:?} {mended:?}");
        assert!(missing.len() <= 1, "{missing:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_crash_leaves_at_the_end_of_a_journal_is_cut_off() {
    let tails: [Bend<'_>; 4] = [
        &|bytes| bytes.truncate(bytes.len() - 10),
        &|bytes| bytes.extend([0; 4096]),
        &|bytes| bytes.extend((0..500_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 11) as u8)),
        &|bytes| bytes.extend([0xff; 12]),
    ];
    for tail in tails {
        let directory = journaled(tail).await;
        let store = EmbeddedStore::open(&directory.path().join("data")).unwrap();
        let given = ask(&store).await.unwrap();
        assert!(given.served.len() as u64 >= ITEMS - 1 && given.named.is_empty(), "{given:?}");
    }
}

/// Alters a byte of an item's title where its payload lies.
fn alter(data: &Path, n: u64) {
    let title = format!("mark {n:02} un");
    let place = |bytes: &[u8]| bytes.windows(title.len()).position(|window| window == title.as_bytes());
    let pages = files(data).into_iter().filter(|path| path.to_str().unwrap().contains("payload_storage/page_"));
    for page in pages.map(|page| data.join(page)) {
        let mut bytes = fs::read(&page).unwrap();
        if let Some(at) = place(&bytes) {
            bytes[at + 2] ^= 0x01;
            return fs::write(page, bytes).unwrap();
        }
    }
    panic!("item {n} is in no file");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_point_fails_its_item_alone_until_it_is_written_again() {
    let directory = stopped().await;
    let data = directory.path().join("data");
    alter(&data, 7);
    alter(&data, 8);
    let faults = verify(&data, &mut quiet).unwrap();
    assert!(faults.iter().all(|fault| fault.kind == "point" && fault.points == 1), "{faults:?}");
    let named: BTreeSet<_> = faults.iter().flat_map(|fault| fault.items.clone()).collect();
    assert!(named.contains(&label(7)) && named.len() <= 2, "{named:?}");

    let store = EmbeddedStore::open(&data).unwrap();
    let given = ask(&store).await.unwrap();
    assert!(given.named.contains(&7), "{given:?}");
    assert!(given.served.len() as u64 >= ITEMS - 2, "{given:?}");
    let counted = store.count_items(&shelf(), &Filter::default()).await.unwrap();
    assert_eq!(counted, ITEMS - given.named.len() as u64);
    let stored = store.stored(&shelf(), &[item(&label(7)), item(&label(9))]).await.unwrap();
    assert_ne!(stored[&item(&label(7))].content_hash, points(7)[0].content_hash, "it is to be written again");
    assert_eq!(stored[&item(&label(9))].content_hash, points(9)[0].content_hash);

    store.upsert(&shelf(), points(7)).await.unwrap();
    assert_eq!(store.delete_items(&shelf(), &[item(&label(8))], None).await.unwrap(), 1);
    let given = ask(&store).await.unwrap();
    assert!(given.served.contains(&7) && given.named.is_empty(), "{given:?}");
    assert_eq!(store.count_items(&shelf(), &Filter::default()).await.unwrap(), ITEMS - 1);
    drop(store);
    assert_eq!(verify(&data, &mut quiet).unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn damage_is_found_without_anybody_asking() {
    let directory = stopped().await;
    let data = directory.path().join("data");
    alter(&data, 7);
    let store = EmbeddedStore::open(&data).unwrap();
    let began = Instant::now();
    // Counting reads no payload in full: it is the look at every point that finds it.
    while store.count_items(&shelf(), &Filter::default()).await.unwrap() == ITEMS {
        assert!(began.elapsed() < Duration::from_secs(60), "it is never found");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_made_before_there_were_inventories_gets_them() {
    let directory = stopped().await;
    let data = directory.path().join("data");
    for file in files(&data) {
        if ["inventory", "sealed", "catalogue.copy.json"].iter().any(|name| file.ends_with(name)) {
            fs::remove_file(data.join(file)).unwrap();
        }
    }
    assert_eq!(ask(&EmbeddedStore::open(&data).unwrap()).await.unwrap().served.len() as u64, ITEMS);
    let mappings = files(&data).into_iter().filter(|path| path.to_str().unwrap().ends_with(".mappings"));
    assert!(mappings.into_iter().any(|path| halve(&data.join(path))));
    let sealed = files(&data).into_iter().filter(|path| path.ends_with("sealed"));
    // As after a kill: the inventory alone knows what should be there.
    sealed.for_each(|path| fs::remove_file(data.join(path)).unwrap());
    let store = EmbeddedStore::open(&data).unwrap();
    let error = store.collection(&shelf()).await.unwrap_err();
    assert!(error.reason == Reason::CollectionUnavailable && error.message.contains("missing"), "{error}");
    drop(store);
    let faults = verify(&data, &mut quiet).unwrap();
    assert!(faults.iter().any(|fault| fault.points > 10 && fault.items.contains(&label(ITEMS - 1))), "{faults:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_catalogue_that_is_altered_makes_no_collection_a_leftover() {
    let directory = stopped().await;
    let data = directory.path().join("data");
    let catalogue = data.join("catalogue.json");
    let text = fs::read_to_string(&catalogue).unwrap();
    let at = text.find("\"folder\": \"shelf").unwrap() + 12;
    for alter in [text[..at].to_owned() + "t" + &text[at + 1..], text[..at].to_owned()] {
        fs::write(&catalogue, alter).unwrap();
        assert_eq!(ask(&EmbeddedStore::open(&data).unwrap()).await.unwrap().served.len() as u64, ITEMS);
    }
    fs::remove_file(&catalogue).unwrap();
    fs::remove_file(data.join("catalogue.copy.json")).unwrap();
    let error = EmbeddedStore::open(&data).err().unwrap();
    assert!(error.message.contains("catalogue.json"), "{error}");
    assert!(files(&data).iter().any(|path| path.ends_with("inventory")), "nothing is taken away");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_becomes_a_store() {
    let directory = stopped().await;
    let (data, backup) = (directory.path().join("data"), directory.path().join("backup"));
    let store = EmbeddedStore::open(&data).unwrap();
    let year = fields(&[("year", FieldKind::Integer)]);
    store.index_fields(&shelf(), &year).await.unwrap();
    let made = store.backup(&backup, &|_| ()).await.unwrap();
    assert_eq!((made.collections, made.points), (2, ITEMS + ITEMS / 4));
    assert_eq!(store.backup(&backup, &|_| ()).await.unwrap_err().field, "to", "nothing is written over");
    let back = directory.path().join("back");
    assert_eq!(restore(&backup, &data, &|_| ()).await.unwrap_err().field, "directory");
    let restored = restore(&backup, &back, &|_| ()).await.unwrap();
    assert_eq!((restored.collections, restored.points), (2, ITEMS + ITEMS / 4));
    let again = EmbeddedStore::open(&back).unwrap();
    assert_eq!(ask(&again).await.unwrap().served.len() as u64, ITEMS);
    let tenant = Tenant::default();
    assert_eq!(again.list_collections(&tenant).await.unwrap(), store.list_collections(&tenant).await.unwrap());
    drop(again);
    for file in files(&backup) {
        for fault in [flip, halve] {
            let (bent, to) = (directory.path().join("bent"), directory.path().join("to"));
            copied(&backup, &bent);
            if fault(&bent.join(&file)) {
                let error = restore(&bent, &to, &|_| ()).await.unwrap_err();
                assert_eq!(error.reason, Reason::FieldInvalid, "{}: {error}", file.display());
                assert!(error.message.contains(file.to_str().unwrap()), "{error}");
                assert!(!to.exists(), "nothing is left");
            }
            fs::remove_dir_all(&bent).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_open_is_neither_verified_nor_repaired() {
    let directory = stopped().await;
    let data = directory.path().join("data");
    let store = EmbeddedStore::open(&data).unwrap();
    for error in [verify(&data, &mut quiet).err(), repair(&data, None, &mut quiet).err()] {
        assert_eq!(error.unwrap().reason, Reason::StoreUnavailable);
    }
    drop(store);
    assert_eq!(repair(&data, None, &mut quiet).unwrap(), []);
    assert_eq!(repair(&data, Some("nothing"), &mut quiet).unwrap_err().field, "collection");
    assert_eq!(verify(directory.path(), &mut quiet).unwrap_err().field, "directory");
}

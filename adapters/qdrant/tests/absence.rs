//! A server that is away, in every way in which it can be.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test whose ground gives way can only stop"
)]

mod common;

use std::time::{Duration, Instant};

use onespace_core::{
    CollectionRef, Filter, Point, Reason, Result, VectorStore,
    limits::{STORE_GRACE_MS, UPSERT_POINTS},
};
use onespace_qdrant::{Replication, ServerStore};
use onespace_qdrant_stand_in::{Fault, StandIn};

use common::{Dice, collection, item, nearest, point, space, spec};

const SIDES: usize = 8;

/// How soon a call is refused while the store is known to be away.
const AT_ONCE: Duration = Duration::from_millis(100);

fn store(nodes: &[&StandIn]) -> ServerStore {
    let urls: Vec<_> = nodes.iter().map(|node| node.url()).collect();
    ServerStore::connect(&urls, None, Replication::default()).unwrap()
}

async fn filled(store: &ServerStore, points: usize) -> CollectionRef {
    let photos = collection("me", "photos");
    store.create_collection(&spec(&photos, &space("one", SIDES))).await.unwrap();
    for number in 0..points {
        store.upsert(&photos, vec![photo(number)]).await.unwrap();
    }
    photos
}

fn photo(number: usize) -> Point {
    point(&space("one", SIDES), &format!("photo {number}"), Dice(number as u64).vector(SIDES))
}

/// One of each kind of call, on a photo of its own.
async fn work(store: &ServerStore, photos: &CollectionRef, number: usize) -> Result<()> {
    let (one, id) = (photo(number), item(&format!("photo {number}")));
    let ids = std::slice::from_ref(&id);
    store.upsert(photos, vec![one.clone()]).await?;
    let hits = store.search(photos, &nearest(one.vector, 1)).await?;
    assert_eq!(hits[0].point.item, id);
    assert_eq!(store.stored(photos, ids).await?.len(), 1);
    let deleted = store.delete_items(photos, ids, None).await?;
    assert!(deleted <= 1);
    assert_eq!(store.stored(photos, ids).await?.len(), 0);
    Ok(())
}

async fn timed<T>(call: impl Future<Output = T>) -> (T, Duration) {
    let began = Instant::now();
    (call.await, began.elapsed())
}

#[tokio::test(flavor = "multi_thread")]
async fn while_it_is_away_every_call_is_refused_at_once_and_it_is_found_when_it_is_back() {
    let mut server = StandIn::start();
    let store = store(&[&server]);
    let photos = filled(&store, 3).await;
    server.leave();
    // It may be a restart: whoever asks first waits a moment.
    let query = nearest(Dice(1).vector(SIDES), 1);
    let ask = || store.search(&photos, &query);
    let (refused, took) = timed(ask()).await;
    assert_eq!(refused.unwrap_err().reason, Reason::StoreUnavailable);
    let grace = Duration::from_millis(STORE_GRACE_MS as u64);
    assert!(took < grace + Duration::from_secs(1), "{took:?}");
    let mut longest = Duration::ZERO;
    for number in 0..20 {
        let (refused, took) = timed(ask()).await;
        let error = refused.unwrap_err();
        assert_eq!(error.reason, Reason::StoreUnavailable, "{error}");
        assert!(error.retry_after.is_some_and(|pause| !pause.is_zero()));
        let (refused, write) = timed(store.upsert(&photos, vec![photo(number)])).await;
        assert_eq!(refused.unwrap_err().reason, Reason::StoreUnavailable);
        longest = longest.max(took).max(write);
    }
    println!("refused after {took:?}, then within {longest:?}");
    assert!(longest <= AT_ONCE, "refused after {longest:?}");
    server.come_back();
    let began = Instant::now();
    while ask().await.is_err() {
        assert!(began.elapsed() < Duration::from_secs(5), "it was never found again");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(ask().await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_is_waited_for() {
    let mut server = StandIn::start();
    let store = store(&[&server]);
    let photos = filled(&store, 3).await;
    for round in 0..3 {
        server.leave();
        let back = async {
            tokio::time::sleep(Duration::from_millis(500)).await;
            server.come_back();
        };
        let (done, ()) = tokio::join!(work(&store, &photos, 100 + round), back);
        done.unwrap();
    }
    assert_eq!(server.points(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_address_does_not_answer_another_does() {
    let mut first = StandIn::start();
    let mut second = first.beside();
    let store = store(&[&first, &second]);
    let photos = filled(&store, 3).await;
    for round in 0..4 {
        first.leave();
        for number in 0..10 {
            work(&store, &photos, number + 10).await.unwrap();
        }
        first.come_back();
        second.leave();
        for number in 0..10 {
            work(&store, &photos, number + 10).await.unwrap();
        }
        second.come_back();
        assert_eq!(second.points(), 3, "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_is_dead_from_the_first_moment_costs_nothing() {
    let mut dead = StandIn::start();
    let living = dead.beside();
    dead.leave();
    let store = store(&[&dead, &living]);
    let photos = filled(&store, 1).await;
    let (done, took) = timed(work(&store, &photos, 7)).await;
    done.unwrap();
    assert!(took < Duration::from_secs(1), "{took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_falls_silent_is_left_for_another_within_its_calls() {
    let first = StandIn::start();
    let second = first.beside();
    let store = store(&[&first, &second]);
    let photos = filled(&store, 3).await;
    first.set(Fault::Silent);
    let (done, took) = timed(work(&store, &photos, 20)).await;
    done.unwrap();
    assert!(took < Duration::from_secs(5), "{took:?}");
    let (done, took) = timed(work(&store, &photos, 21)).await;
    done.unwrap();
    assert!(took < Duration::from_secs(1), "it is asked all the same: {took:?}");
    // Now the other one; the first has come back by then.
    first.set(Fault::None);
    second.set(Fault::Silent);
    tokio::time::sleep(Duration::from_secs(2)).await;
    let (done, took) = timed(work(&store, &photos, 22)).await;
    done.unwrap();
    assert!(took < Duration::from_secs(5), "{took:?}");
    assert_eq!(first.points(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_answers_late_is_there() {
    let server = StandIn::start();
    let store = store(&[&server]);
    let photos = filled(&store, 3).await;
    server.set(Fault::Late(Duration::from_secs(5)));
    store.upsert(&photos, vec![photo(3)]).await.unwrap();
    assert_eq!(store.search(&photos, &nearest(photo(3).vector, 1)).await.unwrap()[0].point.item, photo(3).item);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_may_not_be_done_is_written_again_and_is_there_once() {
    let server = StandIn::start();
    let store = store(&[&server]);
    let photos = filled(&store, 0).await;
    server.set(Fault::Halves);
    let mut unsure = 0;
    for number in 0..40 {
        while let Err(error) = store.upsert(&photos, vec![photo(number)]).await {
            assert_eq!(error.reason, Reason::StoreUnavailable, "{error}");
            unsure += 1;
        }
    }
    assert!(unsure >= 20, "{unsure}");
    assert_eq!(server.points(), 40);
    assert_eq!(store.count_items(&photos, &Filter::default()).await.unwrap(), 40);
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_are_lost_change_nothing() {
    let server = StandIn::start();
    let store = store(&[&server]);
    server.set(Fault::LosesAnswers);
    // What became of a call whose answer is lost is not known; the same call again settles it.
    let photos = collection("me", "photos");
    let spec = spec(&photos, &space("one", SIDES));
    let made = settled(|| store.create_collection(&spec)).await;
    assert!(made.is_ok() || made.unwrap_err().reason == Reason::CollectionExists);
    let many: Vec<_> = (0..UPSERT_POINTS + 20).map(photo).collect();
    settled(|| store.upsert(&photos, many.clone())).await.unwrap();
    assert_eq!(server.points(), many.len());
    for number in 0..10 {
        settled(|| work(&store, &photos, 1_000 + number)).await.unwrap();
    }
    assert_eq!(server.points(), many.len());
    let deleted = settled(|| store.delete_collection(&photos)).await;
    assert!(deleted.is_ok() || deleted.unwrap_err().reason == Reason::CollectionNotFound);
    assert_eq!(store.collection(&photos).await.unwrap_err().reason, Reason::CollectionNotFound);
}

/// Makes a call until its outcome is known.
async fn settled<T, F: Future<Output = Result<T>>>(call: impl Fn() -> F) -> Result<T> {
    loop {
        match call().await {
            Err(error) if error.reason == Reason::StoreUnavailable => {}
            outcome => return outcome,
        }
    }
}

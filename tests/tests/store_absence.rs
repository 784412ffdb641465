//! The store is away, and nothing is lost of it or embedded twice. `ONESPACE_TEST_ABSENCE_SECONDS` makes it longer.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use onespace_core::limits::STORE_GRACE_MS;
use onespace_proto::v1::{self, IngestStatus, ingest_request::Message};
use onespace_qdrant_stand_in::{Fault, StandIn};
use onespace_tests::{
    Client, Server,
    client::{part, question, text, why},
};
use tokio::{
    sync::mpsc,
    task::JoinHandle,
    time::{interval, sleep},
};
use tokio_stream::wrappers::ReceiverStream;
use tonic_health::pb::health_check_response::ServingStatus;

const COLLECTION: &str = "things";
/// Items a second.
const RATE: u64 = 200;
/// Before the store goes, and after it is back.
const AROUND: Duration = Duration::from_secs(2);
/// How soon a search is refused while the store is known to be away.
const AT_ONCE: Duration = Duration::from_millis(100);

fn absence() -> Duration {
    let named = std::env::var("ONESPACE_TEST_ABSENCE_SECONDS");
    Duration::from_secs(named.map_or(5, |seconds| seconds.parse().unwrap()))
}

fn thing(number: usize) -> v1::IngestItem {
    let (item_id, media) = (format!("thing-{number}"), Some(text(format!("thing number {number}"))));
    v1::IngestItem { item_id, media, ..Default::default() }
}

/// Sends things at a steady pace, as many as come to some time, and gives what became of them.
fn ingest(client: Client, first: usize, count: usize) -> JoinHandle<Vec<v1::IngestResponse>> {
    tokio::spawn(async move {
        let (sender, requests) = mpsc::channel(1);
        let start = v1::IngestStart { collection: COLLECTION.to_owned(), create: true, options: None };
        tokio::spawn(async move {
            sender.send(v1::IngestRequest { message: Some(Message::Start(start)) }).await.unwrap();
            let mut pace = interval(Duration::from_micros(1_000_000 / RATE));
            for number in first..first + count {
                pace.tick().await;
                let message = Some(Message::Item(thing(number)));
                sender.send(v1::IngestRequest { message }).await.expect("the stream goes on");
            }
        });
        let mut events = client.collections().ingest(ReceiverStream::new(requests)).await.unwrap().into_inner();
        let mut all = Vec::new();
        while let Some(event) = events.message().await.expect("no end but its own") {
            all.push(event);
        }
        all
    })
}

fn count_in(time: Duration) -> usize {
    usize::try_from(time.as_millis()).unwrap() * usize::try_from(RATE).unwrap() / 1000
}

/// How many of each outcome.
fn outcomes(events: &[v1::IngestResponse]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for event in events {
        let failed = event.error.as_ref().map(|error| format!("{}: {}", error.reason, error.message));
        *counts.entry(failed.unwrap_or_else(|| event.status().as_str_name().to_owned())).or_default() += 1;
    }
    counts
}

fn all_stored(count: usize) -> BTreeMap<String, usize> {
    [(IngestStatus::Stored.as_str_name().to_owned(), count)].into()
}

async fn refused_after(client: &Client) -> Duration {
    let began = Instant::now();
    let refused = client.searching().search(question(COLLECTION, vec![part(text("a thing"))])).await.unwrap_err();
    assert_eq!(why(&refused).0, "STORE_UNAVAILABLE", "{refused:?}");
    began.elapsed()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_absence_costs_no_item_and_nothing_is_embedded_twice() {
    let mut store = StandIn::start();
    let server = Server::start_before(&[store.url()]).await;
    let (client, absence) = (server.client().await, absence());
    let count = count_in(AROUND + absence + AROUND);
    let ingested = ingest(server.client().await, 0, count);
    sleep(AROUND).await;
    let before = store.points();
    assert!(before > 0, "nothing is stored yet");
    store.leave();
    let left = Instant::now();
    sleep(Duration::from_millis(STORE_GRACE_MS as u64 + 500)).await;
    let mut longest = Duration::ZERO;
    let mut asked = 0;
    while left.elapsed() < absence {
        longest = longest.max(refused_after(&client).await);
        client.vector(text(format!("embedding goes on, {asked}"))).await;
        asked += 1;
        sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(server.health("onespace.v1.SearchService").await, ServingStatus::NotServing);
    assert_eq!(server.health("onespace.v1.EmbeddingService").await, ServingStatus::Serving);
    store.come_back();
    let events = ingested.await.unwrap();
    let took = left.elapsed();
    let embedded = server.counters()["onespace_embed_total"] as usize - asked;
    println!(
        "absence {absence:?}: {count} items sent, {} stored, {embedded} embedded, {asked} searches refused within \
         {longest:?}, all done {:?} after the return",
        store.points(),
        took.saturating_sub(absence)
    );
    assert_eq!(outcomes(&events), all_stored(count));
    assert_eq!((store.points(), embedded), (count, count));
    assert!(longest <= AT_ONCE, "a search was refused after {longest:?}");
    server.until("onespace.v1.SearchService", ServingStatus::Serving).await;
    assert_eq!(client.search(question(COLLECTION, vec![part(text("thing number 7"))])).await.len(), 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_addresses_one_may_die_under_ingest_and_search() {
    let mut first = StandIn::start();
    let mut second = first.beside();
    let server = Server::start_before(&[first.url(), second.url()]).await;
    let client = server.client().await;
    let count = count_in(AROUND * 3);
    let ingested = ingest(server.client().await, 0, count);
    sleep(AROUND).await;
    let mut searches = 0;
    for node in [&mut first, &mut second] {
        node.leave();
        for _ in 0..10 {
            let hits = client.search(question(COLLECTION, vec![part(text("a thing"))])).await;
            assert_eq!(hits.len(), 10);
            searches += 1;
        }
        node.come_back();
        sleep(Duration::from_secs(1)).await;
    }
    let events = ingested.await.unwrap();
    let embedded = server.counters()["onespace_embed_total"] as usize - searches;
    assert_eq!(outcomes(&events), all_stored(count));
    assert_eq!((first.points(), embedded), (count, count));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_says_nothing_or_half_of_it_costs_no_item_either() {
    let store = StandIn::start();
    let server = Server::start_before(&[store.url()]).await;
    let count = count_in(AROUND * 3);
    let ingested = ingest(server.client().await, 0, count);
    sleep(Duration::from_secs(1)).await;
    for fault in [Fault::Halves, Fault::LosesAnswers, Fault::Silent] {
        store.set(fault);
        sleep(Duration::from_secs(1)).await;
    }
    store.set(Fault::None);
    let events = ingested.await.unwrap();
    assert_eq!(outcomes(&events), all_stored(count));
    assert_eq!((store.points(), server.counters()["onespace_embed_total"] as usize), (count, count));
}

/// Whoever has been told that an item is stored, or deleted, finds it so, whatever answers were lost before.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_last_holds() {
    let store = StandIn::start();
    let server = Server::start_before(&[store.url()]).await;
    let client = server.client().await;
    client.create(COLLECTION).await;
    store.set(Fault::LosesAnswers);
    let workers = (0..4).map(|worker| {
        let client = client.clone();
        tokio::spawn(async move {
            for round in 0..10 {
                let number = worker * 100 + round;
                let events = client.ingest(COLLECTION, vec![thing(number)]).await;
                assert!(events[0].error.is_none(), "{events:?}");
                if round % 2 == 1 {
                    let item_ids = vec![format!("thing-{number}"), format!("thing-{}", number - 1)];
                    delete(&client, item_ids).await;
                    let events = client.ingest(COLLECTION, vec![thing(number)]).await;
                    assert_eq!(outcomes(&events), all_stored(1), "it was deleted, so it is stored anew");
                }
            }
        })
    });
    for worker in futures::future::join_all(workers).await {
        worker.unwrap();
    }
    store.set(Fault::None);
    assert_eq!(store.points(), 20);
    for (number, there) in (0..4).flat_map(|worker| (0..10).map(move |round| (worker * 100 + round, round % 2 == 1))) {
        let request = v1::GetItemRequest {
            collection: COLLECTION.to_owned(),
            item_id: format!("thing-{number}"),
            ..Default::default()
        };
        assert_eq!(client.collections().get_item(request).await.is_ok(), there, "thing {number}");
    }
}

async fn delete(client: &Client, item_ids: Vec<String>) {
    let request = v1::DeleteItemsRequest { collection: COLLECTION.to_owned(), item_ids, ..Default::default() };
    while let Err(refused) = client.collections().delete_items(request.clone()).await {
        assert_eq!(why(&refused).0, "STORE_UNAVAILABLE", "{refused:?}");
    }
}

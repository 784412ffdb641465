//! Every byte is accounted for, from the socket to the last byte of the answer.

use std::time::Duration;

use bytes::Bytes;
use futures::future::join_all;
use onespace_proto::v1;
use onespace_tests::{
    Client, PATIENCE, Server,
    abuse::{Call, Line, framed, neighbour, status},
    client::{data, metadata, part, question, text},
    samples,
};
use tokio::time::{sleep, timeout};

/// Most of what the server may hold, whoever does what.
const MEMORY: u64 = 1 << 30;

fn held(server: &Server, attack: &str) -> u64 {
    let (peak, now) = (server.process().peak_memory(), server.process().memory());
    super::row(attack, &format!("{} MiB at most, {} MiB afterwards", peak >> 20, now >> 20));
    assert!(server.process().alive(), "{attack}: {}", server.log());
    peak
}

/// Stores texts with as much metadata as an item may have.
async fn heavy(client: &Client, collection: &str, items: usize) {
    let fields: serde_json::Map<_, _> = (0..60).map(|n| (format!("k{n}"), "v".repeat(240).into())).collect();
    let item = |number: usize| v1::IngestItem {
        item_id: format!("i{number}"),
        media: Some(text(format!("thing number {number}"))),
        metadata: metadata(fields.clone().into()),
        ..Default::default()
    };
    let events = client.ingest(collection, (0..items).map(item).collect()).await;
    assert!(events.len() == items && events.iter().all(|event| event.error.is_none()), "{:?}", events.last());
}

fn wide(collection: &str) -> v1::SearchRequest {
    v1::SearchRequest { limit: 1000, ..question(collection, vec![part(text("a mug"))]) }
}

/// One search took 135 MiB, sixteen at once 1,592 MiB.
#[tokio::test(flavor = "multi_thread")]
async fn searches_read_what_they_show_and_no_more() {
    let server = Server::start().await;
    let client = server.client().await;
    heavy(&client, "heavy", 1500).await;
    let answers = join_all((0..16).map(|_| async { client.searching().search(wide("heavy")).await })).await;
    for answer in answers {
        let answer = answer.unwrap().into_inner();
        assert!(answer.hits.len() > 100 && !answer.next_page_token.is_empty(), "{} hits", answer.hits.len());
        assert_eq!(answer.hits[0].item.as_ref().unwrap().metadata.as_ref().unwrap().fields.len(), 60);
    }
    assert!(held(&server, "16 searches over 24 MiB of metadata") < MEMORY / 2);
}

/// 150 searches of 18 bytes each whose answers nobody read: 2,490 MiB, for good.
#[tokio::test(flavor = "multi_thread")]
async fn answers_that_nobody_reads_are_bounded_and_let_others_through() {
    let server = Server::start().await;
    heavy(&server.client().await, "heavy", 1000).await;
    let (search, mut lines, mut calls) = (framed(&wide("heavy")), Vec::new(), Vec::new());
    for _ in 0..6 {
        let mut line = Line::connect(&server, "127.0.0.3").await;
        for _ in 0..75 {
            let mut call = line.call("SearchService/Search").await.unwrap();
            call.send(search.clone(), true).await.unwrap();
            calls.push(call);
        }
        lines.push(line);
    }
    // Until all of them are answered, or refused.
    let other = neighbour(&server, "127.0.0.4").await;
    sleep(Duration::from_secs(15)).await;
    let found = timeout(PATIENCE, other.searching().search(wide("heavy"))).await.expect("it is answered");
    assert!(found.is_ok(), "{found:?}");
    let image = samples::with_extension("png").media();
    assert!(timeout(PATIENCE, other.embed(vec![image])).await.expect("it is answered")[0].is_ok());
    assert!(held(&server, "450 searches that nobody reads") < MEMORY);
    drop((calls, lines));
}

/// 160 messages of 23 MiB whose last byte never came: 3,856 MiB, as long as wanted.
#[tokio::test(flavor = "multi_thread")]
async fn messages_that_never_end_are_bounded_and_ended() {
    let server = Server::start().await;
    let picture = [b"\x89PNG\r\n\x1a\n".to_vec(), vec![0; 23 << 20]].concat();
    let request = v1::EmbedRequest { items: vec![data(picture)], ..Default::default() };
    let message = framed(&request);
    let most = message.slice(..message.len() - 1);
    let flood = async |most: Bytes| {
        let mut line = Line::connect(&server, "127.0.0.3").await;
        let mut calls = Vec::new();
        for _ in 0..8 {
            calls.push(line.call("EmbeddingService/Embed").await.unwrap());
        }
        let sent = calls.into_iter().map(|mut call: Call| {
            let most = most.clone();
            async move {
                let _ = call.send(most, false).await;
                status(call.answer).await
            }
        });
        join_all(sent).await
    };
    let floods = join_all((0..20).map(|_| flood(most.clone())));
    let other = async {
        let client = neighbour(&server, "127.0.0.4").await;
        let mut served = 0;
        for _ in 0..20 {
            sleep(Duration::from_millis(300)).await;
            served += usize::from(client.embed(vec![text("a mug")]).await[0].is_ok());
        }
        served
    };
    let (ended, served) = timeout(PATIENCE, async { tokio::join!(floods, other) }).await.expect("they are ended");
    let ended: Vec<_> = ended.into_iter().flatten().collect();
    // RESOURCE_EXHAUSTED where there was no room, DEADLINE_EXCEEDED where nothing more came.
    let expected = |status: &Result<String, h2::Error>| matches!(status.as_deref(), Ok("8" | "4") | Err(_));
    assert!(ended.len() == 160 && ended.iter().all(expected), "{ended:?}");
    assert_eq!(served, 20, "others are served meanwhile");
    assert!(held(&server, "160 messages of 23 MiB without an end") < MEMORY);
}

/// A picture of 35 bytes took 333 MiB, and as many at once as there are cores.
#[tokio::test(flavor = "multi_thread")]
async fn tiny_pictures_of_millions_of_pixels_are_decoded_within_bounds() {
    let server = Server::start().await;
    let client = server.client().await;
    let size = 7071_u16.to_le_bytes();
    let head =
        [b"GIF89a".as_slice(), &size, &size, b"\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\x01\0\x01\0\0\x02\x02\x44\x01\0;"];
    let request = v1::EmbedRequest { items: vec![data(head.concat()); 64], ..Default::default() };
    for _ in 0..3 {
        client.embedding().embed(request.clone()).await.unwrap();
    }
    assert!(client.embed(vec![samples::with_extension("png").media()]).await[0].is_ok());
    assert!(held(&server, "192 pictures of 35 bytes and 50 million pixels") < MEMORY);
}

//! Whoever is slow is cut: what they hold, others wait for.

use std::time::{Duration, Instant};

use bytes::Bytes;
use onespace_core::limits::{CONNECTION_OPENING_MS, CONNECTION_PING_MS, CONNECTION_PONG_MS, UPLOAD_FLOOR_MS};
use onespace_proto::v1;
use onespace_tests::{
    PATIENCE, Server,
    abuse::{Call, Line, framed, neighbour, status},
    client::{chunk, text, why},
    samples,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{sleep, timeout},
};

/// What a busy machine may add.
const SLACK: Duration = Duration::from_secs(6);

fn milliseconds(limit: usize) -> Duration {
    Duration::from_millis(limit as u64)
}

/// Sends this, then nothing, and reads: how long until the server hangs up.
async fn hung_up_on(address: &str, first: &[u8]) -> Duration {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(first).await.unwrap();
    let began = Instant::now();
    let mut said = Vec::new();
    let _ = timeout(PATIENCE, stream.read_to_end(&mut said)).await.expect("the server hangs up");
    began.elapsed()
}

/// A message that comes at a byte a second: how long until the call is over.
async fn trickling(server: &Server) -> Duration {
    let request = v1::EmbedRequest { items: vec![text("a".repeat(4000))], ..Default::default() };
    let message = framed(&request);
    let mut line = Line::connect(server, "127.0.0.3").await;
    let Call { mut body, answer } = line.call("EmbeddingService/Embed").await.unwrap();
    let began = Instant::now();
    let sending = tokio::spawn(async move {
        for place in 0..message.len() {
            if body.send_data(message.slice(place..=place), false).is_err() {
                return;
            }
            sleep(Duration::from_secs(1)).await;
        }
    });
    let status = timeout(PATIENCE, status(answer)).await.expect("the call is ended");
    sending.abort();
    assert!(matches!(status.as_deref(), Ok("4") | Err(_)), "{status:?}");
    began.elapsed()
}

/// None of these was cut in 75 seconds; an unanswered ping was waited for for 50.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_does_not_get_to_the_point_is_hung_up_on() {
    let server = Server::start().await;
    let grpc = server.endpoint().trim_start_matches("http://").to_owned();
    // A preface and empty settings: a client that answers no ping.
    let deaf = [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".as_slice(), &[0, 0, 0, 4, 0, 0, 0, 0, 0]].concat();
    let (silent, half_preface, half_head, deaf, message) = tokio::join!(
        hung_up_on(&grpc, b""),
        hung_up_on(&grpc, b"PRI * HTTP"),
        hung_up_on(server.http(), b"GET /healthz HTTP/1.1\r\nHost: x\r\n"),
        hung_up_on(&grpc, &deaf),
        trickling(&server),
    );
    let opening = milliseconds(CONNECTION_OPENING_MS);
    for (what, took, limit) in [
        ("silence", silent, opening),
        ("half a preface", half_preface, opening),
        ("half a head on the HTTP port", half_head, opening),
        ("a ping that is not answered", deaf, milliseconds(CONNECTION_PING_MS + CONNECTION_PONG_MS)),
        ("a message at a byte a second", message, milliseconds(UPLOAD_FLOOR_MS)),
    ] {
        super::row(what, &format!("ended after {:.1} s", took.as_secs_f64()));
        assert!(took < limit + SLACK, "{what}: {took:?}, the limit is {limit:?}");
    }
    let client = server.client().await;
    assert!(client.embed(vec![text("a mug")]).await[0].is_ok());
}

/// 136 MiB of empty chunks in 20 seconds took 316 MiB, and the stream went on.
#[tokio::test]
async fn an_empty_chunk_ends_its_stream() {
    use v1::ingest_request::Message;
    let server = Server::start().await;
    let client = server.client().await;
    let item = |name: &str| v1::IngestItem { item_id: name.to_owned(), ..Default::default() };
    let messages = vec![Message::Item(item("one")), Message::Chunk(chunk(Vec::new(), false))];
    let ended = client.ingest_parts("empty", messages).await.unwrap_err();
    assert_eq!(why(&ended).0, "FIELD_INVALID", "{ended:?}");
    // The last one may be: a file may end so.
    let text = Message::Chunk(chunk(b"a mug".to_vec(), false));
    let messages = vec![Message::Item(item("two")), text, Message::Chunk(chunk(Vec::new(), true))];
    let events = client.ingest_parts("empty", messages).await.unwrap();
    assert!(events.len() == 1 && events[0].error.is_none(), "{events:?}");
}

/// 524,288 chunks of one byte in one stream, 5 MB in all: 239 of 240 calls of others were refused for a minute.
#[tokio::test(flavor = "multi_thread")]
async fn chunks_of_one_byte_hold_what_they_weigh() {
    use v1::ingest_request::Message;
    let server = Server::start().await;
    let mut line = Line::connect(&server, "127.0.0.3").await;
    let mut call = line.call("CollectionService/Ingest").await.unwrap();
    let framed = |message| framed(&v1::IngestRequest { message: Some(message) });
    let start = v1::IngestStart { collection: "s".to_owned(), create: true, options: None };
    call.send(framed(Message::Start(start)), false).await.unwrap();
    call.send(framed(Message::Item(v1::IngestItem::default())), false).await.unwrap();
    let tiny = framed(Message::Chunk(chunk(b"x".to_vec(), false)));
    let pack: Bytes = tiny.repeat(4096).into();
    for _ in 0..128 {
        if call.send(pack.clone(), false).await.is_err() {
            break;
        }
    }
    let image = samples::with_extension("png").media();
    for from in ["127.0.0.3", "127.0.0.4"] {
        let other = neighbour(&server, from).await;
        for media in [text("a mug"), image.clone()] {
            let request = v1::EmbedRequest { items: vec![media], ..Default::default() };
            let answer = other.embedding().embed(request).await.unwrap().into_inner();
            assert!(onespace_tests::client::outcome(answer.results[0].clone()).is_ok(), "{answer:?}");
        }
        // A file finds room, too.
        let file = samples::with_extension("wav");
        let requests = onespace_tests::client::file_messages(v1::FileStart::default(), &file.bytes);
        let mut events = other.embedding().embed_file(futures::stream::iter(requests)).await.unwrap().into_inner();
        while events.message().await.expect("the file is embedded").is_some() {}
    }
    drop(call);
}

//! No client takes more than half of anything while others wait.

use std::time::Duration;

use bytes::Bytes;
use futures::{future::join_all, stream};
use onespace_core::limits::{CHUNK_BYTES, CONNECTIONS_PER_ADDRESS, GATEWAY_STREAMS};
use onespace_proto::v1;
use onespace_tests::{
    PATIENCE, Server,
    abuse::{Line, framed, neighbour},
    client::{chunk, file_messages, text},
    samples, sound,
};
use tokio::time::{sleep, timeout};

/// Four files of 128 MiB that stopped before their end: everybody was refused for half a minute.
#[tokio::test(flavor = "multi_thread")]
async fn files_that_stall_leave_room_for_others_files() {
    use v1::embed_file_request::Message;
    let server = Server::start().await;
    let framed = |message| framed(&v1::EmbedFileRequest { message: Some(message) });
    let piece = framed(Message::Chunk(chunk(vec![0; CHUNK_BYTES], false)));
    let stall = async |piece: Bytes| {
        let mut line = Line::connect(&server, "127.0.0.3").await;
        let mut call = line.call("EmbeddingService/EmbedFile").await.unwrap();
        let start = v1::FileStart { modality: v1::Modality::Video.into(), ..Default::default() };
        call.send(framed(Message::Start(start)), false).await.unwrap();
        for _ in 0..64 {
            let sent = timeout(Duration::from_secs(3), call.send(piece.clone(), false)).await;
            if !matches!(sent, Ok(Ok(()))) {
                break;
            }
        }
        (line, call)
    };
    let stalled = join_all((0..4).map(|_| stall(piece.clone()))).await;
    let other = neighbour(&server, "127.0.0.4").await;
    let file: Bytes = sound::long_recording(40).0.into();
    let image = samples::with_extension("png").media();
    for _ in 0..5 {
        let request = v1::EmbedRequest { items: vec![image.clone()], ..Default::default() };
        let answer = other.embedding().embed(request).await.expect("it is not refused").into_inner();
        assert!(onespace_tests::client::outcome(answer.results[0].clone()).is_ok(), "{answer:?}");
        let requests = file_messages(v1::FileStart::default(), &file);
        let mut events = other.embedding().embed_file(stream::iter(requests)).await.unwrap().into_inner();
        while events.message().await.expect("the file finds room").is_some() {}
    }
    drop(stalled);
}

/// Streams were as many as anybody liked to open.
#[tokio::test(flavor = "multi_thread")]
async fn streams_that_are_left_open_leave_seats_for_others() {
    let server = Server::start().await;
    let (mut lines, mut calls) = (Vec::new(), Vec::new());
    for _ in 0..2 {
        let mut line = Line::connect(&server, "127.0.0.3").await;
        for _ in 0..GATEWAY_STREAMS * 3 / 4 {
            calls.push(line.call("EmbeddingService/EmbedStream").await.unwrap());
        }
        lines.push(line);
    }
    sleep(Duration::from_millis(500)).await;
    let other = neighbour(&server, "127.0.0.4").await;
    let embed = || async {
        let requests =
            vec![onespace_tests::client::embed_start(None), onespace_tests::client::embed_item("a", text("a mug"))];
        let mut answers = other.embedding().embed_stream(stream::iter(requests)).await?.into_inner();
        answers.message().await
    };
    for _ in 0..10 {
        let answer = timeout(PATIENCE, embed()).await.expect("it is answered");
        assert!(answer.is_ok_and(|answer| answer.is_some()), "a seat is left");
    }
    drop((calls, lines));
}

/// There were as many connections as anybody liked to open.
#[tokio::test(flavor = "multi_thread")]
async fn connections_of_one_address_leave_some_for_others() {
    let server = Server::start().await;
    let address = server.endpoint().trim_start_matches("http://").to_owned();
    let mut open = Vec::new();
    for _ in 0..CONNECTIONS_PER_ADDRESS + 100 {
        if let Ok(stream) = tokio::net::TcpStream::connect(&address).await {
            open.push(stream);
        }
    }
    let other = neighbour(&server, "127.0.0.4").await;
    assert!(other.embed(vec![text("a mug")]).await[0].is_ok());
    drop(open);
    let again = timeout(PATIENCE, async {
        loop {
            let line = tonic::transport::Endpoint::from_shared(server.endpoint()).unwrap();
            if let Ok(channel) = line.connect().await
                && onespace_tests::Client::over(channel).space().get_space(v1::GetSpaceRequest {}).await.is_ok()
            {
                return;
            }
            sleep(Duration::from_millis(50)).await;
        }
    });
    again.await.expect("there is room again");
}

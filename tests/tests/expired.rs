//! Films that nobody waits for any more are not decoded on: the next one is served at once, whatever the call.

use std::{
    fs,
    future::Future,
    io::Read,
    thread,
    time::{Duration, Instant},
};

use futures::{future::join_all, stream};
use onespace_proto::v1::{self, Modality, embed_file_response::Event};
use onespace_tests::{
    Client, Server, client,
    client::{file_messages, outcome, why},
    root, samples,
};
use tokio::time::{sleep, timeout};
use tonic::{Code, Request, Status};

/// Far more than a frame takes, far less than the slow film, which takes tens of seconds.
const SOON: Duration = Duration::from_secs(10);

/// How long the impatient wait.
const MOMENT: Duration = Duration::from_millis(500);

/// Half an hour of pictures of 4096 pixels a side behind one key frame.
fn slow_film() -> Vec<u8> {
    let packed = fs::read(root().join("encoders/video/tests/golden/slow.mp4.gz")).unwrap();
    let mut film = Vec::new();
    flate2::read::GzDecoder::new(packed.as_slice()).read_to_end(&mut film).unwrap();
    film
}

/// As many films as are prepared at once, each sent by `send`; then how long another one waits for its turn.
async fn served_after<F: Future<Output = ()>>(server: &Server, send: impl Fn(Client, Vec<u8>) -> F) -> Duration {
    let client = server.client().await;
    let turns = thread::available_parallelism().map_or(1, usize::from);
    join_all((0..turns).map(|_| send(client.clone(), slow_film()))).await;
    let begun = Instant::now();
    let film = samples::named("videos/blue-sword-approaching-01.mp4").media();
    client.embed(vec![film]).await.remove(0).unwrap();
    begun.elapsed()
}

fn embed_request(film: Vec<u8>) -> v1::EmbedRequest {
    let media = v1::Media { modality: Modality::Video.into(), ..client::data(film) };
    v1::EmbedRequest { items: vec![media], ..Default::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_waits_behind_those_who_are_gone() {
    let server = Server::start().await;
    // Warm, and small enough to be served at all.
    assert!(served_after(&server, |_, _| async {}).await < SOON);

    let waited = served_after(&server, |client, film| async move {
        let mut request = Request::new(embed_request(film));
        request.set_timeout(MOMENT);
        assert_late(client.embedding().embed(request).await.map(tonic::Response::into_inner));
    });
    let waited = waited.await;
    println!("after films that expired: {waited:?}");
    assert!(waited < SOON, "after films that expired: {waited:?}");

    let waited = served_after(&server, |client, film| async move {
        let mut embedding = client.embedding();
        let call = timeout(MOMENT, embedding.embed(embed_request(film)));
        assert!(call.await.is_err(), "the film is slow");
    });
    let waited = waited.await;
    println!("after calls that were dropped: {waited:?}");
    assert!(waited < SOON, "after calls that were dropped: {waited:?}");

    let waited = served_after(&server, dropped_upload).await;
    println!("after uploads that were dropped: {waited:?}");
    assert!(waited < SOON, "after uploads that were dropped: {waited:?}");
}

/// The deadline is answered for the whole request, or for its only item.
fn assert_late(answer: Result<v1::EmbedResponse, Status>) {
    match answer {
        // On a busy machine the client's own clock may be the first to say so.
        Err(status) if status.message().contains("Timeout expired") => {}
        Err(status) => assert_eq!(status.code(), Code::DeadlineExceeded, "{:?}", why(&status)),
        Ok(mut response) => {
            let error = outcome(response.results.remove(0)).unwrap_err();
            assert_eq!(error.reason, "DEADLINE_EXCEEDED", "{error:?}");
        }
    }
}

/// Sends a file, waits until it is being embedded, stays a moment and goes.
async fn dropped_upload(client: Client, film: Vec<u8>) {
    let start = v1::FileStart { modality: Modality::Video.into(), ..Default::default() };
    let requests = stream::iter(file_messages(start, &film.into()));
    let mut events = client.embedding().embed_file(requests).await.unwrap().into_inner();
    while let Some(event) = events.message().await.unwrap().and_then(|answer| answer.event) {
        let Event::Progress(progress) = event else { panic!("the film is slow") };
        if progress.stage() == v1::FileStage::Embedding {
            break;
        }
    }
    sleep(MOMENT).await;
}

//! Whoever goes away, or runs out of time, leaves the turn to the next one.

#![cfg(feature = "video")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)] // A test may fail.

mod common;

use std::{
    fs,
    io::Read,
    num::NonZeroUsize,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use common::{bundle, request, runtime, shipped};
use onespace_core::{Deadline, Encoder, Modality, Reason, limits::CHUNK_BYTES};
use onespace_encoder::{LocalEncoder, Options, service};
use onespace_kit::{ready::Ready, serve::Server};
use onespace_proto::{
    convert,
    encoder::v1::{EncodeHeader, EncodeRequest, encode_request::Part, encoder_service_client::EncoderServiceClient},
};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

/// Far more than a frame takes, far less than the slow film, which takes tens of seconds.
const SOON: Duration = Duration::from_secs(10);

/// Half an hour of pictures of 4096 pixels a side behind one key frame.
fn slow_film() -> Bytes {
    let packed = fs::read(shipped().join("../../encoders/video/tests/golden/slow.mp4.gz")).unwrap();
    let mut film = Vec::new();
    flate2::read::GzDecoder::new(packed.as_slice()).read_to_end(&mut film).unwrap();
    film.into()
}

/// An encoder that prepares one film at a time.
async fn one_at_a_time() -> LocalEncoder {
    let options = Options { prepare_threads: NonZeroUsize::new(1), ..Options::default() };
    LocalEncoder::load(&runtime(), &bundle(), &[Modality::Video], &options).await.unwrap()
}

/// How long it takes until a film gets the turn.
async fn served_after(encoder: &LocalEncoder) -> Duration {
    let film = fs::read(shipped().join("../../samples/videos/blue-sword-approaching-01.mp4")).unwrap();
    let begun = Instant::now();
    while let Err(error) = encoder.encode(request(Modality::Video, film.clone()), Deadline::default()).await {
        assert_eq!(error.reason, Reason::QueueFull, "{error}");
        sleep(Duration::from_millis(50)).await;
    }
    begun.elapsed()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_film_leaves_its_turn() {
    let encoder = one_at_a_time().await;
    for _ in 0..2 {
        let deadline = Deadline::after(Duration::from_millis(300));
        let late = encoder.encode(request(Modality::Video, slow_film()), deadline).await.unwrap_err();
        assert_eq!(late.reason, Reason::DeadlineExceeded, "{late}");
    }
    let waited = served_after(&encoder).await;
    println!("the next film was served after {waited:?}");
    assert!(waited < SOON, "{waited:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_film_whose_caller_went_away_leaves_its_turn() {
    let encoder = Arc::new(one_at_a_time().await);
    let asking = Arc::clone(&encoder);
    let film = slow_film();
    let call = tokio::spawn(async move { asking.encode(request(Modality::Video, film), Deadline::default()).await });
    sleep(Duration::from_millis(300)).await;
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled(), "the film took longer than its caller stayed");
    let waited = served_after(&encoder).await;
    println!("the next film was served after {waited:?}");
    assert!(waited < SOON, "{waited:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_was_dropped_far_away_leaves_its_turn() {
    let ready = Ready::pending();
    let encoder = ready.fill(one_at_a_time().await);
    let routes = service::routes(ready.clone());
    let server = Server::bind("127.0.0.1:0".parse().unwrap(), service::NAMES, routes).await.unwrap();
    let endpoint = format!("http://{}", server.address());
    let stop = CancellationToken::new();
    tokio::spawn(server.run(stop.clone()));
    let mut client = EncoderServiceClient::connect(endpoint).await.unwrap();
    let film = slow_film();
    let modality = convert::modality_out(Modality::Video);
    let header = EncodeHeader { modality, total_bytes: film.len() as u64, ..EncodeHeader::default() };
    let chunks = film.chunks(CHUNK_BYTES).map(|chunk| Part::Chunk(Bytes::copy_from_slice(chunk)));
    let parts: Vec<Part> = std::iter::once(Part::Header(header)).chain(chunks).collect();
    let messages = tokio_stream::iter(parts.into_iter().map(|part| EncodeRequest { part: Some(part) }));
    let call = timeout(Duration::from_millis(500), client.encode(messages));
    assert!(call.await.is_err(), "the film took longer than its caller stayed");
    let waited = served_after(&encoder).await;
    println!("the next film was served after {waited:?}");
    assert!(waited < SOON, "{waited:?}");
    stop.cancel();
}

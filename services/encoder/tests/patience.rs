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
use onespace_core::{Deadline, Encoder, Modality, Reason, Turn};
use onespace_encoder::{LocalEncoder, Options, service};
use onespace_kit::{ready::Ready, serve::Server};
use onespace_proto::{
    convert,
    encoder::v1::{EncodeRequest, EncodeStart, encode_request::Message, encoder_service_client::EncoderServiceClient},
};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

/// Far more than a frame takes, far less than the slow video, which takes tens of seconds.
const SOON: Duration = Duration::from_secs(10);

/// Half an hour of pictures of 4096 pixels a side behind one key frame.
fn slow_video() -> Bytes {
    let packed = fs::read(shipped().join("../../encoders/video/tests/golden/slow.mp4.gz")).unwrap();
    let mut video = Vec::new();
    flate2::read::GzDecoder::new(packed.as_slice()).read_to_end(&mut video).unwrap();
    video.into()
}

/// An encoder that prepares one video at a time.
async fn one_at_a_time() -> LocalEncoder {
    let options = Options { prepare_threads: NonZeroUsize::new(1), ..Options::default() };
    LocalEncoder::load(&runtime(), &bundle(), &[Modality::Video], &options).await.unwrap()
}

/// How long it takes until a video gets the turn.
async fn served_after(encoder: &LocalEncoder) -> Duration {
    let video = fs::read(shipped().join("../../samples/videos/blue-sword-approaching-01.mp4")).unwrap();
    let begun = Instant::now();
    while let Err(error) = encoder.encode(request(Modality::Video, video.clone()), Deadline::default()).await {
        assert_eq!(error.reason, Reason::QueueFull, "{error}");
        sleep(Duration::from_millis(50)).await;
    }
    begun.elapsed()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_video_leaves_its_turn() {
    let encoder = one_at_a_time().await;
    for _ in 0..2 {
        let deadline = Deadline::after(Duration::from_millis(300));
        let late = encoder.encode(request(Modality::Video, slow_video()), deadline).await.unwrap_err();
        assert_eq!(late.reason, Reason::DeadlineExceeded, "{late}");
    }
    let waited = served_after(&encoder).await;
    println!("the next video was served after {waited:?}");
    assert!(waited < SOON, "{waited:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_video_whose_caller_went_away_leaves_its_turn() {
    let encoder = Arc::new(one_at_a_time().await);
    let asking = Arc::clone(&encoder);
    let video = slow_video();
    let call = tokio::spawn(async move { asking.encode(request(Modality::Video, video), Deadline::default()).await });
    sleep(Duration::from_millis(300)).await;
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled(), "the video took longer than its caller stayed");
    let waited = served_after(&encoder).await;
    println!("the next video was served after {waited:?}");
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
    tokio::spawn(server.run(stop.clone(), std::future::ready(())));
    let mut client = EncoderServiceClient::connect(endpoint).await.unwrap();
    let video = slow_video();
    let modality = convert::modality_out(Modality::Video);
    let start = EncodeStart { modality, total_bytes: video.len() as u64, ..EncodeStart::default() };
    let chunks: Vec<_> = convert::chunks(&Bytes::copy_from_slice(&video)).map(Message::Chunk).collect();
    let messages = std::iter::once(Message::Start(start)).chain(chunks);
    let messages = tokio_stream::iter(messages.map(|message| EncodeRequest { message: Some(message) }));
    let call = timeout(Duration::from_millis(500), client.encode(messages));
    assert!(call.await.is_err(), "the video took longer than its caller stayed");
    let waited = served_after(&encoder).await;
    println!("the next video was served after {waited:?}");
    assert!(waited < SOON, "{waited:?}");
    stop.cancel();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_a_turn_waits_and_who_asks_is_told_at_once() {
    let encoder = Arc::new(one_at_a_time().await);
    let asking = Arc::clone(&encoder);
    let slow = tokio::spawn(async move {
        asking.encode(request(Modality::Video, slow_video()), Deadline::after(Duration::from_secs(4))).await
    });
    // Behind a film that takes longer than anybody waits: told at once, not after having waited.
    sleep(Duration::from_secs(2)).await;
    let film = fs::read(shipped().join("../../samples/videos/blue-sword-approaching-01.mp4")).unwrap();
    let begun = Instant::now();
    let refused = encoder.encode(request(Modality::Video, film.clone()), Deadline::default()).await.unwrap_err();
    assert_eq!((refused.reason, refused.retry_after.is_some()), (Reason::QueueFull, true), "{refused}");
    assert!(begun.elapsed() < Duration::from_millis(500), "{:?}", begun.elapsed());
    assert_eq!(encoder.turn(Modality::Video, 64, Deadline::default()).unwrap_err().reason, Reason::QueueFull);
    // What was taken on before waits for as long as its deadline says.
    let taken_on = onespace_core::EncodeRequest { turn: Turn::Has, ..request(Modality::Video, film) };
    let served = encoder.encode(taken_on, Deadline::default()).await;
    assert_eq!(slow.await.unwrap().unwrap_err().reason, Reason::DeadlineExceeded);
    assert!(served.is_ok(), "{served:?}");
}

//! The transcriber as a service, with the tiny model of encoders/speech.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)] // A test may fail.

mod common;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use common::{runtime, tone};
use onespace_core::{Deadline, Modality, Reason, Transcribe, TranscribeRequest, limits};
use onespace_encoder::{Decoders, LocalTranscriber, transcriber_service};
use onespace_kit::{ready::Ready, serve::Server};
use onespace_proto::{
    convert,
    encoder::v1::{
        DescribeTranscriberRequest, TranscribeRequest as Wire, TranscribeStart, transcribe_request::Message,
        transcriber_service_client::TranscriberServiceClient,
    },
    space, status, transcript,
    v1::Chunk,
};
use tokio_util::sync::CancellationToken;
use tonic::{Request, Status, transport::Channel};

fn tiny() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../encoders/speech/tests/tiny")
}

async fn transcriber() -> LocalTranscriber {
    LocalTranscriber::load(&runtime(), &tiny(), &Decoders::InProcess).await.unwrap()
}

fn request(modality: Modality, bytes: Vec<u8>) -> TranscribeRequest {
    TranscribeRequest { modality, bytes: bytes.into(), language: None, first_ms: None }
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_are_the_recordings_own() {
    let transcriber = transcriber().await;
    let ask = async |request, deadline| transcriber.transcribe(request, deadline).await.map_err(|error| error.reason);
    let in_time = Deadline::default();
    for (bad, reason) in [
        (request(Modality::Image, vec![1]), Reason::FieldInvalid),
        (request(Modality::Audio, vec![]), Reason::MediaEmpty),
        (request(Modality::Audio, vec![0; limits::AUDIO_BYTES + 1]), Reason::MediaTooLarge),
        (request(Modality::Audio, b"no sound at all, whatever its name says".to_vec()), Reason::MediaUnsupported),
        (
            TranscribeRequest { language: Some("ja".parse().unwrap()), ..request(Modality::Audio, tone(1)) },
            Reason::FieldInvalid,
        ),
    ] {
        assert_eq!(ask(bad, in_time).await.unwrap_err(), reason);
    }
    assert_eq!(
        ask(request(Modality::Audio, tone(1)), Deadline::after(Duration::ZERO)).await.unwrap_err(),
        Reason::DeadlineExceeded
    );
    assert!(ask(request(Modality::Audio, tone(1)), in_time).await.is_ok(), "it listens on");
}

/// One after the other, however many come at once; what there is no room for is told to come again.
#[tokio::test(flavor = "multi_thread")]
async fn recordings_wait_their_turn_and_the_queue_ends() {
    let transcriber = Arc::new(transcriber().await);
    let many = (0..limits::SPEECH_QUEUE + 40).map(|_| {
        let transcriber = Arc::clone(&transcriber);
        tokio::spawn(
            async move { transcriber.transcribe(request(Modality::Audio, tone(2)), Deadline::default()).await },
        )
    });
    let many: Vec<_> = many.collect();
    let (mut heard, mut refused) = (0, 0);
    for one in many {
        match one.await.unwrap() {
            Ok(_) => heard += 1,
            Err(error) => {
                assert_eq!((error.reason, error.retry_after.is_some()), (Reason::QueueFull, true), "{error}");
                refused += 1;
            }
        }
    }
    assert!(heard >= limits::SPEECH_QUEUE, "{heard} were heard, {refused} refused");
}

fn start(modality: Modality, total_bytes: usize, language: &str) -> Message {
    let modality = convert::modality_out(modality);
    Message::Start(TranscribeStart {
        modality,
        total_bytes: total_bytes as u64,
        language: language.to_owned(),
        first_ms: 0,
    })
}

fn messages(parts: Vec<Message>) -> Request<impl tokio_stream::Stream<Item = Wire> + use<>> {
    Request::new(tokio_stream::iter(parts.into_iter().map(|message| Wire { message: Some(message) })))
}

fn reason(status: &Status) -> Reason {
    status::error(status, Reason::Internal).reason
}

async fn serve() -> (TranscriberServiceClient<Channel>, Ready<LocalTranscriber>, CancellationToken) {
    let ready = Ready::pending();
    let routes = transcriber_service::routes(ready.clone());
    let server = Server::bind("127.0.0.1:0".parse().unwrap(), transcriber_service::NAMES, routes).await.unwrap();
    let endpoint = format!("http://{}", server.address());
    let stop = CancellationToken::new();
    tokio::spawn(server.run(stop.clone(), std::future::ready(())));
    (TranscriberServiceClient::connect(endpoint).await.unwrap(), ready, stop)
}

#[tokio::test(flavor = "multi_thread")]
async fn recordings_come_in_chunks_and_faults_are_named() {
    let (mut client, ready, stop) = serve().await;
    let early = client.describe_transcriber(DescribeTranscriberRequest {}).await.unwrap_err();
    assert_eq!(reason(&early), Reason::NotReady);
    let local = ready.fill(transcriber().await);
    let told = client.describe_transcriber(DescribeTranscriberRequest {}).await.unwrap().into_inner().transcriber;
    assert_eq!(&space::transcriber_in(told.unwrap()).unwrap(), local.info());

    let media = tone(70);
    assert!(media.len() > limits::CHUNK_BYTES);
    let mut parts = vec![start(Modality::Audio, media.len(), "de")];
    parts.extend(convert::chunks(&media.clone().into()).map(Message::Chunk));
    let far = transcript::reply_in(client.transcribe(messages(parts)).await.unwrap().into_inner()).unwrap();
    let german = TranscribeRequest { language: Some("de".parse().unwrap()), ..request(Modality::Audio, media) };
    let near = local.transcribe(german, Deadline::default()).await.unwrap();
    assert_eq!(far.transcript, near.transcript);
    assert_eq!((far.transcript.language.as_str(), far.transcript.language_probability), ("de", 1.0));

    let chunk = |length: usize| Message::Chunk(Chunk { data: vec![b'a'; length].into(), last: true });
    let cases = [
        (vec![], Reason::FieldRequired),
        (vec![chunk(3)], Reason::FieldRequired),
        (vec![start(Modality::Text, 3, ""), chunk(3)], Reason::FieldInvalid),
        (vec![start(Modality::Audio, 0, "")], Reason::MediaEmpty),
        (vec![start(Modality::Audio, limits::AUDIO_BYTES + 1, "")], Reason::MediaTooLarge),
        (vec![start(Modality::Audio, 3, "Deutsch"), chunk(3)], Reason::FieldInvalid),
        (vec![start(Modality::Audio, 3, ""), chunk(2)], Reason::FieldInvalid),
        (vec![start(Modality::Audio, 3, ""), chunk(4)], Reason::FieldInvalid),
    ];
    for (case, (parts, expected)) in cases.into_iter().enumerate() {
        let error = client.transcribe(messages(parts)).await.unwrap_err();
        assert_eq!(reason(&error), expected, "case {case}: {error}");
    }
    stop.cancel();
}

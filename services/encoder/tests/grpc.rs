//! The service over a real connection.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)] // A test may fail.

mod common;

use std::time::Duration;

use common::{bundle, request, runtime, tone};
use onespace_core::{Deadline, Encoder, Modality, Reason, limits, vector};
use onespace_encoder::{LocalEncoder, Options, service};
use onespace_kit::{ready::Ready, serve::Server};
use onespace_proto::{
    convert,
    encoder::v1::{
        DescribeRequest, EncodeRequest, EncodeStart, encode_request::Message,
        encoder_service_client::EncoderServiceClient,
    },
    space, status,
    v1::Chunk,
};
use tokio_util::sync::CancellationToken;
use tonic::{Request, Status, transport::Channel};

fn start(modality: Modality, total_bytes: usize) -> Message {
    let total_bytes = total_bytes as u64;
    Message::Start(EncodeStart { modality: convert::modality_out(modality), total_bytes, ..EncodeStart::default() })
}

fn messages(parts: Vec<Message>) -> Request<impl tokio_stream::Stream<Item = EncodeRequest> + use<>> {
    Request::new(tokio_stream::iter(parts.into_iter().map(|message| EncodeRequest { message: Some(message) })))
}

fn reason(status: &Status) -> Reason {
    status::error(status, Reason::Internal).reason
}

async fn serve() -> (EncoderServiceClient<Channel>, Ready<LocalEncoder>, CancellationToken) {
    let ready = Ready::pending();
    let server =
        Server::bind("127.0.0.1:0".parse().unwrap(), service::NAMES, service::routes(ready.clone())).await.unwrap();
    let endpoint = format!("http://{}", server.address());
    let stop = CancellationToken::new();
    tokio::spawn(server.run(stop.clone(), std::future::ready(())));
    (EncoderServiceClient::connect(endpoint).await.unwrap(), ready, stop)
}

#[tokio::test(flavor = "multi_thread")]
async fn media_comes_in_chunks_and_faults_are_named() {
    let (mut client, ready, stop) = serve().await;
    let early = client.describe(DescribeRequest {}).await.unwrap_err();
    assert_eq!(reason(&early), Reason::NotReady);
    let early = client.encode(messages(vec![start(Modality::Text, 3)])).await.unwrap_err();
    assert_eq!(reason(&early), Reason::NotReady);

    let towers = [Modality::Text, Modality::Audio];
    let encoder = ready.fill(LocalEncoder::load(&runtime(), &bundle(), &towers, &Options::default()).await.unwrap());
    let told = space::encoder_in(client.describe(DescribeRequest {}).await.unwrap().into_inner()).unwrap();
    assert_eq!(&told, encoder.info());

    let media = tone(120);
    assert!(media.len() > limits::CHUNK_BYTES);
    let mut parts = vec![start(Modality::Audio, media.len())];
    parts.extend(convert::chunks(&media.clone().into()).map(Message::Chunk));
    let far = client.encode(messages(parts)).await.unwrap().into_inner();
    let near = encoder.encode(request(Modality::Audio, media), Deadline::default()).await.unwrap();
    assert_eq!(far.embeddings[0].space_fingerprint, bundle().space().fingerprint.to_string());
    let far = convert::embedding_in(far.embeddings[0].clone()).unwrap();
    assert!(vector::dot(&far.vector, &near.embeddings[0].vector) > 0.9999);

    let piece = |length: usize, last| Message::Chunk(Chunk { data: vec![b'a'; length].into(), last });
    let chunk = |length: usize| piece(length, true);
    let cases = [
        (vec![], Reason::FieldRequired),
        (vec![chunk(3)], Reason::FieldRequired),
        (
            vec![Message::Start(EncodeStart { total_bytes: 3, ..EncodeStart::default() }), chunk(3)],
            Reason::FieldRequired,
        ),
        (
            vec![Message::Start(EncodeStart { modality: 99, total_bytes: 3, ..EncodeStart::default() })],
            Reason::FieldInvalid,
        ),
        (vec![start(Modality::Image, 3), chunk(3)], Reason::ModalityNotServed),
        (vec![start(Modality::Text, 0)], Reason::MediaEmpty),
        (vec![start(Modality::Text, limits::DOCUMENT_BYTES + 1)], Reason::MediaTooLarge),
        (vec![start(Modality::Text, 3), chunk(2)], Reason::FieldInvalid),
        (vec![start(Modality::Text, 3), chunk(4)], Reason::FieldInvalid),
        (vec![start(Modality::Text, 6), piece(3, false), start(Modality::Text, 3)], Reason::FieldInvalid),
        (vec![start(Modality::Audio, 8 << 20), chunk(limits::CHUNK_BYTES + 1)], Reason::MediaTooLarge),
    ];
    for (case, (parts, expected)) in cases.into_iter().enumerate() {
        let error = client.encode(messages(parts)).await.unwrap_err();
        assert_eq!(reason(&error), expected, "case {case}: {error}");
    }
    assert!(client.encode(messages(vec![start(Modality::Text, 3), chunk(3)])).await.is_ok());
    stop.cancel();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_stalls_ends_at_its_deadline() {
    let (mut client, ready, stop) = serve().await;
    ready.fill(LocalEncoder::load(&runtime(), &bundle(), &[Modality::Text], &Options::default()).await.unwrap());
    let first = EncodeRequest { message: Some(start(Modality::Text, 3)) };
    let stalled = futures::StreamExt::chain(tokio_stream::iter([first]), tokio_stream::pending());
    let mut stalled = Request::new(stalled);
    stalled.set_timeout(Duration::from_millis(300));
    // Not that of the server's longest request, which would be minutes.
    let error = tokio::time::timeout(Duration::from_secs(20), client.encode(stalled)).await.unwrap().unwrap_err();
    assert_eq!(reason(&error), Reason::DeadlineExceeded, "{error}");
    stop.cancel();
}

//! Health tells the truth from the first moment to the last, and nothing in hand is lost at the end.

use std::{collections::BTreeSet, fs, net::TcpListener, path::Path, process::Output};

use onespace_proto::v1;
use onespace_tests::{
    Client, Server, Topology, bundle,
    client::{embed_item, embed_start, outcome, text, why},
    copied_bundle,
    process::{Process, command},
    samples,
};
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Code;
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus};
use tonic_reflection::pb::v1::{
    ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
    server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
};

const NAMES: [&str; 5] = [
    "",
    "onespace.v1.EmbeddingService",
    "onespace.v1.SearchService",
    "onespace.v1.CollectionService",
    "onespace.v1.SpaceService",
];

async fn status(client: &Client, service: &str) -> Result<ServingStatus, tonic::Status> {
    let request = HealthCheckRequest { service: service.to_owned() };
    client.health().check(request).await.map(|answer| answer.into_inner().status())
}

/// A gateway whose encoder is not there yet: it loads for as long as this test wants.
#[tokio::test]
async fn nothing_is_served_before_it_is_ready() {
    let folder = tempfile::tempdir().unwrap();
    let later = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let line = format!(
        "gateway --encoder text=http://{later} --data {} --listen 127.0.0.1:0 --http 127.0.0.1:0",
        folder.path().join("data").display()
    );
    let mut gateway = Process::spawn(&line.split(' ').map(ToOwned::to_owned).collect::<Vec<_>>(), folder.path());
    let said = gateway.line("listening grpc=").await;
    let client = Client::connect(&format!("http://{}", said.split(' ').next().unwrap())).await;
    for name in NAMES {
        assert_eq!(status(&client, name).await.unwrap(), ServingStatus::NotServing, "{name}");
    }
    assert_eq!(
        status(&client, "liveness").await.unwrap(),
        ServingStatus::Serving,
        "it lives, it need not be restarted"
    );
    assert_eq!(status(&client, "nobody").await.unwrap_err().code(), Code::NotFound);
    let early = client.space().get_space(v1::GetSpaceRequest {}).await.unwrap_err();
    assert_eq!(why(&early), ("NOT_READY".into(), String::new(), Code::Unavailable));
    let mut watch = client.health().watch(HealthCheckRequest::default()).await.unwrap().into_inner();
    assert_eq!(watch.message().await.unwrap().unwrap().status(), ServingStatus::NotServing);

    let line = format!("encoder --modality text --bundle {} --listen {later}", bundle().display());
    let _encoder = Process::spawn(&line.split(' ').map(ToOwned::to_owned).collect::<Vec<_>>(), folder.path());
    assert_eq!(watch.message().await.unwrap().unwrap().status(), ServingStatus::Serving);
    for name in NAMES {
        assert_eq!(status(&client, name).await.unwrap(), ServingStatus::Serving, "{name}");
    }
    let outcomes = client.embed(vec![text("a mug"), samples::with_extension("png").media()]).await;
    assert!(outcomes[0].is_ok());
    let error = outcomes[1].as_ref().unwrap_err();
    assert_eq!((error.reason.as_str(), error.code), ("MODALITY_NOT_SERVED", Code::FailedPrecondition as i32));
    drop(watch);
    gateway.terminate();
    assert!(gateway.exit().await.success(), "{}", gateway.log());
}

#[tokio::test]
async fn what_is_in_hand_when_it_stops_is_finished() {
    let mut server = Server::start().await;
    assert_eq!(server.get("/readyz"), (200, "ready\n".to_owned()));
    assert_eq!(server.get("/healthz").0, 200);
    let mut open = Vec::new();
    for index in 0..8 {
        let client = server.client().await;
        let (sender, requests) = mpsc::channel(1);
        let mut answers = client.embedding().embed_stream(ReceiverStream::new(requests)).await.unwrap().into_inner();
        sender.send(embed_start(None)).await.unwrap();
        sender.send(ask(index)).await.unwrap();
        assert!(outcome(answers.message().await.unwrap().unwrap().result.unwrap()).is_ok());
        open.push((index, sender, answers));
    }
    let mut watch = server.watch("").await;
    assert_eq!(watch.message().await.unwrap().unwrap().status(), ServingStatus::Serving);
    server.process().terminate();
    assert_eq!(watch.message().await.unwrap().unwrap().status(), ServingStatus::NotServing);
    drop(watch);
    // Everybody has been told; those that are open go on to their end.
    for (index, sender, mut answers) in open {
        for _ in 0..3 {
            sender.send(ask(index)).await.unwrap();
            let answer = answers.message().await.unwrap().expect("an answer during the drain");
            assert_eq!(answer.request_id, index.to_string());
            assert!(outcome(answer.result.unwrap()).is_ok());
        }
        drop(sender);
        assert!(answers.message().await.unwrap().is_none(), "the stream ends in order");
    }
    assert!(server.exit().await.success(), "{}", server.log());
}

fn ask(id: usize) -> v1::EmbedStreamRequest {
    let media = samples::some_of(v1::Modality::Image, 8)[id % 8].media();
    embed_item(id.to_string(), media)
}

#[tokio::test]
async fn it_can_be_stopped_while_it_loads() {
    let mut server = Server::launch(Topology::Single, &bundle()).await;
    server.process().terminate();
    assert!(server.exit().await.success(), "{}", server.log());
}

#[tokio::test]
async fn reflection_and_http_describe_what_is_served() {
    let server = Server::start().await;
    let client = server.client().await;
    let ask = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let symbol = "onespace.v1.SearchService.Search".to_owned();
    let find = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::FileContainingSymbol(symbol)),
    };
    let answers =
        ServerReflectionClient::new(client.channel()).server_reflection_info(futures::stream::iter([ask, find])).await;
    let mut answers = answers.unwrap().into_inner();
    let Some(MessageResponse::ListServicesResponse(list)) = answers.message().await.unwrap().unwrap().message_response
    else {
        panic!("a list")
    };
    let listed: BTreeSet<_> = list.service.into_iter().map(|service| service.name).collect();
    for name in NAMES.iter().skip(1).copied().chain(["grpc.health.v1.Health"]) {
        assert!(listed.contains(name), "{name} is not among {listed:?}");
    }
    let Some(MessageResponse::FileDescriptorResponse(file)) =
        answers.message().await.unwrap().unwrap().message_response
    else {
        panic!("a file")
    };
    assert!(!file.file_descriptor_proto.is_empty());

    let served = client.space().get_space(v1::GetSpaceRequest {}).await.unwrap().into_inner();
    let space = served.space.unwrap();
    assert_eq!((space.dimension, space.towers.len(), space.space_fingerprint.len()), (256, 5, 64));
    assert!(
        space.towers.iter().all(|tower| tower.golden_cosine >= 0.999 && tower.logit_scale > 1.0),
        "{:?}",
        space.towers
    );
    assert_eq!(served.limits.len(), onespace_core::limits::ALL.len());
    assert!(served.formats.len() >= 15 && !space.license.unwrap().name.is_empty() && !served.version.is_empty());
    let (code, page) = server.get("/v1/space");
    let page: serde_json::Value = serde_json::from_str(&page).unwrap();
    assert_eq!((code, page["space_fingerprint"].as_str()), (200, Some(space.space_fingerprint.as_str())));
    client.embed(vec![text("a mug")]).await.remove(0).unwrap();
    assert!(server.counters()["onespace_embed_total"] >= 1.0);
    assert_eq!(server.get("/nowhere").0, 404);
}

fn up(bundle: &Path, folder: &Path) -> (Output, String) {
    let data = folder.join("data");
    let output = command()
        .args(["up", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"])
        .arg("--bundle")
        .arg(bundle)
        .arg("--data")
        .arg(data)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output, said)
}

fn digest(path: &Path) -> String {
    Sha256::digest(fs::read(path).unwrap()).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn a_tampered_bundle_is_not_served() {
    let folder = tempfile::tempdir().unwrap();
    let bundle = copied_bundle(folder.path());
    let file = bundle.join("image.onnx");
    let stated = digest(&file);
    let mut bytes = fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&file, bytes).unwrap();
    let (output, said) = up(&bundle, folder.path());
    assert_eq!(output.status.code(), Some(1));
    for part in ["image.onnx", &stated, &digest(&file)] {
        assert!(said.contains(part), "{part} is not named in: {said}");
    }
    assert!(!String::from_utf8_lossy(&output.stdout).contains("ready "));
}

#[tokio::test]
async fn a_tower_that_computes_something_else_is_not_served() {
    let folder = tempfile::tempdir().unwrap();
    let bundle = copied_bundle(folder.path());
    // Another golden vector, and a manifest that vouches for it.
    let (golden, other) = (bundle.join("golden/image.f32"), bundle.join("golden/text.f32"));
    let (before, after) = (digest(&golden), digest(&other));
    fs::copy(&other, &golden).unwrap();
    let manifest = bundle.join("bundle.toml");
    let text = fs::read_to_string(&manifest).unwrap();
    assert!(text.contains(&before));
    fs::write(&manifest, text.replace(&before, &after)).unwrap();
    let (output, said) = up(&bundle, folder.path());
    assert_eq!(output.status.code(), Some(1));
    assert!(said.contains("image") && said.contains("cosine") && said.contains("0.999"), "{said}");
}

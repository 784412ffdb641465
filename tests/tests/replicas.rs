//! Replicas that freeze, die and come back, and what is told of them.

use std::{
    net::TcpListener,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use onespace_proto::v1::{EmbedRequest, Modality};
use onespace_tests::{
    Client, PATIENCE, Server, Topology, bundle,
    client::{outcome, text},
    process::Process,
    samples,
};
use tokio::{
    task::JoinSet,
    time::{interval, sleep, timeout},
};
use tonic::Request;
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus};

/// Requests a second.
const RATE: u64 = 60;
/// How long a request is waited for.
const DEADLINE: Duration = Duration::from_secs(3);

/// How long one of two encoders is frozen. `ONESPACE_TEST_FREEZE_SECONDS` makes it longer.
fn freeze() -> Duration {
    let named = std::env::var("ONESPACE_TEST_FREEZE_SECONDS");
    Duration::from_secs(named.map_or(6, |seconds| seconds.parse().unwrap()))
}

/// Embeds one picture before its deadline: how long that took, or why it failed.
async fn embed(client: Client, number: usize) -> Result<Duration, String> {
    let pictures = samples::some_of(Modality::Image, 8);
    let items = vec![pictures[number % pictures.len()].media()];
    let mut request = Request::new(EmbedRequest { items, ..Default::default() });
    request.set_timeout(DEADLINE);
    let began = Instant::now();
    let answer = client.embedding().embed(request).await.map_err(|status| format!("{status:?}"))?;
    let embedded = outcome(answer.into_inner().results.remove(0));
    embedded.map(|_| began.elapsed()).map_err(|error| error.reason)
}

/// Asks at a steady pace, whatever becomes of what was asked before.
async fn asked(client: &Client, time: Duration) -> Vec<Result<Duration, String>> {
    let mut pace = interval(Duration::from_micros(1_000_000 / RATE));
    let mut all = JoinSet::new();
    let began = Instant::now();
    while began.elapsed() < time {
        pace.tick().await;
        all.spawn(embed(client.clone(), all.len()));
    }
    all.join_all().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_replica_costs_no_request() {
    let mut server = Server::start_as(Topology::Cluster).await;
    let client = server.client().await;
    // Both have been asked before.
    asked(&client, Duration::from_secs(2)).await;
    server.replicas("image")[0].signal("STOP");
    let outcomes = asked(&client, freeze()).await;
    server.replicas("image")[0].signal("CONT");
    let mut took: Vec<Duration> = outcomes.iter().filter_map(|outcome| outcome.clone().ok()).collect();
    took.sort_unstable();
    let failures: Vec<_> = outcomes.iter().filter_map(|outcome| outcome.as_ref().err()).collect();
    println!(
        "frozen for {:?}: {} of {} failed; p50 {:?}, p99 {:?}, longest {:?}; {failures:?}",
        freeze(),
        failures.len(),
        outcomes.len(),
        took[took.len() / 2],
        took[took.len() * 99 / 100],
        took.last()
    );
    assert!(failures.len() * 1000 <= outcomes.len(), "{} of {}: {failures:?}", failures.len(), outcomes.len());
    // It is asked again.
    let log = || server.log();
    let found = timeout(PATIENCE, async {
        while !log().lines().any(|line| line.contains("a replica came or went") && line.contains("Serving")) {
            sleep(Duration::from_millis(100)).await;
        }
    });
    assert!(found.await.is_ok(), "it is never found again: {}", log());
}

struct Apart {
    gateway: Process,
    client: Client,
    http: String,
    video: Process,
    video_line: Vec<String>,
    folder: Arc<tempfile::TempDir>,
    _text: Process,
}

impl Apart {
    /// A gateway before one encoder of texts and one of videos.
    async fn start() -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let line = |modality: &str| {
            let at = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
            let line = format!("encoder --modality {modality} --bundle {} --listen {at}", bundle().display());
            (words(&line), at)
        };
        let ((text_line, text_at), (video_line, video_at)) = (line("text"), line("video"));
        let spawn = |line: &[String]| Process::spawn(line, folder.path());
        let (text, video) = (spawn(&text_line), spawn(&video_line));
        let gateway = format!(
            "gateway --encoder text=http://{text_at},video=http://{video_at} --data {} --listen 127.0.0.1:0 --http \
             127.0.0.1:0",
            folder.path().join("data").display()
        );
        let mut gateway = spawn(&words(&gateway));
        let said = gateway.line("listening grpc=").await;
        let (grpc, http) = said.split_once(" http=").unwrap();
        gateway.line("ready space=").await;
        let client = Client::connect(&format!("http://{grpc}")).await;
        Self { gateway, client, http: http.to_owned(), video, video_line, folder, _text: text }
    }

    async fn health(&self, name: &str) -> Result<ServingStatus, tonic::Code> {
        let request = HealthCheckRequest { service: name.to_owned() };
        let answer = self.client.health().check(request).await;
        answer.map(|answer| answer.into_inner().status()).map_err(|status| status.code())
    }

    async fn until(&self, name: &str, wanted: ServingStatus) -> Duration {
        let began = Instant::now();
        let told = timeout(PATIENCE, async {
            while self.health(name).await != Ok(wanted) {
                sleep(Duration::from_millis(50)).await;
            }
        });
        assert!(told.await.is_ok(), "{name} is never {wanted:?}; the log:\n{}", self.gateway.log());
        began.elapsed()
    }

    fn readyz(&self) -> String {
        use std::io::{Read, Write};
        let mut stream = std::net::TcpStream::connect(&self.http).unwrap();
        write!(stream, "GET /readyz HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.http).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }
}

fn words(line: &str) -> Vec<String> {
    line.split_ascii_whitespace().map(ToOwned::to_owned).collect()
}

fn restarted(line: &[String], folder: &Path) -> Process {
    Process::spawn(line, folder)
}

const VIDEO: &str = "onespace.v1.EmbeddingService/video";
const TEXT: &str = "onespace.v1.EmbeddingService/text";

#[tokio::test(flavor = "multi_thread")]
async fn a_modality_without_an_encoder_is_told_by_name() {
    use ServingStatus::{NotServing, Serving};
    let mut apart = Apart::start().await;
    assert_eq!((apart.health(VIDEO).await, apart.health(TEXT).await), (Ok(Serving), Ok(Serving)));
    let unknown = apart.health("onespace.v1.EmbeddingService/image").await;
    assert_eq!(unknown, Err(tonic::Code::NotFound), "nobody serves it here");
    apart.video.kill();
    let told = apart.until(VIDEO, NotServing).await;
    for name in ["", "onespace.v1.EmbeddingService", "onespace.v1.SearchService", TEXT] {
        assert_eq!(apart.health(name).await, Ok(Serving), "{name}");
    }
    let ready = apart.readyz();
    assert!(ready.starts_with("HTTP/1.1 200 ") && ready.contains("ready, but embeds no video"), "{ready}");
    let outcomes = apart.client.embed(vec![text("a mug"), samples::with_extension("mp4").media()]).await;
    assert!(outcomes[0].is_ok());
    assert_eq!(outcomes[1].as_ref().unwrap_err().reason, "ENCODER_UNAVAILABLE");

    let folder = apart.folder.clone();
    apart.video = restarted(&apart.video_line, folder.path());
    apart.video.line("ready space=").await;
    let back = apart.until(VIDEO, Serving).await;
    println!("told {told:?} after its end, and {back:?} after its return");
    assert!(told < Duration::from_secs(3) && back < Duration::from_secs(3), "{told:?} {back:?}");
    assert!(apart.readyz().ends_with("\r\n\r\nready\n"));
    let film = apart.client.embed(vec![samples::with_extension("mp4").media()]).await;
    assert!(film[0].is_ok(), "{film:?}");
}

#[tokio::test]
async fn one_process_names_its_modalities_too() {
    let server = Server::start_as(Topology::Single).await;
    for modality in ["text", "image", "audio", "video", "point_cloud"] {
        let name = format!("onespace.v1.EmbeddingService/{modality}");
        assert_eq!(server.health(&name).await, ServingStatus::Serving, "{name}");
    }
}

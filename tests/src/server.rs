//! The system under test: one process, or a cluster of them on loopback.

use std::{
    collections::BTreeMap,
    io::{Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::ExitStatus,
};

use tempfile::TempDir;
use tokio::time::timeout;
use tonic_health::{
    pb::HealthCheckResponse,
    pb::{HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient},
};

use crate::{Client, PATIENCE, bundle, process::Process};

/// What the system is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topology {
    /// Everything in one process.
    Single,
    /// A gateway and an encoder for every modality, two of them for images.
    Cluster,
}

impl Topology {
    /// The one that `ONESPACE_TEST_TOPOLOGY` names.
    #[must_use]
    pub fn chosen() -> Self {
        match std::env::var("ONESPACE_TEST_TOPOLOGY").as_deref() {
            Err(_) | Ok("" | "single") => Self::Single,
            Ok("cluster") => Self::Cluster,
            Ok(other) => panic!("ONESPACE_TEST_TOPOLOGY={other}: neither single nor cluster"),
        }
    }
}

/// The encoders of a cluster, as far as the bundle has their towers.
const ENCODERS: [&str; 6] = ["text", "image", "image", "audio", "video", "point_cloud"];

/// A running system, with a folder of its own that goes with it.
#[derive(Debug)]
pub struct Server {
    // Processes end before their folder goes.
    gateway: Process,
    encoders: Vec<(String, Process)>,
    folder: TempDir,
    arguments: Vec<String>,
    grpc: String,
    http: String,
}

impl Server {
    /// Starts the chosen topology and waits until it is ready.
    pub async fn start() -> Self {
        Self::start_as(Topology::chosen()).await
    }

    /// Starts a topology and waits until it is ready.
    pub async fn start_as(topology: Topology) -> Self {
        let server = Self::launch(topology, &bundle()).await;
        server.ready().await;
        server
    }

    /// Starts a topology with a bundle; it listens, but may not be ready.
    pub async fn launch(topology: Topology, bundle: &Path) -> Self {
        let folder = tempfile::Builder::new().prefix("onespace-test-").tempdir().unwrap();
        Self::launch_in(folder, topology, bundle).await
    }

    /// Starts a topology with a transcriber and waits until it is ready.
    pub async fn start_hearing(topology: Topology, bundle: &Path, transcriber: &Path) -> Self {
        let folder = tempfile::Builder::new().prefix("onespace-test-").tempdir().unwrap();
        let server = Self::launch_with(folder, topology, bundle, Some(transcriber), &[]).await;
        server.ready().await;
        server
    }

    /// Starts the chosen topology, its vectors in a Qdrant at these addresses, and waits until it is ready.
    pub async fn start_before(qdrant: &[String]) -> Self {
        let folder = tempfile::Builder::new().prefix("onespace-test-").tempdir().unwrap();
        let server = Self::launch_with(folder, Topology::chosen(), &bundle(), None, qdrant).await;
        server.ready().await;
        server
    }

    /// Starts the chosen topology in a folder, with whatever data lies there, and waits until it is ready.
    pub async fn start_in(folder: TempDir) -> Self {
        let server = Self::launch_in(folder, Topology::chosen(), &bundle()).await;
        server.ready().await;
        server
    }

    /// What the health service says of a name now.
    pub async fn health(&self, service: &str) -> ServingStatus {
        self.watch(service).await.message().await.unwrap().unwrap().status()
    }

    /// Waits until the health service says so of a name.
    pub async fn until(&self, service: &str, wanted: ServingStatus) {
        let watched = timeout(PATIENCE, async {
            let mut watch = self.watch(service).await;
            while watch.message().await.unwrap().is_some_and(|answer| answer.status() != wanted) {}
        });
        assert!(watched.await.is_ok(), "{service} is never {wanted:?}; the log:\n{}", self.log());
    }

    /// Ends every process and starts the same topology with another bundle, on the data that was left; waits until it
    /// is ready.
    pub async fn with_bundle(self, bundle: &Path) -> Self {
        let Self { gateway, encoders, folder, .. } = self;
        let topology = if encoders.is_empty() { Topology::Single } else { Topology::Cluster };
        drop((gateway, encoders));
        let server = Self::launch_in(folder, topology, bundle).await;
        server.ready().await;
        server
    }

    async fn launch_in(folder: TempDir, topology: Topology, bundle: &Path) -> Self {
        Self::launch_with(folder, topology, bundle, None, &[]).await
    }

    async fn launch_with(
        folder: TempDir,
        topology: Topology,
        bundle: &Path,
        transcriber: Option<&Path>,
        qdrant: &[String],
    ) -> Self {
        let manifest = std::fs::read_to_string(bundle.join("bundle.toml")).unwrap_or_default();
        let bundle = bundle.display().to_string();
        let mut arguments = Vec::new();
        let mut encoders = Vec::new();
        match topology {
            Topology::Single => arguments.extend(["up".to_owned(), "--bundle".to_owned(), bundle]),
            Topology::Cluster => {
                for modality in ENCODERS.into_iter().filter(|one| manifest.contains(&format!("[towers.{one}]"))) {
                    let line = ["encoder", "--modality", modality, "--bundle", &bundle, "--listen", "127.0.0.1:0"];
                    encoders.push((modality.to_owned(), Process::spawn(&line.map(ToOwned::to_owned), folder.path())));
                }
                arguments.push("gateway".to_owned());
                for (modality, encoder) in &mut encoders {
                    let (grpc, _) = addresses(&encoder.line("listening ").await);
                    arguments.extend(["--encoder".to_owned(), format!("{modality}=http://{grpc}")]);
                }
            }
        }
        if let Some(transcriber) = transcriber {
            let mut place = transcriber.display().to_string();
            if topology == Topology::Cluster {
                let line = ["transcriber", "--transcriber", &place, "--listen", "127.0.0.1:0"];
                let mut process = Process::spawn(&line.map(ToOwned::to_owned), folder.path());
                place = format!("http://{}", addresses(&process.line("listening ").await).0);
                encoders.push(("speech".to_owned(), process));
            }
            arguments.extend(["--transcriber".to_owned(), place]);
        }
        match qdrant {
            [] => arguments.extend(["--data".to_owned(), folder.path().join("data").display().to_string()]),
            urls => arguments.extend(["--qdrant".to_owned(), urls.join(",")]),
        }
        arguments.extend(["--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"].map(ToOwned::to_owned));
        let (gateway, grpc, http) = Self::gateway(&arguments, folder.path()).await;
        Self { gateway, encoders, folder, arguments, grpc, http }
    }

    async fn gateway(arguments: &[String], folder: &Path) -> (Process, String, String) {
        let mut gateway = Process::spawn(arguments, folder);
        let (grpc, http) = addresses(&gateway.line("listening ").await);
        (gateway, grpc, http)
    }

    /// Starts the public process again, on the data that the one before it left.
    pub async fn restart(&mut self) {
        (self.gateway, self.grpc, self.http) = Self::gateway(&self.arguments, self.folder.path()).await;
        self.ready().await;
    }

    /// Waits until the health service says SERVING.
    pub async fn ready(&self) {
        let watched = timeout(PATIENCE, async {
            let mut watch = self.watch("").await;
            while let Some(answer) = watch.message().await.unwrap_or_default() {
                if answer.status() == ServingStatus::Serving {
                    return true;
                }
            }
            false
        });
        assert!(watched.await.unwrap_or(false), "the server did not become ready; its log:\n{}", self.log());
    }

    /// Watches a health name.
    pub async fn watch(&self, service: &str) -> tonic::Streaming<HealthCheckResponse> {
        let client = self.client().await;
        let request = HealthCheckRequest { service: service.to_owned() };
        HealthClient::new(client.channel()).watch(request).await.unwrap().into_inner()
    }

    /// A connection of its own.
    pub async fn client(&self) -> Client {
        Client::connect(&self.endpoint()).await
    }

    /// Where its gRPC is.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.grpc)
    }

    /// Where its HTTP is.
    #[must_use]
    pub fn http(&self) -> &str {
        &self.http
    }

    /// Its folder.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    /// The public process.
    #[must_use]
    pub fn process(&self) -> &Process {
        &self.gateway
    }

    /// The public process, to be ended.
    pub fn process_mut(&mut self) -> &mut Process {
        &mut self.gateway
    }

    /// Waits for the end of the public process.
    pub async fn exit(&mut self) -> ExitStatus {
        self.gateway.exit().await
    }

    /// The encoders of a modality; none in one process.
    pub fn replicas(&mut self, modality: &str) -> Vec<&mut Process> {
        self.encoders.iter_mut().filter(|(name, _)| name == modality).map(|(_, process)| process).collect()
    }

    /// Every process of it.
    pub fn processes(&self) -> impl Iterator<Item = &Process> {
        self.encoders.iter().map(|(_, process)| process).chain([&self.gateway])
    }

    /// What the processes logged.
    #[must_use]
    pub fn log(&self) -> String {
        self.processes().map(Process::log).collect()
    }

    /// Status and body of a page.
    #[must_use]
    pub fn get(&self, path: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.http).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.http).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }

    /// The counters of the public process, summed over their labels.
    #[must_use]
    pub fn counters(&self) -> BTreeMap<String, f64> {
        let mut sums = BTreeMap::new();
        let (_, page) = self.get("/metrics");
        for (series, value) in
            page.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.rsplit_once(' '))
        {
            // What was turned away for a moment was not done; a busy machine does that.
            if series.contains("outcome=") && !series.contains("outcome=\"OK\"") {
                continue;
            }
            let name = series.split('{').next().unwrap_or_default();
            *sums.entry(name.to_owned()).or_default() += value.parse::<f64>().unwrap_or_default();
        }
        sums
    }
}

/// `grpc=ADDRESS http=ADDRESS`, of which the second may be absent.
fn addresses(line: &str) -> (String, String) {
    let of = |name: &str| line.split(' ').find_map(|word| word.strip_prefix(name)).unwrap_or_default().to_owned();
    (of("grpc="), of("http="))
}

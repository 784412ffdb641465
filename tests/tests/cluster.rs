//! A cluster on loopback: encoders come and go, and no client notices.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use onespace_proto::v1::Modality;
use onespace_tests::{
    Client, PATIENCE, Server, Topology, bundle,
    client::{data, text},
    copied_bundle,
    process::{Process, command},
    samples, sound,
    vectors::cosine,
};
use tokio::{sync::Notify, time::timeout};

/// Clients that ask at the same time.
const CLIENTS: usize = 8;

/// Answers before the kill, and after it.
const ANSWERS: usize = 150;

/// Answers counted by many, awaited by one.
#[derive(Default)]
struct Count {
    answers: AtomicUsize,
    more: Notify,
}

impl Count {
    fn add(&self) {
        self.answers.fetch_add(1, Ordering::Relaxed);
        self.more.notify_one();
    }

    async fn reaches(&self, count: usize) {
        let reached = timeout(PATIENCE, async {
            while self.answers.load(Ordering::Relaxed) < count {
                self.more.notified().await;
            }
        });
        reached.await.expect("answers go on coming");
    }
}

/// Asks for pictures until told to stop, and gives what failed.
async fn ask(client: Client, count: Arc<Count>, stop: Arc<AtomicBool>, first: usize) -> Vec<String> {
    let pictures = samples::of(Modality::Image);
    let mut failures = Vec::new();
    for picture in pictures.iter().cycle().skip(first) {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        match client.embed(vec![picture.media()]).await.remove(0) {
            Ok(_) => count.add(),
            Err(error) => failures.push(format!("{error:?}")),
        }
    }
    failures
}

#[tokio::test(flavor = "multi_thread")]
async fn the_death_of_a_replica_goes_unnoticed() {
    let mut server = Server::start_as(Topology::Cluster).await;
    let (count, stop) = (Arc::new(Count::default()), Arc::new(AtomicBool::new(false)));
    let mut tasks = Vec::new();
    for first in 0..CLIENTS {
        tasks.push(tokio::spawn(ask(server.client().await, count.clone(), stop.clone(), first)));
    }
    count.reaches(ANSWERS).await;
    server.replicas("image")[0].kill();
    let at_the_kill = count.answers.load(Ordering::Relaxed);
    count.reaches(at_the_kill + ANSWERS).await;
    stop.store(true, Ordering::Relaxed);
    for task in tasks {
        let failures = task.await.unwrap();
        assert!(failures.is_empty(), "{} of {}: {failures:?}", failures.len(), count.answers.load(Ordering::Relaxed));
    }

    // The last one dies, too: pictures are said to be unavailable, all else goes on.
    server.replicas("image")[1].kill();
    let client = server.client().await;
    let outcomes = client
        .embed(vec![samples::with_extension("png").media(), text("a mug"), samples::with_extension("ply").media()])
        .await;
    let error = outcomes[0].as_ref().unwrap_err();
    assert_eq!(
        (error.reason.as_str(), error.code),
        ("ENCODER_UNAVAILABLE", tonic::Code::Unavailable as i32),
        "{error:?}"
    );
    assert!(outcomes[1].is_ok() && outcomes[2].is_ok());
    assert!(server.process().alive());
}

#[tokio::test]
async fn a_cluster_gives_the_vectors_of_one_process() {
    let (cluster, single) = tokio::join!(Server::start_as(Topology::Cluster), Server::start_as(Topology::Single));
    let (cluster, single) = (cluster.client().await, single.client().await);
    assert_eq!(cluster.fingerprint().await, single.fingerprint().await);
    let mut media: Vec<_> =
        ["txt", "webp", "ogg", "mp4", "ply"].iter().map(|kind| samples::with_extension(kind).media()).collect();
    // Larger than one chunk between gateway and encoder.
    let (long, _) = sound::long_recording(80);
    assert!(long.len() > onespace_core::limits::CHUNK_BYTES);
    media.push(data(long));
    let (ours, theirs) = tokio::join!(cluster.embed(media.clone()), single.embed(media));
    for (ours, theirs) in ours.into_iter().zip(theirs) {
        let (ours, theirs) = (ours.unwrap(), theirs.unwrap());
        assert_eq!(ours.len(), theirs.len());
        for (a, b) in ours.iter().zip(&theirs) {
            assert_eq!((a.track, a.segment, a.span), (b.track, b.segment, b.span));
            assert!(cosine(&a.vector, &b.vector) >= 0.9999);
        }
    }
    // What an encoder refuses arrives as if it had been here.
    let broken = samples::with_extension("jpg").bytes.slice(..100);
    let (ours, theirs) = tokio::join!(cluster.embed(vec![data(broken.clone())]), single.embed(vec![data(broken)]));
    assert_eq!(ours[0].as_ref().unwrap_err(), theirs[0].as_ref().unwrap_err());
}

#[tokio::test]
async fn encoders_of_two_spaces_do_not_serve_together() {
    let folder = tempfile::tempdir().unwrap();
    let other = copied_bundle(folder.path());
    let manifest = other.join("bundle.toml");
    let text = fs::read_to_string(&manifest).unwrap().replacen("version = \"", "version = \"9", 1);
    fs::write(&manifest, text).unwrap();
    let mut encoders = Vec::new();
    let mut arguments = vec!["gateway".to_owned()];
    let mut spaces = Vec::new();
    for (modality, bundle) in [("text", bundle()), ("point_cloud", other)] {
        let line = format!("encoder --modality {modality} --bundle {} --listen 127.0.0.1:0", bundle.display());
        let mut encoder = Process::spawn(&line.split(' ').map(ToOwned::to_owned).collect::<Vec<_>>(), folder.path());
        let address = encoder.line("listening grpc=").await;
        spaces.push(encoder.line("ready space=").await.split(' ').next().unwrap().to_owned());
        arguments.extend(["--encoder".to_owned(), format!("{modality}=http://{address}")]);
        encoders.push(encoder);
    }
    assert_ne!(spaces[0], spaces[1]);
    let data = folder.path().join("data");
    let output = command()
        .args(arguments)
        .args(["--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--data"])
        .arg(data)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(spaces.iter().all(|space| said.contains(&space[..8])), "both spaces are named: {said}");
}

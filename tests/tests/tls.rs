//! TLS on both ports, between a gateway and its encoders, and while certificates are replaced.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use onespace_client::{Client, Config, EmbedOptions, TlsFiles, media};
use onespace_tests::{
    bundle,
    certificates::{Authority, Identity},
    guarded::{Guarded, folder},
    process::{Process, command},
};

fn trusting(authority: &Authority) -> TlsFiles {
    TlsFiles { ca: Some(authority.root.clone()), identity: None }
}

fn flags(identity: &Identity) -> Vec<String> {
    let (certificate, key) = identity.pair();
    ["--tls-cert".to_owned(), certificate.display().to_string(), "--tls-key".to_owned(), key.display().to_string()]
        .into()
}

async fn start(folder: tempfile::TempDir, identity: &Identity, more: &[&str]) -> Guarded {
    let flags = flags(identity);
    let flags: Vec<_> = flags.iter().map(String::as_str).chain(more.iter().copied()).collect();
    Guarded::start(folder, &flags).await
}

async fn embed(client: &Client) -> onespace_client::Result<()> {
    client.embed(media::text("a mug"), &EmbedOptions::default()).await.map(drop)
}

#[tokio::test]
async fn a_server_over_tls_is_reached_by_whom_trusts_it_and_by_nobody_else() {
    let folder = folder();
    let (authority, other) = (Authority::new(folder.path(), "one"), Authority::new(folder.path(), "other"));
    let server = start(folder, &authority.issue("server"), &[]).await;
    embed(&server.tls_client(trusting(&authority)).await.unwrap()).await.unwrap();
    assert!(server.tls_client(trusting(&other)).await.is_err(), "a root that did not sign it");
    assert!(server.tls_client(TlsFiles::default()).await.is_err(), "the system's roots");
    let plain = Config::new(format!("http://{}", server.grpc));
    let plain = Client::connect(plain).await;
    assert!(plain.is_err() || embed(&plain.unwrap()).await.is_err(), "plaintext is not spoken on this port");

    let root = authority.root.display().to_string();
    let line = |more: &[&str]| {
        let endpoint = format!("https://{}", server.grpc);
        command().args(["health", "--endpoint", &endpoint]).args(more).status().unwrap().success()
    };
    assert!(line(&["--ca", &root]) && !line(&[]), "the command line is told of the root");
    let page = healthz_by_curl(&server.http, &authority.root);
    assert_eq!(page.as_deref(), Some("ok\n"));
}

/// The page of a probe, over TLS.
fn healthz_by_curl(http: &str, root: &Path) -> Option<String> {
    let page = std::process::Command::new("curl")
        .args(["--silent", "--fail", "--cacert"])
        .arg(root)
        .arg(format!("https://{http}/healthz"))
        .output()
        .ok()?;
    page.status.success().then(|| String::from_utf8_lossy(&page.stdout).into_owned())
}

#[tokio::test]
async fn certificates_are_asked_for_and_those_that_ended_or_are_strange_are_refused() {
    let folder = folder();
    let (authority, other) = (Authority::new(folder.path(), "one"), Authority::new(folder.path(), "other"));
    let (known, ended, strange) = (authority.issue("known"), authority.issue_ended("ended"), other.issue("strange"));
    let root = authority.root.display().to_string();
    let server = start(folder, &authority.issue("server"), &["--tls-client-ca", &root]).await;
    let showing =
        |identity: Option<&Identity>| TlsFiles { identity: identity.map(Identity::pair), ..trusting(&authority) };
    embed(&server.tls_client(showing(Some(&known))).await.unwrap()).await.unwrap();
    for (name, identity) in [("none", None), ("ended", Some(&ended)), ("strange", Some(&strange))] {
        // With TLS 1.3 a client learns that it was refused from its first call.
        let refused = match server.tls_client(showing(identity)).await {
            Ok(client) => embed(&client).await.is_err(),
            Err(_) => true,
        };
        assert!(refused, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn certificates_are_replaced_under_load_without_a_failed_call() {
    let folder = folder();
    let path = folder.path().to_owned();
    let (before, after) = (Authority::new(&path, "before"), Authority::new(&path, "after"));
    let server = Arc::new(start(folder, &before.issue("server"), &[]).await);
    let client = server.tls_client(trusting(&before)).await.unwrap();
    let (stop, calls) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let load = {
        let (stop, calls) = (stop.clone(), calls.clone());
        tokio::spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                embed(&client).await.unwrap();
                calls.fetch_add(1, Ordering::Relaxed);
            }
        })
    };
    let _ = after.issue("server");
    let mut tries = 0;
    while server.tls_client(trusting(&after)).await.is_err() {
        tries += 1;
        assert!(tries < 100, "the new certificate is never shown; the log:\n{}", server.log());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(server.tls_client(trusting(&before)).await.is_err(), "the old one is shown no more");
    stop.store(true, Ordering::Relaxed);
    load.await.unwrap();
    assert!(calls.load(Ordering::Relaxed) > 10);
}

#[tokio::test]
async fn a_gateway_and_its_encoders_prove_themselves_to_each_other() {
    let folder = folder();
    let authority = Authority::new(folder.path(), "one");
    let (encoder_identity, gateway_identity) = (authority.issue("encoder"), authority.issue("gateway"));
    let (root, bundle) = (authority.root.display().to_string(), bundle().display().to_string());
    let line: Vec<String> = ["encoder", "--modality", "text", "--bundle", &bundle, "--listen", "127.0.0.1:0"]
        .map(ToOwned::to_owned)
        .into_iter()
        .chain(flags(&encoder_identity))
        .chain(["--tls-client-ca".to_owned(), root.clone()])
        .collect();
    let mut encoder = Process::spawn(&line, folder.path());
    let grpc = encoder.line("listening grpc=").await;
    encoder.line("ready ").await;
    let refused = Config { tls: trusting(&authority), ..Config::new(format!("https://{grpc}")) };
    let refused = match Client::connect(refused).await {
        Ok(client) => client.get_space().await.is_err(),
        Err(_) => true,
    };
    assert!(refused, "an encoder lets in only who shows a certificate");

    let port = grpc.rsplit(':').next().unwrap();
    let data = folder.path().join("data").display().to_string();
    let encoder_url = format!("text=https://localhost:{port}");
    let (certificate, key) = gateway_identity.pair();
    let line: Vec<String> = [
        "gateway",
        "--encoder",
        &encoder_url,
        "--data",
        &data,
        "--listen",
        "127.0.0.1:0",
        "--http",
        "127.0.0.1:0",
        "--encoder-ca",
        &root,
        "--encoder-cert",
        &certificate.display().to_string(),
        "--encoder-key",
        &key.display().to_string(),
    ]
    .map(ToOwned::to_owned)
    .into();
    let mut gateway = Process::spawn(&line, folder.path());
    let listening = gateway.line("listening ").await;
    gateway.line("ready ").await;
    let grpc = listening.split(' ').find_map(|word| word.strip_prefix("grpc=")).unwrap();
    let client = Client::connect(Config::new(format!("http://{grpc}"))).await.unwrap();
    embed(&client).await.unwrap();
}

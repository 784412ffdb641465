//! Many small messages: what is read too slowly slows its sender down, and no connection is ended for it.
//! Clients that send each message in a frame of its own are in tests/python.

use std::{fs, process::Stdio};

use futures::future::join_all;
use onespace_tests::{Server, Topology, client::text, process::command};
use tempfile::TempDir;

/// Enough to fill every window several times over.
const TEXTS: usize = 4_000;

fn short(number: usize) -> String {
    format!("a red mug no. {number:06}")
}

#[tokio::test]
async fn the_command_line_stores_thousands_of_tiny_files() {
    let server = Server::start().await;
    let folder = TempDir::new().unwrap();
    for number in 0..TEXTS {
        fs::write(folder.path().join(format!("{number}.txt")), short(number)).unwrap();
    }
    let ingest = || {
        let mut ingest = command();
        ingest.arg("ingest").arg(folder.path()).args(["--collection", "tiny", "--endpoint", &server.endpoint()]);
        let said = ingest.stdin(Stdio::null()).output().unwrap();
        assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
        String::from_utf8(said.stdout).unwrap()
    };
    assert_eq!(ingest().trim(), format!("stored: {TEXTS} text; updated: 0; unchanged: 0; failed: 0"));
    assert_eq!(ingest().trim(), format!("stored: nothing new; updated: 0; unchanged: {TEXTS}; failed: 0"));
}

/// A gateway sends each text to its encoder as a stream of its own: a header and a chunk, each a small frame.
#[tokio::test]
async fn a_burst_of_texts_passes_from_a_gateway_to_an_encoder() {
    let server = Server::start_as(Topology::Cluster).await;
    let clients = join_all((0..4).map(|_| server.client())).await;
    let lists = (0..TEXTS / 64).map(|list| {
        let client = &clients[list % clients.len()];
        client.embed((0..64).map(|number| text(short(64 * list + number))).collect())
    });
    let failed: Vec<_> = join_all(lists).await.into_iter().flatten().filter_map(Result::err).collect();
    assert!(failed.is_empty(), "{} failed, the first with {:?}", failed.len(), failed.first());
    let paused = server.counters().get("onespace_replica_paused_total").copied().unwrap_or_default();
    assert_eq!(paused, 0.0, "the connection between them was never ended");
}

//! How a server ends.

#![allow(clippy::unwrap_used, clippy::expect_used)] // A test may fail.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use onespace_kit::serve::Server;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stops_waits_for_work_that_outlives_its_connection() {
    let server = Server::bind("127.0.0.1:0".parse().unwrap(), &[], Routes::default()).await.unwrap();
    let shutdown = CancellationToken::new();
    let done = Arc::new(AtomicBool::new(false));
    let work = Arc::clone(&done);
    let stopping = shutdown.clone();
    let finish = async move {
        assert!(stopping.is_cancelled(), "nobody waits for work while the server serves");
        sleep(Duration::from_millis(500)).await;
        work.store(true, Ordering::SeqCst);
    };
    let running = tokio::spawn(server.run(shutdown.clone(), finish));
    sleep(Duration::from_millis(100)).await;
    assert!(!running.is_finished());
    shutdown.cancel();
    timeout(Duration::from_secs(20), running).await.expect("it ends").unwrap().unwrap();
    assert!(done.load(Ordering::SeqCst), "it ended before its work");
}

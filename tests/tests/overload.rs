//! More than fits is turned away with a pause to wait, and deadlines are kept.

use std::time::Duration;

use futures::future::join_all;
use onespace_proto::v1::{
    self, embedding_service_client::EmbeddingServiceClient, search_service_client::SearchServiceClient,
};
use onespace_tests::{
    Client, PATIENCE, Server,
    client::{outcome, part, text, why},
    raw, samples,
};
use tokio::{
    sync::{OnceCell, mpsc},
    time::{sleep, timeout},
};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Request, Status};
use tonic_types::StatusExt as _;

async fn server() -> &'static Server {
    static SERVER: OnceCell<Server> = OnceCell::const_new();
    SERVER.get_or_init(Server::start).await
}

fn film() -> v1::Media {
    samples::named("videos/blue-sword-approaching-01.mp4").media()
}

fn ranking() -> v1::RankRequest {
    v1::RankRequest {
        parts: vec![part(film())],
        candidates: vec![text("a blue sword")],
        calibrate: None,
        ..Default::default()
    }
}

/// A refusal says so in every way that a client may listen to, and names the pause.
fn assert_pushback(status: &Status) {
    assert_eq!(why(status).0, "QUEUE_FULL", "{status:?}");
    assert_eq!(status.code(), Code::ResourceExhausted);
    let pause = status.get_details_retry_info().unwrap().retry_delay.unwrap();
    let header: u128 = status.metadata().get("grpc-retry-pushback-ms").unwrap().to_str().unwrap().parse().unwrap();
    assert!(header > 0 && header == pause.as_millis(), "{header} and {pause:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_beyond_the_queue_is_turned_away_and_over() {
    let server = server().await;
    // 4096 films at once, sixteen times as many as may wait.
    let clients: Vec<Client> = join_all((0..4).map(|_| server.client())).await;
    let lists = (0..64).map(|index| {
        let request = v1::EmbedRequest { items: vec![film(); 64], ..Default::default() };
        let mut embedding = clients[index % clients.len()].embedding();
        tokio::spawn(async move { embedding.embed(request).await })
    });
    let questions = (0..256).map(|index| {
        let mut searching = clients[index % clients.len()].searching();
        tokio::spawn(async move { searching.rank(ranking()).await })
    });
    let (lists, questions) = (lists.collect::<Vec<_>>(), questions.collect::<Vec<_>>());

    let (mut served, mut turned_away, mut otherwise) = (0, 0, Vec::new());
    for answer in join_all(lists).await {
        match answer.unwrap() {
            Ok(response) => {
                for result in response.into_inner().results {
                    match outcome(result) {
                        Ok(_) => served += 1,
                        Err(error) if error.reason == "QUEUE_FULL" && error.retry_after_ms > 0 => turned_away += 1,
                        Err(error) => otherwise.push(error),
                    }
                }
            }
            Err(status) => {
                assert_pushback(&status);
                turned_away += 64;
            }
        }
    }
    println!("films: {served} served, {turned_away} turned away");
    assert!(otherwise.is_empty(), "{} failed otherwise, such as {:?}", otherwise.len(), otherwise[0]);
    let (answered, refused): (Vec<_>, Vec<_>) =
        join_all(questions).await.into_iter().map(Result::unwrap).partition(Result::is_ok);
    println!("questions: {} served, {} turned away", answered.len(), refused.len());
    refused.into_iter().filter_map(Result::err).for_each(|status| assert_pushback(&status));
    // Questions are small and come first on some machines: then they have the seats, and films none.
    assert!(served + answered.len() > 0, "nobody was served");
    assert!(turned_away > 4096 / 2, "{turned_away} films turned away");

    // It is over: whoever waits as told is served.
    let client = server.client().await;
    let served = timeout(PATIENCE, async {
        while let Err(status) = client.searching().rank(ranking()).await {
            assert_pushback(&status);
            sleep(status.get_details_retry_info().unwrap().retry_delay.unwrap()).await;
        }
    });
    served.await.expect("the server recovers");
    assert!(server.processes().all(onespace_tests::process::Process::alive));
}

/// A request whose deadline only the server keeps.
fn within<T>(message: T, budget: Duration) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(budget);
    request
}

#[tokio::test]
async fn a_deadline_that_passes_is_answered_as_such() {
    // One of its own: the other tests fill the queues of theirs.
    let server = Server::start().await;
    let (connection, origin) = raw::unbound(&server.endpoint());
    let mut searching = SearchServiceClient::with_origin(connection.clone(), origin.clone());
    let mut embedding = EmbeddingServiceClient::with_origin(connection, origin);
    // Connected, and warm.
    searching.rank(ranking()).await.unwrap();
    for _ in 0..50 {
        let status = searching.rank(within(ranking(), Duration::from_millis(1))).await.unwrap_err();
        assert_eq!(status.code(), Code::DeadlineExceeded, "{status:?}");
        assert_eq!(why(&status).0, "DEADLINE_EXCEEDED");
    }
    // A list is answered as a whole, or each of its items says so.
    let list = v1::EmbedRequest { items: vec![film(); 64], ..Default::default() };
    match embedding.embed(within(list, Duration::from_millis(2))).await {
        Err(status) => assert_eq!(status.code(), Code::DeadlineExceeded, "{status:?}"),
        Ok(response) => {
            let mut outcomes = response.into_inner().results.into_iter().map(outcome);
            // What is not begun for want of time is told to come again.
            let late = |reason: &str| matches!(reason, "DEADLINE_EXCEEDED" | "QUEUE_FULL");
            assert!(outcomes.all(|outcome| outcome.is_err_and(|error| late(&error.reason))));
        }
    }
    // Time enough is enough.
    searching.rank(within(ranking(), PATIENCE)).await.unwrap();
}

#[tokio::test]
async fn a_stream_ends_at_its_deadline_whoever_stalls() {
    let server = server().await;
    let (connection, origin) = raw::unbound(&server.endpoint());
    let mut embedding = EmbeddingServiceClient::with_origin(connection, origin);
    let (sender, requests) = mpsc::channel(1);
    let start = v1::embed_file_request::Message::Start(v1::FileStart::default());
    sender.send(v1::EmbedFileRequest { message: Some(start) }).await.unwrap();
    // The file never comes; the sender stays.
    let call = embedding.embed_file(within(ReceiverStream::new(requests), Duration::from_millis(300)));
    let ended = timeout(PATIENCE, async { call.await?.into_inner().message().await });
    let status = ended.await.expect("the stream ends").unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded, "{status:?}");
    drop(sender);
}

//! Files that come in chunks: many that are left half sent keep nobody else out, and none keeps another waiting for
//! ever.

use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::future::join_all;
use onespace_core::limits::{CHUNK_BYTES, UPLOADS_BYTES};
use onespace_proto::v1::{self, embed_file_request::Message, embed_file_response::Event};
use onespace_tests::{
    Client, PATIENCE, Server,
    client::{chunk, text, why},
    samples, sound,
};
use tokio::{
    sync::mpsc,
    time::{sleep, timeout},
};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status, Streaming};

/// As many as one careless client may open.
const FILES: usize = 100;

/// A file that was begun.
struct Upload {
    sender: mpsc::Sender<v1::EmbedFileRequest>,
    events: Streaming<v1::EmbedFileResponse>,
}

fn message(message: Message) -> v1::EmbedFileRequest {
    v1::EmbedFileRequest { message: Some(message) }
}

/// Sends all but the last byte of a file and waits until the server has it, or says no.
async fn begin(client: Client, file: Bytes) -> Result<Upload, Status> {
    let (sender, requests) = mpsc::channel(16);
    let mut call = tonic::Request::new(ReceiverStream::new(requests));
    // So many take their time.
    call.set_timeout(PATIENCE);
    let mut events = client.embedding().embed_file(call).await?.into_inner();
    let most = file.slice(..file.len() - 1);
    let size = most.len() as u64;
    let sending = sender.clone();
    let begun = tokio::spawn(async move {
        let _ = sending.send(message(Message::Start(v1::FileStart::default()))).await;
        for start in (0..most.len()).step_by(CHUNK_BYTES) {
            let piece = most.slice(start..most.len().min(start + CHUNK_BYTES));
            // Whoever was refused is told by the events.
            let _ = sending.send(message(Message::Chunk(chunk(piece, false)))).await;
        }
    });
    loop {
        let event = events.message().await?.and_then(|answer| answer.event);
        match event {
            Some(Event::Progress(progress)) if progress.received_bytes == size => break,
            Some(Event::Progress(_)) => {}
            other => panic!("{other:?} before the file was there"),
        }
    }
    begun.await.unwrap();
    Ok(Upload { sender, events })
}

/// Sends the last byte; how many embeddings there are.
async fn end(mut upload: Upload, file: &Bytes) -> Result<usize, Status> {
    let last = file.slice(file.len() - 1..);
    let _ = upload.sender.send(message(Message::Chunk(chunk(last, true)))).await;
    let mut count = 0;
    while let Some(answer) = upload.events.message().await? {
        count += usize::from(matches!(answer.event, Some(Event::Embedding(_))));
    }
    Ok(count)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_unfinished_files_keep_nobody_out() {
    let server = Server::start().await;
    let clients = join_all((0..4).map(|_| server.client())).await;
    let file: Bytes = sound::long_recording(40).0.into();
    // Silence behind it: more of it than fits a hundred times.
    let file = padded(&file, UPLOADS_BYTES * 5 / 4 / FILES);
    let begun = (0..FILES).map(|number| begin(clients[number % clients.len()].clone(), file.clone()));
    let began = Instant::now();
    let (open, refused): (Vec<_>, Vec<_>) =
        timeout(PATIENCE, join_all(begun)).await.expect("nobody waits for ever").into_iter().partition(Result::is_ok);
    println!("{} begun, {} refused, {:?}", open.len(), refused.len(), began.elapsed());
    assert!(open.len() > FILES / 2 && !refused.is_empty(), "{} begun, {} refused", open.len(), refused.len());
    for status in refused.into_iter().filter_map(Result::err) {
        assert_eq!((why(&status).0.as_str(), status.code()), ("QUEUE_FULL", Code::ResourceExhausted), "{status:?}");
    }

    // All others go on as if they were not there.
    let image = samples::with_extension("png");
    for media in [text("a red mug"), image.media()] {
        let outcome = timeout(PATIENCE, clients[0].embed(vec![media])).await.expect("it is answered").remove(0);
        assert!(outcome.is_ok(), "{outcome:?}");
    }
    let whole = open.into_iter().filter_map(Result::ok).map(|upload| end(upload, &file));
    let counts = timeout(PATIENCE, join_all(whole)).await.expect("what was begun is finished");
    let failed: Vec<_> = counts.iter().filter_map(|count| count.as_ref().err()).collect();
    assert!(failed.is_empty(), "{} of {}: {:?}", failed.len(), counts.len(), failed.first());
    // And there is room again.
    let again = begin(clients[0].clone(), file.clone()).await.unwrap();
    assert!(end(again, &file).await.unwrap() > 1);
}

/// A WAV file of `size` bytes, its end silence.
fn padded(file: &Bytes, size: usize) -> Bytes {
    let mut bytes = file.to_vec();
    bytes.resize(size, 0);
    let data = bytes.windows(4).position(|window| window == b"data").unwrap() + 4;
    let (riff, sound) = ((size - 8) as u32, (size - data - 4) as u32);
    bytes[4..8].copy_from_slice(&riff.to_le_bytes());
    bytes[data..data + 4].copy_from_slice(&sound.to_le_bytes());
    bytes.into()
}

#[tokio::test]
async fn a_file_that_trickles_is_ended() {
    let server = Server::start().await;
    let client = server.client().await;
    let (sender, requests) = mpsc::channel(1);
    let mut events = client.embedding().embed_file(ReceiverStream::new(requests)).await.unwrap().into_inner();
    let trickling = tokio::spawn(async move {
        let _ = sender.send(message(Message::Start(v1::FileStart::default()))).await;
        while sender.send(message(Message::Chunk(chunk(vec![0; 7], false)))).await.is_ok() {
            sleep(Duration::from_millis(500)).await;
        }
    });
    let ended = timeout(PATIENCE, async {
        loop {
            if let Err(status) = events.message().await {
                return status;
            }
        }
    });
    let status = ended.await.expect("it is ended");
    assert_eq!((why(&status).0.as_str(), status.code()), ("STREAM_STALLED", Code::DeadlineExceeded), "{status:?}");
    assert!(status.message().contains("UPLOAD_FLOOR"), "{status:?}");
    trickling.await.unwrap();
}

#[tokio::test]
async fn streaming_calls_keep_their_deadlines() {
    let server = Server::start().await;
    let client = server.client().await;
    let (sender, requests) = mpsc::channel(1);
    let mut call = tonic::Request::new(ReceiverStream::new(requests));
    call.set_timeout(Duration::from_secs(1));
    let mut answers = client.embedding().embed_stream(call).await.unwrap().into_inner();
    let asking = tokio::spawn(async move {
        let _ = sender.send(onespace_tests::client::embed_start(None)).await;
        while sender.send(onespace_tests::client::embed_item("x", text("a mug"))).await.is_ok() {
            sleep(Duration::from_millis(50)).await;
        }
    });
    let mut answered = 0;
    let ended = timeout(PATIENCE, async {
        loop {
            match answers.message().await {
                Ok(Some(_)) => answered += 1,
                other => return other.map(|_| ()).unwrap_err(),
            }
        }
    });
    let status = ended.await.expect("it ends");
    assert!(status.code() == Code::DeadlineExceeded && answered > 2, "{answered} answers, then {status:?}");
    asking.await.unwrap();
}

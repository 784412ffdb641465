//! Embedding as items come.

use std::{sync::Arc, time::Instant};

use futures::{Stream, StreamExt};
use onespace_core::{
    Deadline, EmbedOptions, Error, Reason, Result, Timings,
    limits::{CALLER_ID_BYTES, STREAM_IN_FLIGHT, check_text},
};
use onespace_kit::messages::Messages;
use onespace_proto::{convert, status::status, v1};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use crate::{
    Gateway,
    embed::Wanted,
    gateway::timed,
    item::{Item, Waits},
    upload::{Held, Receiver, is_incomplete},
};

/// An item that has come, whole.
struct Received {
    request_id: String,
    media: Result<v1::Media>,
    /// What came in chunks waits where queues are full: it is not sent again for that.
    waits: Waits,
    /// Accounts for its bytes until it is answered.
    _held: Held,
}

/// Embeds what comes, a bounded number at once, and answers as results are ready.
pub fn embed_stream(
    gateway: Arc<Gateway>,
    messages: Messages<v1::EmbedStreamRequest>,
) -> impl Stream<Item = Result<v1::EmbedStreamResponse, Status>> {
    let (sender, incoming) = mpsc::channel(1);
    let reader = gateway.clone();
    // Reading in a task of its own turns silence on the client's side into an error, whoever polls the answers.
    gateway.tasks().spawn(async move {
        let read = async {
            if let Err(error) = read(&reader, messages, &sender).await {
                // The client may be gone; then nobody needs the reason.
                let _ = sender.send(Err(error)).await;
            }
        };
        tokio::select! {
            () = read => {}
            () = sender.closed() => {}
        }
    });
    let answer = move |received: Result<(Received, Wanted)>| {
        let gateway = gateway.clone();
        async move {
            let (received, wanted) = received.map_err(|error| status(&error))?;
            Ok(answer(&gateway, received, wanted).await)
        }
    };
    ReceiverStream::new(incoming).map(answer).buffer_unordered(STREAM_IN_FLIGHT)
}

async fn read(
    gateway: &Gateway,
    mut messages: Messages<v1::EmbedStreamRequest>,
    sender: &mpsc::Sender<Result<(Received, Wanted)>>,
) -> Result<()> {
    use v1::embed_stream_request::Message;
    let chunk = |message: v1::EmbedStreamRequest| match message.message {
        Some(Message::Chunk(chunk)) => Some(chunk),
        _ => None,
    };
    let Some(Message::Start(start)) = messages.next().await?.and_then(|message| message.message) else {
        return Err(Error::new(Reason::FieldRequired, "start", "the first message must be the start"));
    };
    let read = Wanted::read(gateway, start.options.as_ref(), start.encoding, EmbedOptions::default());
    let wanted = read.map_err(|error| error.under("start"))?;
    let unfinished = gateway.unfinished(messages.client());
    while let Some(message) = messages.next().await? {
        let Some(Message::Item(item)) = message.message else {
            return Err(Error::new(Reason::FieldInvalid, "message", "an item was expected here"));
        };
        let media = item.media.unwrap_or_default();
        let mut receiver = Receiver { messages: &mut messages, chunk, unfinished: &unfinished };
        let waits = if is_incomplete(&media) { Waits::Turn } else { Waits::Never };
        let (media, held) = receiver.complete(media).await?;
        let received = Received { request_id: item.request_id, media, waits, _held: held };
        if sender.send(Ok((received, wanted))).await.is_err() {
            return Ok(());
        }
    }
    Ok(())
}

async fn answer(gateway: &Gateway, received: Received, wanted: Wanted) -> v1::EmbedStreamResponse {
    let started = Instant::now();
    let Received { request_id, media, waits, _held } = received;
    let outcome = async {
        check_text("request_id", &request_id, CALLER_ID_BYTES)?;
        let embedded = async { wanted.embed(gateway, &Item::read(media?)?, Deadline::default(), waits).await };
        embedded.await.map_err(|error| error.under("media"))
    };
    let mut timings = Timings::default();
    let outcome = outcome.await.map_err(|error| error.under("item"));
    let result = Some(wanted.result_out(gateway, outcome, &mut timings));
    let timings = Some(convert::timings_out(&timed(started, timings)));
    v1::EmbedStreamResponse { request_id: cut_id(request_id), result, timings }
}

/// An id as it is handed back: whole, unless it was refused for its length.
pub fn cut_id(mut id: String) -> String {
    id.truncate(id.floor_char_boundary(CALLER_ID_BYTES));
    id
}

//! Embedding one large file.

use std::{sync::Arc, time::Instant};

use futures::Stream;
use onespace_core::{Deadline, EmbedOptions, Error, Modality, Reason, Result, Segments, limits::VIDEO_BYTES};
use onespace_kit::{deadline, messages::Messages};
use onespace_proto::{convert, status::status, v1};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use crate::{
    Gateway,
    embed::Wanted,
    gateway::timed,
    item::{Item, Waits},
    upload::{Held, Sizes, Upload},
};

type Events = mpsc::Sender<Result<v1::EmbedFileResponse, Status>>;

/// Receives one file, tells how far it has come, and answers its embeddings one by one.
pub fn embed_file(
    gateway: Arc<Gateway>,
    messages: Messages<v1::EmbedFileRequest>,
    deadline: Deadline,
) -> impl Stream<Item = Result<v1::EmbedFileResponse, Status>> {
    let (events, outgoing) = mpsc::channel(16);
    let tasks = gateway.tasks().clone();
    tasks.spawn(async move {
        let work = file(&gateway, messages, deadline, &events);
        let work = deadline::within(deadline, "while the file was embedded", work);
        let outcome = tokio::select! {
            outcome = work => outcome,
            // The client has gone away: whatever is being done for it ends here.
            () = events.closed() => return,
        };
        if let Err(failed) = outcome {
            // The client may be gone; then nobody needs the reason.
            let _ = events.send(Err(status(&failed))).await;
        }
    });
    ReceiverStream::new(outgoing)
}

async fn file(
    gateway: &Gateway,
    mut messages: Messages<v1::EmbedFileRequest>,
    deadline: Deadline,
    events: &Events,
) -> Result<()> {
    use v1::{embed_file_request::Message, embed_file_response::Event};
    let started = Instant::now();
    let Some(Message::Start(start)) = messages.next().await?.and_then(|message| message.message) else {
        return Err(Error::new(Reason::FieldRequired, "start", "the first message must be the file's start"));
    };
    let (wanted, mut media) = read_start(gateway, start).map_err(|error| error.under("start"))?;
    let (bytes, _held) = receive(gateway, &mut messages, &mut media, events).await?;
    send(events, Event::Progress(progress(v1::FileStage::Embedding, bytes.len()))).await?;
    media.content = Some(v1::media::Content::Data(bytes));
    let reply = wanted.embed(gateway, &Item::read(media)?, deadline, Waits::Turn).await?;
    let count = u32::try_from(reply.embeddings.len()).unwrap_or(u32::MAX);
    for embedding in reply.embeddings {
        send(events, Event::Embedding(wanted.embedding_out(gateway, embedding))).await?;
    }
    let timings = Some(convert::timings_out(&timed(started, reply.timings)));
    let notes = convert::notes_out(reply.notes);
    send(events, Event::Done(v1::FileDone { embeddings: count, timings, notes })).await
}

/// What is wanted of the file, and what is said of it.
fn read_start(gateway: &Gateway, start: v1::FileStart) -> Result<(Wanted, v1::Media)> {
    let default = EmbedOptions { segments: Segments::Tower, ..EmbedOptions::default() };
    let wanted = Wanted::read(gateway, start.options.as_ref(), start.encoding, default)?;
    let limit = limit(start.modality)?;
    if start.total_bytes > limit as u64 {
        let (found, limit) = (format!("{} bytes", start.total_bytes), format!("{limit} bytes"));
        return Err(Error::too_large("total_bytes", "the file", found, limit));
    }
    convert::media_type_in(start.media_type.clone())?;
    Ok((wanted, v1::Media { content: None, modality: start.modality, media_type: start.media_type }))
}

fn limit(modality: i32) -> Result<usize> {
    Ok(convert::modality_in(modality)?.map_or(VIDEO_BYTES, Modality::max_bytes))
}

async fn receive(
    gateway: &Gateway,
    messages: &mut Messages<v1::EmbedFileRequest>,
    media: &mut v1::Media,
    events: &Events,
) -> Result<(bytes::Bytes, Held)> {
    use v1::{embed_file_request::Message, embed_file_response::Event};
    let mut upload = Upload::new(limit(media.modality)?, &gateway.unfinished(messages.client()));
    let (mut held, mut sizes) = (Held::from_iter(messages.take_room()), Sizes::default());
    loop {
        let Some(Message::Chunk(chunk)) = messages.next().await?.and_then(|message| message.message) else {
            let message = "a chunk was expected here, and one that is the last of the file";
            return Err(Error::new(Reason::FieldInvalid, "message", message));
        };
        sizes.look(&chunk)?;
        held.extend(messages.take_room());
        upload.push(&chunk).await?;
        send(events, Event::Progress(progress(v1::FileStage::Receiving, upload.len()))).await?;
        if chunk.last {
            return Ok((upload.finish(), held));
        }
    }
}

async fn send(events: &Events, event: v1::embed_file_response::Event) -> Result<()> {
    let sent = events.send(Ok(v1::EmbedFileResponse { event: Some(event) })).await;
    sent.map_err(|_| Error::new(Reason::Cancelled, "", "the client went away"))
}

fn progress(stage: v1::FileStage, received: usize) -> v1::FileProgress {
    v1::FileProgress { stage: stage.into(), received_bytes: received as u64 }
}

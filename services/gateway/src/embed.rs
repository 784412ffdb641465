//! Embedding: a list, a stream, or one large file.

use std::{sync::Arc, time::Instant};

use bytes::BytesMut;
use futures::{Stream, StreamExt, future::join_all};
use onespace_core::{
    Deadline, EncodeReply, Error, Media, Reason, Result, Timings,
    limits::{CALLER_ID_BYTES, CHUNK_BYTES, ITEMS_PER_REQUEST, STREAM_IN_FLIGHT, VIDEO_BYTES, check_text},
    media::Content,
};
use onespace_kit::deadline;
use onespace_proto::{
    convert,
    status::{item_error, status},
    v1,
};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};

use crate::{Gateway, gateway::timed};

/// Embeds a list; each item has its own outcome.
///
/// # Errors
/// `FIELD_REQUIRED` for an empty list, `TOO_MANY` for a long one.
pub async fn embed(gateway: &Gateway, request: v1::EmbedRequest, deadline: Deadline) -> Result<v1::EmbedResponse> {
    let started = Instant::now();
    let found = request.items.len();
    if found == 0 {
        return Err(Error::new(Reason::FieldRequired, "items", "at least one item is needed"));
    }
    if found > ITEMS_PER_REQUEST {
        return Err(Error::new(Reason::TooMany, "items", format!("{found} items, the limit is {ITEMS_PER_REQUEST}")));
    }
    let cut = Cut { segments: request.segments, dimension: gateway.space().length(request.dimension as usize)? };
    let outcomes = join_all(request.items.into_iter().enumerate().map(|(index, media)| async move {
        one(gateway, media, cut, deadline).await.map_err(|error| error.under(&format!("items[{index}]")))
    }))
    .await;
    let mut timings = Timings::default();
    let results = outcomes.into_iter().map(|outcome| result_out(gateway, outcome, &mut timings)).collect();
    Ok(v1::EmbedResponse { results, timings: Some(convert::timings_out(&timed(started, timings))) })
}

/// What is wanted of a media.
#[derive(Clone, Copy)]
struct Cut {
    segments: bool,
    /// The length of its vectors.
    dimension: usize,
}

async fn one(gateway: &Gateway, media: v1::Media, cut: Cut, deadline: Deadline) -> Result<EncodeReply> {
    let mut reply = gateway.embed(convert::media_in(media)?, cut.segments, deadline).await?;
    reply.shorten(cut.dimension)?;
    Ok(reply)
}

fn result_out(gateway: &Gateway, outcome: Result<EncodeReply>, timings: &mut Timings) -> v1::EmbedResult {
    use v1::embed_result::Outcome;
    let outcome = match outcome {
        Ok(reply) => {
            timings.merge(&reply.timings);
            let space = gateway.space();
            let embeddings =
                reply.embeddings.into_iter().map(|embedding| convert::embedding_out(embedding, space)).collect();
            Outcome::Embeddings(v1::Embeddings { embeddings })
        }
        Err(error) => Outcome::Error(item_error(&error)),
    };
    v1::EmbedResult { outcome: Some(outcome) }
}

/// Embeds what comes, a bounded number at once, and answers as results are ready.
pub fn embed_stream(
    gateway: Arc<Gateway>,
    mut requests: Streaming<v1::EmbedStreamRequest>,
) -> impl Stream<Item = Result<v1::EmbedStreamResponse, Status>> {
    let (sender, incoming) = mpsc::channel(1);
    // Reading in a task of its own turns silence on the client's side into an error, whoever polls the answers.
    tokio::spawn(async move {
        loop {
            let message = deadline::next(&mut requests).await.transpose();
            let Some(message) = message else { return };
            let failed = message.is_err();
            if sender.send(message).await.is_err() || failed {
                return;
            }
        }
    });
    let answer = move |message: Result<v1::EmbedStreamRequest>| {
        let gateway = gateway.clone();
        async move {
            let started = Instant::now();
            let request = message.map_err(|error| status(&error))?;
            let outcome = match check_text("id", &request.id, CALLER_ID_BYTES) {
                Ok(()) => answered(&gateway, request.media, request.segments, request.dimension).await,
                Err(error) => Err(error),
            };
            let mut timings = Timings::default();
            let result = result_out(&gateway, outcome, &mut timings);
            let timings = Some(convert::timings_out(&timed(started, timings)));
            Ok(v1::EmbedStreamResponse { id: cut_id(request.id), result: Some(result), timings })
        }
    };
    ReceiverStream::new(incoming).map(answer).buffer_unordered(STREAM_IN_FLIGHT)
}

/// An id as it is handed back: whole, unless it was refused for its length.
pub fn cut_id(mut id: String) -> String {
    id.truncate(id.floor_char_boundary(CALLER_ID_BYTES));
    id
}

async fn answered(gateway: &Gateway, media: Option<v1::Media>, segments: bool, dimension: u32) -> Result<EncodeReply> {
    let cut = Cut { segments, dimension: gateway.space().length(dimension as usize)? };
    let outcome = one(gateway, media.unwrap_or_default(), cut, Deadline::default()).await;
    outcome.map_err(|error| error.under("media"))
}

/// Receives one file, tells how far it has come, and answers its embeddings one by one.
pub fn embed_file(
    gateway: Arc<Gateway>,
    requests: Streaming<v1::EmbedFileRequest>,
    deadline: Deadline,
) -> impl Stream<Item = Result<v1::EmbedFileResponse, Status>> {
    let (events, outgoing) = mpsc::channel(16);
    tokio::spawn(async move {
        let work = file(&gateway, requests, deadline, &events);
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

type Events = mpsc::Sender<Result<v1::EmbedFileResponse, Status>>;

async fn file(
    gateway: &Gateway,
    mut requests: Streaming<v1::EmbedFileRequest>,
    deadline: Deadline,
    events: &Events,
) -> Result<()> {
    use v1::{embed_file_request::Part, embed_file_response::Event};
    let started = Instant::now();
    let Some(Part::Header(header)) = deadline::next(&mut requests).await?.and_then(|message| message.part) else {
        return Err(Error::new(Reason::FieldRequired, "header", "the first message must be the file's header"));
    };
    let modality = convert::modality_in(header.modality)?;
    let dimension = gateway.space().length(header.dimension as usize).map_err(|error| error.under("header"))?;
    let media_type = convert::media_type_in(header.media_type).map_err(|error| error.under("header"))?;
    let limit = modality.map_or(VIDEO_BYTES, onespace_core::limits::media_bytes);
    let mut upload = Upload::new(limit, header.total_bytes)?;
    while let Some(message) = deadline::next(&mut requests).await? {
        let Some(Part::Chunk(chunk)) = message.part else {
            return Err(Error::new(Reason::FieldInvalid, "part", "after the header only chunks may come"));
        };
        upload.push(gateway, &chunk).await?;
        send(events, Event::Progress(progress(v1::FileStage::Receiving, upload.len()))).await?;
    }
    send(events, Event::Progress(progress(v1::FileStage::Embedding, upload.len()))).await?;
    let (bytes, held) = upload.finish();
    drop(held); // `embed` accounts for the bytes from here on.
    let media = Media { content: Content::Bytes(bytes), modality, media_type };
    let mut reply = gateway.embed(media, !header.whole_only, deadline).await?;
    reply.shorten(dimension)?;
    let count = u32::try_from(reply.embeddings.len()).unwrap_or(u32::MAX);
    for embedding in reply.embeddings {
        send(events, Event::Embedding(convert::embedding_out(embedding, gateway.space()))).await?;
    }
    let timings = Some(convert::timings_out(&timed(started, reply.timings)));
    send(events, Event::Done(v1::FileDone { embeddings: count, timings })).await
}

async fn send(events: &Events, event: v1::embed_file_response::Event) -> Result<()> {
    let sent = events.send(Ok(v1::EmbedFileResponse { event: Some(event) })).await;
    sent.map_err(|_| Error::new(Reason::Cancelled, "", "the client went away"))
}

fn progress(stage: v1::FileStage, received: usize) -> v1::FileProgress {
    v1::FileProgress { stage: stage.into(), received_bytes: received as u64 }
}

/// A file coming in chunks: bounded in its chunks and in all, and accounted for while it grows.
pub struct Upload {
    limit: usize,
    bytes: BytesMut,
    held: Vec<onespace_kit::admission::Admitted>,
}

impl Upload {
    /// An upload of at most `limit` bytes that announces `total` (0: unknown).
    ///
    /// # Errors
    /// `MEDIA_TOO_LARGE` when the announcement is over the limit.
    pub fn new(limit: usize, total: u64) -> Result<Self> {
        if total > limit as u64 {
            return Err(Error::too_large(
                "header.total_bytes",
                "the file",
                format!("{total} bytes"),
                format!("{limit} bytes"),
            ));
        }
        Ok(Self { limit, bytes: BytesMut::new(), held: Vec::new() })
    }

    /// Adds a chunk, waiting while other media fill the memory set aside for them.
    ///
    /// # Errors
    /// `MEDIA_TOO_LARGE` for a chunk or a file over its limit.
    pub async fn push(&mut self, gateway: &Gateway, chunk: &[u8]) -> Result<()> {
        if chunk.len() > CHUNK_BYTES {
            return Err(Error::too_large(
                "chunk",
                "the chunk",
                format!("{} bytes", chunk.len()),
                format!("{CHUNK_BYTES} bytes"),
            ));
        }
        if self.bytes.len() + chunk.len() > self.limit {
            return Err(Error::too_large("chunk", "the file", "larger", format!("{} bytes", self.limit)));
        }
        self.held.push(gateway.bytes().wait_bytes(chunk.len()).await?);
        self.bytes.extend_from_slice(chunk);
        Ok(())
    }

    /// The bytes received so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The whole file, and what accounts for it.
    #[must_use]
    pub fn finish(self) -> (bytes::Bytes, Vec<onespace_kit::admission::Admitted>) {
        (self.bytes.freeze(), self.held)
    }
}

//! `onespace embed`.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, Result};
use futures::{StreamExt, stream};
use onespace_core::limits::{CHUNK_BYTES, STREAM_IN_FLIGHT, VIDEO_BYTES};
use onespace_proto::{convert, v1};
use serde_json::json;
use tokio::{sync::Semaphore, task::spawn_blocking};
use tonic::Status;

use super::{
    Client, modality_name,
    patience::{Patience, Refusal},
    reason, refused, source,
};
use crate::output::{Outcome, Rows, print_error, span_json, span_text};

/// How much of the files is in memory at once: as much as two of the largest have, or very many small ones.
const FILES_IN_MEMORY_BYTES: usize = 2 * VIDEO_BYTES;

/// The semaphore of this memory counts in units, since it counts no further than 32 bits.
const UNIT: usize = 1024;

/// What is to be embedded.
enum Source {
    Text(String),
    File(PathBuf),
}

/// What is wanted of each.
#[derive(Clone, Copy, Default)]
pub struct Wanted {
    /// Also the segments of long media.
    pub segments: bool,
    /// The length of the vectors; 0: whole ones.
    pub dimension: u32,
}

impl Wanted {
    fn options(self) -> v1::EmbedOptions {
        let mode = if self.segments { v1::SegmentMode::Tower } else { v1::SegmentMode::Off };
        let segments = Some(v1::Segments { mode: mode.into(), ..Default::default() });
        v1::EmbedOptions { dimension: self.dimension, segments, ..Default::default() }
    }
}

/// Embeds texts and files, several at once, and prints them in the order in which they were named.
pub async fn run(
    client: &Client,
    texts: Vec<String>,
    files: Vec<PathBuf>,
    wanted: Wanted,
    json: bool,
) -> Result<Outcome> {
    let patience = &client.patience(texts.len() + files.len());
    let room = &Arc::new(Semaphore::new(FILES_IN_MEMORY_BYTES / UNIT));
    let sources = texts.into_iter().map(Source::Text).chain(files.into_iter().map(Source::File));
    let mut answers = stream::iter(sources)
        .map(|source| async move {
            match source {
                Source::Text(text) => (text.clone(), one(client, patience, source::text(text), wanted).await),
                Source::File(path) => {
                    let name = path.display().to_string();
                    (name, file(client, patience, room, &path, wanted).await)
                }
            }
        })
        .buffered(STREAM_IN_FLIGHT);
    let mut rows = Rows::new(json, ["source", "modality", "track", "span", "vector"]);
    let mut failures = 0;
    while let Some((name, embedded)) = answers.next().await {
        match embedded {
            Ok(embeddings) => embeddings.iter().for_each(|embedding| push(&mut rows, &name, embedding)),
            Err(reason) => {
                failures += 1;
                print_error(&format!("{name}: {reason}"));
            }
        }
    }
    rows.finish();
    Ok(Outcome::of(failures))
}

/// A file is read once there is room for it, and leaves it when it is embedded.
async fn file(
    client: &Client,
    patience: &Patience,
    room: &Arc<Semaphore>,
    path: &Path,
    wanted: Wanted,
) -> Result<Vec<v1::Embedding>, String> {
    let read = async {
        let units = u32::try_from(source::check(path)?.div_ceil(UNIT))?;
        let held = Arc::clone(room).acquire_many_owned(units).await?;
        let path = path.to_owned();
        let media = spawn_blocking(move || source::media(&path)).await.context("reading it")??;
        anyhow::Ok((media, held))
    };
    let (media, _held) = read.await.map_err(|error| format!("{error:#}"))?;
    one(client, patience, media, wanted).await
}

fn push(rows: &mut Rows, name: &str, embedding: &v1::Embedding) {
    let track = convert::embedding_in(embedding.clone()).map(|embedding| embedding.track.name()).unwrap_or("unknown");
    let head: Vec<String> = embedding.vector.iter().take(4).map(|value| format!("{value:+.3}")).collect();
    let cells = vec![
        name.to_owned(),
        modality_name(embedding.modality).to_owned(),
        track.to_owned(),
        span_text(embedding.span.as_ref()),
        format!("{} … ({})", head.join(" "), embedding.vector.len()),
    ];
    let object = json!({
        "source": name,
        "modality": modality_name(embedding.modality),
        "space_fingerprint": embedding.space_fingerprint,
        "span": span_json(embedding.span.as_ref()),
        "track": track,
        "segment": embedding.segment,
        "vector": embedding.vector,
    });
    rows.push(cells, &object);
}

/// Embeds one media, again while the server is busy.
pub async fn embed(client: &Client, media: v1::Media, wanted: Wanted) -> Result<Vec<v1::Embedding>, String> {
    one(client, &client.patience(1), media, wanted).await
}

/// Small media travel in one message, large files in chunks.
async fn one(
    client: &Client,
    patience: &Patience,
    media: v1::Media,
    wanted: Wanted,
) -> Result<Vec<v1::Embedding>, String> {
    let attempt = async || match &media.content {
        Some(v1::media::Content::Data(bytes)) if bytes.len() > CHUNK_BYTES => embed_file(client, bytes, wanted).await,
        _ => embed_one(client, media.clone(), wanted).await,
    };
    patience.call(attempt).await.map_err(|failed| failed.to_string())
}

/// Why one media has no vector: its call failed, or the item of it.
enum Failed {
    Call(Status),
    Item(v1::ItemError),
    Unanswered,
}

impl Refusal for Failed {
    fn pause(&self) -> Option<std::time::Duration> {
        match self {
            Self::Call(status) => status.pause(),
            Self::Item(error) => error.pause(),
            Self::Unanswered => None,
        }
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Call(status) => write!(f, "{}", refused(status.clone())),
            Self::Item(error) => f.write_str(&reason(error)),
            Self::Unanswered => f.write_str("the server answered nothing"),
        }
    }
}

async fn embed_one(client: &Client, media: v1::Media, wanted: Wanted) -> Result<Vec<v1::Embedding>, Failed> {
    use v1::embed_result::Outcome as Item;
    let options = Some(wanted.options());
    let request = v1::EmbedRequest { items: vec![media], options, ..Default::default() };
    let response = client.embedding().embed(request).await.map_err(Failed::Call)?.into_inner();
    match response.results.into_iter().next().and_then(|result| result.outcome) {
        Some(Item::Embeddings(embeddings)) => Ok(embeddings.embeddings),
        Some(Item::Error(error)) => Err(Failed::Item(error)),
        None => Err(Failed::Unanswered),
    }
}

async fn embed_file(client: &Client, bytes: &bytes::Bytes, wanted: Wanted) -> Result<Vec<v1::Embedding>, Failed> {
    use v1::{embed_file_request::Message, embed_file_response::Event};
    let start =
        v1::FileStart { total_bytes: bytes.len() as u64, options: Some(wanted.options()), ..Default::default() };
    let messages = std::iter::once(Message::Start(start)).chain(convert::chunks(bytes).map(Message::Chunk));
    let requests = stream::iter(messages.map(|message| v1::EmbedFileRequest { message: Some(message) }));
    let mut events = client.embedding().embed_file(requests).await.map_err(Failed::Call)?.into_inner();
    let mut embeddings = Vec::new();
    while let Some(event) = events.message().await.map_err(Failed::Call)? {
        if let Some(Event::Embedding(embedding)) = event.event {
            embeddings.push(embedding);
        }
    }
    Ok(embeddings)
}

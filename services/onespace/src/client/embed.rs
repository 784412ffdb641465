//! `onespace embed`.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, Result};
use futures::{StreamExt, stream};
use onespace_client::{Client, EmbedOptions, Media, Patience, media};
use onespace_core::limits::{STREAM_IN_FLIGHT, VIDEO_BYTES};
use onespace_proto::{convert, v1};
use serde_json::json;
use tokio::{sync::Semaphore, task::spawn_blocking};

use super::{
    explain, modality_name,
    search::with_words,
    source::{self, FileKind},
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

/// What is wanted of each: also the segments of long media; vectors of so many values, 0: whole ones.
pub fn options(segments: bool, dimension: u32) -> EmbedOptions {
    let mode = if segments { v1::SegmentMode::Tower } else { v1::SegmentMode::Off };
    let segments = Some(v1::Segments { mode: mode.into(), ..Default::default() });
    EmbedOptions { dimension, segments, ..Default::default() }
}

/// Embeds texts and files, several at once, and prints them in the order in which they were named.
pub async fn run(
    client: &Client,
    texts: Vec<String>,
    files: Vec<PathBuf>,
    kind: &FileKind,
    options: &EmbedOptions,
    json: bool,
) -> Result<Outcome> {
    let patience = &client.patience(texts.len() + files.len());
    let room = &Arc::new(Semaphore::new(FILES_IN_MEMORY_BYTES / UNIT));
    let sources = texts.into_iter().map(Source::Text).chain(files.into_iter().map(Source::File));
    let mut answers = stream::iter(sources)
        .map(|source| async move {
            match source {
                Source::Text(text) => (text.clone(), one(client, patience, media::text(text), options).await),
                Source::File(path) => {
                    let name = path.display().to_string();
                    (name, file((client, patience, room), &path, kind, options).await)
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
    (client, patience, room): (&Client, &Patience, &Arc<Semaphore>),
    path: &Path,
    kind: &FileKind,
    options: &EmbedOptions,
) -> Result<Vec<v1::Embedding>, String> {
    let read = async {
        let units = u32::try_from(source::check(path)?.div_ceil(UNIT))?;
        let held = Arc::clone(room).acquire_many_owned(units).await?;
        let (path, kind) = (path.to_owned(), kind.clone());
        let media = spawn_blocking(move || kind.media(&path)).await.context("reading it")??;
        anyhow::Ok((media, held))
    };
    let (media, _held) = read.await.map_err(|error| format!("{error:#}"))?;
    one(client, patience, media, options).await
}

async fn one(
    client: &Client,
    patience: &Patience,
    media: Media,
    options: &EmbedOptions,
) -> Result<Vec<v1::Embedding>, String> {
    client.embed_within(patience, media, options).await.map_err(|error| explain(&error))
}

fn push(rows: &mut Rows, name: &str, embedding: &v1::Embedding) {
    let track = convert::embedding_in(embedding.clone()).map(|embedding| embedding.track.name()).unwrap_or("unknown");
    let head: Vec<String> = embedding.vector.iter().take(4).map(|value| format!("{value:+.3}")).collect();
    let vector = format!("{} … ({})", head.join(" "), embedding.vector.len());
    let cells = vec![
        name.to_owned(),
        modality_name(embedding.modality).to_owned(),
        track.to_owned(),
        span_text(embedding.span.as_ref()),
        with_words(&vector, &embedding.transcript),
    ];
    let object = json!({
        "source": name,
        "modality": modality_name(embedding.modality),
        "space_fingerprint": embedding.space_fingerprint,
        "span": span_json(embedding.span.as_ref()),
        "track": track,
        "segment": embedding.segment,
        "transcript": Some(&embedding.transcript).filter(|transcript| !transcript.is_empty()),
        "vector": embedding.vector,
    });
    rows.push(cells, &object);
}

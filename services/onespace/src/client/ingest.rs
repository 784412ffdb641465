//! `onespace ingest`: folders walked, a bar that moves, and an answer for every file.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressStyle};
use onespace_core::limits::CHUNK_BYTES;
use onespace_proto::{convert, v1};
use serde_json::json;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::{Client, modality_name, reason, refused, source};
use crate::output::{Outcome, Rows, print_error, print_line};

/// What came of an ingest.
#[derive(Debug, Default)]
pub struct Tally {
    /// Items now stored, and of them by modality.
    pub stored: BTreeMap<&'static str, usize>,
    /// Items that were there already, of which something else was said now.
    pub updated: usize,
    /// Items that were there already.
    pub unchanged: usize,
    /// Items that failed, each told on stderr.
    pub failed: usize,
}

/// Runs the command.
pub async fn run(
    client: &Client,
    paths: &[PathBuf],
    collection: &str,
    metadata: &[(String, serde_json::Value)],
    json: bool,
) -> Result<Outcome> {
    let tally = ingest(client, paths, collection, metadata, json).await?;
    if !json {
        print_line(&summary(&tally));
    }
    Ok(Outcome::of(tally.failed))
}

/// What a tally says in a line.
pub fn summary(tally: &Tally) -> String {
    let stored: Vec<String> = tally.stored.iter().map(|(modality, count)| format!("{count} {modality}")).collect();
    let stored = if stored.is_empty() { "nothing new".to_owned() } else { stored.join(", ") };
    let Tally { updated, unchanged, failed, .. } = tally;
    format!("stored: {stored}; updated: {updated}; unchanged: {unchanged}; failed: {failed}")
}

/// Sends every file and listens for its event.
pub async fn ingest(
    client: &Client,
    paths: &[PathBuf],
    collection: &str,
    metadata: &[(String, serde_json::Value)],
    json: bool,
) -> Result<Tally> {
    let files = source::walk(paths)?;
    let metadata = metadata.iter().cloned().collect();
    let bar = progress(files.len());
    let (sender, requests) = mpsc::channel(4);
    let (unread_sender, mut unread) = mpsc::unbounded_channel();
    let start = v1::IngestStart { collection: collection.to_owned(), create: true };
    sender.send(part(v1::ingest_request::Part::Start(start))).await.context("starting the stream")?;
    let sent = files.clone();
    let sending = tokio::spawn(async move {
        for (index, path) in sent.iter().enumerate() {
            match source::read(path) {
                // The server ended the stream; its status tells why.
                Ok(bytes) => {
                    if send(&sender, index, path, bytes, &metadata).await.is_err() {
                        return;
                    }
                }
                Err(error) => drop(unread_sender.send((index, format!("{error:#}")))),
            }
        }
    });
    let mut events = client.collections().ingest(ReceiverStream::new(requests)).await.map_err(refused)?.into_inner();
    let (mut tally, mut rows) = (Tally::default(), Rows::new(json, ["source", "item", "status", "reason"]));
    let name = |index: usize| files.get(index).map(|path| path.display().to_string()).unwrap_or_default();
    while let Some(event) = events.message().await.map_err(refused)? {
        bar.inc(1);
        let source = event.id.parse().map(name).unwrap_or_default();
        tell(&mut tally, &mut rows, &bar, &source, &event);
    }
    sending.await.context("reading files")?;
    while let Ok((index, error)) = unread.try_recv() {
        bar.inc(1);
        let event = v1::IngestResponse {
            status: v1::IngestStatus::Failed.into(),
            error: Some(v1::ItemError { reason: "UNREADABLE".to_owned(), message: error, ..Default::default() }),
            ..Default::default()
        };
        tell(&mut tally, &mut rows, &bar, &name(index), &event);
    }
    bar.finish_and_clear();
    Ok(tally)
}

fn tell(tally: &mut Tally, rows: &mut Rows, bar: &ProgressBar, source: &str, event: &v1::IngestResponse) {
    let status = match event.status() {
        v1::IngestStatus::Stored => {
            *tally.stored.entry(modality_name(event.modality)).or_default() += 1;
            "stored"
        }
        v1::IngestStatus::Updated => {
            tally.updated += 1;
            "updated"
        }
        v1::IngestStatus::Unchanged => {
            tally.unchanged += 1;
            "unchanged"
        }
        v1::IngestStatus::Failed | v1::IngestStatus::Unspecified => {
            tally.failed += 1;
            "failed"
        }
    };
    let why = event.error.as_ref().map(reason);
    if let Some(why) = &why {
        bar.suspend(|| print_error(&format!("{source}: {why}")));
    }
    rows.push(Vec::new(), &json!({"source": source, "item": event.item, "status": status, "reason": why}));
}

fn progress(files: usize) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg} {bar:40} {pos}/{len} {per_sec} {eta} left");
    let bar = ProgressBar::new(files as u64).with_message("ingesting");
    if let Ok(style) = style { bar.with_style(style) } else { bar }
}

fn part(part: v1::ingest_request::Part) -> v1::IngestRequest {
    v1::IngestRequest { part: Some(part) }
}

/// One item: in its header if it is small, in chunks that follow if it is not.
async fn send(
    sender: &mpsc::Sender<v1::IngestRequest>,
    index: usize,
    path: &Path,
    bytes: bytes::Bytes,
    metadata: &BTreeMap<String, serde_json::Value>,
) -> Result<()> {
    use v1::ingest_request::Part;
    let small = bytes.len() <= CHUNK_BYTES;
    let media = small.then(|| convert::media_out(onespace_core::Content::Bytes(bytes.clone()), None));
    let item = v1::IngestItem {
        id: index.to_string(),
        media,
        uri: path.display().to_string(),
        title: path.file_stem().map(|stem| stem.to_string_lossy().replace(['-', '_'], " ")).unwrap_or_default(),
        metadata: convert::metadata_out(metadata.clone()),
        ..Default::default()
    };
    sender.send(part(Part::Item(item))).await?;
    if small {
        return Ok(());
    }
    let count = bytes.len().div_ceil(CHUNK_BYTES);
    for (index, data) in convert::chunks(&bytes).enumerate() {
        sender.send(part(Part::Chunk(v1::IngestChunk { data, last: index + 1 == count }))).await?;
    }
    Ok(())
}

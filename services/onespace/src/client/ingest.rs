//! `onespace ingest`: folders walked, a bar that moves, and an answer for every file.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressStyle};
use onespace_core::limits::CHUNK_BYTES;
use onespace_proto::{convert, metadata::metadata_out, v1};
use serde_json::json;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use super::{
    Client, modality_name,
    patience::{Patience, Refusal},
    reason, refused,
    source::{self, Unread},
};
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

/// Sends every file and listens for its event. What the server had no room for is sent again on a stream of its own
/// once the others are done, within the user's patience.
pub async fn ingest(
    client: &Client,
    paths: &[PathBuf],
    collection: &str,
    metadata: &[(String, serde_json::Value)],
    json: bool,
) -> Result<Tally> {
    let found = source::walk(paths)?;
    let bar = progress(found.files.len() + found.unread.len());
    let patience = Patience::new(client.patience, found.files.len(), Some(bar.clone()));
    let rows = Rows::new(json, ["source", "item", "status", "reason"]);
    let mut report = Report { tally: Tally::default(), rows, bar };
    for Unread { path, why } in &found.unread {
        report.unreadable(path, why);
    }
    let sending = Sending { collection: collection.to_owned(), metadata: metadata.iter().cloned().collect() };
    let (mut left, mut tries) = (found.files, 0);
    while !left.is_empty() {
        let round = round(client, &sending, left, &patience, &mut report).await?;
        let Some(told) = round.pause() else { break };
        tries = if round.done > 0 { 0 } else { tries + 1 };
        if !patience.wait(told, tries, round.turned_away.len()).await {
            if let Some(status) = round.ended {
                return Err(refused(status));
            }
            for (path, event) in &round.turned_away {
                report.tell(path, event);
            }
            break;
        }
        left = round.turned_away.into_iter().map(|(path, _)| path).collect();
    }
    report.bar.finish_and_clear();
    Ok(report.tally)
}

/// What is the same for every item.
struct Sending {
    collection: String,
    metadata: BTreeMap<String, serde_json::Value>,
}

/// What came of one stream.
#[derive(Default)]
struct Round {
    /// Files that are done, for good or ill.
    done: usize,
    /// Files that may be sent again, each with the event that it would be tallied with.
    turned_away: Vec<(PathBuf, v1::IngestResponse)>,
    /// Why the stream ended, if the server ended it.
    ended: Option<Status>,
}

impl Round {
    /// How long to wait before what was turned away is sent again, if anything was.
    fn pause(&self) -> Option<Duration> {
        let items = self.turned_away.iter().filter_map(|(_, event)| event.error.as_ref()?.pause());
        items.chain(self.ended.as_ref().and_then(Refusal::pause)).max().filter(|_| !self.turned_away.is_empty())
    }
}

/// Sends the files on one stream. Each is told as soon as it is done; the others come back.
async fn round(
    client: &Client,
    sending: &Sending,
    files: Vec<PathBuf>,
    patience: &Patience,
    report: &mut Report,
) -> Result<Round> {
    let (sender, requests) = mpsc::channel(4);
    let (unread_sender, mut unread) = mpsc::unbounded_channel();
    let start = v1::IngestStart { collection: sending.collection.clone(), create: true, options: None };
    sender.send(request(v1::ingest_request::Message::Start(start))).await.context("starting the stream")?;
    let (files, metadata) = (Arc::new(files), sending.metadata.clone());
    let sent = Arc::clone(&files);
    let reader = tokio::spawn(async move {
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
    let mut open: BTreeMap<usize, &PathBuf> = files.iter().enumerate().collect();
    let mut round = Round::default();
    round.ended = listen(client, requests, &mut open, &mut round, patience, report).await.err();
    reader.await.context("reading files")?;
    while let Ok((index, why)) = unread.try_recv() {
        if let Some(path) = open.remove(&index) {
            round.done += 1;
            report.unreadable(path, &why);
        }
    }
    if let Some(status) = round.ended.take_if(|status| status.pause().is_none()) {
        return Err(refused(status));
    }
    for path in open.into_values() {
        let event = failed("UNANSWERED", "the server ended the stream before it answered");
        if round.ended.is_some() { round.turned_away.push((path.clone(), event)) } else { report.tell(path, &event) }
    }
    Ok(round)
}

/// Hears the events of a stream to its end.
async fn listen(
    client: &Client,
    requests: mpsc::Receiver<v1::IngestRequest>,
    open: &mut BTreeMap<usize, &PathBuf>,
    round: &mut Round,
    patience: &Patience,
    report: &mut Report,
) -> Result<(), Status> {
    let mut events = client.collections().ingest(ReceiverStream::new(requests)).await?.into_inner();
    while let Some(event) = events.message().await? {
        let Some(path) = event.request_id.parse().ok().and_then(|index: usize| open.remove(&index)) else { continue };
        if event.error.as_ref().is_some_and(|error| error.pause().is_some()) {
            round.turned_away.push((path.clone(), event));
        } else {
            round.done += 1;
            patience.served();
            report.tell(path, &event);
        }
    }
    Ok(())
}

/// The event of an item that failed on this side.
fn failed(reason: &str, message: &str) -> v1::IngestResponse {
    let (reason, message) = (reason.to_owned(), message.to_owned());
    v1::IngestResponse {
        status: v1::IngestStatus::Failed.into(),
        error: Some(v1::ItemError { reason, message, ..Default::default() }),
        ..Default::default()
    }
}

/// What is said of the files, and counted.
struct Report {
    tally: Tally,
    rows: Rows,
    bar: ProgressBar,
}

impl Report {
    /// What cannot be read, and why.
    fn unreadable(&mut self, path: &Path, why: &str) {
        self.tell(path, &failed("UNREADABLE", why));
    }

    /// A file and what became of it, once.
    fn tell(&mut self, path: &Path, event: &v1::IngestResponse) {
        let source = path.display().to_string();
        let status = match event.status() {
            v1::IngestStatus::Stored => {
                *self.tally.stored.entry(modality_name(event.modality)).or_default() += 1;
                "stored"
            }
            v1::IngestStatus::Updated => {
                self.tally.updated += 1;
                "updated"
            }
            v1::IngestStatus::Unchanged => {
                self.tally.unchanged += 1;
                "unchanged"
            }
            v1::IngestStatus::Failed | v1::IngestStatus::Unspecified => {
                self.tally.failed += 1;
                "failed"
            }
        };
        let why = event.error.as_ref().map(reason);
        self.bar.inc(1);
        if let Some(why) = &why {
            self.bar.suspend(|| print_error(&format!("{source}: {why}")));
        }
        self.rows
            .push(Vec::new(), &json!({"source": source, "item_id": event.item_id, "status": status, "reason": why}));
    }
}

fn progress(files: usize) -> ProgressBar {
    let style = ProgressStyle::with_template("ingesting {bar:40} {pos}/{len} {per_sec} {eta} left {msg}");
    let bar = ProgressBar::new(files as u64);
    if let Ok(style) = style { bar.with_style(style) } else { bar }
}

fn request(message: v1::ingest_request::Message) -> v1::IngestRequest {
    v1::IngestRequest { message: Some(message) }
}

/// One item: with its content if it is small, followed by the content in chunks if it is not.
async fn send(
    sender: &mpsc::Sender<v1::IngestRequest>,
    index: usize,
    path: &Path,
    bytes: bytes::Bytes,
    metadata: &BTreeMap<String, serde_json::Value>,
) -> Result<()> {
    use v1::ingest_request::Message;
    let small = bytes.len() <= CHUNK_BYTES;
    let media = small.then(|| convert::media_out(onespace_core::Content::Bytes(bytes.clone()), None));
    let item = v1::IngestItem {
        request_id: index.to_string(),
        media,
        uri: path.display().to_string(),
        title: path.file_stem().map(|stem| stem.to_string_lossy().replace(['-', '_'], " ")).unwrap_or_default(),
        metadata: metadata_out(metadata.clone()),
        ..Default::default()
    };
    sender.send(request(Message::Item(item))).await?;
    if small {
        return Ok(());
    }
    for chunk in convert::chunks(&bytes) {
        sender.send(request(Message::Chunk(chunk))).await?;
    }
    Ok(())
}

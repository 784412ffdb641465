//! `onespace ingest`: folders walked, a bar that moves, and an answer for every file.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Result;
use indicatif::{ProgressBar, ProgressStyle};
use onespace_client::{Client, EmbedOptions, Error, IngestItem, IngestResponse, IngestStart, Load, Tally, UNREADABLE};
use onespace_proto::{metadata::metadata_out, v1::IngestStatus};
use serde_json::json;

use super::{
    busy::BusyLine,
    explain,
    source::{self, FileKind, Unread},
};
use crate::output::{Outcome, Rows, print_error, print_line};

/// Runs the command.
pub async fn run(
    client: &Client,
    paths: &[PathBuf],
    kind: &FileKind,
    collection: &str,
    metadata: &[(String, serde_json::Value)],
    json: bool,
) -> Result<Outcome> {
    let tally = ingest(client, paths, kind, collection, metadata, json).await?;
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

/// Sends every file and prints its event.
pub async fn ingest(
    client: &Client,
    paths: &[PathBuf],
    kind: &FileKind,
    collection: &str,
    metadata: &[(String, serde_json::Value)],
    json: bool,
) -> Result<Tally> {
    let found = source::walk(paths)?;
    let bar = progress(found.files.len() + found.unread.len());
    let rows = Rows::new(json, ["source", "item", "status", "reason"]);
    let mut report = Report { rows, bar: bar.clone() };
    for Unread { path, why } in &found.unread {
        let why = explain(&Error::of_item(UNREADABLE, why));
        report.tell(path, "", IngestStatus::Failed, Some(why));
    }
    let metadata: Arc<BTreeMap<_, _>> = Arc::new(metadata.iter().cloned().collect());
    let files = found
        .files
        .into_iter()
        .map(|path| File { path, kind: kind.clone(), metadata: Arc::clone(&metadata) })
        .collect();
    let options = kind.speech().map(|speech| EmbedOptions { speech: Some(speech), ..Default::default() });
    let start = IngestStart { collection: collection.to_owned(), create: true, options };
    let client = client.clone().watched_by(Arc::new(BusyLine::beside(bar.clone())));
    let told = |file: &File, event: &IngestResponse| report.tell_event(&file.path, event);
    let mut tally = client.ingest(start, files, told).await?;
    bar.finish_and_clear();
    tally.failed += found.unread.len();
    Ok(tally)
}

/// A file that becomes an item, with what is said of every item.
struct File {
    path: PathBuf,
    kind: FileKind,
    metadata: Arc<BTreeMap<String, serde_json::Value>>,
}

impl Load for File {
    fn load(&self) -> onespace_client::Result<IngestItem> {
        let media = self.kind.media(&self.path).map_err(|error| Error::of_item(UNREADABLE, format!("{error:#}")))?;
        let title = self.path.file_stem().map(|stem| stem.to_string_lossy().replace(['-', '_'], " "));
        Ok(IngestItem {
            media: Some(media),
            uri: self.path.display().to_string(),
            title: title.unwrap_or_default(),
            metadata: metadata_out(self.metadata.as_ref().clone()),
            ..Default::default()
        })
    }
}

/// What is said of the files.
struct Report {
    rows: Rows,
    bar: ProgressBar,
}

impl Report {
    fn tell_event(&mut self, path: &Path, event: &IngestResponse) {
        let why = event.error.clone().map(|error| explain(&error.into()));
        self.tell(path, &event.item_id, event.status(), why);
    }

    /// A file and what became of it, once.
    fn tell(&mut self, path: &Path, item_id: &str, status: IngestStatus, why: Option<String>) {
        let source = path.display().to_string();
        let status = match status {
            IngestStatus::Stored => "stored",
            IngestStatus::Updated => "updated",
            IngestStatus::Unchanged => "unchanged",
            IngestStatus::Failed | IngestStatus::Unspecified => "failed",
        };
        self.bar.inc(1);
        if let Some(why) = &why {
            self.bar.suspend(|| print_error(&format!("{source}: {why}")));
        }
        self.rows.push(Vec::new(), &json!({"source": source, "item_id": item_id, "status": status, "reason": why}));
    }
}

fn progress(files: usize) -> ProgressBar {
    let style = ProgressStyle::with_template("ingesting {bar:40} {pos}/{len} {per_sec} {eta} left {msg}");
    let bar = ProgressBar::new(files as u64);
    if let Ok(style) = style { bar.with_style(style) } else { bar }
}

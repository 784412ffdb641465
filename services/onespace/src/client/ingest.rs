//! `onespace ingest`: folders walked, a bar that moves, and an answer for every file.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Result;
use indicatif::{ProgressBar, ProgressStyle};
use onespace_client::{Client, EmbedOptions, Error, IngestResponse, IngestStart, Tally, UNREADABLE};
use onespace_proto::v1::IngestStatus;
use serde_json::json;

use super::{
    busy::BusyLine,
    choice::Choice,
    entry::{Entry, Stated},
    explain, manifest,
    report::ReportFile,
    source::{self, FileKind, Unread},
};
use crate::{
    args::{FileArgs, IngestArgs},
    output::{Outcome, Rows, print_error, print_line},
};

/// Runs the command.
pub async fn run(client: &Client, args: IngestArgs, kind: &FileKind, json: bool) -> Result<Outcome> {
    let choice = Choice::new(&args.files.include, &args.files.exclude)?;
    let mut ingest = Ingest::new(client, args.collection, &args.files, kind, json);
    ingest.report = args.report.as_deref().map(ReportFile::open).transpose()?;
    let found = source::walk(&args.paths, &choice)?;
    if found.left_out > 0 {
        print_error(&format!("{} hidden files, sidecars and files not chosen are left out", found.left_out));
    }
    let mut entries: Vec<Entry> = found.files.into_iter().map(|file| Entry::new(file, &ingest.stated)).collect();
    for list in &args.manifest {
        entries.extend(manifest::read(list, &ingest.stated)?);
    }
    let tally = ingest.send(entries, &found.unread).await?.tally;
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

/// Where files go, and how.
pub struct Ingest<'a> {
    pub client: &'a Client,
    pub collection: String,
    pub stated: Arc<Stated>,
    pub json: bool,
    /// Where it is written down what became of each file.
    pub report: Option<ReportFile>,
}

/// What came of some files.
#[derive(Debug, Default)]
pub struct Sent {
    pub tally: Tally,
    /// The items of those that are stored.
    pub items: BTreeMap<PathBuf, String>,
}

impl<'a> Ingest<'a> {
    /// Files into a collection.
    pub fn new(client: &'a Client, collection: String, args: &FileArgs, kind: &FileKind, json: bool) -> Self {
        let metadata = args.metadata.iter().cloned().collect();
        let stated = Stated { metadata, tags: !args.no_media_metadata, kind: kind.clone() };
        Self { client, collection, stated: Arc::new(stated), json, report: None }
    }

    /// Sends every file whose content is not there yet, and prints what became of each.
    pub async fn send(&mut self, entries: Vec<Entry>, unread: &[Unread]) -> Result<Sent> {
        let (entries, done) = match &self.report {
            Some(report) => entries.into_iter().partition(|entry| !report.has(&entry.found.path)),
            None => (entries, Vec::new()),
        };
        let bar = progress(entries.len() + unread.len());
        let rows = Rows::new(self.json, ["source", "item", "status", "reason"]);
        let mut told = Told { rows, bar: bar.clone(), report: self.report.as_mut(), items: BTreeMap::new() };
        if !done.is_empty() {
            print_error(&format!("{} files are done by the report, and have not changed since", done.len()));
        }
        for Unread { path, why } in unread {
            let why = explain(&Error::of_item(UNREADABLE, why));
            told.tell(path, "", IngestStatus::Failed, Some(why));
        }
        let speech = self.stated.kind.speech();
        let options = speech.map(|speech| EmbedOptions { speech: Some(speech), ..Default::default() });
        let start = IngestStart { collection: self.collection.clone(), create: true, options };
        let client = self.client.clone().watched_by(Arc::new(BusyLine::beside(bar.clone())));
        let event = |entry: &Entry, event: &IngestResponse| told.tell_event(&entry.found.path, event);
        let outcome = client.ingest(start, entries, event).await;
        bar.finish_and_clear();
        let mut tally = outcome?;
        tally.failed += unread.len();
        tally.unchanged += done.len();
        Ok(Sent { tally, items: told.items })
    }
}

/// What became of an item, in a word.
pub const fn status_name(status: IngestStatus) -> &'static str {
    match status {
        IngestStatus::Stored => "stored",
        IngestStatus::Updated => "updated",
        IngestStatus::Unchanged => "unchanged",
        IngestStatus::Failed | IngestStatus::ContentNeeded | IngestStatus::Unspecified => "failed",
    }
}

/// What is said of the files.
struct Told<'a> {
    rows: Rows,
    bar: ProgressBar,
    report: Option<&'a mut ReportFile>,
    items: BTreeMap<PathBuf, String>,
}

impl Told<'_> {
    fn tell_event(&mut self, path: &Path, event: &IngestResponse) {
        let why = event.error.clone().map(|error| explain(&error.into()));
        if why.is_none() {
            self.items.insert(path.to_owned(), event.item_id.clone());
        }
        self.tell(path, &event.item_id, event.status(), why);
    }

    /// A file and what became of it, once.
    fn tell(&mut self, path: &Path, item_id: &str, status: IngestStatus, why: Option<String>) {
        let source = path.display().to_string();
        self.bar.inc(1);
        if let Some(why) = &why {
            self.bar.suspend(|| print_error(&format!("{source}: {why}")));
        }
        let line = json!({"source": source, "item_id": item_id, "status": status_name(status), "reason": why});
        if let Some(Err(error)) = self.report.as_mut().map(|report| report.write(path, line.clone())) {
            self.bar.suspend(|| print_error(&format!("the report cannot be written: {error}")));
        }
        self.rows.push(Vec::new(), &line);
    }
}

fn progress(files: usize) -> ProgressBar {
    let style = ProgressStyle::with_template("ingesting {bar:40} {pos}/{len} {per_sec} {eta} left {msg}");
    let bar = ProgressBar::new(files as u64);
    if let Ok(style) = style { bar.with_style(style) } else { bar }
}

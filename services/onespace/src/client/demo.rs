//! The first minute: store a folder of samples and ask one question of each modality.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, Result};
use onespace_client::{Client, media::query_part};
use onespace_core::{
    Modality,
    sniff::{Sniffed, sniff},
};
use onespace_proto::{convert, v1};
use serde_json::json;

use super::{
    choice::Choice,
    config, connect,
    entry::{Entry, Stated},
    ingest::{self, Ingest},
    modality_name,
    source::{self, FileKind, FoundFile},
};
use crate::{
    args::{DEFAULT_ENDPOINT, program},
    output::{Rows, print_line},
};

/// The collection that the samples go into.
const COLLECTION: &str = "samples";

/// Answers of each other modality.
const ANSWERS: u32 = 2;

/// Stores the folder, asks, and says how to go on.
pub async fn run(endpoint: &str, folder: &Path, patience: Duration) -> Result<()> {
    let client = connect(config(endpoint, patience)).await?;
    let found = source::walk(&[folder.to_owned()], &Choice::default())?;
    let stated = Arc::new(Stated::default());
    let mut ingest = Ingest { client: &client, collection: COLLECTION.to_owned(), stated, json: false, report: None };
    let entries = found.files.into_iter().map(|file| Entry::new(file, &ingest.stated)).collect();
    let tally = ingest.send(entries, &found.unread).await?.tally;
    print_line(&format!("{}: {}", folder.display(), ingest::summary(&tally)));
    for (modality, path) in questions(folder)? {
        ask(&client, modality, &path).await?;
    }
    if client.get_space().await?.transcriber.is_some()
        && let Some(path) = spoken_question(folder)?
    {
        ask(&client, Modality::Audio, &path).await?;
    }
    print_line(&advice(&program(), endpoint));
    Ok(())
}

/// What to type next, in another terminal.
fn advice(program: &str, endpoint: &str) -> String {
    // Where it serves at its usual address, nobody need name it.
    let place = if endpoint == DEFAULT_ENDPOINT { String::new() } else { format!(" --endpoint {endpoint}") };
    [
        "\nNow your own folder, in another terminal:".to_owned(),
        format!("  {program} ingest ~/Pictures -c mine{place}"),
        format!("  {program} search -c mine --text \"a dog in the snow\"{place}"),
        "And these samples:".to_owned(),
        format!("  {program} search -c {COLLECTION} --text \"something to drink\" --to image,video{place}"),
    ]
    .join("\n")
}

/// One file of each modality, each from another place of the folder, so that the questions differ.
fn questions(folder: &Path) -> Result<BTreeMap<Modality, PathBuf>> {
    let mut files: BTreeMap<Modality, Vec<PathBuf>> = BTreeMap::new();
    for FoundFile { path, .. } in source::walk(&[folder.to_owned()], &Choice::default())?.files {
        // What cannot be read was told when it was to be stored.
        if let Ok(bytes) = source::read(&path)
            && let Sniffed::Known { modality, .. } = sniff(&bytes)
        {
            files.entry(modality).or_default().push(path);
        }
    }
    let count = files.len();
    let chosen = files.into_iter().enumerate().filter_map(|(place, (modality, paths))| {
        let at = (2 * place + 1) * paths.len() / (2 * count);
        Some((modality, paths.into_iter().nth(at)?))
    });
    Ok(chosen.collect())
}

/// The folder of a sample that asks by what it says.
const SPOKEN: &str = "speech";

/// The first recording of that folder.
fn spoken_question(folder: &Path) -> Result<Option<PathBuf>> {
    let folder = folder.join(SPOKEN);
    Ok(if folder.is_dir() {
        source::walk(&[folder], &Choice::default())?.files.into_iter().next().map(|file| file.path)
    } else {
        None
    })
}

async fn ask(client: &Client, modality: Modality, path: &Path) -> Result<()> {
    let part = query_part(FileKind::default().media(path)?);
    let others = Modality::ALL.into_iter().filter(|other| *other != modality);
    let request = v1::SearchRequest {
        collection: COLLECTION.to_owned(),
        parts: vec![part],
        modalities: others.map(convert::modality_out).collect(),
        limit_per_modality: ANSWERS,
        ..Default::default()
    };
    let response = client.search(request).await?;
    let mut hits: BTreeMap<i32, Vec<v1::SearchHit>> = BTreeMap::new();
    response
        .hits
        .into_iter()
        .for_each(|hit| hits.entry(hit.item.as_ref().map_or(0, |item| item.modality)).or_default().push(hit));
    let mut question = path.display().to_string();
    if let Some(said) = response.transcripts.first().filter(|said| !said.is_empty()) {
        question = format!("{question} says \"{said}\"");
    }
    if modality == Modality::Text {
        let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
        question = format!("\"{}\"", text.trim());
    }
    print_line(&format!("\n{modality} asks: {question}"));
    let mut rows = Rows::new(false, ["modality", "score", "answer"]);
    for hit in hits.into_values().flatten() {
        let item = hit.item.unwrap_or_default();
        rows.push(vec![modality_name(item.modality).to_owned(), format!("{:.3}", hit.score), item.uri], &json!(null));
    }
    rows.finish();
    Ok(())
}

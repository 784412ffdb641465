//! `onespace search`: a query of any modality.

use anyhow::Result;
use clap::ArgMatches;
use onespace_client::{Client, media};
use onespace_proto::{
    convert,
    v1::{self, query_part::Part},
};
use serde_json::json;

use super::{
    item::{in_short, metadata},
    modality_name,
    source::FileKind,
};
use crate::{
    args::{QueryArgs, SearchArgs, usage},
    output::{Outcome, Rows, print_error, span_json, span_text},
};

/// Searches a collection.
pub async fn run(
    client: &Client,
    args: SearchArgs,
    kind: &FileKind,
    matches: Option<&ArgMatches>,
    json: bool,
) -> Result<Outcome> {
    let request = v1::SearchRequest {
        collection: args.collection,
        parts: parts(args.query, args.item, kind, matches)?,
        modalities: args.to.into_iter().map(convert::modality_out).collect(),
        filter: args.filter,
        limit: args.limit,
        limit_per_modality: args.each,
        score_threshold: args.min_score,
        calibrated_score_threshold: args.min_calibrated_score,
        calibrate: calibrate(args.no_calibrate),
        ..Default::default()
    };
    let response = client.search(request).await?;
    print_heard(&response.transcripts);
    let mut rows = Rows::new(json, ["rank", "score", "modality", "source", "span", "item id", "metadata"]);
    for (rank, hit) in (1u32..).zip(response.hits) {
        let item = hit.item.unwrap_or_default();
        let metadata = metadata(item.metadata);
        let source = if item.uri.is_empty() { item.title } else { item.uri };
        let modality = modality_name(item.modality);
        let cells = vec![
            rank.to_string(),
            score_text(hit.score, hit.calibrated_score),
            modality.to_owned(),
            with_words(&source, &hit.transcript),
            span_text(hit.span.as_ref()),
            item.item_id.clone(),
            in_short(&metadata),
        ];
        let object = json!({
            "rank": rank, "item_id": item.item_id, "source": source, "modality": modality, "score": hit.score,
            "calibrated_score": hit.calibrated_score, "span": span_json(hit.span.as_ref()),
            "metadata": metadata, "transcript": Some(&hit.transcript).filter(|transcript| !transcript.is_empty()),
        });
        rows.push(cells, &object);
    }
    rows.finish();
    Ok(Outcome::AllWell)
}

/// How much of a transcript stands in a table.
const WORDS_SHOWN: usize = 60;

/// A source, and what was said where it matched.
pub fn with_words(source: &str, transcript: &str) -> String {
    if transcript.is_empty() {
        return source.to_owned();
    }
    let shown: String = transcript.chars().take(WORDS_SHOWN).collect();
    let cut = if shown.len() < transcript.len() { "…" } else { "" };
    format!("{source} \"{shown}{cut}\"")
}

/// Says what was understood of a spoken question, beside the answers.
fn print_heard(transcripts: &[String]) {
    transcripts
        .iter()
        .filter(|transcript| !transcript.is_empty())
        .for_each(|said| print_error(&format!("heard: \"{said}\"")));
}

/// What a request says of calibration: nothing, so that the space decides, or that it is not wanted.
pub fn calibrate(not: bool) -> Option<bool> {
    not.then_some(false)
}

/// The cosine and, where it is what orders the answers, the calibrated score.
pub fn score_text(cosine: f32, calibrated: Option<f32>) -> String {
    calibrated.map_or_else(|| format!("{cosine:.3}"), |calibrated| format!("{cosine:.3} ({calibrated:+.1} σ)"))
}

/// The parts in the order in which they were written, each with the weight that follows it.
pub fn parts(
    query: QueryArgs,
    items: Vec<String>,
    kind: &FileKind,
    matches: Option<&ArgMatches>,
) -> Result<Vec<v1::QueryPart>> {
    let indices = |name: &str| -> Vec<usize> {
        let found = matches
            .and_then(|matches| matches.try_contains_id(name).is_ok().then(|| matches.indices_of(name)).flatten());
        found.map(Iterator::collect).unwrap_or_default()
    };
    let texts = indices("text").into_iter().zip(query.text).map(|(at, text)| (at, Ok(Part::Media(media::text(text)))));
    let files = indices("file").into_iter().zip(query.file).map(|(at, path)| (at, kind.media(&path).map(Part::Media)));
    let items = indices("item").into_iter().zip(items).map(|(at, item)| (at, Ok(Part::ItemId(item))));
    let mut written: Vec<_> = texts.chain(files).chain(items).collect();
    written.sort_by_key(|(at, _)| *at);
    if written.is_empty() {
        return Err(usage("a query is needed: --text, --file or --item"));
    }
    let places: Vec<usize> = written.iter().map(|(at, _)| *at).collect();
    let mut parts = written
        .into_iter()
        .map(|(_, part)| Ok(v1::QueryPart { part: Some(part?), weight: None, speech: kind.speech() }))
        .collect::<Result<Vec<_>>>()?;
    for (at, weight) in indices("weight").into_iter().zip(query.weight) {
        let before = places.iter().filter(|place| **place < at).count();
        let part = before.checked_sub(1).and_then(|index| parts.get_mut(index));
        let Some(part) = part else {
            return Err(usage(&format!(
                "--weight {weight} stands before any part; write it after the part it belongs to"
            )));
        };
        if part.weight.replace(weight).is_some() {
            return Err(usage(&format!("--weight {weight}: this part has a weight already")));
        }
    }
    Ok(parts)
}

//! `onespace rank`: files in the order of a question.

use std::path::{Path, PathBuf};

use anyhow::Result;
use onespace_client::{Client, Ranking, Scored};
use onespace_proto::v1;
use serde_json::json;

use super::{explain, search::score_text, source::FileKind};
use crate::output::{Outcome, Rows, print_error};

/// Orders files by a question; each is read when it is sent.
pub async fn run(
    client: &Client,
    parts: Vec<v1::QueryPart>,
    files: Vec<PathBuf>,
    kind: &FileKind,
    calibrate: Option<bool>,
    json: bool,
) -> Result<Outcome> {
    let mut failed = Vec::new();
    let candidates = files.iter().enumerate().filter_map(|(index, path)| {
        let media = kind.media(path).map_err(|error| failed.push((index, format!("{error:#}"))));
        Some((index, media.ok()?))
    });
    let ranking = client.rank(parts, calibrate, kind.speech(), files.len(), candidates).await?;
    failed.extend(ranking.failed.iter().map(|(index, error)| (*index, explain(error))));
    failed.sort_by_key(|(index, _)| *index);
    Ok(print(&ranking, &failed, &files, json))
}

fn print(ranking: &Ranking, failed: &[(usize, String)], files: &[PathBuf], json: bool) -> Outcome {
    let name =
        |index: usize| files.get(index).map(|path: &PathBuf| Path::display(path).to_string()).unwrap_or_default();
    let mut rows = Rows::new(json, ["rank", "score", "source"]);
    for (rank, Scored { index, score, calibrated }) in (1u32..).zip(&ranking.scored) {
        let source = name(*index);
        let object = json!({"rank": rank, "source": source, "score": score, "calibrated_score": calibrated});
        rows.push(vec![rank.to_string(), score_text(*score, *calibrated), source], &object);
    }
    failed.iter().for_each(|(index, why)| print_error(&format!("{}: {why}", name(*index))));
    rows.finish();
    Outcome::of(failed.len())
}

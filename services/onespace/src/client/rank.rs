//! `onespace rank`: files in the order of a question.

use std::path::{Path, PathBuf};

use anyhow::Result;
use onespace_core::limits::{ITEMS_PER_REQUEST, MESSAGE_BYTES};
use onespace_proto::v1::{self, media::Content, query_part::Part, ranked_candidate};
use serde_json::json;

use super::{
    Client,
    patience::{Patience, Refusal},
    reason, refused,
    search::score_text,
    source,
};
use crate::output::{Outcome, Rows, print_error};

/// What a message holds beside the media in it, at most.
const ENVELOPE_BYTES: usize = 64 * 1024;

/// The question, and how its answers are ordered.
struct Question {
    parts: Vec<v1::QueryPart>,
    calibrate: Option<bool>,
}

/// A candidate: which file it is, and the media.
type Candidate = (usize, v1::Media);

/// What became of the candidates.
#[derive(Debug, Default)]
struct Ranking {
    scored: Vec<Scored>,
    failed: Vec<(usize, String)>,
}

/// A candidate's cosine and, where the space has a scale for it, its calibrated score.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Scored {
    index: usize,
    score: f32,
    calibrated: Option<f32>,
}

/// Orders files by a question: as many at once as one message holds, those that the server had no room for again.
pub async fn run(
    client: &Client,
    parts: Vec<v1::QueryPart>,
    files: Vec<PathBuf>,
    calibrate: Option<bool>,
    json: bool,
) -> Result<Outcome> {
    let asked = parts.iter().map(|part| match &part.part {
        Some(Part::Media(media)) => length(media),
        _ => 0,
    });
    let room = MESSAGE_BYTES.saturating_sub(asked.sum::<usize>() + ENVELOPE_BYTES);
    let question = Question { parts, calibrate };
    let patience = client.patience(files.len());
    let (mut ranking, mut batch, mut bytes) = (Ranking::default(), Vec::new(), 0);
    for (index, path) in files.iter().enumerate() {
        let media = match source::media(path) {
            Ok(media) => media,
            Err(error) => {
                ranking.failed.push((index, format!("{error:#}")));
                continue;
            }
        };
        if !batch.is_empty() && (batch.len() == ITEMS_PER_REQUEST || bytes + length(&media) > room) {
            rank(client, &patience, &question, std::mem::take(&mut batch), &mut ranking).await?;
            bytes = 0;
        }
        bytes += length(&media);
        batch.push((index, media));
    }
    rank(client, &patience, &question, batch, &mut ranking).await?;
    Ok(print(ranking, &files, json))
}

fn length(media: &v1::Media) -> usize {
    match &media.content {
        Some(Content::Data(bytes)) => bytes.len(),
        Some(Content::Text(text)) => text.len(),
        _ => 0,
    }
}

/// Ranks the candidates of one message; those that the server turns away are sent again, and no others.
async fn rank(
    client: &Client,
    patience: &Patience,
    question: &Question,
    mut candidates: Vec<Candidate>,
    ranking: &mut Ranking,
) -> Result<()> {
    let mut tries = 0;
    while !candidates.is_empty() {
        let send = async || {
            let request = v1::RankRequest {
                parts: question.parts.clone(),
                candidates: candidates.iter().map(|(_, media)| media.clone()).collect(),
                calibrate: question.calibrate,
            };
            client.search().rank(request).await
        };
        let response = patience.call_about(candidates.len(), send).await.map_err(refused)?.into_inner();
        let scored = ranking.scored.len();
        let again = ranking.take(response, &candidates);
        tries = if ranking.scored.len() > scored { 0 } else { tries + 1 };
        let told = again.iter().filter_map(|(_, error)| error.pause()).max();
        let Some(told) = told else { return Ok(()) };
        if !patience.wait(told, tries, again.len()).await {
            ranking.failed.extend(again.into_iter().map(|((index, _), error)| (index, reason(&error))));
            return Ok(());
        }
        candidates = again.into_iter().map(|(candidate, _)| candidate).collect();
    }
    Ok(())
}

impl Ranking {
    /// Takes what an answer says of the candidates; gives those back that may be sent again.
    fn take(&mut self, response: v1::RankResponse, candidates: &[Candidate]) -> Vec<(Candidate, v1::ItemError)> {
        let mut again = Vec::new();
        for answer in response.candidates {
            let Some((index, media)) = candidates.get(answer.index as usize) else { continue };
            match answer.outcome {
                Some(ranked_candidate::Outcome::Score(score)) => {
                    self.scored.push(Scored { index: *index, score, calibrated: answer.calibrated_score });
                }
                Some(ranked_candidate::Outcome::Error(error)) if error.pause().is_some() => {
                    again.push(((*index, media.clone()), error));
                }
                Some(ranked_candidate::Outcome::Error(error)) => self.failed.push((*index, reason(&error))),
                None => {}
            }
        }
        again
    }

    /// Best first. Answers are ordered by calibrated score only where each has one: two scales never meet.
    fn ordered(&self) -> Vec<Scored> {
        let calibrated = self.scored.iter().all(|scored| scored.calibrated.is_some());
        let shown = |scored: &Scored| Scored { calibrated: scored.calibrated.filter(|_| calibrated), ..*scored };
        let mut scored: Vec<Scored> = self.scored.iter().map(shown).collect();
        let place = |scored: &Scored| scored.calibrated.unwrap_or(scored.score);
        scored.sort_by(|a, b| place(b).total_cmp(&place(a)).then(a.index.cmp(&b.index)));
        scored
    }
}

fn print(mut ranking: Ranking, files: &[PathBuf], json: bool) -> Outcome {
    let name =
        |index: usize| files.get(index).map(|path: &PathBuf| Path::display(path).to_string()).unwrap_or_default();
    let mut rows = Rows::new(json, ["rank", "score", "source"]);
    for (rank, Scored { index, score, calibrated }) in (1u32..).zip(ranking.ordered()) {
        let source = name(index);
        let object = json!({"rank": rank, "source": source, "score": score, "calibrated_score": calibrated});
        rows.push(vec![rank.to_string(), score_text(score, calibrated), source], &object);
    }
    ranking.failed.sort_by_key(|(index, _)| *index);
    ranking.failed.iter().for_each(|(index, why)| print_error(&format!("{}: {why}", name(*index))));
    rows.finish();
    Outcome::of(ranking.failed.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_scales_never_meet() {
        let scored = |index, score, calibrated| Scored { index, score, calibrated };
        let order = |scored: Vec<Scored>| {
            let ranking = Ranking { scored, ..Ranking::default() };
            ranking.ordered().iter().map(|scored| (scored.index, scored.calibrated)).collect::<Vec<_>>()
        };
        let all = vec![scored(0, 0.9, Some(1.0)), scored(1, 0.2, Some(3.0))];
        assert_eq!(order(all), [(1, Some(3.0)), (0, Some(1.0))]);
        let some = vec![scored(0, 0.9, None), scored(1, 0.2, Some(3.0)), scored(2, 0.9, None)];
        assert_eq!(order(some), [(0, None), (2, None), (1, None)]);
    }
}

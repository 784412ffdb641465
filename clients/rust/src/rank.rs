//! Ordering media by a question, however many there are.

use onespace_core::{
    Reason,
    limits::{CHUNK_BYTES, ITEMS_PER_REQUEST, MESSAGE_BYTES},
};
use onespace_proto::v1::{ItemError, Media, QueryPart, RankRequest, RankResponse, Speech, ranked_candidate::Outcome};

use crate::{
    client::{Client, ENVELOPE_BYTES},
    error::{Error, Result},
    media::content_bytes,
    patience::{Patience, Refusal},
    question::part_bytes,
};

/// What the question leaves of a message for candidates, at least.
const CANDIDATES_BYTES: usize = MESSAGE_BYTES - 4 * CHUNK_BYTES;

/// What became of the candidates, each by the number that it came with.
#[derive(Debug, Default)]
pub struct Ranking {
    /// Those that have a score, best first.
    pub scored: Vec<Scored>,
    /// Those that have none, and why.
    pub failed: Vec<(usize, Error)>,
}

/// A candidate's cosine and, where the space has a scale for all of them, its calibrated score.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scored {
    /// Which candidate it is.
    pub index: usize,
    /// The cosine.
    pub score: f32,
    /// The calibrated score.
    pub calibrated: Option<f32>,
}

/// A candidate and its number.
type Candidate = (usize, Media);

/// The question, and how its answers are ordered.
struct Question {
    parts: Vec<QueryPart>,
    calibrate: Option<bool>,
    speech: Option<Speech>,
}

impl Client {
    /// Orders candidates by a question: as many at once as one message holds, and those that the server had no room
    /// for again. Candidates are taken as they are sent; `items` is how many will come. `calibrate` and
    /// `speech` are as in [`RankRequest`].
    ///
    /// # Errors
    /// What the server said last of a call; a candidate that fails alone is in the ranking.
    pub async fn rank(
        &self,
        parts: Vec<QueryPart>,
        calibrate: Option<bool>,
        speech: Option<Speech>,
        items: usize,
        candidates: impl IntoIterator<Item = (usize, Media)>,
    ) -> Result<Ranking> {
        let parts = self.fitting(parts, MESSAGE_BYTES - CANDIDATES_BYTES).await?;
        let asked: usize = parts.iter().map(part_bytes).sum();
        let room = MESSAGE_BYTES.saturating_sub(asked + ENVELOPE_BYTES);
        let question = Question { parts, calibrate, speech };
        let patience = self.patience(items);
        let mut ranking = Ranking::default();
        let mut batch = Vec::new();
        let mut bytes = 0;
        for (index, media) in candidates {
            let length = content_bytes(&media);
            if length > room {
                ranking.failed.push((index, too_large(length, room)));
                continue;
            }
            if !batch.is_empty() && (batch.len() == ITEMS_PER_REQUEST || bytes + length > room) {
                rank_batch(self, &patience, &question, std::mem::take(&mut batch), &mut ranking).await?;
                bytes = 0;
            }
            bytes += length;
            batch.push((index, media));
        }
        rank_batch(self, &patience, &question, batch, &mut ranking).await?;
        ranking.sort();
        Ok(ranking)
    }
}

fn too_large(bytes: usize, room: usize) -> Error {
    let message = format!("{bytes} bytes, a candidate has at most {room}: store it in a collection and search there");
    Error::of_item(Reason::MediaTooLarge.name(), message)
}

/// Ranks the candidates of one message; those that the server turns away are sent again, and no others.
async fn rank_batch(
    client: &Client,
    patience: &Patience,
    question: &Question,
    mut candidates: Vec<Candidate>,
    ranking: &mut Ranking,
) -> Result<()> {
    let mut tries = 0;
    while !candidates.is_empty() {
        let batch = &candidates;
        let send = move || async move {
            let request = RankRequest {
                parts: question.parts.clone(),
                candidates: batch.iter().map(|(_, media)| media.clone()).collect(),
                calibrate: question.calibrate,
                speech: question.speech.clone(),
            };
            client.search_service().rank(request).await
        };
        let response = patience.call_about(candidates.len(), send).await?.into_inner();
        let scored = ranking.scored.len();
        let again = ranking.take(response, &candidates);
        tries = if ranking.scored.len() > scored { 0 } else { tries + 1 };
        let told = again.iter().filter_map(|(_, error)| error.pause()).max();
        let Some(told) = told else { return Ok(()) };
        if !patience.wait(told, tries, again.len()).await {
            ranking.failed.extend(again.into_iter().map(|((index, _), error)| (index, error.into())));
            return Ok(());
        }
        candidates = again.into_iter().map(|(candidate, _)| candidate).collect();
    }
    Ok(())
}

impl Ranking {
    /// Takes what an answer says of the candidates; gives those back that may be sent again.
    fn take(&mut self, response: RankResponse, candidates: &[Candidate]) -> Vec<(Candidate, ItemError)> {
        let mut again = Vec::new();
        for answer in response.candidates {
            let Some((index, media)) = candidates.get(answer.index as usize) else { continue };
            match answer.outcome {
                Some(Outcome::Score(score)) => {
                    self.scored.push(Scored { index: *index, score, calibrated: answer.calibrated_score });
                }
                Some(Outcome::Error(error)) if error.pause().is_some() => {
                    again.push(((*index, media.clone()), error));
                }
                Some(Outcome::Error(error)) => self.failed.push((*index, error.into())),
                None => {}
            }
        }
        again
    }

    /// Best first. Answers are ordered by calibrated score only where each has one: two scales never meet.
    fn sort(&mut self) {
        if self.scored.iter().any(|scored| scored.calibrated.is_none()) {
            self.scored.iter_mut().for_each(|scored| scored.calibrated = None);
        }
        let place = |scored: &Scored| scored.calibrated.unwrap_or(scored.score);
        self.scored.sort_by(|a, b| place(b).total_cmp(&place(a)).then(a.index.cmp(&b.index)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_scales_never_meet() {
        let scored = |index, score, calibrated| Scored { index, score, calibrated };
        let order = |scored: Vec<Scored>| {
            let mut ranking = Ranking { scored, ..Ranking::default() };
            ranking.sort();
            ranking.scored.iter().map(|scored| (scored.index, scored.calibrated)).collect::<Vec<_>>()
        };
        let all = vec![scored(0, 0.9, Some(1.0)), scored(1, 0.2, Some(3.0))];
        assert_eq!(order(all), [(1, Some(3.0)), (0, Some(1.0))]);
        let some = vec![scored(0, 0.9, None), scored(1, 0.2, Some(3.0)), scored(2, 0.9, None)];
        assert_eq!(order(some), [(0, None), (2, None), (1, None)]);
    }
}

//! Ranking: candidates in the order of a query, nothing is stored.

use std::{collections::BTreeSet, time::Instant};

use futures::future::join_all;
use onespace_core::{Deadline, EmbedOptions, Embedding, Error, Modality, Result, Speech, Track, vector::dot};
use onespace_proto::{
    convert,
    options::speech_in,
    status::item_error,
    v1::{self, ranked_candidate::Outcome},
};

use crate::{
    Gateway,
    calibrate::{self, Scales},
    classify::check_count,
    gateway::timed,
    item::{Embedder, Item, shares},
    query, spoken, turns,
};

/// Orders candidates by a query. A candidate that fails comes last, with its reason.
///
/// # Errors
/// `FIELD_*`, `TOO_MANY`; `NOT_CALIBRATED`; whatever a part of the query gives.
pub async fn rank(gateway: &Gateway, request: v1::RankRequest, deadline: Deadline) -> Result<v1::RankResponse> {
    let started = Instant::now();
    check_count("candidates", request.candidates.len(), 1)?;
    let speech = speech_in(request.speech.as_ref(), Speech::AUTO)?;
    let understood = spoken::understand(gateway, request.parts, deadline).await?;
    let parts = understood.parts;
    // Where towers have several heads, what meets what decides which are asked.
    let target = query::modality(&parts);
    let candidates: Vec<Result<Item>> = request.candidates.into_iter().map(Item::read).collect();
    let met: BTreeSet<Modality> = candidates.iter().flatten().flat_map(|item| query::met_in(item.modality())).collect();
    let met: Vec<Modality> = met.into_iter().collect();
    let query = query::embed_query(gateway, None, parts, &met, deadline);
    let candidates = turns::asked(gateway, candidates, deadline);
    let options = EmbedOptions { target, speech, ..EmbedOptions::default() };
    let candidates = join_all(candidates.into_iter().map(|candidate| async move {
        let candidate = candidate?;
        let (wholes, timings) = Embedder::new(gateway, options, deadline).wholes(&candidate).await?;
        Ok::<_, Error>((candidate, wholes, timings))
    }));
    // A question that fails ends the work for candidates.
    let (query, candidates) = tokio::try_join!(query, async { Ok(candidates.await) })?;
    let towers = |whole: &Embedding| whole.towers().into_iter().map(|(tower, _)| tower);
    let answers: BTreeSet<Modality> =
        candidates.iter().flatten().flat_map(|(_, wholes, _)| wholes.iter().flat_map(towers)).collect();
    let scales = calibrate::scales(&gateway.space().calibration, &query.modalities, answers, request.calibrate)?;
    let mut timings = query.timings;
    timings.merge(&understood.timings);
    let ranked = candidates.into_iter().zip(0u32..).map(|(candidate, index)| match candidate {
        Ok((candidate, wholes, part)) => {
            timings.merge(&part);
            let vector = |whole: &Embedding| match whole.track {
                Track::Speech => query.vector(Modality::Text),
                _ => query.vector(candidate.modality()),
            };
            let scored = wholes.iter().map(|whole| scored(vector(whole), whole, scales.as_ref(), index));
            scored.max_by(|a, b| place(a).total_cmp(&place(b))).unwrap_or_default()
        }
        Err(error) => {
            let error = Outcome::Error(item_error(&error.under(&format!("candidates[{index}]"))));
            v1::RankedCandidate { index, outcome: Some(error), ..Default::default() }
        }
    });
    let mut ranked: Vec<_> = ranked.collect();
    ranked.sort_by(|a, b| place(b).total_cmp(&place(a)));
    Ok(v1::RankResponse { candidates: ranked, timings: Some(convert::timings_out(&timed(started, timings))) })
}

/// A candidate as one of its vectors has it.
fn scored(vector: &[f32], whole: &Embedding, scales: Option<&Scales>, index: u32) -> v1::RankedCandidate {
    let cosine = dot(vector, &whole.vector);
    v1::RankedCandidate {
        index,
        outcome: Some(Outcome::Score(cosine)),
        calibrated_score: calibrate::score(scales, &shares(&whole.towers(), 1.0), cosine),
        track: convert::track_out(whole.track),
    }
}

/// What a candidate is ordered by: one that failed comes last.
fn place(candidate: &v1::RankedCandidate) -> f32 {
    match candidate.outcome {
        Some(Outcome::Score(cosine)) => candidate.calibrated_score.unwrap_or(cosine),
        _ => f32::NEG_INFINITY,
    }
}

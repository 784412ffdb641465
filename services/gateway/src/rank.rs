//! Ranking: candidates in the order of a query, nothing is stored.

use std::{collections::BTreeSet, time::Instant};

use futures::future::join_all;
use onespace_core::{Deadline, EmbedOptions, Error, Modality, Result, vector::dot};
use onespace_proto::{convert, status::item_error, v1};

use crate::{
    Gateway, calibrate,
    classify::check_count,
    gateway::timed,
    item::{Embedder, Item, shares},
    query,
};

/// Orders candidates by a query. A candidate that fails comes last, with its reason.
///
/// # Errors
/// `FIELD_*`, `TOO_MANY`; `NOT_CALIBRATED`; whatever a part of the query gives.
pub async fn rank(gateway: &Gateway, request: v1::RankRequest, deadline: Deadline) -> Result<v1::RankResponse> {
    use v1::ranked_candidate::Outcome;
    let started = Instant::now();
    check_count("candidates", request.candidates.len(), 1)?;
    // Where towers have several heads, what meets what decides which are asked.
    let target = query::modality(&request.parts);
    let candidates: Vec<Result<Item>> = request.candidates.into_iter().map(Item::read).collect();
    let met: BTreeSet<Modality> = candidates.iter().flatten().map(Item::modality).collect();
    let met: Vec<Modality> = met.into_iter().collect();
    let query = query::embed_query(gateway, None, request.parts, &met, deadline);
    let options = EmbedOptions { target, ..EmbedOptions::default() };
    let candidates = join_all(candidates.into_iter().map(|candidate| async move {
        let candidate = candidate?;
        let (vector, timings) = Embedder::new(gateway, options, deadline).whole(&candidate).await?;
        Ok::<_, Error>((candidate, vector, timings))
    }));
    let (query, candidates) = tokio::join!(query, candidates);
    let query = query?;
    let answers: BTreeSet<Modality> =
        candidates.iter().flatten().flat_map(|(candidate, ..)| candidate.modalities()).collect();
    let scales = calibrate::scales(&gateway.space().calibration, &query.modalities, answers, request.calibrate)?;
    let mut timings = query.timings;
    let ranked = candidates.into_iter().zip(0u32..).map(|(candidate, index)| {
        let (outcome, calibrated_score) = match candidate {
            Ok((candidate, vector, part)) => {
                timings.merge(&part);
                let cosine = dot(query.vector(candidate.modality()), &vector);
                let towers = shares(&candidate.weighted_modalities(), 1.0);
                (Outcome::Score(cosine), calibrate::score(scales.as_ref(), &towers, cosine))
            }
            Err(error) => (Outcome::Error(item_error(&error.under(&format!("candidates[{index}]")))), None),
        };
        v1::RankedCandidate { index, outcome: Some(outcome), calibrated_score }
    });
    let mut ranked: Vec<_> = ranked.collect();
    let place = |candidate: &v1::RankedCandidate| match candidate.outcome {
        Some(Outcome::Score(cosine)) => candidate.calibrated_score.unwrap_or(cosine),
        _ => f32::NEG_INFINITY,
    };
    ranked.sort_by(|a, b| place(b).total_cmp(&place(a)));
    Ok(v1::RankResponse { candidates: ranked, timings: Some(convert::timings_out(&timed(started, timings))) })
}

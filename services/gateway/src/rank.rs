//! Ranking: candidates in the order of a question, nothing is stored.

use std::{collections::BTreeSet, time::Instant};

use futures::future::join_all;
use onespace_core::{Deadline, EncodeRequest, Error, Modality, Result, vector::dot};
use onespace_proto::{convert, status::item_error, v1};

use crate::{Gateway, calibrate, classify::check_count, gateway::timed, query};

/// Orders candidates by a question. A candidate that fails comes last, with its reason.
///
/// # Errors
/// `FIELD_*`, `TOO_MANY`; `NOT_CALIBRATED`; whatever a part of the question gives.
pub async fn rank(gateway: &Gateway, request: v1::RankRequest, deadline: Deadline) -> Result<v1::RankResponse> {
    use v1::ranked_candidate::Outcome;
    let started = Instant::now();
    check_count("candidates", request.candidates.len(), 1)?;
    // Where towers have several heads, what meets what decides which are asked.
    let target = query::modality(&request.parts);
    let candidates: Vec<Result<EncodeRequest>> = request.candidates.into_iter().map(query::told).collect();
    let met: BTreeSet<Modality> = candidates.iter().flatten().map(|candidate| candidate.modality).collect();
    let met: Vec<Modality> = met.into_iter().collect();
    let question = query::ask(gateway, None, request.parts, &met, deadline);
    let candidates = join_all(candidates.into_iter().map(|candidate| async move {
        let candidate = EncodeRequest { target, ..candidate? };
        let modality = candidate.modality;
        let (vector, timings) = query::whole(gateway, candidate, deadline).await?;
        Ok::<_, Error>((vector, modality, timings))
    }));
    let (question, candidates) = tokio::join!(question, candidates);
    let question = question?;
    let answers = candidates.iter().flatten().map(|(_, modality, _)| *modality);
    let scales = calibrate::scales(&gateway.space().calibration, &question.modalities, answers, request.calibrate)?;
    let mut timings = question.timings;
    let ranked = candidates.into_iter().zip(0u32..).map(|(candidate, index)| {
        let (outcome, calibrated_score) = match candidate {
            Ok((vector, modality, part)) => {
                timings.merge(&part);
                let cosine = dot(question.vector(modality), &vector);
                (Outcome::Score(cosine), calibrate::score(scales.as_ref(), modality, cosine))
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

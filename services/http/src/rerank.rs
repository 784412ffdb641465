//! `POST /v1/rerank` and `/v2/rerank`: the shape of Cohere and of Jina. What is ranked is ranked by the call `Rank`, in
//! lists as long as it takes.

use axum::response::Response;
use onespace_core::{Error, Reason, Result, limits::ITEMS_PER_REQUEST};
use onespace_proto::{
    status::{error, item_error_in},
    v1::{self, query_part::Part, ranked_candidate::Outcome, search_service_server::SearchService as _},
};
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    answer, body,
    call::Call,
    input::{self, Input},
    json::{Json, Object},
};

/// Answers.
///
/// # Errors
/// `FIELD_*`, `TOO_MANY`, `MODEL_NOT_FOUND`, and those of the first document that fails.
pub async fn rerank(mut call: Call) -> Result<Response> {
    let (body, _made) = body::json(&mut call).await?;
    let json = body.parse()?;
    let request = json.object("")?;
    let model = call.model(request.text("model")?)?;
    let query = input::input(request.required("query")?, "query".to_owned(), None)?;
    let documents = request.required("documents")?;
    let inputs = input::inputs(documents, "documents", None)?;
    let most = request.whole("top_n")?.map_or(inputs.len(), |most| most as usize);
    let mut ranked = rank(&call, &query, &inputs).await?;
    ranked.truncate(most);
    let shown = if request.flag("return_documents", false)? { documents.list("documents")? } else { &[] };
    let results = ranked.iter().map(|one| Entry { document: shown.get(one.index).map(shape), ..*one }).collect();
    let answer = Ranked {
        id: call.id(),
        model,
        results,
        meta: json!({"api_version": {"version": "2"}, "billed_units": {"search_units": 1}}),
    };
    answer::json(&call, 256 * inputs.len() + text_bytes(shown) + 1024, &answer).await
}

#[derive(Serialize)]
struct Ranked<'a> {
    id: String,
    model: String,
    results: Vec<Entry<'a>>,
    meta: Value,
}

#[derive(Clone, Copy, Serialize)]
struct Entry<'a> {
    index: usize,
    relevance_score: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    document: Option<Shown<'a>>,
}

#[derive(Clone, Copy, Serialize)]
struct Shown<'a> {
    text: Option<&'a str>,
}

/// A document as it is shown again: its text.
fn shape<'j>(document: &'j Json<'_>) -> Shown<'j> {
    let text = match document {
        Json::Object(object) => object.get("text").and_then(Json::as_text),
        other => other.as_text(),
    };
    Shown { text }
}

fn text_bytes(documents: &[Json<'_>]) -> usize {
    documents.iter().filter_map(|document| shape(document).text).map(|text| 6 * text.len()).sum()
}

/// All inputs, best first. Lists do not differ in how they are scored: the space is calibrated for every pair or for
/// none, so `calibrate` is decided by the first list and asked of the others.
async fn rank(call: &Call, query: &Input, documents: &[Input]) -> Result<Vec<Entry<'static>>> {
    let (mut ranked, mut calibrate) = (Vec::with_capacity(documents.len()), None);
    for (list, from) in documents.chunks(ITEMS_PER_REQUEST).zip((0..).step_by(ITEMS_PER_REQUEST)) {
        for candidate in rank_list(call, query, list, calibrate).await? {
            let (at, calibrated) = (from + candidate.index as usize, candidate.calibrated_score);
            let cosine = match candidate.outcome {
                Some(Outcome::Score(cosine)) => cosine,
                Some(Outcome::Error(error)) => return Err(blamed(documents.get(at), item_error_in(&error))),
                None => return Err(Error::internal("a candidate without an outcome")),
            };
            calibrate = Some(calibrated.is_some());
            ranked.push(Entry { index: at, relevance_score: relevance(cosine, calibrated), document: None });
        }
    }
    ranked.sort_by(|a, b| b.relevance_score.total_cmp(&a.relevance_score));
    Ok(ranked)
}

async fn rank_list(
    call: &Call,
    query: &Input,
    documents: &[Input],
    calibrate: Option<bool>,
) -> Result<Vec<v1::RankedCandidate>> {
    let off = v1::Speech { mode: v1::SpeechMode::Off.into(), language: String::new() };
    loop {
        let part = Part::Media(query.media.clone());
        let message = v1::RankRequest {
            parts: vec![v1::QueryPart { part: Some(part), speech: Some(off.clone()), ..v1::QueryPart::default() }],
            candidates: documents.iter().map(|document| document.media.clone()).collect(),
            calibrate,
            speech: Some(off.clone()),
        };
        let refused = match call.app.services.rank(call.request(message)).await {
            Ok(response) => {
                let candidates = response.into_inner().candidates;
                match candidates.iter().find_map(refused) {
                    None => return Ok(candidates),
                    Some(error) => error,
                }
            }
            Err(status) => error(&status, Reason::Internal),
        };
        let pause = refused.retry_after.unwrap_or_default();
        if refused.reason != Reason::QueueFull || call.deadline.remaining() <= pause {
            let field = if refused.field.starts_with("parts[0]") { query.path.clone() } else { refused.field };
            return Err(Error { field, ..refused });
        }
        tokio::time::sleep(pause).await;
    }
}

/// The error of a candidate that was turned away for a moment.
fn refused(candidate: &v1::RankedCandidate) -> Option<Error> {
    match &candidate.outcome {
        Some(Outcome::Error(error)) => Some(item_error_in(error)).filter(|error| error.reason == Reason::QueueFull),
        _ => None,
    }
}

fn blamed(document: Option<&Input>, error: Error) -> Error {
    Error { field: document.map(|document| document.path.clone()).unwrap_or_default(), ..error }
}

/// How relevant, from 0 to 1: of a calibrated score about the share of unrelated pairs that score less (the normal
/// distribution by the logistic one; Bowling et al. 2009, whose factor is 1.702), of a cosine its place from -1 to 1.
fn relevance(cosine: f32, calibrated: Option<f32>) -> f64 {
    match calibrated {
        Some(score) => 1.0 / (1.0 + (-1.702 * f64::from(score)).exp()),
        None => f64::midpoint(1.0, f64::from(cosine)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relevance_keeps_the_order_and_lies_between_nothing_and_one() {
        let scores = [-9.0, -1.0, 0.0, 0.5, 3.0, 12.0].map(|score| relevance(0.0, Some(score)));
        assert!(scores.is_sorted() && scores.iter().all(|score| (0.0..=1.0).contains(score)));
        assert!(scores.windows(2).all(|pair| pair[0] < pair[1]));
        assert_eq!([-1.0, 0.0, 1.0].map(|cosine| relevance(cosine, None)), [0.0, 0.5, 1.0]);
    }
}

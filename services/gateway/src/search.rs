//! Search: the stored items nearest to a question.

use std::time::Instant;

use futures::future::try_join_all;
use onespace_core::{Deadline, Error, Hit, Modality, Reason, Result, Tenant, limits::RESULTS};
use onespace_proto::{convert, v1};

use crate::{
    Gateway,
    gateway::{micros, timed},
    group::{self, Wanted},
    query::{self, Shelf},
};

/// Items in an answer to a request that names no number.
const LIMIT_DEFAULT: usize = 10;

/// Answers a search.
///
/// # Errors
/// `FIELD_*`, `COLLECTION_NOT_FOUND`, `SPACE_MISMATCH`, whatever embedding the parts gives, `STORE_*`.
pub async fn search(
    gateway: &Gateway,
    tenant: &Tenant,
    request: v1::SearchRequest,
    deadline: Deadline,
) -> Result<v1::SearchResponse> {
    let started = Instant::now();
    let name = request.collection.parse()?;
    let limit = limit("limit", request.limit, LIMIT_DEFAULT)?;
    let each = if request.limit_per_modality == 0 {
        None
    } else {
        Some(limit_in("limit_per_modality", request.limit_per_modality)?)
    };
    let modalities = modalities(&request.modalities)?;
    let filter = convert::filter_in(request.filter)?;
    gateway.collection(&name).await?;
    let shelf = Shelf { tenant, collection: &name };
    let question = query::ask(gateway, Some(&shelf), request.parts, deadline).await?;
    deadline.check("before the store was asked")?;

    let asked = Instant::now();
    let threshold = request.score_threshold.unwrap_or(f32::NEG_INFINITY);
    let find = |modalities: Vec<Modality>, limit: usize| {
        let (question, filter, name) = (&question, &filter, &name);
        async move {
            let wanted = Wanted { vector: &question.vector, modalities: &modalities, filter, limit, threshold };
            group::items(gateway.store(), tenant, name, &wanted).await
        }
    };
    let hits = match each {
        None => find(modalities, limit).await?,
        Some(each) => {
            let of = if modalities.is_empty() { Modality::ALL.to_vec() } else { modalities };
            try_join_all(of.into_iter().map(|modality| find(vec![modality], each))).await?.concat()
        }
    };
    let mut timings = question.timings;
    timings.store_us = micros(asked);
    Ok(v1::SearchResponse {
        hits: sorted(hits).into_iter().map(hit_out).collect(),
        timings: Some(convert::timings_out(&timed(started, timings))),
        space: gateway.space().fingerprint.to_string(),
    })
}

fn modalities(numbers: &[i32]) -> Result<Vec<Modality>> {
    let numbered = numbers.iter().enumerate();
    numbered
        .map(|(index, number)| {
            convert::modality_named(*number).map_err(|error| error.under(&format!("modalities[{index}]")))
        })
        .collect()
}

/// A number of results, the default where it is 0.
///
/// # Errors
/// `FIELD_INVALID` past the limit.
pub fn limit(field: &str, asked: u32, default: usize) -> Result<usize> {
    if asked == 0 { Ok(default) } else { limit_in(field, asked) }
}

fn limit_in(field: &str, asked: u32) -> Result<usize> {
    let asked = asked as usize;
    if asked <= RESULTS {
        Ok(asked)
    } else {
        Err(Error::new(Reason::FieldInvalid, field, format!("{asked}, the limit is {RESULTS}")))
    }
}

fn sorted(mut hits: Vec<Hit>) -> Vec<Hit> {
    hits.sort_by(|a, b| b.score.total_cmp(&a.score));
    hits
}

fn hit_out(hit: Hit) -> v1::SearchHit {
    v1::SearchHit {
        score: hit.score,
        track: convert::track_out(hit.point.track),
        segment: hit.point.segment,
        span: hit.point.span.map(convert::span_out),
        item: Some(convert::item_out(hit.point)),
    }
}

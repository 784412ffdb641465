//! Search: the stored items nearest to a question.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Instant,
};

use futures::future::try_join_all;
use onespace_core::{Deadline, Error, Filter, Hit, Modality, Reason, Result, Tenant, Track, limits::RESULTS};
use onespace_proto::{convert, filter::filter_in, v1};

use crate::{
    Gateway,
    calibrate::{self, Scales},
    gateway::{micros, timed},
    group::{self, Wanted},
    query::{self, Question, Shelf},
};

/// Items in an answer to a request that names no number.
const LIMIT_DEFAULT: usize = 10;

/// Answers a search.
///
/// # Errors
/// `FIELD_*`, `COLLECTION_NOT_FOUND`, `SPACE_MISMATCH`, `NOT_CALIBRATED`, whatever embedding the parts gives,
/// `STORE_*`.
pub async fn search(
    gateway: &Gateway,
    tenant: &Tenant,
    request: v1::SearchRequest,
    deadline: Deadline,
) -> Result<v1::SearchResponse> {
    let started = Instant::now();
    let name = request.collection.parse()?;
    let asked = Asked {
        modalities: modalities(&request.modalities)?,
        filter: filter_in(request.filter)?,
        limit: limit("limit", request.limit, LIMIT_DEFAULT)?,
        each: match request.limit_per_modality {
            0 => None,
            each => Some(limit_in("limit_per_modality", each)?),
        },
        threshold: request.score_threshold.unwrap_or(f32::NEG_INFINITY),
        calibrate: request.calibrate,
    };
    let info = gateway.collection(&name).await?;
    let shelf = Shelf { tenant: tenant.clone(), collection: name, dimension: info.dimension };
    let question = query::ask(gateway, Some(&shelf), request.parts, asked.of(), deadline).await?;
    deadline.check("before the store was asked")?;

    let asking = Instant::now();
    let hits = found(gateway, &shelf, &question, &asked).await?;
    let mut timings = question.timings;
    timings.store_us = micros(asking);
    Ok(v1::SearchResponse {
        hits,
        timings: Some(convert::timings_out(&timed(started, timings))),
        space: gateway.space().fingerprint.to_string(),
    })
}

/// What a request asks for, beside its question.
struct Asked {
    /// Modalities of the answers; empty: all.
    modalities: Vec<Modality>,
    filter: Filter,
    /// Items of the answer.
    limit: usize,
    /// Items of each modality, instead.
    each: Option<usize>,
    /// The least cosine.
    threshold: f32,
    calibrate: Option<bool>,
}

impl Asked {
    /// The modalities that can answer.
    fn of(&self) -> &[Modality] {
        if self.modalities.is_empty() { &Modality::ALL } else { &self.modalities }
    }
}

/// The answers, best first. Where they are calibrated, everything that has a scale of its own is asked for as many as are
/// wanted in all: its cosines say nothing of its place among the others.
async fn found(gateway: &Gateway, shelf: &Shelf, question: &Question, asked: &Asked) -> Result<Vec<v1::SearchHit>> {
    let (filter, threshold) = (&asked.filter, asked.threshold);
    let find = |vector, modalities: Vec<Modality>, tracks: &'static [Track], limit: usize| async move {
        let wanted =
            Wanted { vector, modalities: &modalities, tracks, filter, space: gateway.space(), limit, threshold };
        group::items(gateway.store(), &shelf.tenant, &shelf.collection, &wanted).await
    };
    let scales = |answers: Vec<Modality>| {
        calibrate::scales(&gateway.space().calibration, &question.modalities, answers, asked.calibrate)
    };
    let served = || gateway.towers().iter().map(|tower| tower.modality).collect();
    let expected = if asked.modalities.is_empty() { served() } else { asked.modalities.clone() };
    let calibrated = scales(expected)?.is_some();
    if let (Some(vector), false, None) = (question.one_for_all(), calibrated, asked.each) {
        return Ok(sorted(find(vector, asked.modalities.clone(), &[], asked.limit).await?, None));
    }
    let each = asked.of().iter().flat_map(|modality| {
        let limit = asked.each.unwrap_or(asked.limit);
        apart(*modality, calibrated)
            .iter()
            .map(move |tracks| find(question.vector(*modality), vec![*modality], tracks, limit))
    });
    let hits = try_join_all(each).await?.concat();
    // What was stored through another server may be of a modality that is not served here.
    let there = || hits.iter().map(|hit| hit.point.track.tower(hit.point.modality)).collect();
    let scales = if calibrated { scales(there())? } else { None };
    let mut hits = sorted(hits, scales.as_ref());
    keep_best(&mut hits, asked);
    Ok(hits)
}

/// The tracks of a modality's vectors that lie on one scale, one group after the other: where answers are calibrated, the
/// sound of films is asked for apart from their pictures.
const fn apart(modality: Modality, calibrated: bool) -> &'static [&'static [Track]] {
    match (modality, calibrated) {
        (Modality::Video, true) => &[&[Track::Whole, Track::Visual], &[Track::Audio]],
        _ => &[&[]],
    }
}

/// Of sorted hits each item's best, and as many as are asked for.
fn keep_best(hits: &mut Vec<v1::SearchHit>, asked: &Asked) {
    let (mut seen, mut counts) = (BTreeSet::new(), BTreeMap::new());
    hits.retain(|hit| {
        let Some(item) = &hit.item else { return false };
        let count: &mut usize = counts.entry(item.modality).or_default();
        let wanted = asked.each.is_none_or(|each| *count < each) && seen.insert(item.item.clone());
        *count += usize::from(wanted);
        wanted
    });
    if asked.each.is_none() {
        hits.truncate(asked.limit);
    }
}

/// Each once, however often it is named.
fn modalities(numbers: &[i32]) -> Result<Vec<Modality>> {
    let numbered = numbers.iter().enumerate().map(|(index, number)| {
        convert::modality_named(*number).map_err(|error| error.under(&format!("modalities[{index}]")))
    });
    Ok(numbered.collect::<Result<BTreeSet<_>>>()?.into_iter().collect())
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

fn sorted(hits: Vec<Hit>, scales: Option<&Scales>) -> Vec<v1::SearchHit> {
    let hit_out = |hit: Hit| v1::SearchHit {
        score: hit.score,
        track: convert::track_out(hit.point.track),
        segment: hit.point.segment,
        span: hit.point.span.map(convert::span_out),
        calibrated_score: calibrate::score(scales, hit.point.track.tower(hit.point.modality), hit.score),
        item: Some(convert::item_out(hit.point)),
    };
    let mut hits: Vec<_> = hits.into_iter().map(hit_out).collect();
    let place = |hit: &v1::SearchHit| hit.calibrated_score.unwrap_or(hit.score);
    hits.sort_by(|a, b| place(b).total_cmp(&place(a)));
    hits
}

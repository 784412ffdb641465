//! Search: the stored items nearest to a query.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Instant,
};

use futures::{
    future::try_join_all,
    stream::{self, StreamExt as _},
};
use onespace_core::{
    Error, Filter, Hit, Modality, Reason, Result, Timings, Track,
    limits::{ITEMS_PER_REQUEST, SEARCH_POINTS},
};
use onespace_proto::{convert, filter::filter_in, status::item_error, v1, view::View};

use crate::{
    Gateway,
    calibrate::{self, Scales},
    call::Call,
    gateway::{micros, timed},
    group::{self, GroupLimits},
    hits::{self, Scored},
    page::{SearchPage, limit},
    query::{self, EmbeddedQuery, SearchScope},
    spoken,
};

/// Items in an answer to a request that names no number.
const LIMIT_DEFAULT: usize = 10;

/// Answers a search.
///
/// # Errors
/// `FIELD_*`, `COLLECTION_NOT_FOUND`, `SPACE_MISMATCH`, `NOT_CALIBRATED`, whatever embedding the parts gives,
/// `ANSWER_TOO_LARGE`, `STORE_*`.
pub async fn search(gateway: &Gateway, call: &Call, request: v1::SearchRequest) -> Result<v1::SearchResponse> {
    let started = Instant::now();
    let collection = call.locate(gateway, &request.collection).await?;
    let page = SearchPage::of(&request)?;
    let (parts, options) = (request.parts.clone(), SearchOptions::read(request, page)?);
    let info = gateway.collection(&collection).await?;
    let scope = SearchScope { collection, dimension: info.dimension };
    let understood = spoken::understand(gateway, parts, call.deadline).await?;
    let parts = understood.parts;
    let query = query::embed_query(gateway, Some(&scope), parts, &options.targets(), call.deadline).await?;
    call.deadline.check("before the store was asked")?;

    let searching = Instant::now();
    call.hold.reserve(call.answer.expected(options.wanted())).await?;
    let found = search_store(gateway, &scope, &query, &options).await?;
    let page = hits::Asked { offset: options.page.offset, limit: options.limit, each: options.each };
    let hits::Page { hits, reached } = hits::show(gateway, call, &scope, found, (page, &options.view)).await?;
    let next_page_token = reached.map(|fits| options.page.next(fits)).unwrap_or_default();
    let mut timings = query.timings;
    timings.merge(&understood.timings);
    timings.store_us = micros(searching);
    Ok(v1::SearchResponse {
        hits,
        timings: Some(convert::timings_out(&timed(started, timings))),
        space_fingerprint: gateway.space().fingerprint.to_string(),
        next_page_token,
        transcripts: understood.transcripts,
    })
}

/// Answers several searches; each has its own outcome.
///
/// # Errors
/// `FIELD_REQUIRED`, `TOO_MANY`.
pub async fn search_batch(
    gateway: &Gateway,
    call: &Call,
    request: v1::SearchBatchRequest,
) -> Result<v1::SearchBatchResponse> {
    use v1::search_result::Outcome;
    let started = Instant::now();
    let count = request.searches.len();
    if count == 0 {
        return Err(Error::new(Reason::FieldRequired, "searches", "at least one search is needed"));
    }
    if count > ITEMS_PER_REQUEST {
        let message = format!("{count} searches, the limit is {ITEMS_PER_REQUEST}");
        return Err(Error::new(Reason::TooMany, "searches", message));
    }
    let at_once = SEARCH_POINTS / request.searches.iter().map(points_of).max().unwrap_or(1);
    let searches = request.searches.into_iter().map(|one| search(gateway, call, one));
    let outcomes: Vec<_> = stream::iter(searches).buffered(at_once.max(1)).collect().await;
    let (mut room, mut timings) = (call.answer, Timings::default());
    let result = |(index, outcome): (usize, Result<v1::SearchResponse>)| {
        let path = format!("searches[{index}]");
        let failed = |error: Error| v1::SearchResult { outcome: Some(Outcome::Error(item_error(&error.under(&path)))) };
        let response = match outcome {
            Ok(response) => response,
            Err(error) => return failed(error),
        };
        timings.merge(&response.timings.as_ref().map(convert::timings_in).unwrap_or_default());
        let result = v1::SearchResult { outcome: Some(Outcome::Response(response)) };
        if room.take(&result) { result } else { failed(room.too_large("this search")) }
    };
    let results = outcomes.into_iter().enumerate().map(result).collect();
    Ok(v1::SearchBatchResponse { results, timings: Some(convert::timings_out(&timed(started, timings))) })
}

/// How many points a search of a batch may hold: those with large answers take turns.
fn points_of(search: &v1::SearchRequest) -> usize {
    (search.limit.max(search.limit_per_modality) as usize).clamp(LIMIT_DEFAULT, SEARCH_POINTS)
}

/// What a request asks for, beside its query.
struct SearchOptions {
    /// Modalities of the answers; empty: all.
    named: Vec<Modality>,
    filter: Filter,
    /// Items of a page.
    limit: usize,
    page: SearchPage,
    /// Items of each modality, instead.
    each: Option<usize>,
    /// The least cosine.
    threshold: f32,
    /// The least calibrated score.
    calibrated_threshold: Option<f32>,
    calibrate: Option<bool>,
    view: View,
}

impl SearchOptions {
    fn read(request: v1::SearchRequest, page: SearchPage) -> Result<Self> {
        let each = match request.limit_per_modality {
            0 => None,
            each => Some(limit("limit_per_modality", each, 0)?),
        };
        let mut calibrate = request.calibrate;
        if request.calibrated_score_threshold.is_some() {
            if calibrate == Some(false) {
                let message = "a threshold on calibrated scores takes calibrate = true, or leaving it out";
                return Err(Error::new(Reason::FieldInvalid, "calibrated_score_threshold", message));
            }
            calibrate = Some(true);
        }
        for (field, value) in [
            ("score_threshold", request.score_threshold),
            ("calibrated_score_threshold", request.calibrated_score_threshold),
        ] {
            if value.is_some_and(f32::is_nan) {
                return Err(Error::new(Reason::FieldInvalid, field, "not a number"));
            }
        }
        Ok(Self {
            named: modalities_in(&request.modalities)?,
            filter: filter_in(request.filter)?,
            limit: limit("limit", request.limit, LIMIT_DEFAULT)?,
            page,
            each,
            threshold: request.score_threshold.unwrap_or(f32::NEG_INFINITY),
            calibrated_threshold: request.calibrated_score_threshold,
            calibrate,
            view: View::read(request.view.as_ref(), false)?,
        })
    }

    /// The modalities that can answer.
    fn modalities(&self) -> &[Modality] {
        if self.named.is_empty() { &Modality::ALL } else { &self.named }
    }

    /// What the query's vectors will meet.
    fn targets(&self) -> Vec<Modality> {
        let met = self.modalities().iter().copied().flat_map(query::met_in);
        met.collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// So many items are found, at most: those of the pages before, of this one, and one that tells whether there is
    /// another.
    fn wanted(&self) -> usize {
        self.each.unwrap_or(self.page.offset + self.limit + 1).min(SEARCH_POINTS)
    }
}

/// The answers, best first. Where they are calibrated, everything that has a scale of its own is asked for as many as
/// are wanted in all: its cosines say nothing of its place among the others.
async fn search_store(
    gateway: &Gateway,
    scope: &SearchScope,
    query: &EmbeddedQuery,
    options: &SearchOptions,
) -> Result<Vec<Scored>> {
    let (filter, threshold, limit) = (&options.filter, options.threshold, options.wanted());
    let find = |vector, modalities: Vec<Modality>, tracks: Vec<Track>| async move {
        let limits = GroupLimits {
            vector,
            modalities: &modalities,
            tracks: &tracks,
            filter,
            space: gateway.space(),
            limit,
            threshold,
        };
        group::items(gateway.store(), &scope.collection, &limits).await
    };
    let scales = |answers: BTreeSet<Modality>| {
        calibrate::scales(&gateway.space().calibration, &query.modalities, answers, options.calibrate)
    };
    let served = || gateway.towers().iter().map(|tower| tower.modality).collect();
    let heard = gateway.transcriber().is_some();
    let named = || if heard { options.targets() } else { options.named.clone() };
    let expected = if options.named.is_empty() { served() } else { named().into_iter().collect() };
    let calibrated = scales(expected)?.is_some();
    if let (Some(vector), false, None) = (query.one_for_all(), calibrated, options.each) {
        return Ok(sorted(find(vector, options.named.clone(), Vec::new()).await?, None));
    }
    let mut searches = Vec::new();
    for modality in options.modalities() {
        for tracks in apart(*modality, calibrated || query.one_for_all().is_none()) {
            let target = if tracks == [Track::Speech] { modality.tower(Track::Speech) } else { *modality };
            searches.push(find(query.vector(target), vec![*modality], tracks));
        }
    }
    let hits = try_join_all(searches).await?.concat();
    // What was stored through another server may be of a modality that is not served here.
    let there = hits.iter().flat_map(|hit| hit.point.towers()).map(|(tower, _)| tower).collect();
    let scales = if calibrated { scales(there)? } else { None };
    let mut hits = sorted(hits, scales.as_ref());
    if let Some(least) = options.calibrated_threshold {
        hits.retain(|scored| scored.calibrated.is_some_and(|score| score >= least));
    }
    keep_best(&mut hits, options.each);
    Ok(hits)
}

/// The tracks of a modality's vectors that lie on one scale, one group after the other: where answers are calibrated,
/// or asked for from several heads, those of different towers are asked for apart, and sums apart from what they are
/// sums of. Not one group is all.
fn apart(modality: Modality, by_tower: bool) -> Vec<Vec<Track>> {
    if !by_tower {
        return vec![Vec::new()];
    }
    let of_towers = modality.tracks().iter().map(|(track, _)| vec![*track]);
    let speech = modality.has_speech().then(|| vec![Track::Speech]);
    of_towers.chain(speech).chain([vec![Track::Fused, Track::Parts]]).collect()
}

/// Of sorted hits each item's best, and of each modality as many as are asked for.
fn keep_best(hits: &mut Vec<Scored>, each: Option<usize>) {
    let (mut seen, mut counts) = (BTreeSet::new(), BTreeMap::new());
    hits.retain(|scored| {
        let point = &scored.hit.point;
        let count: &mut usize = counts.entry(point.modality).or_default();
        let wanted = each.is_none_or(|each| *count < each) && seen.insert(point.item.clone());
        *count += usize::from(wanted);
        wanted
    });
}

/// Each once, however often it is named.
fn modalities_in(numbers: &[i32]) -> Result<Vec<Modality>> {
    let numbered = numbers.iter().enumerate().map(|(index, number)| {
        convert::modality_named(*number).map_err(|error| error.under(&format!("modalities[{index}]")))
    });
    Ok(numbered.collect::<Result<BTreeSet<_>>>()?.into_iter().collect())
}

fn sorted(hits: Vec<Hit>, scales: Option<&Scales>) -> Vec<Scored> {
    let scored = |hit: Hit| {
        let calibrated = calibrate::score(scales, &hit.point.towers(), hit.score);
        Scored { hit, calibrated }
    };
    let mut scored: Vec<Scored> = hits.into_iter().map(scored).collect();
    scored.sort_by(|a, b| b.rank().total_cmp(&a.rank()));
    scored
}

//! The page of a search's answers: what their owners say of the items is read for these alone, a few at a time, and no
//! further than the answer has room.

use std::collections::{BTreeMap, BTreeSet};

use onespace_core::{
    CollectionRef, Error, Fetch, Hit, ItemDetails, ItemId, Point, Reason, Result, Track, limits::ITEMS_PER_REQUEST,
};
use onespace_proto::{
    convert, v1,
    view::{View, leading},
};

use crate::{Gateway, call::Call, query::SearchScope};

/// Items that are read at once with all of their segments.
const PASSAGES_OF: usize = 8;

/// An answer with its place among the others.
pub struct Scored {
    /// What was found.
    pub hit: Hit,
    /// Its score on the common scale, where there is one.
    pub calibrated: Option<f32>,
}

impl Scored {
    /// What it is ordered by.
    #[must_use]
    pub fn rank(&self) -> f32 {
        self.calibrated.unwrap_or(self.hit.score)
    }
}

/// Which of the answers are asked for.
#[derive(Clone, Copy)]
pub struct Asked {
    /// Those before.
    pub offset: usize,
    /// So many.
    pub limit: usize,
    /// So many of each modality, instead.
    pub each: Option<usize>,
}

/// Answers as they are shown.
pub struct Page {
    /// They.
    pub hits: Vec<v1::SearchHit>,
    /// How far this page reaches, where there is another.
    pub reached: Option<usize>,
}

/// The hits of one page as the view shows them, and whether there is another. What was deleted since it was found is
/// left out.
///
/// # Errors
/// `FIELD_INVALID`, `ANSWER_TOO_LARGE`, `STORE_*`.
pub async fn show(
    gateway: &Gateway,
    call: &Call,
    scope: &SearchScope,
    mut found: Vec<Scored>,
    (asked, view): (Asked, &View),
) -> Result<Page> {
    if asked.each.is_some() && asked.offset > 0 {
        let message = "an answer of so many items of each modality has one page";
        return Err(Error::new(Reason::FieldInvalid, "page_token", message));
    }
    let total = found.len();
    found.drain(..asked.offset.min(total));
    if asked.each.is_none() {
        found.truncate(asked.limit);
    }
    let (mut hits, mut room, mut reached) = (Vec::new(), call.answer, 0);
    let segments = view.fetch().is_some_and(|fetch| fetch.segments);
    let at_once = if segments { PASSAGES_OF } else { ITEMS_PER_REQUEST };
    let mut found = found.into_iter();
    'page: loop {
        let some: Vec<Scored> = found.by_ref().take(at_once).collect();
        if some.is_empty() {
            break;
        }
        let mut stored = Stored::read(gateway, &scope.collection, &some, view).await?;
        for scored in some {
            let hit = stored.hit_out(scored, view);
            if !hit.as_ref().is_none_or(|hit| room.take(hit)) {
                if hits.is_empty() || asked.each.is_some() {
                    return Err(room.too_large("what was found"));
                }
                break 'page;
            }
            hits.extend(hit);
            reached += 1;
        }
    }
    let more = asked.offset + reached < total && asked.each.is_none();
    Ok(Page { hits, reached: more.then_some(reached) })
}

/// What the store has of some items.
struct Stored {
    points: BTreeMap<ItemId, Vec<Point>>,
    /// What is said where passages were found: of an item, a segment.
    passages: BTreeMap<(ItemId, u32), String>,
}

impl Stored {
    async fn read(gateway: &Gateway, collection: &CollectionRef, some: &[Scored], view: &View) -> Result<Self> {
        let ids = |wanted: fn(&Point) -> bool| -> Vec<ItemId> {
            let points = some.iter().map(|scored| &scored.hit.point).filter(|point| wanted(point));
            let ids: BTreeSet<ItemId> = points.map(|point| point.item.clone()).collect();
            ids.into_iter().collect()
        };
        let wholes = Fetch { segments: false, vectors: false };
        let fetch = view.fetch().unwrap_or(wholes);
        let points = gateway.store().items(collection, &ids(|_| true), fetch).await?;
        let mut passages = BTreeMap::new();
        let spoken = ids(|point| point.track == Track::Speech);
        for some in spoken.chunks(PASSAGES_OF) {
            let all = gateway.store().items(collection, some, Fetch { segments: true, ..wholes }).await?;
            let said = all.into_values().flatten().filter(|point| point.track == Track::Speech);
            passages.extend(said.filter_map(|point| Some(((point.item, point.segment), point.transcript?))));
        }
        Ok(Self { points, passages })
    }

    fn hit_out(&mut self, scored: Scored, view: &View) -> Option<v1::SearchHit> {
        let Scored { hit: Hit { point, score }, calibrated } = scored;
        let stored = self.points.get(&point.item)?;
        let Point { uri, title, metadata, .. } = leading(stored)?.clone();
        let shown = if view.fetch().is_some() { stored.clone() } else { Vec::new() };
        let (track, segment, span) = (point.track, point.segment, point.span);
        let transcript = self.passages.remove(&(point.item.clone(), segment)).filter(|_| track == Track::Speech);
        Some(v1::SearchHit {
            item: Some(view.item_out(point.described(ItemDetails { uri, title, metadata }), shown)),
            score,
            track: convert::track_out(track),
            segment,
            span: span.map(convert::span_out),
            calibrated_score: calibrated,
            transcript: transcript.unwrap_or_default(),
        })
    }
}

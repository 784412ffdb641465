//! From matching vectors to matching items: an item stands at its best vector's place.

use std::collections::BTreeSet;

use onespace_core::{
    CollectionRef, Filter, Hit, Modality, Query, Result, Space, Track, VectorStore, limits::SEARCH_POINTS,
};

/// How many vectors are asked for to find one item, at first.
const OVERFETCH: usize = 4;

/// What to look for, and how much of it.
pub struct GroupLimits<'a> {
    /// The unit vector.
    pub vector: &'a [f32],
    /// Modalities of the answers; empty: all.
    pub modalities: &'a [Modality],
    /// Tracks of the answers; empty: all.
    pub tracks: &'a [Track],
    /// Further conditions.
    pub filter: &'a Filter,
    /// The space of this server: what an added tower gave that has been replaced since is no answer.
    pub space: &'a Space,
    /// Items, not vectors.
    pub limit: usize,
    /// The least score.
    pub threshold: f32,
}

/// The best items, each at its best vector, best first.
///
/// Long media answer with many vectors; the store is asked for more, twice as many each time, until enough items
/// are found, nothing more is there, or the limit on points is reached.
///
/// # Errors
/// As [`VectorStore::search`].
pub async fn items(store: &dyn VectorStore, collection: &CollectionRef, wanted: &GroupLimits<'_>) -> Result<Vec<Hit>> {
    let mut limit = wanted.limit.saturating_mul(OVERFETCH).min(SEARCH_POINTS);
    loop {
        let query = Query {
            vector: wanted.vector.to_vec(),
            modalities: wanted.modalities.to_vec(),
            tracks: wanted.tracks.to_vec(),
            filter: wanted.filter.clone(),
            limit,
        };
        let hits = store.search(collection, &query).await?;
        let exhausted = hits.len() < limit || limit == SEARCH_POINTS;
        let best = best_of_each(hits, wanted);
        if best.len() >= wanted.limit || exhausted {
            return Ok(best.into_iter().take(wanted.limit).collect());
        }
        limit = (limit * 2).min(SEARCH_POINTS);
    }
}

fn best_of_each(hits: Vec<Hit>, wanted: &GroupLimits<'_>) -> Vec<Hit> {
    let mut seen = BTreeSet::new();
    let fits = |hit: &Hit| hit.score >= wanted.threshold && wanted.space.meets(hit.point.tower.as_ref());
    hits.into_iter().filter(|hit| fits(hit) && seen.insert(hit.point.item.clone())).collect()
}

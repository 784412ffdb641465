//! Items counted by the values of a field: page by page, so that memory holds the values and no items.

use onespace_core::{CollectionRef, FacetCounter, Facets, Field, Result};
use qdrant_client::qdrant::{PayloadIncludeSelector, ScrollPointsBuilder};

use super::{
    ServerStore,
    calls::PAGE,
    convert::{filter, json},
};
use crate::{
    filter::Clauses,
    keys::TENANT,
    payload::{facet_key, facet_value},
};

impl ServerStore {
    /// The most frequent values among the points that some clauses let through.
    ///
    /// # Errors
    /// `COLLECTION_NOT_FOUND`, `TOO_MANY` values, `STORE_*`.
    pub(super) async fn facets_of(
        &self,
        collection: &CollectionRef,
        clauses: &Clauses,
        field: &Field,
        limit: usize,
    ) -> Result<Facets> {
        let physical = self.resolve(collection).await?.physical();
        let keys = [TENANT, facet_key(field)].map(str::to_owned);
        let mut request = ScrollPointsBuilder::new(physical)
            .filter(filter(clauses))
            .limit(PAGE)
            .with_payload(PayloadIncludeSelector::new(keys.to_vec()))
            .with_vectors(false);
        let mut counter = FacetCounter::default();
        loop {
            let (found, next) = self.scroll(collection, request.clone()).await?;
            for found in found {
                let payload = json(found.payload);
                counter.add(facet_value(&collection.tenant, &payload, field)?)?;
            }
            match next {
                Some(next) => request = request.offset(next),
                None => return Ok(counter.top(limit)),
            }
        }
    }
}

//! Items counted by the values of a field: page by page, so that memory holds the values and no items.

use onespace_core::{Error, FacetCounter, Facets, Field, Result, Tenant};
use qdrant_edge::Filter;

use super::{
    engine::Engine,
    reads::{Found, Want},
};
use crate::{
    keys::TENANT,
    payload::{facet_key, facet_value},
};

/// Points of one page.
const PAGE: usize = 1024;

impl Engine {
    /// The most frequent values among the points that a filter lets through.
    ///
    /// # Errors
    /// `TOO_MANY` values, `STORE_FAILED`.
    pub(super) fn facets(&self, tenant: &Tenant, filter: &Filter, field: &Field, limit: usize) -> Result<Facets> {
        let (mut counter, mut from) = (FacetCounter::default(), None);
        let keys = [TENANT, facet_key(field)];
        let value = |found: Found| {
            let value = facet_value(tenant, &found.payload, field)?.cloned();
            Ok::<_, Error>(value)
        };
        loop {
            let (values, next) = self.scroll(filter, from, PAGE, Want::Fields(&keys), value)?;
            values.iter().try_for_each(|value| counter.add(value.as_ref()))?;
            match next {
                Some(_) => from = next,
                None => return Ok(counter.top(limit)),
            }
        }
    }
}

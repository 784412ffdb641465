//! What a call is about, which is known only where its message is read.

use std::collections::{BTreeMap, BTreeSet};

use onespace_core::Tenant;

/// What a call was about.
#[derive(Clone, Debug, Default)]
pub struct About {
    pub tenant: Option<Tenant>,
    pub collections: BTreeSet<String>,
    /// What became of its items, by the words of the wire.
    pub items: BTreeMap<&'static str, u64>,
}

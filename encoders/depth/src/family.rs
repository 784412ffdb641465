//! What this crate gives a bundle.

use std::sync::Arc;

use onespace_core::{Modality, Prepare, Result};
use onespace_family::{Family, Site};

use crate::{prepare::DepthPreparer, table::Depth};

impl Family for Depth {
    const MODALITY: Modality = Modality::Depth;

    fn check(&self, _is_listed: &dyn Fn(&str) -> bool) -> Result<()> {
        Self::check(self)
    }

    fn preparer(&self, _site: &Site<'_>) -> Result<Arc<dyn Prepare>> {
        Ok(Arc::new(DepthPreparer::new(self)))
    }
}

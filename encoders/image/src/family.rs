//! What this crate gives a bundle.

use std::sync::Arc;

use onespace_core::{Modality, Prepare, Result};
use onespace_family::{Family, Site};

use crate::{prepare::ImagePreparer, table::Image};

impl Family for Image {
    const MODALITY: Modality = Modality::Image;

    fn check(&self, _is_listed: &dyn Fn(&str) -> bool) -> Result<()> {
        Self::check(self)
    }

    fn preparer(&self, _site: &Site<'_>) -> Result<Arc<dyn Prepare>> {
        Ok(Arc::new(ImagePreparer::new(self)))
    }
}

//! What this crate gives a bundle.

use std::sync::Arc;

use onespace_core::{Modality, Prepare, Result};
use onespace_family::{Family, Site};

use crate::{prepare::ImuPreparer, table::Imu};

impl Family for Imu {
    const MODALITY: Modality = Modality::Imu;

    fn check(&self, _is_listed: &dyn Fn(&str) -> bool) -> Result<()> {
        Self::check(self)
    }

    fn preparer(&self, _site: &Site<'_>) -> Result<Arc<dyn Prepare>> {
        Ok(Arc::new(ImuPreparer::new(self)))
    }
}

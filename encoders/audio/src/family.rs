//! What this crate gives a bundle.

use std::sync::Arc;

use onespace_core::{Modality, Prepare, Result};
use onespace_family::{Family, Site};

use crate::{prepare::AudioPreparer, recording::AudioDecoder, table::Audio};

impl Family for Audio {
    const MODALITY: Modality = Modality::Audio;

    fn check(&self, _is_listed: &dyn Fn(&str) -> bool) -> Result<()> {
        Self::check(self)
    }

    fn preparer(&self, site: &Site<'_>) -> Result<Arc<dyn Prepare>> {
        Ok(Arc::new(AudioPreparer::new(self, site.find::<AudioDecoder>().cloned())?))
    }
}

//! What this crate gives a bundle.

use std::sync::Arc;

use onespace_core::{Modality, Prepare, Result};
use onespace_family::{Family, Site};

use crate::{prepare::TextPreparer, table::Text};

impl Family for Text {
    const MODALITY: Modality = Modality::Text;

    fn check(&self, is_listed: &dyn Fn(&str) -> bool) -> Result<()> {
        Self::check(self, is_listed)
    }

    fn preparer(&self, site: &Site<'_>) -> Result<Arc<dyn Prepare>> {
        let tokenizer = (site.read)(&self.tokenizer)?;
        Ok(Arc::new(TextPreparer::new(self, &tokenizer, site.inputs)?))
    }

    fn templates(&self) -> &[String] {
        &self.templates
    }
}

//! What this crate gives a bundle.

use std::sync::Arc;

use onespace_core::{Modality, Prepare, Result};
use onespace_family::{Family, Site, check::invalid};
use onespace_image::table::Image;

use crate::{prepare::PointCloudPreparer, table::PointCloud, views::ViewsPreparer};

impl Family for PointCloud {
    const MODALITY: Modality = Modality::PointCloud;

    fn check(&self, _is_listed: &dyn Fn(&str) -> bool) -> Result<()> {
        Self::check(self)
    }

    fn preparer(&self, site: &Site<'_>) -> Result<Arc<dyn Prepare>> {
        let Some(views) = &self.views else { return Ok(Arc::new(PointCloudPreparer::new(self))) };
        let Some(image) = site.find::<Image>() else {
            return Err(invalid("views", "the bundle has no image tower, whose pictures they are"));
        };
        Ok(Arc::new(ViewsPreparer::new(views, image)))
    }

    fn shares(&self) -> Option<(&'static str, Modality)> {
        self.views.is_some().then_some(("views", Modality::Image))
    }
}

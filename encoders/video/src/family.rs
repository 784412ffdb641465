//! What this crate gives a bundle.

use std::sync::Arc;

use onespace_core::{Modality, Prepare, Result};
use onespace_family::{Family, Site};

use crate::table::Video;

impl Family for Video {
    const MODALITY: Modality = Modality::Video;

    #[cfg(not(feature = "decode"))]
    const UNAVAILABLE: Option<&'static str> = Some("this build has no decoder for videos (feature \"video\")");

    fn check(&self, _is_listed: &dyn Fn(&str) -> bool) -> Result<()> {
        Self::check(self)
    }

    #[cfg(feature = "decode")]
    fn preparer(&self, site: &Site<'_>) -> Result<Arc<dyn Prepare>> {
        // The audio track is prepared as audio is, where the bundle has a tower for it.
        let audio = site.find::<onespace_audio::table::Audio>();
        let audio = audio.map(|audio| onespace_audio::AudioPreparer::new(audio, None)).transpose()?;
        Ok(Arc::new(crate::VideoPreparer::new(self, audio)))
    }

    #[cfg(not(feature = "decode"))]
    fn preparer(&self, _site: &Site<'_>) -> Result<Arc<dyn Prepare>> {
        Err(onespace_core::Error::internal("a video was to be prepared without a decoder"))
    }

    fn shares(&self) -> Option<(&'static str, Modality)> {
        self.image_tower.then_some(("image_tower", Modality::Image))
    }

    #[cfg(feature = "decode")]
    fn tools() -> Vec<Box<dyn std::any::Any>> {
        let decoder: onespace_audio::AudioDecoder = Arc::new(crate::decode_audio);
        vec![Box::new(decoder)]
    }
}

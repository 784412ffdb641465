//! The road from bytes to samples.

use onespace_bundle::preprocess;
use onespace_core::{Error, Prepare, Result, Sample};

use crate::{AudioDecoder, Pcm};

/// Recordings to samples as a manifest's `[towers.audio.preprocess]` says.
#[derive(Clone)]
pub struct AudioPreparer {
    spec: preprocess::Audio,
    fallback: Option<AudioDecoder>,
}

impl AudioPreparer {
    /// Plans transforms, windows and filters once; `fallback` decodes what this crate cannot.
    ///
    /// # Errors
    /// `BUNDLE_INVALID` when the front end's parameters make no sense together.
    pub fn new(spec: &preprocess::Audio, fallback: Option<AudioDecoder>) -> Result<Self> {
        Ok(Self { spec: spec.clone(), fallback })
    }

    /// Samples of decoded sound: one for each window.
    ///
    /// # Errors
    /// `MEDIA_EMPTY`, `MEDIA_MALFORMED`, `MEDIA_TOO_LARGE`.
    pub fn samples_of(&self, pcm: &Pcm) -> Result<Vec<Sample>> {
        Err(Error::unsupported("bytes", format!("{} Hz to {} Hz", pcm.rate, self.spec.sample_rate)))
    }
}

impl Prepare for AudioPreparer {
    fn prepare(&self, bytes: &[u8], _media_type: Option<&str>) -> Result<Vec<Sample>> {
        let decode = self.fallback.as_ref().ok_or_else(|| Error::unsupported("bytes", "no decoder"))?;
        self.samples_of(&decode(bytes)?)
    }
}

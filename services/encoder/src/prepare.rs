//! The preprocessing of each tower, as the manifest says.

use std::sync::Arc;

use onespace_audio::{AudioDecoder, AudioPreparer};
use onespace_bundle::Bundle;
use onespace_core::{Error, Modality, Prepare, Reason, Result};
use onespace_image::ImagePreparer;
use onespace_pointcloud::PointCloudPreparer;
use onespace_text::TextPreparer;

/// Whether this build decodes videos.
pub(crate) const VIDEO: bool = cfg!(feature = "video");

/// The preparer of one tower of the bundle.
///
/// # Errors
/// `MODALITY_NOT_SERVED` when the bundle has no such tower, or this build no decoder for it; `BUNDLE_INVALID`.
pub fn preparer(bundle: &Bundle, modality: Modality) -> Result<Arc<dyn Prepare>> {
    let towers = &bundle.manifest().towers;
    let absent = || not_served(modality, "the bundle has no tower for it");
    Ok(match modality {
        Modality::Text => {
            let tower = towers.text.as_ref().ok_or_else(absent)?;
            let json = bundle.read(&tower.preprocess.tokenizer)?;
            Arc::new(TextPreparer::new(&tower.preprocess, &json, tower.inputs.len())?)
        }
        Modality::Image => Arc::new(ImagePreparer::new(&towers.image.as_ref().ok_or_else(absent)?.preprocess)),
        Modality::Audio => Arc::new(audio(bundle)?.ok_or_else(absent)?),
        Modality::Video => video(bundle)?,
        Modality::PointCloud => {
            Arc::new(PointCloudPreparer::new(&towers.point_cloud.as_ref().ok_or_else(absent)?.preprocess))
        }
        _ => return Err(absent()),
    })
}

/// The preparer of audio, which videos use for their audio track as well.
fn audio(bundle: &Bundle) -> Result<Option<AudioPreparer>> {
    let tower = bundle.manifest().towers.audio.as_ref();
    tower.map(|tower| AudioPreparer::new(&tower.preprocess, fallback())).transpose()
}

#[cfg(feature = "video")]
fn fallback() -> Option<AudioDecoder> {
    Some(Arc::new(onespace_video::decode_audio))
}

#[cfg(not(feature = "video"))]
fn fallback() -> Option<AudioDecoder> {
    None
}

#[cfg(feature = "video")]
fn video(bundle: &Bundle) -> Result<Arc<dyn Prepare>> {
    let Some(tower) = bundle.manifest().towers.video.as_ref() else {
        return Err(not_served(Modality::Video, "the bundle has no tower for it"));
    };
    Ok(Arc::new(onespace_video::VideoPreparer::new(&tower.preprocess, audio(bundle)?)))
}

#[cfg(not(feature = "video"))]
fn video(_bundle: &Bundle) -> Result<Arc<dyn Prepare>> {
    Err(not_served(Modality::Video, "this build has no decoder for videos (feature \"video\")"))
}

pub(crate) fn not_served(modality: Modality, why: &str) -> Error {
    Error::new(Reason::ModalityNotServed, "modality", format!("{modality} is not served here: {why}"))
}

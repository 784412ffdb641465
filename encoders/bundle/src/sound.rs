//! What is heard in a media, for a transcriber.

use onespace_core::{Modality, Patience, Result};
use onespace_speech::RATE;

/// What is heard in a media.
#[derive(Debug, Default)]
pub struct Sound {
    /// One channel at [`RATE`]; empty where a video has no sound that is decoded here.
    pub samples: Vec<f32>,
    /// Whether there is more than is decoded.
    pub cut: bool,
}

/// The sound of a media.
///
/// # Errors
/// `MEDIA_*`; what `patience` says when it is over.
pub fn sound_of(modality: Modality, bytes: &[u8], patience: &Patience) -> Result<Sound> {
    match modality {
        Modality::Video => of_video(bytes, patience),
        _ => Ok(Sound { samples: of_audio(bytes, patience)?, cut: false }),
    }
}

#[cfg(feature = "video")]
fn of_video(bytes: &[u8], patience: &Patience) -> Result<Sound> {
    let Some((pcm, cut)) = onespace_video::audio_track(bytes, patience)? else { return Ok(Sound::default()) };
    Ok(Sound { samples: onespace_audio::mono_of(&pcm, RATE, patience)?, cut })
}

#[cfg(not(feature = "video"))]
fn of_video(_bytes: &[u8], _patience: &Patience) -> Result<Sound> {
    Err(onespace_core::Error::unsupported("bytes", "this build has no decoder for videos (feature \"video\")"))
}

#[cfg(feature = "video")]
fn of_audio(bytes: &[u8], patience: &Patience) -> Result<Vec<f32>> {
    let fallback: onespace_audio::AudioDecoder = std::sync::Arc::new(onespace_video::decode_audio);
    onespace_audio::mono(bytes, RATE, Some(&fallback), patience)
}

#[cfg(not(feature = "video"))]
fn of_audio(bytes: &[u8], patience: &Patience) -> Result<Vec<f32>> {
    onespace_audio::mono(bytes, RATE, None, patience)
}

//! Audio as one channel at one rate, for whatever is no tower: the ears of a transcriber.

use onespace_core::{Error, Patience, Reason, Result};

use crate::{
    AudioDecoder, Pcm,
    decode::decode,
    intake::{Intake, MonoAudio, Target},
    table::{Channels, Resampler},
};

/// Frames of decoded audio that are mixed and resampled at once.
const PIECE: usize = 1 << 16;

/// Decodes an audio file to the mean of its channels at `rate` hertz. `fallback` decodes what this crate cannot.
///
/// # Errors
/// `MEDIA_*`; what `patience` says when it is over.
pub fn mono(bytes: &[u8], rate: u32, fallback: Option<&AudioDecoder>, patience: &Patience) -> Result<Vec<f32>> {
    decoded(bytes, mean(rate), fallback, patience).map(|audio| audio.samples)
}

/// The mean of the channels of decoded audio at `rate` hertz.
///
/// # Errors
/// As [`mono`].
pub fn mono_of(pcm: &Pcm, rate: u32, patience: &Patience) -> Result<Vec<f32>> {
    of_pcm(pcm, mean(rate), patience).map(|audio| audio.samples)
}

const fn mean(rate: u32) -> Target {
    Target { channels: Channels::Mean, rate, resampler: Resampler::Sinc }
}

/// An audio file as `target` says.
pub(crate) fn decoded(
    bytes: &[u8],
    target: Target,
    fallback: Option<&AudioDecoder>,
    patience: &Patience,
) -> Result<MonoAudio> {
    match (decode(bytes, target, patience), fallback) {
        (Err(error), Some(fallback)) if error.reason == Reason::MediaUnsupported => {
            of_pcm(&fallback(bytes, patience)?, target, patience)
        }
        (audio, _) => audio,
    }
}

/// Decoded audio as `target` says.
pub(crate) fn of_pcm(pcm: &Pcm, target: Target, patience: &Patience) -> Result<MonoAudio> {
    let frames = pcm.channels.first().map_or(0, Vec::len);
    if pcm.channels.iter().any(|channel| channel.len() != frames) {
        return Err(Error::malformed("bytes", "the channels of the audio differ in length"));
    }
    let mut intake = Intake::new(target, None);
    for start in (0..frames).step_by(PIECE) {
        patience.check("while the audio was resampled")?;
        let piece = |channel: &Vec<f32>| channel.get(start..frames.min(start + PIECE)).unwrap_or_default().to_vec();
        let pieces: Vec<Vec<f32>> = pcm.channels.iter().map(piece).collect();
        intake.push(pcm.rate, &pieces)?;
    }
    intake.finish()
}

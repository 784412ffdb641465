//! Audio as one channel at one rate, and what a second decoder says where the first is at its end.

use onespace_core::{Note, Patience, Reason, Result};

use crate::{
    decode::{Heard, decode, is_foreign, is_own},
    intake::{Mix, MonoAudio, Target},
    pcm::of_pcm,
    recording::{AudioDecoder, Pcm, incomplete},
    table::Resampler,
};

/// Decodes an audio file to the mean of its channels at `rate` hertz. `fallback` decodes what this crate cannot.
///
/// # Errors
/// `MEDIA_*`; what `patience` says when it is over.
pub fn mono(bytes: &[u8], rate: u32, fallback: Option<&AudioDecoder>, patience: &Patience) -> Result<Vec<f32>> {
    decoded(bytes, mean(rate), fallback, patience).map(|(audio, _)| audio.samples)
}

/// The mean of the channels of decoded audio at `rate` hertz.
///
/// # Errors
/// As [`mono`].
pub fn mono_of(stretches: &[Pcm], rate: u32, patience: &Patience) -> Result<Vec<f32>> {
    of_pcm(stretches, mean(rate), patience).map(|audio| audio.samples)
}

const fn mean(rate: u32) -> Target {
    Target { mix: Mix::Mean, rate, resampler: Resampler::Sinc }
}

/// An audio file as `target` says, and a note where some of it is missing.
pub(crate) fn decoded(
    bytes: &[u8],
    target: Target,
    fallback: Option<&AudioDecoder>,
    patience: &Patience,
) -> Result<(MonoAudio, Option<Note>)> {
    let second = |fallback: &AudioDecoder| {
        let recording = fallback(bytes, patience)?;
        let audio = of_pcm(&recording.stretches, target, patience)?;
        Ok(Heard { audio, lost: recording.lost, good: recording.good, torn: false })
    };
    match (decode(bytes, target, fallback, patience), fallback) {
        (Err(error), Some(fallback)) if is_foreign(&error) => match second(fallback) {
            // Who knows the format by its content names it; the other says only that it is none of its own.
            Err(other) if is_foreign(&other) && !is_own(bytes) => Err(error),
            heard => heard.map(with_note),
        },
        (Err(error), Some(fallback)) if error.reason == Reason::MediaMalformed => {
            let heard = second(fallback).ok().filter(|heard| heard.lost == 0);
            patience.check("while the audio was decoded again")?;
            heard.map(with_note).ok_or(error)
        }
        (Ok(heard), fallback) if heard.lost > 0 || heard.torn => {
            // What one decoder stumbles over another may read. It has to have more, or it stumbled as well.
            let more = fallback.and_then(|fallback| second(fallback).ok());
            patience.check("while the audio was decoded again")?;
            let more = more.filter(|more| more.audio.duration_ms > heard.audio.duration_ms);
            Ok(with_note(more.unwrap_or(heard)))
        }
        (heard, _) => heard.map(with_note),
    }
}

fn with_note(Heard { audio, lost, good, .. }: Heard) -> (MonoAudio, Option<Note>) {
    (audio, incomplete(good, lost))
}

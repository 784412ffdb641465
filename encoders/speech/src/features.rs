//! The log-mel features of Whisper (section 2.2 of the paper; `log_mel_spectrogram` of its code).

use onespace_audio::{
    LogMel,
    table::{LogKind, LogMel as Spec, MelNorm, MelScale},
};
use onespace_core::{Error, Patience, Result, TensorData};

/// The sample rate that the model hears, hertz.
pub const RATE: u32 = 16_000;
/// Samples under the Hann window: 25 ms.
const N_FFT: usize = 400;
/// Samples from frame to frame: 10 ms.
pub(crate) const HOP: usize = 160;
/// The same in milliseconds.
pub(crate) const FRAME_MS: u32 = 10;
/// Smaller energies count as this one, before the logarithm.
const FLOOR: f32 = 1e-10;
/// What is quieter than the loudest by more than this, in powers of ten, counts as that quiet.
const RANGE: f32 = 8.0;
/// `(x + SHIFT) / SHIFT` brings the logarithms to about −1 to 1.
const SHIFT: f32 = 4.0;
/// Frames that are computed between two looks at whether anybody waits: 10 s of sound.
const PIECE: usize = 1000;

/// Where it is noticed that nobody waits any more.
const WHILE: &str = "while the sound was taken in";

/// The features of a sound, `[bands, frames]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Mel {
    frames: usize,
    values: Vec<f32>,
}

impl Mel {
    /// Frames of 10 ms that the sound fills. One more is computed, which the loudness is measured by.
    #[must_use]
    pub fn frames(&self) -> usize {
        self.frames.saturating_sub(1)
    }

    /// All values, band after band.
    #[must_use]
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// `frames` frames from `start`, band after band, each followed by zeros up to `padded`.
    #[must_use]
    pub fn window(&self, start: usize, frames: usize, padded: usize) -> Vec<f32> {
        let bands = self.values.chunks_exact(self.frames.max(1));
        let mut window = Vec::with_capacity(bands.len() * padded);
        for band in bands {
            let kept = band.get(start..start + frames.min(padded)).unwrap_or_default();
            window.extend_from_slice(kept);
            window.resize(window.len() + padded - kept.len(), 0.0);
        }
        window
    }
}

/// The front end, with everything planned.
#[derive(Clone)]
pub struct Features {
    mel: LogMel,
    bands: usize,
}

impl Features {
    /// Plans the front end for so many bands between 0 and 8 kHz, as Slaney has them.
    #[must_use]
    pub fn new(bands: usize) -> Self {
        let spec = Spec {
            n_fft: N_FFT,
            win_length: N_FFT,
            hop_length: HOP,
            center: false,
            power: 2.0,
            n_mels: bands,
            mel_scale: MelScale::Slaney,
            mel_norm: MelNorm::Slaney,
            f_min: 0.0,
            f_max: f64::from(RATE) / 2.0,
            log: LogKind::Db,
            floor: FLOOR,
            mean: 0.0,
            // Decibels are tenths of powers of ten.
            std: 10.0,
        };
        Self { mel: LogMel::new(&spec, RATE), bands }
    }

    /// The features of a sound of one channel at [`RATE`]: a frame for every whole hop, and one for what is left.
    ///
    /// The sound is followed by one hop of silence, and both ends are mirrored. The loudest frame of all says what
    /// counts as silence.
    ///
    /// # Errors
    /// `MEDIA_MALFORMED` for samples that are not finite; what `patience` says when it is over.
    pub fn of(&self, sound: &[f32], patience: &Patience) -> Result<Mel> {
        if let Some(at) = sound.iter().position(|sample| !sample.is_finite()) {
            return Err(Error::malformed("bytes", format!("sample {at} of the sound is not finite")));
        }
        let frames = sound.len() / HOP + 1;
        let mut values = vec![0.0; self.bands * frames];
        for start in (0..frames).step_by(PIECE) {
            patience.check(WHILE)?;
            let count = PIECE.min(frames - start);
            let piece = self.mel.features(&stretch(sound, start, count))?;
            let TensorData::F32(piece) = piece.data else { return Err(Error::internal("features are floats")) };
            for (band, new) in values.chunks_exact_mut(frames).zip(piece.chunks_exact(count)) {
                band.iter_mut().skip(start).zip(new).for_each(|(slot, value)| *slot = *value);
            }
        }
        let loudest = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        for value in &mut values {
            *value = (value.max(loudest - RANGE) + SHIFT) / SHIFT;
        }
        Ok(Mel { frames, values })
    }
}

/// What `count` frames from `start` see of the sound, the hop of silence after it and the mirrors at both ends.
fn stretch(sound: &[f32], start: usize, count: usize) -> Vec<f32> {
    let whole = (sound.len() + HOP) as i64;
    let around = 2 * (whole - 1);
    let first = (start * HOP) as i64 - (N_FFT / 2) as i64;
    let length = ((count - 1) * HOP + N_FFT) as i64;
    let sample = |at: i64| {
        let at = at.rem_euclid(around);
        let at = if at < whole { at } else { around - at };
        sound.get(usize::try_from(at).unwrap_or_default()).copied().unwrap_or(0.0)
    };
    (first..first + length).map(sample).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_those_of_the_whole() {
        let sound: Vec<f32> = (0..16_000 * 25).map(|at| ((at * at) % 977) as f32 / 977.0 - 0.5).collect();
        let whole = stretch(&sound, 0, 2400);
        let part = stretch(&sound, 1000, 7);
        assert_eq!(part, whole[1000 * HOP..1000 * HOP + part.len()]);
        assert_eq!(whole[..3], [sound[200], sound[199], sound[198]]);
    }

    #[test]
    fn the_shortest_sound_is_mirrored_again_and_again() {
        let seen = stretch(&[1.0], 0, 1);
        // The sound is 161 samples long with its hop of silence, so it comes back every 320.
        let loud: Vec<usize> = (0..seen.len()).filter(|at| seen[*at] != 0.0).collect();
        assert_eq!(loud, [200]);
        assert_eq!(Features::new(80).of(&[], &Patience::endless()).unwrap().frames(), 0);
    }

    #[test]
    fn what_is_no_sound_or_not_waited_for_is_refused() {
        let features = Features::new(80);
        let error = features.of(&[0.0, f32::NAN], &Patience::endless()).unwrap_err();
        assert_eq!(error.to_string(), "bytes: sample 1 of the sound is not finite");
        let patience = Patience::endless();
        patience.leave();
        assert!(features.of(&[0.0; 160], &patience).is_err());
    }

    #[test]
    fn a_window_is_cut_and_filled_up() {
        let mel = Mel { frames: 3, values: vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0] };
        assert_eq!(mel.frames(), 2);
        assert_eq!(mel.window(1, 1, 2), [2.0, 0.0, 5.0, 0.0]);
        assert_eq!(mel.window(0, 3, 2), [1.0, 2.0, 4.0, 5.0]);
    }
}

//! The Gemma models' log-mel spectrogram: `Gemma4AudioFeatureExtractor` of transformers 5.23, which EmbeddingGemma 2
//! uses, with its defaults: no pre-emphasis, no dither, no normalisation.

use crate::table::{GemmaMel as Spec, MelNorm, MelScale};
use onespace_core::{Result, Tensor};

use crate::{
    filters::FilterBank,
    mel::Mel,
    spectrum::{Transform, hann},
};

/// A Gemma front end with everything planned.
#[derive(Clone)]
pub struct GemmaMel {
    spec: Spec,
    transform: Transform,
    window: Vec<f32>,
    bank: FilterBank,
}

impl GemmaMel {
    /// Plans the front end for audio of `rate` hertz.
    pub fn new(spec: &Spec, rate: u32) -> Self {
        let hertz = (spec.f_min, spec.f_max);
        let mel = Mel { bands: spec.n_mels, hertz, scale: MelScale::Htk, norm: MelNorm::None };
        let (window, bank) = (hann(spec.win_length), mel.bank(rate, spec.n_fft));
        Self { window, bank, transform: Transform::new(spec.n_fft), spec: spec.clone() }
    }

    /// The features of one window of audio: float32 `[n_mels, frames]`.
    pub fn features(&self, audio: &[f32]) -> Result<Tensor> {
        let mut padded = vec![0.0; self.spec.win_length / 2];
        padded.extend_from_slice(audio);
        // A frame is taken with one sample after it, which only pre-emphasis would use: the last one needs it too.
        let whole = padded.windows(self.spec.win_length + 1).step_by(self.spec.hop_length);
        let frames = whole.len();
        let mut values = vec![0.0; self.bank.len() * frames];
        let mut work = self.transform.workspace();
        for (index, frame) in whole.enumerate() {
            work.frame.fill(0.0);
            for (slot, (sample, weight)) in work.frame.iter_mut().zip(frame.iter().zip(&self.window)) {
                *slot = sample * weight;
            }
            let spectrum = self.transform.spectrum(&mut work, 1.0)?;
            let column = values.iter_mut().skip(index).step_by(frames);
            for (slot, energy) in column.zip(self.bank.energies(spectrum)) {
                *slot = (energy + self.spec.floor).ln();
            }
        }
        Ok(Tensor::f32([self.bank.len(), frames], values))
    }
}

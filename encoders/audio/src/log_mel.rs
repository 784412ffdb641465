//! Log-mel spectrograms, as `torch.stft` and torchaudio's `melscale_fbanks` make them.

use crate::table::{LogKind, LogMel as Spec};
use onespace_core::{Result, Tensor};

use crate::{
    filters::FilterBank,
    mel::Mel,
    spectrum::{Transform, hann},
};

/// A log-mel front end with everything planned.
#[derive(Clone)]
pub struct LogMel {
    spec: Spec,
    transform: Transform,
    window: Vec<f32>,
    bank: FilterBank,
}

impl LogMel {
    /// Plans the front end for audio of `rate` hertz.
    pub fn new(spec: &Spec, rate: u32) -> Self {
        let transform = Transform::new(spec.n_fft);
        let mel =
            Mel { bands: spec.n_mels, hertz: (spec.f_min, spec.f_max), scale: spec.mel_scale, norm: spec.mel_norm };
        Self { window: window(spec), bank: mel.bank(rate, spec.n_fft), transform, spec: spec.clone() }
    }

    /// The features of one window of audio: float32 `[n_mels, frames]`.
    pub fn features(&self, audio: &[f32]) -> Result<Tensor> {
        let reach = if self.spec.center { self.spec.n_fft / 2 } else { 0 };
        let padded = reflected(audio, reach);
        let frames = (padded.len() + self.spec.hop_length).saturating_sub(self.spec.n_fft) / self.spec.hop_length;
        let mut values = vec![0.0; self.bank.len() * frames];
        let mut work = self.transform.workspace();
        for (index, frame) in padded.windows(self.spec.n_fft).step_by(self.spec.hop_length).enumerate() {
            for (slot, (sample, weight)) in work.frame.iter_mut().zip(frame.iter().zip(&self.window)) {
                *slot = sample * weight;
            }
            let spectrum = self.transform.spectrum(&mut work, self.spec.power)?;
            let column = values.iter_mut().skip(index).step_by(frames);
            for (slot, energy) in column.zip(self.bank.energies(spectrum)) {
                *slot = (self.logarithm(energy) - self.spec.mean) / self.spec.std;
            }
        }
        Ok(Tensor::f32([self.bank.len(), frames], values))
    }

    fn logarithm(&self, energy: f32) -> f32 {
        let energy = energy.max(self.spec.floor);
        match self.spec.log {
            LogKind::Ln => energy.ln(),
            LogKind::Db => 10.0 * energy.log10(),
        }
    }
}

/// The audio with `reach` samples mirrored at each end, the end samples themselves not repeated.
fn reflected(audio: &[f32], reach: usize) -> Vec<f32> {
    let head = audio.iter().skip(1).take(reach).rev();
    let tail = audio.iter().rev().skip(1).take(reach);
    head.chain(audio).chain(tail).copied().collect()
}

/// A periodic Hann window of `win_length`, centred in `n_fft`.
fn window(spec: &Spec) -> Vec<f32> {
    let mut window = vec![0.0; (spec.n_fft - spec.win_length) / 2];
    window.extend(hann(spec.win_length));
    window.resize(spec.n_fft, 0.0);
    window
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reflection_skips_the_edge() {
        assert_eq!(reflected(&[1.0, 2.0, 3.0, 4.0], 2), [3.0, 2.0, 1.0, 2.0, 3.0, 4.0, 3.0, 2.0]);
    }
}

//! Log-mel spectrograms, as `torch.stft` and torchaudio's `melscale_fbanks` make them.

use std::f64::consts::PI;

use onespace_bundle::preprocess::{LogKind, LogMel as Spec, MelNorm, MelScale};
use onespace_core::{Result, Tensor};

use crate::{filters::FilterBank, spectrum::Transform};

/// A log-mel front end with everything planned.
#[derive(Clone)]
pub struct LogMel {
    spec: Spec,
    transform: Transform,
    window: Vec<f32>,
    bank: FilterBank,
}

impl LogMel {
    /// Plans the front end for sound of `rate` hertz.
    pub fn new(spec: &Spec, rate: u32) -> Self {
        let transform = Transform::new(spec.n_fft);
        Self { window: hann(spec), bank: mel_bank(spec, rate, transform.bins()), transform, spec: spec.clone() }
    }

    /// The features of one window of sound: float32 `[n_mels, frames]`.
    pub fn features(&self, sound: &[f32]) -> Result<Tensor> {
        let reach = if self.spec.center { self.spec.n_fft / 2 } else { 0 };
        let padded = reflected(sound, reach);
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

/// The sound with `reach` samples mirrored at each end, the end samples themselves not repeated.
fn reflected(sound: &[f32], reach: usize) -> Vec<f32> {
    let head = sound.iter().skip(1).take(reach).rev();
    let tail = sound.iter().rev().skip(1).take(reach);
    head.chain(sound).chain(tail).copied().collect()
}

/// A periodic Hann window of `win_length`, centred in `n_fft`.
fn hann(spec: &Spec) -> Vec<f32> {
    let mut window = vec![0.0; spec.n_fft];
    let inner = window.iter_mut().skip((spec.n_fft - spec.win_length) / 2).take(spec.win_length);
    for (index, slot) in inner.enumerate() {
        *slot = (0.5 - 0.5 * (2.0 * PI * index as f64 / spec.win_length as f64).cos()) as f32;
    }
    window
}

fn mel_bank(spec: &Spec, rate: u32, bins: usize) -> FilterBank {
    let scale = spec.mel_scale;
    let (low, high) = (to_mel(spec.f_min, scale), to_mel(spec.f_max, scale));
    let edge = |index: usize| to_hertz(low + (high - low) * index as f64 / (spec.n_mels + 1) as f64, scale);
    let edges: Vec<[f64; 3]> = (0..spec.n_mels).map(|band| [edge(band), edge(band + 1), edge(band + 2)]).collect();
    FilterBank::new(spec.n_mels, bins, |band, bin| {
        let Some([left, centre, right]) = edges.get(band) else { return 0.0 };
        let hertz = f64::from(rate) * bin as f64 / spec.n_fft as f64;
        let triangle = ((hertz - left) / (centre - left)).min((right - hertz) / (right - centre)).max(0.0);
        match spec.mel_norm {
            MelNorm::None => triangle,
            MelNorm::Slaney => triangle * 2.0 / (right - left),
        }
    })
}

/// Slaney's scale is linear up to this many hertz, 3 mel to 200 Hz, and logarithmic above.
const SLANEY_BREAK: f64 = 1000.0;
const SLANEY_LINEAR: f64 = 200.0 / 3.0;
/// Above the break, 27 mel multiply the frequency by 6.4.
const SLANEY_STEPS: f64 = 27.0;
const SLANEY_FACTOR: f64 = 6.4;

fn to_mel(hertz: f64, scale: MelScale) -> f64 {
    match scale {
        MelScale::Htk => 2595.0 * (1.0 + hertz / 700.0).log10(),
        MelScale::Slaney if hertz < SLANEY_BREAK => hertz / SLANEY_LINEAR,
        MelScale::Slaney => {
            SLANEY_BREAK / SLANEY_LINEAR + SLANEY_STEPS * (hertz / SLANEY_BREAK).ln() / SLANEY_FACTOR.ln()
        }
    }
}

fn to_hertz(mel: f64, scale: MelScale) -> f64 {
    let linear = mel * SLANEY_LINEAR;
    match scale {
        MelScale::Htk => 700.0 * (10.0_f64.powf(mel / 2595.0) - 1.0),
        MelScale::Slaney if linear < SLANEY_BREAK => linear,
        MelScale::Slaney => SLANEY_BREAK * SLANEY_FACTOR.powf((mel - SLANEY_BREAK / SLANEY_LINEAR) / SLANEY_STEPS),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_invert_and_reflection_skips_the_edge() {
        for scale in [MelScale::Htk, MelScale::Slaney] {
            for hertz in [0.0, 20.0, 999.0, 1000.0, 7600.0] {
                assert!((to_hertz(to_mel(hertz, scale), scale) - hertz).abs() < 1e-6);
            }
        }
        assert_eq!(reflected(&[1.0, 2.0, 3.0, 4.0], 2), [3.0, 2.0, 1.0, 2.0, 3.0, 4.0, 3.0, 2.0]);
    }
}

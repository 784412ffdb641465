//! Kaldi's filter bank, as `torchaudio.compliance.kaldi.fbank` makes it without dither and energy.

use std::f64::consts::PI;

use crate::table::{KaldiFbank as Spec, KaldiWindow};
use onespace_core::{Result, Tensor};

use crate::{filters::FilterBank, spectrum::Transform};

const FRAME_SECONDS: f64 = 0.025;
const SHIFT_SECONDS: f64 = 0.010;
const PRE_EMPHASIS: f32 = 0.97;
const LOW_HERTZ: f64 = 20.0;
/// Kaldi's floor under the logarithm.
const FLOOR: f32 = f32::EPSILON;

/// A Kaldi front end with everything planned.
#[derive(Clone)]
pub struct KaldiFbank {
    spec: Spec,
    shift: usize,
    transform: Transform,
    window: Vec<f32>,
    bank: FilterBank,
}

impl KaldiFbank {
    /// Plans the front end for audio of `rate` hertz.
    pub fn new(spec: &Spec, rate: u32) -> Self {
        let size = (f64::from(rate) * FRAME_SECONDS) as usize;
        let shift = (f64::from(rate) * SHIFT_SECONDS) as usize;
        let transform = Transform::new(size.next_power_of_two());
        let bank = mel_bank(spec.n_mels, rate, size.next_power_of_two());
        Self { window: window(spec.window, size), shift, transform, bank, spec: spec.clone() }
    }

    /// The features of one window of audio: float32 `[n_mels, frames]`.
    ///
    /// Short audio comes as it is, not filled up with silence: its missing frames are `pad_value`.
    pub fn features(&self, audio: &[f32]) -> Result<Tensor> {
        let frames = self.spec.frames;
        let pad = (self.spec.pad_value - self.spec.mean) / self.spec.std;
        let mut values = vec![pad; self.bank.len() * frames];
        let offset = if self.spec.subtract_mean { mean(audio) } else { 0.0 };
        let centred: Vec<f32> = audio.iter().map(|sample| sample - offset).collect();
        let mut work = self.transform.workspace();
        for (index, frame) in centred.windows(self.window.len()).step_by(self.shift).take(frames).enumerate() {
            self.condition(frame, &mut work.frame);
            let spectrum = self.transform.spectrum(&mut work, 2.0)?;
            let column = values.iter_mut().skip(index).step_by(frames);
            for (slot, energy) in column.zip(self.bank.energies(spectrum)) {
                *slot = (energy.max(FLOOR).ln() - self.spec.mean) / self.spec.std;
            }
        }
        Ok(Tensor::f32([self.bank.len(), frames], values))
    }

    /// Removes the frame's mean, emphasises high frequencies, applies the window, fills up with zeros.
    fn condition(&self, frame: &[f32], out: &mut [f32]) {
        let offset = mean(frame);
        let mut before = frame.first().map_or(0.0, |first| first - offset);
        out.fill(0.0);
        for (slot, (sample, weight)) in out.iter_mut().zip(frame.iter().zip(&self.window)) {
            let sample = sample - offset;
            *slot = (sample - PRE_EMPHASIS * before) * weight;
            before = sample;
        }
    }
}

fn mean(values: &[f32]) -> f32 {
    (values.iter().map(|value| f64::from(*value)).sum::<f64>() / values.len().max(1) as f64) as f32
}

fn window(kind: KaldiWindow, size: usize) -> Vec<f32> {
    let hann = |index: usize| (0.5 - 0.5 * (2.0 * PI * index as f64 / (size - 1) as f64).cos()).max(0.0);
    (0..size)
        .map(|index| match kind {
            KaldiWindow::Hanning => hann(index) as f32,
            KaldiWindow::Povey => hann(index).powf(0.85) as f32,
        })
        .collect()
}

/// Triangles on Kaldi's mel scale, linear in mel; the last bin, half the sample rate, counts for nothing.
fn mel_bank(bands: usize, rate: u32, size: usize) -> FilterBank {
    let mel = |hertz: f64| 1127.0 * (1.0 + hertz / 700.0).ln();
    let (low, high) = (mel(LOW_HERTZ), mel(f64::from(rate) / 2.0));
    let step = (high - low) / (bands + 1) as f64;
    FilterBank::new(bands, size / 2, |band, bin| {
        let here = mel(f64::from(rate) / size as f64 * bin as f64);
        let left = low + band as f64 * step;
        ((here - left) / step).min((left + 2.0 * step - here) / step).max(0.0)
    })
}

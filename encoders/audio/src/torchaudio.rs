//! torchaudio's resampler: `torchaudio.functional.resample` with its defaults, a sinc under a Hann window.
//!
//! With the rates divided by what they have in common, output `k · to + phase` is a weighted mean of the inputs
//! around `k · from + phase · from / to`. Kernels are computed and applied in single precision, as there: between rates
//! that have little in common this costs the reference its fourth decimal, and a more exact kernel would differ.

use std::f32::consts::PI;

/// Zero crossings on either side (`lowpass_filter_width`).
const ZEROS: f32 = 6.0;
/// Where the pass band ends, of half the lower rate.
const ROLLOFF: f64 = 0.99;

/// One channel on its way from one rate to another.
pub struct Windowed {
    from: usize,
    to: usize,
    /// How far the widest kernel reaches to either side, input frames.
    width: usize,
    /// Taps of each phase.
    taps: usize,
    /// The first input frame of each phase's kernel, counted from `width` before the block.
    first: Vec<usize>,
    /// `taps` weights for each phase.
    weights: Vec<f32>,
    /// Input frames that are still needed, from `width` before the next block.
    pending: Vec<f32>,
}

impl Windowed {
    /// A resampler between rates without a common divisor.
    pub fn new(from: u32, to: u32) -> Self {
        let (old, new) = (f64::from(from), f64::from(to));
        let base = old.min(new) * ROLLOFF;
        let width = (f64::from(ZEROS) * old / base).ceil() as usize;
        let taps = 2 * width + 2;
        let (mut first, mut weights) = (Vec::new(), Vec::new());
        for phase in 0..to {
            // The kernel lies around this input frame; what is farther than `width` counts for nothing.
            let nearest = (u64::from(phase) * u64::from(from) / u64::from(to)) as usize;
            first.push(nearest);
            weights.extend((0..taps).map(|tap| {
                let frame = (nearest + tap) as f32 - width as f32;
                kernel((frame / from as f32 - phase as f32 / to as f32) * base as f32, (base / old) as f32)
            }));
        }
        let pending = vec![0.0; width];
        Self { from: from as usize, to: to as usize, width, taps, first, weights, pending }
    }

    /// Takes the next frames and gives what has become of them.
    pub fn push(&mut self, frames: &[f32], out: &mut Vec<f32>) {
        self.pending.extend_from_slice(frames);
        let mut start = 0;
        while let Some(block) = self.pending.get(start..start + 2 * self.width + self.from) {
            for (first, weights) in self.first.iter().zip(self.weights.chunks_exact(self.taps)) {
                let inputs = block.get(*first..).unwrap_or_default();
                out.push(weights.iter().zip(inputs).map(|(weight, input)| weight * input).sum());
            }
            start += self.from;
        }
        self.pending.drain(..start.min(self.pending.len()));
    }

    /// What the silence after the last frame makes of the rest; `taken` frames came in.
    pub fn finish(mut self, taken: u64, out: &mut Vec<f32>) {
        self.push(&vec![0.0; self.width + self.from], out);
        out.truncate((taken * self.to as u64).div_ceil(self.from as u64) as usize);
    }
}

/// The windowed sinc, `t` in zero crossings, in the order of torchaudio's operations.
fn kernel(t: f32, scale: f32) -> f32 {
    let t = t.clamp(-ZEROS, ZEROS);
    let window = (t * PI / ZEROS / 2.0).cos();
    let angle = t * PI;
    let sinc = if angle == 0.0 { 1.0 } else { angle.sin() / angle };
    sinc * (window * window * scale)
}

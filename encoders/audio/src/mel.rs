//! Triangular filters on the mel scale.

use crate::table::{MelNorm, MelScale};

use crate::filters::FilterBank;

/// A bank of triangles, their corners evenly spaced in mel.
#[derive(Clone, Copy, Debug)]
pub struct Mel {
    /// How many.
    pub bands: usize,
    /// From where to where, hertz.
    pub hertz: (f64, f64),
    /// The scale.
    pub scale: MelScale,
    /// What a triangle is divided by.
    pub norm: MelNorm,
}

impl Mel {
    /// The filters over the bins of a transform of `n_fft` points of audio of `rate` hertz.
    pub fn bank(self, rate: u32, n_fft: usize) -> FilterBank {
        let (low, high) = (to_mel(self.hertz.0, self.scale), to_mel(self.hertz.1, self.scale));
        let edge = |index: usize| to_hertz(low + (high - low) * index as f64 / (self.bands + 1) as f64, self.scale);
        let edges: Vec<[f64; 3]> = (0..self.bands).map(|band| [edge(band), edge(band + 1), edge(band + 2)]).collect();
        FilterBank::new(self.bands, n_fft / 2 + 1, |band, bin| {
            let Some([left, centre, right]) = edges.get(band) else { return 0.0 };
            let hertz = f64::from(rate) * bin as f64 / n_fft as f64;
            let triangle = ((hertz - left) / (centre - left)).min((right - hertz) / (right - centre)).max(0.0);
            match self.norm {
                MelNorm::None => triangle,
                MelNorm::Slaney => triangle * 2.0 / (right - left),
            }
        })
    }
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
    fn scales_invert() {
        for scale in [MelScale::Htk, MelScale::Slaney] {
            for hertz in [0.0, 20.0, 999.0, 1000.0, 7600.0] {
                assert!((to_hertz(to_mel(hertz, scale), scale) - hertz).abs() < 1e-6);
            }
        }
    }
}

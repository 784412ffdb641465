//! The spectrum of one frame.

use std::{f64::consts::PI, sync::Arc};

use onespace_core::{Error, Result};
use realfft::{RealFftPlanner, RealToComplex, num_complex::Complex};

/// A planned transform of real frames.
#[derive(Clone)]
pub struct Transform {
    plan: Arc<dyn RealToComplex<f32>>,
}

/// The memory that transforms of one thread work in.
pub struct Workspace {
    /// The frame to transform, overwritten by the transform.
    pub frame: Vec<f32>,
    bins: Vec<Complex<f32>>,
    scratch: Vec<Complex<f32>>,
    spectrum: Vec<f32>,
}

impl Transform {
    /// Plans transforms of `size` points.
    pub fn new(size: usize) -> Self {
        Self { plan: RealFftPlanner::new().plan_fft_forward(size) }
    }

    /// How many bins a spectrum has.
    pub fn bins(&self) -> usize {
        self.plan.len() / 2 + 1
    }

    /// Memory to work in.
    pub fn workspace(&self) -> Workspace {
        Workspace {
            frame: self.plan.make_input_vec(),
            bins: self.plan.make_output_vec(),
            scratch: self.plan.make_scratch_vec(),
            spectrum: vec![0.0; self.bins()],
        }
    }

    /// The magnitudes of `work.frame` to the power `exponent`.
    pub fn spectrum<'a>(&self, work: &'a mut Workspace, exponent: f32) -> Result<&'a [f32]> {
        self.plan
            .process_with_scratch(&mut work.frame, &mut work.bins, &mut work.scratch)
            .map_err(|error| Error::internal(format!("the transform failed: {error}")))?;
        for (value, bin) in work.spectrum.iter_mut().zip(&work.bins) {
            *value = bin.norm_sqr();
        }
        if (exponent - 2.0).abs() > f32::EPSILON {
            work.spectrum.iter_mut().for_each(|value| *value = value.powf(exponent / 2.0));
        }
        Ok(&work.spectrum)
    }
}

/// A periodic Hann window.
pub fn hann(length: usize) -> Vec<f32> {
    let weight = |index: usize| 0.5 - 0.5 * (2.0 * PI * index as f64 / length as f64).cos();
    (0..length).map(|index| weight(index) as f32).collect()
}

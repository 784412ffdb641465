//! Resampling in floats that are never rounded, as `torch.nn.functional.interpolate` does it on float tensors with
//! `align_corners = False`.
//!
//! Places are computed in single precision, as torch does: over thousands of pixels the difference shows.

use crate::table::ResizeFilter;
use onespace_core::{Patience, Result};

/// Where it is noticed that nobody waits any more.
pub const WHILE: &str = "while the image was resized";

/// Which source values a target value is made of.
pub struct Taps {
    /// The first of them.
    first: usize,
    /// What each counts for; their sum is 1.
    weights: Vec<f32>,
}

/// A side to be resized: `full` source values become `scaled`, of which those from `start` on are wanted, `kept` in
/// number.
#[derive(Clone, Copy, Debug)]
pub struct Side {
    /// Source values.
    pub full: usize,
    /// Target values, were nothing cut off.
    pub scaled: usize,
    /// The first target value that is kept.
    pub start: usize,
    /// How many are kept.
    pub kept: usize,
}

impl Side {
    /// The taps of every target value that is kept.
    pub fn taps(self, filter: ResizeFilter, antialias: bool) -> Vec<Taps> {
        let scale = self.full as f32 / self.scaled.max(1) as f32;
        let tap = |index: usize| match (filter, antialias) {
            (ResizeFilter::Nearest, _) => one((index as f32 * scale) as usize, self.full),
            (ResizeFilter::Bilinear, false) => spanning(index, scale, self.full, 1, triangle),
            (ResizeFilter::Bicubic, false) => spanning(index, scale, self.full, 2, |x| cubic(x, -0.75)),
            (ResizeFilter::Bilinear, true) => widened(index, scale, self.full, 1.0, triangle),
            (ResizeFilter::Bicubic, true) => widened(index, scale, self.full, 2.0, |x| cubic(x, -0.5)),
            (ResizeFilter::Lanczos, _) => widened(index, scale, self.full, 3.0, lanczos),
            (ResizeFilter::Box, _) => widened(index, scale, self.full, 0.5, |x| f32::from(x.abs() <= 0.5)),
        };
        (self.start..self.start + self.kept).map(tap).collect()
    }
}

impl Taps {
    /// The mean of groups of `out.len()` values as the taps weigh them; `values` begin with group `origin`.
    fn apply(&self, values: &[f32], origin: usize, out: &mut [f32]) {
        out.fill(0.0);
        let groups = values.chunks_exact(out.len()).skip(self.first.saturating_sub(origin));
        for (weight, group) in self.weights.iter().zip(groups) {
            out.iter_mut().zip(group).for_each(|(sum, value)| *sum += weight * value);
        }
    }
}

/// Rows of `width` pixels of `CHANNELS` values, resized across and then down: rows of `across.len()` pixels.
///
/// # Errors
/// What `patience` says when it is over.
pub fn resample<const CHANNELS: usize, T: Copy + Into<f32>>(
    (values, width): (&[T], usize),
    across: &[Taps],
    down: &[Taps],
    patience: &Patience,
) -> Result<Vec<f32>> {
    let row = across.len() * CHANNELS;
    // Only the rows that some target row is made of are looked at.
    let first = down.iter().map(|taps| taps.first).min().unwrap_or_default();
    let end = down.iter().map(|taps| taps.first + taps.weights.len()).max().unwrap_or_default();
    let mut narrow = vec![0.0; row * end.saturating_sub(first)];
    let mut line = vec![0.0; width * CHANNELS];
    let sources = values.chunks_exact(width * CHANNELS).skip(first);
    for (target, source) in narrow.chunks_exact_mut(row).zip(sources) {
        patience.check(WHILE)?;
        line.iter_mut().zip(source).for_each(|(value, source)| *value = (*source).into());
        target.chunks_exact_mut(CHANNELS).zip(across).for_each(|(pixel, taps)| taps.apply(&line, 0, pixel));
    }
    let mut out = vec![0.0; row * down.len()];
    for (target, taps) in out.chunks_exact_mut(row).zip(down) {
        patience.check(WHILE)?;
        taps.apply(&narrow, first, target);
    }
    Ok(out)
}

fn one(place: usize, full: usize) -> Taps {
    Taps { first: place.min(full.saturating_sub(1)), weights: vec![1.0] }
}

/// `reach` source values on either side of the place, however much it shrinks; what lies outside is the value at the
/// edge.
fn spanning(index: usize, scale: f32, full: usize, reach: usize, filter: impl Fn(f32) -> f32) -> Taps {
    let place = scale * (index as f32 + 0.5) - 0.5;
    let place = if reach == 1 { place.max(0.0) } else { place };
    let below = place.floor();
    let last = full.saturating_sub(1) as i64;
    let source = |tap: usize| below as i64 + 1 + tap as i64 - reach as i64;
    let clamped = |tap: usize| source(tap).clamp(0, last) as usize;
    let (first, end) = (clamped(0), clamped(2 * reach - 1));
    let mut weights = vec![0.0; end - first + 1];
    for tap in 0..2 * reach {
        if let Some(weight) = weights.get_mut(clamped(tap) - first) {
            *weight += filter((place - below) - (tap as f32 + 1.0 - reach as f32));
        }
    }
    Taps { first, weights }
}

/// The filter stretched over as many source values as become one; what lies outside does not count.
fn widened(index: usize, scale: f32, full: usize, reach: f32, filter: impl Fn(f32) -> f32) -> Taps {
    let stretch = scale.max(1.0);
    let (centre, support) = (scale * (index as f32 + 0.5), reach * stretch);
    let first = ((centre - support + 0.5).max(0.0) as usize).min(full.saturating_sub(1));
    let end = ((centre + support + 0.5).max(0.0) as usize).clamp(first + 1, full.max(first + 1));
    let weigh = |source: usize| filter(((source - first) as f32 + first as f32 - centre + 0.5) / stretch);
    let mut weights: Vec<f32> = (first..end).map(weigh).collect();
    let sum: f32 = weights.iter().sum();
    if sum != 0.0 {
        weights.iter_mut().for_each(|weight| *weight /= sum);
    }
    Taps { first, weights }
}

fn triangle(x: f32) -> f32 {
    (1.0 - x.abs()).max(0.0)
}

/// Keys' cubic convolution.
pub fn cubic(x: f32, a: f32) -> f32 {
    match x.abs() {
        x if x < 1.0 => ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0,
        x if x < 2.0 => a * (((x - 5.0) * x + 8.0) * x - 4.0),
        _ => 0.0,
    }
}

fn lanczos(x: f32) -> f32 {
    let sinc = |x: f32| if x == 0.0 { 1.0 } else { (x * std::f32::consts::PI).sin() / (x * std::f32::consts::PI) };
    if x.abs() < 3.0 { sinc(x) * sinc(x / 3.0) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [ResizeFilter; 5] = [
        ResizeFilter::Bilinear,
        ResizeFilter::Bicubic,
        ResizeFilter::Lanczos,
        ResizeFilter::Box,
        ResizeFilter::Nearest,
    ];

    #[test]
    fn weights_sum_to_one_and_stay_inside() {
        for (full, scaled) in [(1, 1), (1, 9), (2, 3), (9, 1), (100, 7), (7, 100), (16_384, 3)] {
            for filter in ALL {
                for antialias in [true, false] {
                    for taps in (Side { full, scaled, start: 0, kept: scaled }).taps(filter, antialias) {
                        let sum: f32 = taps.weights.iter().sum();
                        assert!((sum - 1.0).abs() < 1e-4, "{filter:?} {full} to {scaled}: {sum}");
                        assert!(taps.first + taps.weights.len() <= full, "{filter:?} {full} to {scaled}");
                    }
                }
            }
        }
    }

    #[test]
    fn what_keeps_its_size_stays_as_it_is() {
        let rgb: Vec<u8> = (0..5 * 4 * 3).map(|value| value * 4).collect();
        for filter in ALL {
            let side = |full| Side { full, scaled: full, start: 0, kept: full }.taps(filter, true);
            let out = resample::<3, u8>((&rgb, 5), &side(5), &side(4), &Patience::endless()).unwrap();
            assert!(out.iter().zip(&rgb).all(|(a, b)| (a - f32::from(*b)).abs() < 1e-3), "{filter:?}");
        }
    }
}

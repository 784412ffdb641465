//! Resampling in bytes, to the last bit as Pillow's `Image.resize` or torchvision's `resize` (antialias, `uint8`) does it:
//! weights in double precision, rounded to so many bits behind the point, sums of integers, each pass rounded to a byte and
//! cut off at black and white.
//!
//! Across always comes first, as in all Pillows up to 12.2. Version 13 goes down first where that is less work; published
//! models were trained before.
//!
//! A resizer with other weights is off by one here and there, and in a grey picture by the same one in every channel: that
//! cost random weights of SigLIP 2's shape .0014 of the cosine of a black-and-white scan.

use std::f64::consts::PI;

use onespace_bundle::preprocess::ResizeFilter;

use crate::taps::Side;

/// Whose weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weights {
    /// Pillow's (`Resample.c`): 22 bits behind the point, what 32 leave when a byte and two bits to spare are taken off.
    Pillow,
    /// torch's (`UpSampleKernel.cpp`, `int16` weights): as many bits as the largest weight of the pass leaves of 16.
    Torch,
}

impl Weights {
    const MOST_BITS: u32 = 32 - 8 - 2;

    fn bits(self, largest: f64) -> u32 {
        let fits = |bits: &u32| (largest * f64::from(1_u32 << (bits + 1)) + 0.5) as i32 <= i32::from(i16::MAX);
        match self {
            Self::Pillow => Self::MOST_BITS,
            Self::Torch => (0..Self::MOST_BITS).take_while(fits).last().map_or(0, |bits| bits + 1),
        }
    }
}

/// Which source values each target value of a pass is made of.
struct Pass {
    bits: u32,
    taps: Vec<Taps>,
}

/// The first source value, and what it and those behind it count for.
struct Taps {
    first: usize,
    weights: Vec<i32>,
}

/// Resizes rows of `width` RGB pixels across and then down. The filter is as wide as the picture shrinks; `Nearest` is taken
/// for a box.
pub fn resize(
    rgb: &[u8],
    width: usize,
    (across, down): (Side, Side),
    filter: ResizeFilter,
    weights: Weights,
) -> Vec<u8> {
    let Pass { bits: bits_across, taps: columns } = pass(across, filter, weights);
    let Pass { bits: bits_down, taps: rows } = pass(down, filter, weights);
    // Only the rows that some target row is made of are looked at.
    let first = rows.iter().map(|taps| taps.first).min().unwrap_or_default();
    let end = rows.iter().map(|taps| taps.first + taps.weights.len()).max().unwrap_or_default();
    let line = columns.len() * 3;
    let mut narrow = Vec::with_capacity(line * end.saturating_sub(first));
    let mut planes = vec![0; width * 3];
    for source in rgb.chunks_exact(width * 3).take(end).skip(first) {
        split(source, width, &mut planes);
        for taps in &columns {
            narrow.extend(planes.chunks_exact(width).map(|plane| {
                let values = plane.iter().skip(taps.first);
                rounded(taps.weights.iter().zip(values).map(|(weight, value)| weight * value).sum(), bits_across)
            }));
        }
    }
    let mut out = Vec::with_capacity(line * rows.len());
    let mut sums = vec![0; line];
    for taps in &rows {
        sums.fill(0);
        for (weight, row) in taps.weights.iter().zip(narrow.chunks_exact(line.max(1)).skip(taps.first - first)) {
            sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += weight * i32::from(*value));
        }
        out.extend(sums.iter().map(|sum| rounded(*sum, bits_down)));
    }
    out
}

/// A row of pixels as three rows of values, which add up several at once.
fn split(row: &[u8], width: usize, planes: &mut [i32]) {
    let mut planes = planes.chunks_exact_mut(width);
    for channel in 0..3 {
        let plane = planes.next().into_iter().flatten();
        plane.zip(row.iter().skip(channel).step_by(3)).for_each(|(value, byte)| *value = i32::from(*byte));
    }
}

/// The nearest byte of a sum.
fn rounded(sum: i32, bits: u32) -> u8 {
    ((sum + ((1 << bits) >> 1)) >> bits).clamp(0, 255) as u8
}

/// The taps of every target value that is kept.
fn pass(side: Side, filter: ResizeFilter, weights: Weights) -> Pass {
    let (support, weigh): (f64, fn(f64) -> f64) = match filter {
        ResizeFilter::Bilinear => (1.0, triangle),
        ResizeFilter::Bicubic => (2.0, cubic),
        ResizeFilter::Lanczos => (3.0, lanczos),
        ResizeFilter::Box | ResizeFilter::Nearest => (0.5, square),
    };
    let scale = side.full as f64 / side.scaled.max(1) as f64;
    let stretch = scale.max(1.0);
    let reach = support * stretch;
    let tap = |index: usize| {
        let centre = (index as f64 + 0.5) * scale;
        let first = ((centre - reach + 0.5).max(0.0) as usize).min(side.full.saturating_sub(1));
        let end = ((centre + reach + 0.5).max(0.0) as usize).clamp(first + 1, side.full.max(first + 1));
        let mut weights: Vec<f64> =
            (first..end).map(|source| weigh((source as f64 - centre + 0.5) * (1.0 / stretch))).collect();
        let sum: f64 = weights.iter().sum();
        if sum != 0.0 {
            weights.iter_mut().for_each(|weight| *weight /= sum);
        }
        (first, weights)
    };
    // The number of bits is one for all, also for those that are cut off.
    let all: Vec<_> = (0..side.scaled).map(tap).collect();
    let largest = all.iter().flat_map(|(_, weights)| weights).copied().fold(0.0, f64::max);
    let bits = weights.bits(largest);
    // Half away from zero, then cut off: what a cast does.
    let whole = |weight: f64| (weight * f64::from(1_u32 << bits) + 0.5_f64.copysign(weight)) as i32;
    let kept = all.into_iter().skip(side.start).take(side.kept);
    let taps = kept.map(|(first, weights)| Taps { first, weights: weights.into_iter().map(whole).collect() });
    Pass { bits, taps: taps.collect() }
}

fn square(x: f64) -> f64 {
    f64::from(u8::from(x > -0.5 && x <= 0.5))
}

fn triangle(x: f64) -> f64 {
    (1.0 - x.abs()).max(0.0)
}

/// Keys' cubic convolution, a = -0.5.
fn cubic(x: f64) -> f64 {
    const A: f64 = -0.5;
    match x.abs() {
        x if x < 1.0 => ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0,
        x if x < 2.0 => (((x - 5.0) * x + 8.0) * x - 4.0) * A,
        _ => 0.0,
    }
}

fn lanczos(x: f64) -> f64 {
    let sinc = |x: f64| if x == 0.0 { 1.0 } else { (x * PI).sin() / (x * PI) };
    if (-3.0..3.0).contains(&x) { sinc(x) * sinc(x / 3.0) } else { 0.0 }
}

//! Gaussian splats as web viewers load them: 32 bytes each, without a head. A place, three scales, a colour with an
//! opacity, and a turn. Nothing tells such a file from any other bytes, so its sender says that it holds points; then
//! all of it has to look like splats.

use onespace_core::{Patience, Result};

use super::parsed::Parsed;
use crate::source::Vertex;

/// The bytes of a splat.
const SPLAT: usize = 32;

/// How far the length of a turn, four bytes around 128, may be from 128.
const TURN: f64 = 16.0;

/// Reads a file that looks like splats.
///
/// # Errors
/// `MEDIA_EMPTY`, `MEDIA_TOO_LARGE`; what `patience` says when it is over.
pub fn read(bytes: &[u8], patience: &Patience) -> Result<Parsed> {
    let mut parsed = Parsed::default();
    for splat in bytes.as_chunks::<SPLAT>().0 {
        let (place, rest) = floats(splat);
        let colour = rest.get(12..15).and_then(|colour| colour.first_chunk::<3>()).copied().unwrap_or_default();
        let colour = colour.map(|value| f32::from(value) / 255.0);
        parsed.vertex(Vertex { place: place.map(f64::from), colour }, patience)?;
    }
    parsed.checked()
}

/// Whether all of a file looks like splats: numbers that are some, scales above zero, turns of the right length.
pub fn is_one(bytes: &[u8]) -> bool {
    let (splats, rest) = bytes.as_chunks::<SPLAT>();
    rest.is_empty() && !splats.is_empty() && splats.iter().all(is_splat)
}

fn is_splat(splat: &[u8; SPLAT]) -> bool {
    let (place, rest) = floats(splat);
    let (scale, rest) = floats(rest);
    let turn = rest.iter().skip(4).map(|byte| (f64::from(*byte) - 128.0).powi(2)).sum::<f64>().sqrt();
    place.iter().all(|value| value.is_finite())
        && scale.iter().all(|value| value.is_finite() && *value > 0.0)
        && (turn - 128.0).abs() <= TURN
}

/// Three numbers, and what follows.
fn floats(bytes: &[u8]) -> ([f32; 3], &[u8]) {
    let (numbers, _) = bytes.as_chunks::<4>();
    let numbers = numbers.first_chunk::<3>().map(|numbers| numbers.map(f32::from_le_bytes));
    (numbers.unwrap_or([f32::NAN; 3]), bytes.get(12..).unwrap_or_default())
}

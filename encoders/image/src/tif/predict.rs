//! From differences back to numbers, least significant byte first.

use super::{kinds::Predictor, layout::Layout};

/// Undoes the predictor over a row of a strip or tile and puts the bytes of each number in order. Numbers that are no
/// whole bytes stay as they are.
pub fn undo(row: &mut [u8], layout: &Layout) {
    let samples = layout.chunk_samples().max(1);
    match (layout.predictor, layout.bits) {
        (Predictor::Floats, bits) => undo_floats(row, samples, bits as usize / 8),
        (Predictor::None, _) if !layout.big_endian => {}
        (Predictor::Horizontal, 8) => sum::<1>(row, samples, layout),
        (_, 16) => sum::<2>(row, samples, layout),
        (_, 32) => sum::<4>(row, samples, layout),
        (_, 64) => sum::<8>(row, samples, layout),
        _ => {}
    }
}

/// Each number of a pixel is the difference from the same one of the pixel before, for as many samples as a pixel has.
fn sum<const BYTES: usize>(row: &mut [u8], samples: usize, layout: &Layout) {
    let mut before = vec![0_u64; samples];
    for pixel in row.as_chunks_mut::<BYTES>().0.chunks_mut(samples) {
        for (bytes, before) in pixel.iter_mut().zip(&mut before) {
            if layout.big_endian {
                bytes.reverse();
            }
            if layout.predictor == Predictor::Horizontal {
                let number = bytes.iter().rev().fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
                *before = before.wrapping_add(number);
                bytes.iter_mut().zip(before.to_le_bytes()).for_each(|(byte, sum)| *byte = sum);
            }
        }
    }
}

/// All most significant bytes of a row stand first, then all of the next, each as the difference from the byte so many
/// samples before.
fn undo_floats(row: &mut [u8], samples: usize, bytes: usize) {
    let mut before = vec![0_u8; samples];
    for group in row.chunks_mut(samples) {
        for (byte, before) in group.iter_mut().zip(&mut before) {
            *before = before.wrapping_add(*byte);
            *byte = *before;
        }
    }
    let shuffled = row.to_vec();
    let count = (row.len() / bytes.max(1)).max(1);
    for (place, plane) in shuffled.chunks_exact(count).enumerate() {
        let least_first = bytes - 1 - place.min(bytes - 1);
        for (number, byte) in row.chunks_exact_mut(bytes).zip(plane) {
            if let Some(slot) = number.get_mut(least_first) {
                *slot = *byte;
            }
        }
    }
}

//! From the numbers of a file to bytes.

use half::f16;
use onespace_core::Result;

use super::{
    bands::Bands,
    kinds::{Colours, Numbers},
    layout::Layout,
    refusal::refuse,
};
use crate::table::DeepGrey;

/// How a number becomes a byte.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scale {
    /// Of so few bits that the largest becomes 255.
    Widened(u32),
    /// Its highest eight bits, as in Pillow.
    High(u32),
    /// It is one, and held to 0 to 255, as in Pillow.
    Held,
    /// So many times itself, rounded.
    Times(f64),
}

impl Scale {
    /// How the numbers of a picture become bytes; `used` of the samples of a pixel are looked at.
    ///
    /// Unsigned integers of up to 16 bits run to their largest. Wider ones, signed ones and floats do not say what is
    /// white. Where none is more than a byte, they are bytes; floats up to 1 run to 1; integers that use the upper half
    /// of what their bits hold run to its end. Red, green and blue in floats run to 1 whatever is brighter, as light
    /// that was measured or computed does, unless all are whole numbers of a byte.
    ///
    /// # Errors
    /// `MEDIA_UNSUPPORTED` for numbers that are none of these.
    pub fn new(layout: &Layout, bands: &Bands, used: usize, deep_grey: DeepGrey) -> Result<Self> {
        let signed = u32::from(layout.numbers == Numbers::Signed);
        match (layout.numbers, layout.bits) {
            (Numbers::Unsigned, 1..=8) => return Ok(Self::Widened(layout.bits)),
            (Numbers::Unsigned, 9..=16) if used == 1 && deep_grey == DeepGrey::Clip => return Ok(Self::Held),
            (Numbers::Unsigned, 9..=16) => return Ok(Self::High(layout.bits - 8)),
            _ => {}
        }
        let pixels = bands.bytes.chunks_exact(layout.sample_bytes() * layout.samples);
        let samples = pixels.flat_map(|pixel| pixel.chunks_exact(layout.sample_bytes()).take(used));
        let numbers = samples.map(|bytes| number(bytes, layout.numbers)).filter(|number| number.is_finite());
        let are_bytes = || numbers.clone().all(|number| (0.0..=255.0).contains(&number) && number.fract() == 0.0);
        let most = numbers.clone().fold(0.0, f64::max);
        let full = f64::from(layout.bits - signed).exp2();
        match layout.numbers {
            Numbers::Floats if most <= 1.0 || (layout.colours == Colours::Rgb && !are_bytes()) => {
                Ok(Self::Times(255.0))
            }
            _ if most <= 255.0 => Ok(Self::Held),
            Numbers::Unsigned | Numbers::Signed if most >= full / 2.0 => Ok(Self::Times(255.0 / (full - 1.0))),
            _ => {
                Err(refuse(&format!("numbers of {} bits up to {most}, of which none says which is white", layout.bits)))
            }
        }
    }

    /// The byte of a sample.
    pub fn byte(self, bytes: &[u8], numbers: Numbers) -> u8 {
        match self {
            Self::Widened(8) => bytes.first().copied().unwrap_or_default(),
            Self::Widened(bits) => {
                let value = u32::from(bytes.first().copied().unwrap_or_default());
                (value * 255 / ((1 << bits) - 1)) as u8
            }
            Self::High(shift) => match bytes {
                [low, high] => (u16::from_le_bytes([*low, *high]) >> shift) as u8,
                _ => 0,
            },
            // Casts hold a number to its bounds, and make zero of what is none.
            Self::Held => number(bytes, numbers) as u8,
            Self::Times(factor) => (number(bytes, numbers) * factor).round() as u8,
        }
    }
}

/// A sample as a number.
pub fn number(bytes: &[u8], numbers: Numbers) -> f64 {
    match (numbers, bytes) {
        (Numbers::Signed, [a]) => f64::from(i8::from_le_bytes([*a])),
        (Numbers::Signed, [a, b]) => f64::from(i16::from_le_bytes([*a, *b])),
        (Numbers::Signed, [a, b, c, d]) => f64::from(i32::from_le_bytes([*a, *b, *c, *d])),
        (Numbers::Unsigned, bytes) => {
            bytes.iter().rev().fold(0_u64, |number, byte| (number << 8) | u64::from(*byte)) as f64
        }
        (Numbers::Floats, [a, b]) => f16::from_le_bytes([*a, *b]).to_f64(),
        (Numbers::Floats, [a, b, c, d]) => f64::from(f32::from_le_bytes([*a, *b, *c, *d])),
        (Numbers::Floats, bytes) => bytes.as_array::<8>().map_or(0.0, |bytes| f64::from_le_bytes(*bytes)),
        (Numbers::Signed, _) => 0.0,
    }
}

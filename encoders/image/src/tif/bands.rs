//! All samples of a picture, pixel by pixel.

use onespace_core::{Patience, Result};

use super::{layout::Layout, predict, unpack::unpack};

/// Samples of a picture, pixel by pixel, row by row without gaps.
pub struct Bands {
    /// Each in so many bytes as [`Layout::sample_bytes`] says, the least significant first.
    pub bytes: Vec<u8>,
}

impl Bands {
    /// Unpacks every strip or tile. What it takes is for the caller to weigh ([`Layout::decoded_bytes`]).
    ///
    /// # Errors
    /// `MEDIA_MALFORMED` for what is not there or cannot be unpacked, `MEDIA_UNSUPPORTED`; what `patience` says when
    /// it is over.
    pub fn read(file: &[u8], layout: &Layout, patience: &Patience) -> Result<Self> {
        let (width, height) = (layout.width as usize, layout.height as usize);
        let (across, down) = (layout.chunk.0 as usize, layout.chunk.1 as usize);
        let pixel = layout.sample_bytes() * layout.samples;
        let mut bytes = vec![0; width * height * pixel];
        let columns = width.div_ceil(across).max(1);
        let plane = columns * height.div_ceil(down).max(1);
        for (number, chunk) in layout.chunks.iter().enumerate() {
            let (band, place) = (number / plane, number % plane);
            let (left, top) = (place % columns * across, place / columns * down);
            let rows = down.min(height - top.min(height));
            let mut unpacked = unpack(file, layout, *chunk, rows as u32, patience)?;
            let target = bytes.chunks_exact_mut(width * pixel).skip(top);
            for (row, line) in unpacked.chunks_exact_mut(layout.row_bytes() as usize).zip(target) {
                predict::undo(row, layout);
                let line = line.get_mut(left * pixel..).unwrap_or_default();
                place_row(row, line, layout, band);
            }
        }
        Ok(Self { bytes })
    }
}

/// Puts the samples of a row of a strip or tile into their places; what lies beyond the picture is left out.
fn place_row(row: &[u8], line: &mut [u8], layout: &Layout, band: usize) {
    let sample = layout.sample_bytes();
    let pixel = sample * layout.samples;
    let whole = matches!(layout.bits, 8 | 16 | 32 | 64);
    if whole && !layout.planar {
        let count = row.len().min(line.len());
        line.iter_mut().zip(row).take(count).for_each(|(to, from)| *to = *from);
        return;
    }
    let targets = line.chunks_exact_mut(pixel).flat_map(|pixel| {
        let (from, count) = if layout.planar { (band, 1) } else { (0, layout.samples) };
        pixel.chunks_exact_mut(sample).skip(from).take(count)
    });
    if whole {
        for (to, from) in targets.zip(row.chunks_exact(sample)) {
            to.copy_from_slice(from);
        }
        return;
    }
    let mut bits = Bits { bytes: row.iter(), held: 0, count: 0 };
    for to in targets {
        let number = bits.take(layout.bits);
        to.iter_mut().zip(number.to_le_bytes()).for_each(|(to, byte)| *to = byte);
    }
}

/// Numbers of some bits, the most significant first.
struct Bits<'a> {
    bytes: std::slice::Iter<'a, u8>,
    held: u32,
    count: u32,
}

impl Bits<'_> {
    /// The next number of up to 16 bits; beyond the end, zero.
    fn take(&mut self, bits: u32) -> u32 {
        while self.count < bits {
            self.held = (self.held << 8) | u32::from(self.bytes.next().copied().unwrap_or_default());
            self.count += 8;
        }
        self.count -= bits;
        let number = self.held >> self.count;
        self.held &= (1 << self.count) - 1;
        number
    }
}

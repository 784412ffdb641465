//! The bytes of one strip or tile.

use std::{cell::Cell, io::Read};

use fax::{
    Color,
    decoder::{DecodeStatus, Group4Decoder, pels},
};
use flate2::read::ZlibDecoder;
use libjpeg_turbo_rs::{ColorSpace, DecodeLimits, Decoder, PixelFormat};
use onespace_core::{Error, Patience, Result, limits};
use weezl::{BitOrder, LzwStatus, decode::Decoder as LzwDecoder};

use super::{
    kinds::{Colours, Packing},
    layout::Layout,
    refusal::refuse,
};
use crate::{jpeg, size::check_size};

/// Where it is noticed that nobody waits any more.
const WHILE: &str = "while the TIFF was unpacked";

/// Packed bytes between two looks at the clock: a millisecond's.
const UNSEEN: usize = 1 << 16;

/// Unpacks the first `rows` rows of a strip or tile: rows of `layout.row_bytes()`.
///
/// # Errors
/// `MEDIA_MALFORMED` for what is not there or cannot be unpacked, `MEDIA_UNSUPPORTED`; what `patience` says when it
/// is over.
pub fn unpack(file: &[u8], layout: &Layout, chunk: (u64, u64), rows: u32, patience: &Patience) -> Result<Vec<u8>> {
    patience.check(WHILE)?;
    let packed = slice(file, chunk)?;
    let turned: Vec<u8>;
    let packed = if layout.reversed {
        turned = packed.iter().map(|byte| byte.reverse_bits()).collect();
        &turned
    } else {
        packed
    };
    let row = layout.row_bytes() as usize;
    if let (Colours::YCbCr(across, down), false) = (&layout.colours, layout.planar) {
        return shared_chroma(packed, layout, (*across, *down), rows, patience);
    }
    match layout.packing {
        Packing::Jpeg => unpack_jpeg(packed, layout, rows),
        Packing::Group4 => unpack_group4(packed, layout.chunk.0, rows, patience),
        other => unpack_bytes(packed, other, row * rows as usize, patience),
    }
}

fn slice(file: &[u8], (offset, count): (u64, u64)) -> Result<&[u8]> {
    let end = offset.checked_add(count).and_then(|end| usize::try_from(end).ok());
    let start = usize::try_from(offset).ok();
    let found = start.zip(end).and_then(|(start, end)| file.get(start..end));
    found.ok_or_else(|| Error::malformed("bytes", "the TIFF ends before its pixels do"))
}

fn short() -> Error {
    Error::malformed("bytes", "a strip or tile of the TIFF ends before its pixels do")
}

/// What is packed byte by byte; `count` bytes of it.
fn unpack_bytes(packed: &[u8], packing: Packing, count: usize, patience: &Patience) -> Result<Vec<u8>> {
    match packing {
        Packing::Lzw => unpack_lzw(packed, count, patience),
        Packing::Deflate => {
            let mut bytes = vec![0; count];
            let mut reader = ZlibDecoder::new(patience.reading(packed));
            reader.read_exact(&mut bytes).map_err(|_| short())?;
            Ok(bytes)
        }
        Packing::PackBits => unpack_runs(packed, count),
        _ => packed.get(..count).map(<[u8]>::to_vec).ok_or_else(short),
    }
}

fn unpack_lzw(packed: &[u8], count: usize, patience: &Patience) -> Result<Vec<u8>> {
    // Codes that begin with their least significant bit: libtiff tells what programs before 1990 wrote by it.
    if matches!(packed, [0, second, ..] if second & 1 == 1) {
        return Err(refuse("LZW compression of the old kind"));
    }
    let mut bytes = vec![0; count];
    let mut decoder = LzwDecoder::with_tiff_size_switch(BitOrder::Msb, 8);
    let mut rest = packed;
    let mut open = bytes.as_mut_slice();
    while !open.is_empty() {
        patience.check(WHILE)?;
        let piece = rest.get(..UNSEEN).unwrap_or(rest);
        let step = decoder.decode_bytes(piece, open);
        rest = rest.get(step.consumed_in..).unwrap_or_default();
        open = open.get_mut(step.consumed_out..).unwrap_or_default();
        match step.status {
            Ok(LzwStatus::Ok) => {}
            Ok(LzwStatus::Done | LzwStatus::NoProgress) | Err(_) if open.is_empty() => {}
            _ => return Err(short()),
        }
    }
    Ok(bytes)
}

/// A byte that says how many bytes follow, or how often the next one comes.
fn unpack_runs(packed: &[u8], count: usize) -> Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(count);
    let mut rest = packed;
    while bytes.len() < count {
        let (head, tail) = rest.split_first().ok_or_else(short)?;
        let open = count - bytes.len();
        rest = match head {
            0..=127 => {
                let length = usize::from(*head) + 1;
                let literal = tail.get(..length).ok_or_else(short)?;
                bytes.extend(literal.iter().take(open));
                tail.get(length..).unwrap_or_default()
            }
            128 => tail,
            129.. => {
                let (value, tail) = tail.split_first().ok_or_else(short)?;
                bytes.resize(bytes.len() + (257 - usize::from(*head)).min(open), *value);
                tail
            }
        };
    }
    Ok(bytes)
}

/// One bit a pixel, 0 for what the fax calls white.
fn unpack_group4(packed: &[u8], width: u32, rows: u32, patience: &Patience) -> Result<Vec<u8>> {
    let width = u16::try_from(width).map_err(|_| refuse("rows of more than 65,535 pixels in Group 4 compression"))?;
    // A row may go back over itself for as long as it likes, and each step then looks through all of the row before:
    // one that takes more bytes than any writer spends on it is none.
    let (taken, most) = (Cell::new(0), 2 * usize::from(width) + 16);
    let bytes = packed.iter().map(|byte| {
        taken.set(taken.get() + 1);
        let goes_on = taken.get() <= most && patience.check_every(64, taken.get(), WHILE).is_ok();
        goes_on.then_some(*byte).ok_or(())
    });
    let mut decoder = Group4Decoder::new(bytes, width).map_err(|()| short())?;
    let mut unpacked = Vec::with_capacity(usize::from(width).div_ceil(8) * rows as usize);
    for _ in 0..rows {
        patience.check(WHILE)?;
        taken.set(0);
        match decoder.advance() {
            Ok(DecodeStatus::Incomplete) => {}
            Ok(DecodeStatus::End) => return Err(short()),
            Err(_) => return Err(Error::malformed("bytes", "a row of the TIFF's Group 4 compression is none")),
        }
        let mut bits = pels(decoder.transition(), width).map(|colour| u8::from(colour == Color::Black));
        unpacked.extend(
            (0..usize::from(width).div_ceil(8))
                .map(|_| (0..8).fold(0, |byte, _| (byte << 1) | bits.next().unwrap_or_default())),
        );
    }
    Ok(unpacked)
}

/// A JPEG; of three components red, green and blue come out.
fn unpack_jpeg(packed: &[u8], layout: &Layout, rows: u32) -> Result<Vec<u8>> {
    let components = layout.chunk_samples();
    let file = whole_jpeg(packed, &layout.jpeg_tables, layout.jpeg_luma)?;
    let scans = DecodeLimits { max_scans: limits::IMAGE_SCANS, ..DecodeLimits::default() };
    let mut decoder = Decoder::new_with_limits(&file, scans).map_err(|error| jpeg::explain(&error))?;
    let header = decoder.header();
    let fits = u32::from(header.width) == layout.chunk.0
        && (rows..=layout.chunk.1.max(rows)).contains(&u32::from(header.height))
        && (header.components.len(), header.precision) == (components, 8);
    if !fits {
        return Err(Error::malformed("bytes", "a JPEG in the TIFF is of another size than its strip or tile"));
    }
    let takes = layout.decoded_bytes().saturating_add(jpeg::coefficient_bytes(&decoder));
    check_size(layout.width, layout.height, takes)?;
    let wanted = if layout.jpeg_luma { ColorSpace::YCbCr } else { ColorSpace::Rgb };
    if components == 3 && decoder.jpeg_color_space() != wanted {
        return Err(refuse("a JPEG of other colours than the TIFF says"));
    }
    decoder.set_output_format(if components == 3 { PixelFormat::Rgb } else { PixelFormat::Grayscale });
    let mut pixels = decoder.decode_image().map_err(|error| jpeg::explain(&error))?.data;
    let count = layout.row_bytes() as usize * rows as usize;
    if pixels.len() < count {
        return Err(short());
    }
    pixels.truncate(count);
    Ok(pixels)
}

/// The tables that all have in common, then the JPEG, and a marker that says whether its colours are luma and chroma:
/// that is the TIFF's to say.
fn whole_jpeg(packed: &[u8], tables: &[u8], converts: bool) -> Result<Vec<u8>> {
    const BEGINS: [u8; 2] = [0xff, 0xd8];
    let body = packed.strip_prefix(&BEGINS).ok_or_else(|| Error::malformed("bytes", "a JPEG in the TIFF is none"))?;
    let tables = tables.strip_prefix(&BEGINS).unwrap_or(tables);
    let tables = tables.strip_suffix(&[0xff, 0xd9]).unwrap_or(tables);
    let adobe = [b"\xff\xee\0\x0eAdobe\0\x64\0\0\0\0".as_slice(), &[u8::from(converts)]].concat();
    Ok([&BEGINS, adobe.as_slice(), tables, body].concat())
}

/// Luma of a block of pixels, then its two chromas: each pixel gets its own three.
fn shared_chroma(
    packed: &[u8],
    layout: &Layout,
    (across, down): (usize, usize),
    rows: u32,
    patience: &Patience,
) -> Result<Vec<u8>> {
    let (width, rows) = (layout.chunk.0 as usize, rows as usize);
    let (blocks, unit) = (width.div_ceil(across), across * down + 2);
    let bytes = unpack_bytes(packed, layout.packing, blocks * rows.div_ceil(down) * unit, patience)?;
    let mut pixels = Vec::with_capacity(width * rows * 3);
    for row in 0..rows {
        patience.check_every(64, row, WHILE)?;
        let line = bytes.chunks_exact(blocks * unit).nth(row / down).unwrap_or_default();
        let block_pixels = line.chunks_exact(unit).flat_map(|block| {
            let (lumas, chromas) = block.split_at(across * down);
            let luma = lumas.chunks_exact(across).nth(row % down).unwrap_or_default();
            luma.iter().map(move |luma| (*luma, chromas))
        });
        for (luma, chromas) in block_pixels.take(width) {
            pixels.push(luma);
            pixels.extend_from_slice(chromas);
        }
    }
    Ok(pixels)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_repeat_and_end_where_they_must() {
        let packed = [2, 7, 8, 9, 128, 254, 5, 255, 6];
        assert_eq!(unpack_runs(&packed, 8).unwrap(), [7, 8, 9, 5, 5, 5, 6, 6]);
        assert_eq!(unpack_runs(&packed, 5).unwrap(), [7, 8, 9, 5, 5]);
        assert!(unpack_runs(&packed, 9).is_err());
        assert!(unpack_runs(&[2, 7], 3).is_err());
    }
}

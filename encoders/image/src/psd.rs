//! Photoshop files: the picture of all layers together, which Photoshop writes at the end of each.

use image::metadata::Orientation;
use onespace_core::{Error, Patience, Result};

use crate::{pixels::over, raster::Raster, size::check_size};

/// How colours are written.
const GREY: u64 = 1;
const PALETTE: u64 = 2;
const RGB: u64 = 3;
const CMYK: u64 = 4;

/// What the head of a file says, and what follows it.
struct Head<'a> {
    channels: usize,
    size: (u32, u32),
    depth: usize,
    colours: u64,
    palette: &'a [u8],
    /// How the picture is packed, and its bytes.
    packing: u64,
    packed: &'a [u8],
    /// Whether the first channel beside the colours is opacity: else it is a mask that somebody kept.
    has_opacity: bool,
    /// Bytes of the longest length.
    wide: usize,
}

/// Decodes the picture of all layers and lays it over `background` where it is transparent.
///
/// # Errors
/// `MEDIA_TOO_LARGE` before any pixel is allocated, `MEDIA_UNSUPPORTED` for what is not decoded, by name,
/// `MEDIA_MALFORMED`; what `patience` says when it is over.
pub fn decode(bytes: &[u8], background: Option<[u8; 3]>, patience: &Patience) -> Result<Raster> {
    let head = Head::read(bytes).ok_or_else(|| Error::malformed("bytes", "the Photoshop file is cut"))?;
    let refuse = |what: String| Err(Error::unsupported("bytes", format!("a Photoshop file {what}: save it as PNG")));
    let base = match head.colours {
        GREY | PALETTE => 1,
        RGB => 3,
        CMYK => 4,
        other => return refuse(format!("in colours of kind {other} is not decoded here")),
    };
    if !matches!(head.depth, 8 | 16) {
        return refuse(format!("of {} bits a channel is not decoded here", head.depth));
    }
    if head.channels < base {
        return Err(Error::malformed("bytes", "the Photoshop file has too few channels for its colours"));
    }
    let channels = if head.colours == RGB && head.channels > 3 && head.has_opacity { 4 } else { base };
    let (width, height) = (head.size.0 as usize, head.size.1 as usize);
    let taken = (channels * head.depth / 8) as u64 * u64::from(head.size.0) * u64::from(head.size.1);
    check_size(head.size.0, head.size.1, taken)?;
    let room = patience.hold(taken + (channels as u64 + 3) * u64::from(head.size.0) * u64::from(head.size.1))?;
    let row = width * head.depth / 8;
    let planes = head.planes(row * height, channels, height, row)?;
    let step = head.depth / 8;
    let mut samples = vec![0; width * height * channels];
    for (channel, plane) in planes.chunks_exact((row * height).max(1)).enumerate() {
        patience.check("while the image was decoded")?;
        // Of sixteen bits the upper eight come first.
        for (pixel, value) in samples.chunks_exact_mut(channels).zip(plane.iter().step_by(step)) {
            if let Some(sample) = pixel.get_mut(channel) {
                *sample = *value;
            }
        }
    }
    let pixels = match head.colours {
        PALETTE => samples.iter().flat_map(|index| head.colour(*index)).collect(),
        CMYK => samples.as_chunks::<4>().0.iter().flat_map(|inks| without(*inks)).collect(),
        _ => over(&samples, channels, background),
    };
    Ok(Raster { size: head.size, pixels, orientation: Orientation::NoTransforms, profile: None, room })
}

impl<'a> Head<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut rest = bytes.get(4..)?;
        // Files of Photoshop's larger kind have longer lengths in one place.
        let wide = if number(&mut rest, 2)? == 2 { 8 } else { 4 };
        rest = rest.get(6..)?;
        let channels = number(&mut rest, 2)? as usize;
        let (height, width) = (number(&mut rest, 4)? as u32, number(&mut rest, 4)? as u32);
        let (depth, colours) = (number(&mut rest, 2)? as usize, number(&mut rest, 2)?);
        let palette = section(&mut rest, 4)?;
        let _resources = section(&mut rest, 4)?;
        let mut layers = section(&mut rest, wide)?;
        // A number of layers below zero says it.
        let has_opacity = number(&mut layers, wide).and_then(|_| number(&mut layers, 2)).is_some_and(|n| n >= 1 << 15);
        let packing = number(&mut rest, 2)?;
        Some(Self {
            channels,
            size: (width, height),
            depth,
            colours,
            palette,
            packing,
            packed: rest,
            has_opacity,
            wide,
        })
    }

    /// The planes of the first channels, one after the other, of so many bytes each.
    fn planes(&self, plane: usize, channels: usize, rows: usize, row: usize) -> Result<Vec<u8>> {
        let cut = || Error::malformed("bytes", "the Photoshop file is cut");
        match self.packing {
            0 => self.packed.get(..plane * channels).map(<[u8]>::to_vec).ok_or_else(cut),
            1 => {
                // The packed length of each row of each channel, two bytes, or four in the larger kind.
                let each = self.wide / 2;
                let (mut lengths, mut packed) =
                    self.packed.split_at_checked(self.channels * rows * each).ok_or_else(cut)?;
                let mut planes = Vec::with_capacity(plane * channels);
                for _ in 0..channels * rows {
                    let length = number(&mut lengths, each).ok_or_else(cut)? as usize;
                    let (packed_row, behind) = packed.split_at_checked(length).ok_or_else(cut)?;
                    packed = behind;
                    let end = planes.len() + row;
                    unpack(packed_row, end, &mut planes);
                    planes.resize(end, 0);
                }
                Ok(planes)
            }
            _ => Err(Error::unsupported("bytes", "a Photoshop file packed by ZIP is not decoded here: save it as PNG")),
        }
    }

    /// Of a palette: all reds, all greens, all blues.
    fn colour(&self, index: u8) -> [u8; 3] {
        let third = self.palette.len() / 3;
        [0, 1, 2].map(|part| self.palette.get(part * third + usize::from(index)).copied().unwrap_or_default())
    }
}

/// Runs and literals (PackBits), up to an end.
fn unpack(packed: &[u8], end: usize, unpacked: &mut Vec<u8>) {
    let mut rest = packed;
    while let Some((count, behind)) = rest.split_first() {
        let left = end.saturating_sub(unpacked.len());
        let count = i32::from(count.cast_signed());
        let used = match count {
            0.. => {
                let literal = behind.get(..(count as usize + 1).min(behind.len())).unwrap_or_default();
                unpacked.extend_from_slice(literal.get(..left.min(literal.len())).unwrap_or_default());
                literal.len()
            }
            -127..0 => {
                let Some(value) = behind.first() else { return };
                unpacked.extend(std::iter::repeat_n(*value, ((1 - count) as usize).min(left)));
                1
            }
            _ => 0,
        };
        rest = behind.get(used..).unwrap_or_default();
    }
}

/// The number at the beginning, the highest byte first.
fn number(rest: &mut &[u8], count: usize) -> Option<u64> {
    let (digits, behind) = rest.split_at_checked(count)?;
    *rest = behind;
    Some(digits.iter().fold(0, |value, digit| value << 8 | u64::from(*digit)))
}

/// Bytes with their length before them.
fn section<'a>(rest: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let length = usize::try_from(number(rest, count)?).ok()?;
    let (section, behind) = rest.split_at_checked(length)?;
    *rest = behind;
    Some(section)
}

/// Light that inks leave of white, each written as how much of the paper it leaves: as Pillow has it.
fn without([cyan, magenta, yellow, black]: [u8; 4]) -> [u8; 3] {
    [cyan, magenta, yellow].map(|ink| (u32::from(ink) * u32::from(black) / 255) as u8)
}

//! AVIF, HEIC and other HEIF: the primary picture, as it is meant to be seen (ISO/IEC 23008-12).
//!
//! The container is read by `heifer-isobmff`, HEVC decoded by `heifer-hevc-dec`, AV1 by `re_rav1d`. What lies between
//! is here: which item is shown and of which it is put together ([`items`]), its first picture where it is a sequence
//! ([`sequence`]), and colours from luma and chroma ([`planes`]). Gain maps, depth and thumbnails are other items and
//! stay unread, so the picture of a HDR photograph is its base. The container turns its pictures itself (`irot`,
//! `imir`): what EXIF says of that in them is for information, and read by nobody.

mod coded;
mod items;
mod layer;
mod planes;
mod sequence;

use heifer_isobmff::{BoxIter, HeifFile};
use image::metadata::Orientation;
use onespace_core::{Error, HeldRoom, Patience, Result};

pub use self::sequence::first_sample;
use self::{items::Items, layer::Layer};
use crate::{raster::Raster, size::check_size};

/// Bytes of a decoded picture: red, green, blue, and its opacity.
const CHANNELS: u64 = 4;
/// Bytes of a pixel while a picture is decoded that is coded whole: luma and chroma of 16 bits.
const CODED_BYTES: u64 = 6;

/// Decodes the primary picture, or the first of a sequence, and lays it over `background` where it is transparent.
///
/// # Errors
/// `MEDIA_TOO_LARGE` before any pixel is allocated, `MEDIA_UNSUPPORTED` for what is not decoded, by name,
/// `MEDIA_MALFORMED`; what `patience` says when it is over.
pub fn decode(bytes: &[u8], background: Option<[u8; 3]>, patience: &Patience) -> Result<Raster> {
    // A file with tracks alone, or with items that cannot be read.
    let (layer, profile, room) = match HeifFile::parse(boxes_of(bytes)) {
        Ok(file) => {
            let items = Items::new(&file, patience);
            let (width, height) = items.size(file.primary_id)?;
            let coded = if items.is_grid(file.primary_id)? { 0 } else { CODED_BYTES };
            let room = reserve(width, height, coded, patience)?;
            (items.layer(file.primary_id)?, items.profile(file.primary_id)?, room)
        }
        Err(error) => {
            let Some(frame) = sequence::first(bytes) else { return Err(broken(&error)) };
            let (width, height) = frame.size;
            let room = reserve(width, height, CODED_BYTES, patience)?;
            (Layer::from(frame.decode()?.rgb()?), None, room)
        }
    };
    let (size, pixels) = layer.over(background);
    // Parts that are cut out are never larger; whole pictures are as their properties say.
    check_size(size.0, size.1, 0)?;
    Ok(Raster { size, pixels, orientation: Orientation::NoTransforms, profile, room })
}

/// The file without what is no box at its end: phones keep notes of their own there.
fn boxes_of(bytes: &[u8]) -> &[u8] {
    let ends = BoxIter::new(bytes).map_while(std::result::Result::ok);
    let end = ends.last().map_or(0, |last| last.offset + last.header.header_size as usize + last.content.len());
    bytes.get(..end).unwrap_or(bytes)
}

fn reserve(width: u32, height: u32, coded: u64, patience: &Patience) -> Result<Option<HeldRoom>> {
    let pixels = u64::from(width) * u64::from(height);
    check_size(width, height, pixels.saturating_mul(CHANNELS))?;
    patience.hold(pixels.saturating_mul(CHANNELS + coded))
}

/// A file that cannot be right.
fn broken(error: &impl std::fmt::Display) -> Error {
    Error::malformed("bytes", format!("the HEIF cannot be decoded: {error}"))
}

/// A file of a kind that is not decoded, by its name.
fn refuse(what: &str) -> Error {
    Error::unsupported("bytes", format!("a HEIF with {what} is not decoded here: save it as JPEG or PNG"))
}

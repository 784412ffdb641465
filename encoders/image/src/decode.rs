//! From a file's bytes to an upright image, within the limits.

use std::borrow::Cow;

use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits, error::LimitErrorKind};
use onespace_core::{
    Error, HeldRoom, Modality, Patience, Result, limits,
    sniff::{self, Sniffed},
};

use crate::{
    bmp, jpeg,
    look::Look,
    orientation,
    pixels::{Pixels, blend},
    png,
    size::check_size,
    tif,
};

/// A decoded image, and the room that it takes.
pub struct Decoded {
    /// Upright.
    pub pixels: Pixels,
    _room: Option<HeldRoom>,
}

/// Decodes a JPEG, PNG, WebP, GIF, BMP or TIFF (of several frames the first), and looks at it as
/// `look` says: turned as its EXIF or XMP says, laid over a background where it is transparent.
///
/// # Errors
/// `MEDIA_UNSUPPORTED`, `MEDIA_TOO_LARGE` (told from the header, before any pixel is allocated),
/// `MEDIA_MALFORMED`; what `patience` says when it is over, which is noticed where a decoder asks for more
/// bytes and between the steps.
pub fn decode(bytes: &[u8], look: Look, patience: &Patience) -> Result<Decoded> {
    patience.check("before the image was decoded")?;
    let pixels = decode_pixels(bytes, look, patience);
    // A decoder whose bytes ran out because nobody waits any more knows no better than to blame the bytes.
    patience.check("while the image was decoded")?;
    pixels
}

fn decode_pixels(bytes: &[u8], look: Look, patience: &Patience) -> Result<Decoded> {
    if tif::is_tiff(bytes) {
        let tif::Decoded { size: (width, height), pixels, orientation, room } = tif::decode(bytes, look, patience)?;
        // Pillow turns TIFFs when it opens them, so these are upright in any case.
        return Ok(Decoded { pixels: Pixels::new(width, height, pixels)?.upright(orientation), _room: room });
    }
    let format = image::guess_format(bytes).ok().filter(is_read).ok_or_else(|| unknown(bytes))?;
    if format == ImageFormat::Jpeg {
        let jpeg::Decoded { size: (width, height), pixels, orientation, room } = jpeg::decode(bytes, patience)?;
        patience.check("when the image was decoded")?;
        return Ok(Decoded { pixels: look.turned(Pixels::new(width, height, pixels)?, orientation), _room: room });
    }
    let whole = match format {
        ImageFormat::Png => png::ended(bytes),
        ImageFormat::Bmp => bmp::of_windows(bytes)?,
        _ => Cow::Borrowed(bytes),
    };
    let mut reader = ImageReader::new(patience.reading(&whole));
    reader.set_format(format);
    reader.limits(allocations());
    let mut decoder = reader.into_decoder().map_err(|error| explain(&error))?;

    let (width, height) = decoder.dimensions();
    check_size(width, height, decoder.total_bytes())?;
    let mut strict = allocations();
    strict.max_image_width = Some(limits::IMAGE_SIDE as u32);
    strict.max_image_height = Some(limits::IMAGE_SIDE as u32);
    decoder.set_limits(strict).map_err(|error| explain(&error))?;

    let orientation = orientation::of_decoder(&mut decoder);
    // What the decoder gives, and what that becomes.
    let room = patience.hold(decoder.total_bytes() + 3 * u64::from(width) * u64::from(height))?;
    let image = DynamicImage::from_decoder(decoder).map_err(|error| explain(&error))?;
    patience.check("when the image was decoded")?;
    let pixels = look.turned(Pixels::new(width, height, opaque(image, look))?, orientation);
    Ok(Decoded { pixels, _room: room })
}

/// JPEG has a decoder of its own.
fn is_read(format: &ImageFormat) -> bool {
    *format == ImageFormat::Jpeg || format.reading_enabled()
}

pub(crate) fn allocations() -> Limits {
    let mut allocations = Limits::no_limits();
    allocations.max_alloc = Some(limits::IMAGE_DECODED_BYTES as u64);
    allocations
}

fn unknown(bytes: &[u8]) -> Error {
    // An image of a kind that is known and not decoded is named.
    if let Sniffed::Known { modality: Modality::Image, format } = sniff::sniff(bytes) {
        let message = format!("{format} is not decoded here: send the image as JPEG, PNG, WebP, GIF, BMP or TIFF");
        return Error::unsupported("bytes", message);
    }
    let head = sniff::head(bytes);
    Error::unsupported("bytes", format!("bytes that begin {head} are no JPEG, PNG, WebP, GIF, BMP or TIFF"))
}

pub(crate) fn explain(error: &ImageError) -> Error {
    match error {
        ImageError::Unsupported(_) => Error::unsupported("bytes", error.to_string()),
        ImageError::Limits(limit) if matches!(limit.kind(), LimitErrorKind::InsufficientMemory) => Error::too_large(
            "bytes",
            "the memory that decoding takes",
            "more than allowed",
            format_args!("{} bytes", limits::IMAGE_DECODED_BYTES),
        ),
        ImageError::Limits(_) => Error::too_large("bytes", "the image", error, limits::IMAGE_SIDE),
        _ => Error::malformed("bytes", format!("the image cannot be decoded: {error}")),
    }
}

/// Eight bits a channel, red, green, blue, with the background behind what is transparent. Sixteen bits lose the
/// lower eight, as in Pillow, but for grey where `look` says otherwise.
fn opaque(image: DynamicImage, look: Look) -> Vec<u8> {
    let over = |rgb: [u8; 3], alpha: u8| look.background.map_or(rgb, |background| blend(rgb, alpha, background));
    match image {
        DynamicImage::ImageRgb8(image) => image.into_raw(),
        DynamicImage::ImageLuma8(image) => gather(image.pixels().map(|&image::Luma([grey])| [grey; 3])),
        DynamicImage::ImageLumaA8(image) => {
            gather(image.pixels().map(|&image::LumaA([grey, alpha])| over([grey; 3], alpha)))
        }
        DynamicImage::ImageRgba8(image) => {
            gather(image.pixels().map(|&image::Rgba([red, green, blue, alpha])| over([red, green, blue], alpha)))
        }
        DynamicImage::ImageLuma16(image) => gather(image.pixels().map(|&image::Luma([grey])| [look.grey(grey); 3])),
        DynamicImage::ImageLumaA16(image) => {
            gather(image.pixels().map(|&image::LumaA([grey, alpha])| over([high(grey); 3], high(alpha))))
        }
        DynamicImage::ImageRgb16(image) => gather(image.pixels().map(|&image::Rgb(rgb)| rgb.map(high))),
        DynamicImage::ImageRgba16(image) => gather(
            image
                .pixels()
                .map(|&image::Rgba([red, green, blue, alpha])| over([red, green, blue].map(high), high(alpha))),
        ),
        other => gather(
            other.into_rgba8().pixels().map(|&image::Rgba([red, green, blue, alpha])| over([red, green, blue], alpha)),
        ),
    }
}

fn gather(pixels: impl Iterator<Item = [u8; 3]>) -> Vec<u8> {
    pixels.collect::<Vec<_>>().into_flattened()
}

const fn high(value: u16) -> u8 {
    (value >> 8) as u8
}

#[cfg(test)]
mod tests {
    use onespace_core::Reason;

    use super::*;

    #[test]
    fn limits_hold_at_their_edges() {
        let side = limits::IMAGE_SIDE as u32;
        assert!(check_size(side, 1, 3 * u64::from(side)).is_ok());
        assert_eq!(check_size(side + 1, 1, 3).unwrap_err().reason, Reason::MediaTooLarge);
        assert!(check_size(10_000, 5_000, 150_000_000).is_ok());
        assert_eq!(check_size(10_000, 5_001, 150_000_000).unwrap_err().reason, Reason::MediaTooLarge);
        let decoded = limits::IMAGE_DECODED_BYTES as u64;
        assert!(check_size(100, 100, decoded).is_ok());
        assert_eq!(check_size(100, 100, decoded + 1).unwrap_err().reason, Reason::MediaTooLarge);
        assert_eq!(check_size(0, 5, 0).unwrap_err().reason, Reason::MediaMalformed);
    }
}

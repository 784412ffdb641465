//! What the image crate decodes: PNG, WebP, GIF, BMP, icons, portable pixmaps, TGA, QOI.

use std::borrow::Cow;

use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits, error::LimitErrorKind};
use onespace_core::{Error, Patience, Result, limits};

use crate::{
    bmp, gif, look::Look, orientation, pixels::blend, png, profile::Profile, raster::Raster, size::check_size,
};

/// Decodes the first frame of a file of this format and lays it over the background where it is transparent.
///
/// # Errors
/// `MEDIA_TOO_LARGE` before any pixel is allocated, `MEDIA_UNSUPPORTED`, `MEDIA_MALFORMED`; what `patience` says when
/// it is over.
pub fn decode(format: ImageFormat, bytes: &[u8], look: Look, patience: &Patience) -> Result<Raster> {
    let whole = match format {
        ImageFormat::Png => png::ended(bytes),
        ImageFormat::Bmp => bmp::without_runs(bmp::of_windows(bytes)?)?,
        ImageFormat::Gif => gif::on_its_screen(bytes),
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
    let profile = decoder.icc_profile().ok().flatten().map(Profile::Embedded);
    // What the decoder gives, and what that becomes.
    let room = patience.hold(decoder.total_bytes() + 3 * u64::from(width) * u64::from(height))?;
    let image = DynamicImage::from_decoder(decoder).map_err(|error| explain(&error))?;
    patience.check("when the image was decoded")?;
    Ok(Raster { size: (width, height), pixels: opaque(image, look), orientation, profile, room })
}

pub(crate) fn allocations() -> Limits {
    let mut allocations = Limits::no_limits();
    allocations.max_alloc = Some(limits::IMAGE_DECODED_BYTES as u64);
    allocations
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

/// Eight bits a channel, red, green, blue, with the background behind what is transparent. Sixteen bits lose
/// the lower eight, as in Pillow, but for grey where `look` says otherwise.
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

//! Images of one value a pixel: distances, temperatures. Sixteen bits and floats stay what they are.

use image::{DynamicImage, ImageBuffer, ImageDecoder, ImageFormat, ImageReader, Luma, imageops, metadata::Orientation};
use onespace_core::{Error, Patience, Result};

use crate::{
    decode::decode,
    fit::Fit,
    look::Look,
    orientation, png,
    size::check_size,
    table::Image,
    taps::{Side, resample},
    tif::{self, Bands, Colours, Layout},
    with_image::{allocations, explain},
};

/// What numbers a file held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Numbers {
    /// Eight bits.
    Bytes,
    /// Integers of more bits.
    Integers,
    /// Floats.
    Floats,
}

/// A value for each pixel, row by row without gaps.
#[derive(Clone, Debug, PartialEq)]
pub struct Plane {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// The values, as they stand in the file.
    pub values: Vec<f32>,
    /// What they were there.
    pub numbers: Numbers,
    /// Whether they were made of colours.
    pub colours: bool,
}

/// Decodes JPEG, PNG, WebP, GIF, BMP or TIFF to one plane, turned as its EXIF says; transparency is ignored. Colours of
/// eight bits become grey as in Pillow's `convert("L")`.
///
/// # Errors
/// `MEDIA_UNSUPPORTED`, `MEDIA_TOO_LARGE`, `MEDIA_MALFORMED`; what `patience` says when it is over.
pub fn decode_plane(bytes: &[u8], patience: &Patience) -> Result<Plane> {
    patience.check("before the image was decoded")?;
    let plane = match image::guess_format(bytes) {
        _ if tif::is_tiff(bytes) => decode_tiff(bytes, patience),
        Ok(ImageFormat::Png) => decode_png(bytes, patience),
        _ => Ok(None),
    };
    // A decoder whose bytes ran out because nobody waits any more knows no better than to blame the bytes.
    patience.check("while the image was decoded")?;
    match plane? {
        Some(plane) => Ok(plane),
        None => decode_grey(bytes, patience),
    }
}

/// Brings a plane to size as `spec` says, in floats that are never rounded: `spec.width · spec.height` values.
///
/// # Errors
/// What `patience` says when it is over.
pub fn resize_plane(spec: &Image, plane: &Plane, patience: &Patience) -> Result<Vec<f32>> {
    let fit = Fit::new(spec, (plane.width, plane.height));
    let taps = |side: Side| side.taps(spec.filter, spec.antialias);
    resample::<1, f32>((&plane.values, plane.width as usize), &taps(fit.across), &taps(fit.down), patience)
}

/// `(x − mean) / std` in as many channels as there are means: the plane again and again.
#[must_use]
pub fn channels(plane: &[f32], mean: &[f32], std: &[f32]) -> Vec<f32> {
    let channel = |(mean, std): (&f32, &f32)| {
        let (mean, std) = (*mean, *std);
        plane.iter().map(move |value| (value - mean) / std)
    };
    mean.iter().zip(std).flat_map(channel).collect()
}

/// Anything of eight bits.
fn decode_grey(bytes: &[u8], patience: &Patience) -> Result<Plane> {
    let decoded = decode(bytes, Look::default(), patience)?;
    let pixels = &decoded.pixels;
    let (rgb, _) = pixels.rgb().as_chunks::<3>();
    let grey = |[red, green, blue]: [u8; 3]| {
        let sum = 19_595 * u32::from(red) + 38_470 * u32::from(green) + 7_471 * u32::from(blue);
        ((sum + 32_768) >> 16) as f32
    };
    Ok(Plane {
        width: pixels.width(),
        height: pixels.height(),
        values: rgb.iter().map(|pixel| grey(*pixel)).collect(),
        numbers: Numbers::Bytes,
        colours: rgb.iter().any(|[red, green, blue]| red != green || green != blue),
    })
}

/// A PNG of sixteen bits of grey; none where it is anything else.
fn decode_png(bytes: &[u8], patience: &Patience) -> Result<Option<Plane>> {
    let whole = png::ended(bytes);
    let mut reader = ImageReader::new(patience.reading(&whole));
    reader.set_format(ImageFormat::Png);
    reader.limits(allocations());
    let mut decoder = reader.into_decoder().map_err(|error| explain(&error))?;
    if !matches!(decoder.color_type(), image::ColorType::L16 | image::ColorType::La16) {
        return Ok(None);
    }
    let (width, height) = decoder.dimensions();
    check_size(width, height, decoder.total_bytes())?;
    // Two bytes each, and four as a number.
    let _room = patience.hold(decoder.total_bytes() + 4 * u64::from(width) * u64::from(height))?;
    let orientation = orientation::of_decoder(&mut decoder);
    let image = DynamicImage::from_decoder(decoder).map_err(|error| explain(&error))?.into_luma16();
    let values = image.into_raw().into_iter().map(f32::from).collect();
    turned((width, height), values, Numbers::Integers, orientation).map(Some)
}

/// A TIFF of grey in whole bytes, bands beside it left out; none where it is anything else.
fn decode_tiff(bytes: &[u8], patience: &Patience) -> Result<Option<Plane>> {
    let layout = Layout::read(bytes, patience)?;
    if !matches!(layout.colours, Colours::BlackIsZero | Colours::WhiteIsZero) || layout.bits < 8 {
        return Ok(None);
    }
    let numbers = match (layout.numbers, layout.bits) {
        (tif::Numbers::Floats, _) => Numbers::Floats,
        (tif::Numbers::Unsigned, 8) => Numbers::Bytes,
        (tif::Numbers::Unsigned | tif::Numbers::Signed, _) => Numbers::Integers,
    };
    // Where zero is white, this is black.
    let black = match (&layout.colours, layout.numbers) {
        (Colours::WhiteIsZero, tif::Numbers::Unsigned) => Some(f64::from(layout.bits).exp2() - 1.0),
        (Colours::WhiteIsZero, tif::Numbers::Floats) => Some(1.0),
        (Colours::WhiteIsZero, tif::Numbers::Signed) => {
            return Err(Error::unsupported("bytes", "a TIFF whose zero is white and whose numbers are below it"));
        }
        _ => None,
    };
    let size = (layout.width, layout.height);
    // Four bytes each as a number.
    let takes = layout.decoded_bytes().saturating_add(4 * u64::from(size.0) * u64::from(size.1));
    check_size(size.0, size.1, takes)?;
    let _room = patience.hold(takes.saturating_add(layout.coefficient_bytes()))?;
    let bands = Bands::read(bytes, &layout, patience)?;
    let sample = layout.sample_bytes();
    let pixels = bands.bytes.chunks_exact(sample * layout.samples);
    let firsts = pixels.filter_map(|pixel| pixel.get(..sample)).map(|bytes| tif::number(bytes, layout.numbers));
    let values = firsts.map(|value| black.map_or(value, |black| black - value) as f32).collect();
    turned(size, values, numbers, layout.orientation).map(Some)
}

/// The plane as it is meant to be seen.
fn turned((width, height): (u32, u32), values: Vec<f32>, numbers: Numbers, orientation: Orientation) -> Result<Plane> {
    let found = values.len();
    let image = ImageBuffer::<Luma<f32>, _>::from_raw(width, height, values)
        .filter(|image| image.as_raw().len() == found)
        .ok_or_else(|| Error::malformed("bytes", format!("{found} values are not {width} x {height} pixels")))?;
    let image = match orientation {
        Orientation::NoTransforms => image,
        Orientation::Rotate90 => imageops::rotate90(&image),
        Orientation::Rotate180 => imageops::rotate180(&image),
        Orientation::Rotate270 => imageops::rotate270(&image),
        Orientation::FlipHorizontal => imageops::flip_horizontal(&image),
        Orientation::FlipVertical => imageops::flip_vertical(&image),
        Orientation::Rotate90FlipH => imageops::flip_horizontal(&imageops::rotate90(&image)),
        Orientation::Rotate270FlipH => imageops::flip_horizontal(&imageops::rotate270(&image)),
    };
    let (width, height) = image.dimensions();
    Ok(Plane { width, height, values: image.into_raw(), numbers, colours: false })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plane_is_repeated_for_each_mean() {
        assert_eq!(channels(&[1.0, 3.0], &[1.0, 0.0], &[2.0, 1.0]), [0.0, 1.0, 1.0, 3.0]);
    }
}

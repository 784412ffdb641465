//! JPEG 2000, by hayro-jpeg2000.

use hayro_jpeg2000::{ColorSpace, DecodeSettings, DecoderContext, Image};
use image::metadata::Orientation;
use onespace_core::{Error, Patience, Result};

use crate::{pixels::over, raster::Raster, size::check_size};

/// Decodes an image in its container or bare, and lays it over `background` where it is transparent.
///
/// # Errors
/// `MEDIA_TOO_LARGE` before any pixel is allocated, `MEDIA_UNSUPPORTED` for inks and unknown colours,
/// `MEDIA_MALFORMED`; what `patience` says when it is over.
pub fn decode(bytes: &[u8], background: Option<[u8; 3]>, patience: &Patience) -> Result<Raster> {
    let broken =
        |error: &dyn std::fmt::Display| Error::malformed("bytes", format!("the JPEG 2000 cannot be decoded: {error}"));
    let settings = DecodeSettings { strict: true, ..DecodeSettings::default() };
    let image = Image::new(bytes, &settings).map_err(|error| broken(&error))?;
    let (size, space) = ((image.width(), image.height()), image.color_space());
    let colours = usize::from(space.num_channels());
    if matches!(space, ColorSpace::CMYK) || !matches!(colours, 1 | 3) {
        let what = format!("a JPEG 2000 of {colours} channels that are neither grey nor red, green and blue");
        return Err(Error::unsupported("bytes", format!("{what} is not decoded here: save it as RGB")));
    }
    let channels = colours + usize::from(image.has_alpha());
    let pixels = u64::from(size.0) * u64::from(size.1);
    check_size(size.0, size.1, pixels * channels as u64)?;
    // Samples are floats while they are decoded, once as waves and once as pixels.
    let room = patience.hold(pixels * (9 * channels as u64 + 3))?;
    let mut context = DecoderContext::default();
    let decoded = image.decode(&mut context).map_err(|error| broken(&error))?;
    patience.check("when the image was decoded")?;
    if decoded.components().len() != channels {
        return Err(broken(&"it has other channels than it says"));
    }
    let pixels = over(&decoded.data_u8(), channels, background);
    Ok(Raster { size, pixels, orientation: Orientation::NoTransforms, profile: None, room })
}

//! DDS, as games keep their textures, by image_dds.

use image::metadata::Orientation;
use image_dds::{Surface, ddsfile::Dds};
use onespace_core::{Error, Patience, Result};

use crate::{pixels::over, raster::Raster, size::check_size};

/// Decodes the first picture in its full size (of the sides of a cube, the slices of a volume and the sizes of a
/// texture), and lays it over `background` where it is transparent.
///
/// # Errors
/// `MEDIA_TOO_LARGE` before any pixel is allocated, `MEDIA_UNSUPPORTED` for what is not decoded, by name,
/// `MEDIA_MALFORMED`; what `patience` says when it is over.
pub fn decode(bytes: &[u8], background: Option<[u8; 3]>, patience: &Patience) -> Result<Raster> {
    let broken =
        |error: &dyn std::fmt::Display| Error::malformed("bytes", format!("the DDS cannot be decoded: {error}"));
    let file = Dds::read(patience.reading(bytes)).map_err(|error| broken(&error))?;
    let size = (file.get_width(), file.get_height());
    // A volume is decoded as a whole.
    let pixels = u64::from(size.0) * u64::from(size.1) * u64::from(file.get_depth().max(1));
    check_size(size.0, size.1, pixels.saturating_mul(4))?;
    let room = patience.hold(7 * pixels)?;
    let refuse = |error| {
        Error::unsupported("bytes", format!("a DDS of this kind is not decoded here ({error}): save it as PNG"))
    };
    let surface = Surface::from_dds(&file).map_err(refuse)?;
    let decoded = surface.decode_layers_mipmaps_rgba8(0..1, 0..1).map_err(|error| broken(&error))?;
    patience.check("when the image was decoded")?;
    let samples = decoded.data.get(..4 * size.0 as usize * size.1 as usize).ok_or_else(|| broken(&"it is cut"))?;
    Ok(Raster {
        size,
        pixels: over(samples, 4, background),
        orientation: Orientation::NoTransforms,
        profile: None,
        room,
    })
}

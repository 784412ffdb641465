//! JPEG XL, by jxl-oxide.

use image::metadata::Orientation;
use jxl_oxide::{AllocTracker, JxlImage};
use onespace_core::{Error, Patience, Result, limits};

use crate::{pixels::over, profile::Profile, raster::Raster, size::check_size};

/// The decoder computes in floats and keeps several of a picture's planes at once.
const ALLOCATIONS: usize = 3 * limits::IMAGE_DECODED_BYTES;

/// Decodes the first frame, which the decoder turns as the file says, and lays it over `background` where it is
/// transparent.
///
/// # Errors
/// `MEDIA_TOO_LARGE` before any pixel is allocated, `MEDIA_UNSUPPORTED` for inks, `MEDIA_MALFORMED`; what `patience`
/// says when it is over.
pub fn decode(bytes: &[u8], background: Option<[u8; 3]>, patience: &Patience) -> Result<Raster> {
    let broken =
        |error: &dyn std::fmt::Display| Error::malformed("bytes", format!("the JPEG XL cannot be decoded: {error}"));
    let tracker = AllocTracker::with_limit(ALLOCATIONS);
    let image = JxlImage::builder().alloc_tracker(tracker).read(patience.reading(bytes));
    let image = image.map_err(|error| broken(&error))?;
    let (size, format) = ((image.width(), image.height()), image.pixel_format());
    // Four bytes a sample, and what that becomes.
    let takes = u64::from(size.0) * u64::from(size.1) * (4 * format.channels() as u64 + 3);
    check_size(size.0, size.1, u64::from(size.0) * u64::from(size.1) * format.channels() as u64)?;
    if format.has_black() {
        return Err(Error::unsupported("bytes", "a JPEG XL in inks is not decoded here: save it as RGB"));
    }
    let room = patience.hold(takes)?;
    let frame = image.render_frame(0).map_err(|error| broken(&error))?;
    patience.check("when the image was decoded")?;
    let profile = Some(Profile::Embedded(image.rendered_icc()));
    let mut stream = frame.stream();
    let (width, height) = (stream.width(), stream.height());
    let channels = stream.channels() as usize;
    let mut samples = vec![0_u8; width as usize * height as usize * channels];
    stream.write_to_buffer(&mut samples);
    let pixels = over(&samples, channels, background);
    Ok(Raster { size: (width, height), pixels, orientation: Orientation::NoTransforms, profile, room })
}

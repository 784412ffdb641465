//! How large an image may be.

use onespace_core::{Error, Result, limits};

/// Refuses an image whose header says that it is larger than the limits; `decoded` is what decoding it takes, in bytes.
pub(crate) fn check_size(width: u32, height: u32, decoded: u64) -> Result<()> {
    if width == 0 || height == 0 {
        return Err(Error::malformed("bytes", format!("an image of {width} x {height} pixels has no content")));
    }
    let side = width.max(height) as usize;
    if side > limits::IMAGE_SIDE {
        return Err(Error::too_large("bytes", "the image's longer side in pixels", side, limits::IMAGE_SIDE));
    }
    let pixels = u64::from(width) * u64::from(height);
    if pixels > limits::IMAGE_PIXELS as u64 {
        return Err(Error::too_large("bytes", "the image's area in pixels", pixels, limits::IMAGE_PIXELS));
    }
    if decoded > limits::IMAGE_DECODED_BYTES as u64 {
        let limit = limits::IMAGE_DECODED_BYTES;
        return Err(Error::too_large("bytes", "the image's decoded size in bytes", decoded, limit));
    }
    Ok(())
}

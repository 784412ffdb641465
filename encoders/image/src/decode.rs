//! From a file's bytes to an upright image, within the limits.

use image::ImageFormat;
use onespace_core::{
    Error, HeldRoom, Modality, Patience, Result,
    sniff::{self, Sniffed},
};

use crate::{
    dds, heif, jpeg, jpeg2000, jxl, look::Look, pixels::Pixels, psd, raster::Raster, raw, svg, table::ProfileUse, tif,
    with_image,
};

/// A decoded image, and the room that it takes.
pub struct Decoded {
    /// Upright.
    pub pixels: Pixels,
    _room: Option<HeldRoom>,
}

/// Decodes an image of any format that [`sniff::FORMATS`] lists as decoded (of several frames the first), and looks at
/// it as `look` says: turned as its metadata says, laid over a background where it is transparent.
///
/// # Errors
/// `MEDIA_UNSUPPORTED`, `MEDIA_TOO_LARGE` (told from the header, before any pixel is allocated),
/// `MEDIA_MALFORMED`; what `patience` says when it is over, which is noticed where a decoder asks for more
/// bytes and between the steps.
pub fn decode(bytes: &[u8], look: Look, patience: &Patience) -> Result<Decoded> {
    patience.check("before the image was decoded")?;
    let raster = raster(bytes, look, patience);
    // A decoder whose bytes ran out because nobody waits any more knows no better than to blame the bytes.
    patience.check("while the image was decoded")?;
    let Raster { size: (width, height), mut pixels, orientation, profile, room } = raster?;
    if let (ProfileUse::Srgb, Some(profile)) = (look.profile, profile) {
        profile.to_srgb(&mut pixels, patience)?;
    }
    let pixels = Pixels::new(width, height, pixels)?;
    // Pillow turns TIFFs when it opens them, so these are upright in any case.
    let pixels = if tif::is_tiff(bytes) { pixels.upright(orientation) } else { look.turned(pixels, orientation) };
    Ok(Decoded { pixels, _room: room })
}

fn raster(bytes: &[u8], look: Look, patience: &Patience) -> Result<Raster> {
    let Look { background, profile, .. } = look;
    let format = match sniff::sniff(bytes) {
        Sniffed::Known { modality: Modality::Image, format } => format,
        _ => "",
    };
    match format {
        "AVIF" | "HEIF" => return heif::decode(bytes, background, patience),
        "camera raw" | "camera raw (CR3)" => return raw::decode(bytes, profile, patience),
        "DDS" => return dds::decode(bytes, background, patience),
        "JPEG 2000" => return jpeg2000::decode(bytes, background, patience),
        "JPEG XL" => return jxl::decode(bytes, background, patience),
        "Photoshop" => return psd::decode(bytes, background, patience),
        "SVG" => return svg::decode(bytes, background, patience),
        _ if tif::is_tiff(bytes) => return tif::decode(bytes, look, patience),
        _ => sniff::check_decoded(format)?,
    }
    // TGA has no mark.
    let guessed = if format == "TGA" { Some(ImageFormat::Tga) } else { image::guess_format(bytes).ok() };
    match guessed.filter(is_read) {
        Some(ImageFormat::Jpeg) => jpeg::decode(bytes, profile, patience),
        Some(format) => with_image::decode(format, bytes, look, patience),
        None => Err(unknown(bytes)),
    }
}

/// JPEG has a decoder of its own.
fn is_read(format: &ImageFormat) -> bool {
    *format == ImageFormat::Jpeg || format.reading_enabled()
}

fn unknown(bytes: &[u8]) -> Error {
    let head = sniff::head(bytes);
    Error::unsupported("bytes", format!("bytes that begin {head} are no image of a format that is decoded here"))
}

#[cfg(test)]
mod tests {
    use onespace_core::Reason;

    use crate::size::check_size;
    use onespace_core::limits;

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

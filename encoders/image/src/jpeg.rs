//! JPEG, to the pixels that libjpeg-turbo gives: what models were trained on came through it.

use libjpeg_turbo_rs::{ComponentInfo, DecodeLimits, Decoder, JpegError, PixelFormat};
use onespace_core::{Error, Patience, Result, limits};

use crate::{orientation, profile::Profile, raster::Raster, size::check_size, table::ProfileUse};

/// Decodes any JPEG of eight bits: grey, colour or CMYK (over white paper), baseline, progressive or arithmetic.
///
/// # Errors
/// `MEDIA_TOO_LARGE` before any pixel is allocated, `MEDIA_UNSUPPORTED`, `MEDIA_MALFORMED`; what
/// `patience` says when it is over.
pub fn decode(bytes: &[u8], profiles: ProfileUse, patience: &Patience) -> Result<Raster> {
    let scans = DecodeLimits { max_scans: limits::IMAGE_SCANS, ..DecodeLimits::default() };
    let mut decoder = Decoder::new_with_limits(bytes, scans).map_err(|error| explain(&error))?;
    let (width, height) = (decoder.header().width, decoder.header().height);
    let values = 3 * u64::from(width) * u64::from(height);
    let decoded = values.saturating_add(coefficient_bytes(&decoder));
    check_size(width.into(), height.into(), decoded)?;
    if decoder.header().precision != 8 {
        return Err(Error::unsupported("bytes", format!("a JPEG of {} bits a channel", decoder.header().precision)));
    }
    if !usual(&decoder) {
        return Err(Error::unsupported("bytes", "a JPEG whose four components are sampled as no program does it"));
    }
    let orientation = orientation::of_metadata(decoder.exif_data(), decoder.xmp_data());
    let by_profile = decoder.header().components.len() == 4 && profiles == ProfileUse::Srgb;
    // Inks are decoded beside the colours.
    let inks = if by_profile { 7 * u64::from(width) * u64::from(height) } else { 0 };
    decoder.set_output_format(PixelFormat::Rgb);
    let room = patience.hold(decoded + inks)?;
    let image = decoder.decode_image().map_err(|error| explain(&error))?;
    let profile = image.icc_profile.map(Profile::Embedded);
    let mut pixels = image.data;
    if let Some(profile) = profile.as_ref().filter(|_| by_profile)
        && let Some(colours) = profile.inks_to_srgb(&inks_of(bytes, scans)?, patience)?
    {
        pixels = colours;
    }
    Ok(Raster { size: (width.into(), height.into()), pixels, orientation, profile, room })
}

/// How much there is of each ink; a file says how much paper is left, as Adobe began it.
fn inks_of(bytes: &[u8], limits: DecodeLimits) -> Result<Vec<u8>> {
    let mut decoder = Decoder::new_with_limits(bytes, limits).map_err(|error| explain(&error))?;
    decoder.set_output_format(PixelFormat::Cmyk);
    let mut inks = decoder.decode_image().map_err(|error| explain(&error))?.data;
    inks.iter_mut().for_each(|paper| *paper = 255 - *paper);
    Ok(inks)
}

/// What is wrong with a JPEG.
pub fn explain(error: &JpegError) -> Error {
    match error {
        JpegError::Unsupported(what) => Error::unsupported("bytes", format!("a JPEG with {what}")),
        JpegError::LimitExceeded { what, actual, limit } => {
            Error::too_large("bytes", &format!("the image's {what}"), actual, limit)
        }
        _ => Error::malformed("bytes", format!("the image cannot be decoded: {error}")),
    }
}

/// Whether four components are sampled alike, or the second and third at half of the others. The decoder breaks on
/// others.
fn usual(decoder: &Decoder<'_>) -> bool {
    let sampling = |of: &ComponentInfo| (of.horizontal_sampling, of.vertical_sampling);
    let [first, second, third, fourth] = decoder.header().components.as_slice() else { return true };
    let (most, less) = (sampling(first), sampling(second));
    let half = |whole: u8, part: u8| part == whole || (whole == 2 && part == 1);
    sampling(fourth) == most && sampling(third) == less && half(most.0, less.0) && half(most.1, less.1)
}

/// The bytes that hold coefficients until the last scan has been read, beside the pixels: 16 bits for each coefficient
/// of each component, where there are several scans.
pub fn coefficient_bytes(decoder: &Decoder<'_>) -> u64 {
    if !decoder.has_multiple_scans() {
        return 0;
    }
    let frame = decoder.header();
    let samplings = || frame.components.iter().map(|of| (of.horizontal_sampling, of.vertical_sampling));
    let across = u64::from(samplings().map(|(across, _)| across).max().unwrap_or(1).max(1));
    let down = u64::from(samplings().map(|(_, down)| down).max().unwrap_or(1).max(1));
    let each: u64 = samplings().map(|(across, down)| u64::from(across) * u64::from(down)).sum();
    2 * u64::from(frame.width) * u64::from(frame.height) * each / (across * down)
}

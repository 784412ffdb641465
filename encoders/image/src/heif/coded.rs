//! One coded picture: HEVC or AV1 to planes.

use av1::dav1d::{Decoder, Picture, PixelLayout, PlanarImageComponent, Settings, pixel::YUVRange};
use heifer_hevc_dec::{
    Error as HevcError,
    decoder::{DecodeOptions, decode_picture},
};
use heifer_isobmff::boxes::HevcConfig;
use onespace_core::{Error, Result};
use re_rav1d as av1;

use super::{
    broken,
    planes::{Chroma, Planes, Reading},
    refuse,
};

/// Coded sides are multiples of the largest block: by so much they may be longer than the picture's.
const BLOCK: u32 = 128;

/// Decodes the first picture of HEVC whose units have their lengths before them.
///
/// # Errors
/// `MEDIA_UNSUPPORTED`, `MEDIA_MALFORMED`, also where the stream's picture is larger than `size`.
pub fn hevc(config: &HevcConfig, data: &[u8], size: (u32, u32)) -> Result<Planes> {
    let options = DecodeOptions { max_pixels: most_pixels(size), ..DecodeOptions::default() };
    let frame = decode_picture(&start_codes(config, data)?, options).map_err(|error| match error {
        HevcError::Unimplemented(what) => refuse(&format!("HEVC of this kind ({what})")),
        error => broken(&error),
    })?;
    let [luma, first, second] = frame.planes;
    let [bits, chroma_bits] = frame.bit_depth;
    let chroma = frame.chroma_format != 0;
    if chroma && bits != chroma_bits {
        return Err(refuse("luma and chroma of different depths"));
    }
    let chroma = chroma.then(|| Chroma {
        planes: [first, second],
        halved_across: matches!(frame.chroma_format, 1 | 2),
        halved_down: frame.chroma_format == 1,
    });
    let reading = Reading { matrix: frame.matrix_coeffs.into(), full_range: frame.full_range };
    Ok(Planes { size: (frame.widths[0], frame.heights[0]), depth: bits, luma, chroma, reading })
}

/// The same units, the parameters before them, with marks in place of lengths.
fn start_codes(config: &HevcConfig, data: &[u8]) -> Result<Vec<u8>> {
    const MARK: [u8; 4] = [0, 0, 0, 1];
    let mut stream = Vec::with_capacity(data.len() + 256);
    for unit in &config.nal_units {
        stream.extend_from_slice(&MARK);
        stream.extend_from_slice(unit);
    }
    let cut = || Error::malformed("bytes", "the picture's HEVC is cut");
    let mut rest = data;
    while !rest.is_empty() {
        let (length, behind) = rest.split_at_checked(config.nal_length_size.into()).ok_or_else(cut)?;
        let length = length.iter().fold(0, |length: usize, byte| length << 8 | usize::from(*byte));
        let (unit, behind) = behind.split_at_checked(length).ok_or_else(cut)?;
        stream.extend_from_slice(&MARK);
        stream.extend_from_slice(unit);
        rest = behind;
    }
    Ok(stream)
}

/// Decodes the first picture of AV1.
///
/// # Errors
/// As [`hevc`].
pub fn av1(data: &[u8], size: (u32, u32)) -> Result<Planes> {
    let mut settings = Settings::new();
    // A process that decodes may start no thread.
    settings.set_n_threads(1);
    settings.set_max_frame_delay(1);
    // Of a picture in layers the best.
    settings.set_all_layers(false);
    settings.set_frame_size_limit(u32::try_from(most_pixels(size)).unwrap_or(u32::MAX));
    let fails = |error: av1::dav1d::Error| match error {
        av1::dav1d::Error::UnsupportedBitstream => refuse("AV1 of this kind"),
        error => broken(&format!("AV1: {error}")),
    };
    let mut decoder = Decoder::with_settings(&settings).map_err(fails)?;
    decoder.send_data(data.to_vec(), None, None, None).or_else(|error| {
        // A picture waits to be taken before more is read.
        if error.is_again() { Ok(()) } else { Err(fails(error)) }
    })?;
    planes_of(&decoder.get_picture().map_err(fails)?)
}

fn planes_of(picture: &Picture) -> Result<Planes> {
    let (halved_across, halved_down, colours) = match picture.pixel_layout() {
        PixelLayout::I400 => (false, false, false),
        PixelLayout::I420 => (true, true, true),
        PixelLayout::I422 => (true, false, true),
        PixelLayout::I444 => (false, false, true),
    };
    let size = (picture.width(), picture.height());
    let halved = |side: u32, halved: bool| if halved { side.div_ceil(2) } else { side };
    let chroma_size = (halved(size.0, halved_across), halved(size.1, halved_down));
    let luma = samples(picture, PlanarImageComponent::Y, size)?;
    let chroma = if colours {
        let plane = |component| samples(picture, component, chroma_size);
        let planes = [plane(PlanarImageComponent::U)?, plane(PlanarImageComponent::V)?];
        Some(Chroma { planes, halved_across, halved_down })
    } else {
        None
    };
    let reading =
        Reading { matrix: picture.matrix_coefficients() as u16, full_range: picture.color_range() == YUVRange::Full };
    let depth = picture.bit_depth().try_into().map_err(|_| broken(&"its depth is none"))?;
    Ok(Planes { size, depth, luma, chroma, reading })
}

/// Rows of a plane without what lies between them.
fn samples(picture: &Picture, component: PlanarImageComponent, (width, height): (u32, u32)) -> Result<Vec<u16>> {
    let (stride, width, height) = (picture.stride(component) as usize, width as usize, height as usize);
    let plane = picture.plane(component);
    let rows = plane.chunks(stride.max(1)).take(height);
    let samples: Vec<u16> = if picture.bit_depth() == 8 {
        rows.flat_map(|row| row.iter().take(width).map(|sample| u16::from(*sample))).collect()
    } else {
        rows.flat_map(|row| row.as_chunks::<2>().0.iter().take(width).map(|sample| u16::from_ne_bytes(*sample)))
            .collect()
    };
    if samples.len() == width * height { Ok(samples) } else { Err(broken(&"a plane lacks samples")) }
}

fn most_pixels((width, height): (u32, u32)) -> u64 {
    u64::from(width.saturating_add(BLOCK)) * u64::from(height.saturating_add(BLOCK))
}

//! What a sensor saw (CR2, NEF, ARW, DNG, ORF, RW2, PEF, SRW, RAF, CR3): the largest preview in it.
//!
//! Cameras write the picture that they would have made as a JPEG beside the sensor's values, mostly of full size. It is
//! decoded in place of them: what they look like is the camera's own secret, or a matter of taste.

mod canon;
mod directories;

use image::metadata::Orientation;
use libjpeg_turbo_rs::Decoder;
use onespace_core::{Error, Patience, Result, limits};

use crate::{jpeg, raster::Raster, table::ProfileUse};

/// Previews that a file says it has, and how the camera was held.
#[derive(Default)]
struct Previews<'a> {
    jpegs: Vec<&'a [u8]>,
    orientation: Option<Orientation>,
}

/// Decodes the largest preview, to be turned as it says itself, or else as the file around it says.
///
/// # Errors
/// `MEDIA_UNSUPPORTED` where there is no preview, and as [`jpeg::decode`].
pub fn decode(bytes: &[u8], profiles: ProfileUse, patience: &Patience) -> Result<Raster> {
    let previews = find(bytes).unwrap_or_default();
    let area = |jpeg: &&[u8]| {
        let decoder = Decoder::new(jpeg).ok().filter(|decoder| decoder.header().precision == 8)?;
        Some(usize::from(decoder.header().width) * usize::from(decoder.header().height))
    };
    let jpegs = previews.jpegs.into_iter().take(limits::RAW_PREVIEWS);
    let largest = jpegs.filter_map(|jpeg| Some((area(&jpeg)?, jpeg))).max_by_key(|(area, _)| *area);
    let Some((_, jpeg)) = largest else {
        let message = "a camera raw file without a preview in JPEG is not decoded here: send the image as JPEG";
        return Err(Error::unsupported("bytes", message));
    };
    let mut raster = jpeg::decode(jpeg, profiles, patience)?;
    if raster.orientation == Orientation::NoTransforms {
        raster.orientation = previews.orientation.unwrap_or(Orientation::NoTransforms);
    }
    Ok(raster)
}

fn find(bytes: &[u8]) -> Option<Previews<'_>> {
    const FUJI: &[u8] = b"FUJIFILMCCD-RAW ";
    /// Where Fujifilm's files say where their preview is, and how long.
    const FUJI_PREVIEW: usize = 84;
    if bytes.starts_with(FUJI) {
        let number = |at: usize| bytes.get(at..at + 4)?.first_chunk().map(|digits| u32::from_be_bytes(*digits));
        let begin = number(FUJI_PREVIEW)? as usize;
        let end = begin.checked_add(number(FUJI_PREVIEW + 4)? as usize)?;
        return Some(Previews { jpegs: vec![bytes.get(begin..end)?], orientation: None });
    }
    match bytes.get(4..8)? {
        b"ftyp" => canon::previews(bytes),
        _ => directories::previews(bytes),
    }
}

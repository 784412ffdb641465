//! When and where a film was made, as the boxes of MP4 and QuickTime say.

use crate::{tags::Tags, taken::Taken};

/// Seconds from 1904, where these boxes begin to count, to 1970.
const EPOCH: i64 = 2_082_844_800;
/// Boxes looked at on one level: a film has a handful, and tracks.
const BOXES: usize = 256;

/// What the boxes say.
pub(crate) fn read(bytes: &[u8]) -> Option<Tags> {
    let moov = child(bytes, b"moov")?;
    let mut found = Tags::default();
    if let Some(taken) = child(moov, b"mvhd").and_then(created) {
        found.taken(&taken);
    }
    if let Some((latitude, longitude, altitude)) =
        child(moov, b"udta").and_then(|udta| child(udta, b"\xa9xyz")).and_then(place)
    {
        found.place(latitude, longitude, altitude);
    }
    Some(found)
}

/// What is in the first box of a kind.
fn child<'a>(mut within: &'a [u8], kind: &[u8; 4]) -> Option<&'a [u8]> {
    for _ in 0..BOXES {
        let size = u64::from(u32::from_be_bytes(*within.first_chunk()?));
        let (header, size) = match size {
            0 => (8, within.len()),
            1 => (16, usize::try_from(u64::from_be_bytes(*within.get(8..)?.first_chunk()?)).ok()?),
            size => (8, usize::try_from(size).ok()?),
        };
        if size < header {
            return None;
        }
        if within.get(4..8)? == kind {
            return within.get(header..size.min(within.len()));
        }
        within = within.get(size..)?;
    }
    None
}

/// The moment of creation, UTC.
fn created(mvhd: &[u8]) -> Option<Taken> {
    let seconds = match mvhd.first()? {
        1 => i64::try_from(u64::from_be_bytes(*mvhd.get(4..)?.first_chunk()?)).ok()?,
        _ => i64::from(u32::from_be_bytes(*mvhd.get(4..)?.first_chunk()?)),
    };
    // 0 is nothing; what counts from 1970 all the same would be of before 1970.
    Taken::at(seconds.checked_sub(EPOCH)?).filter(|taken| taken.unix > 0)
}

/// ISO 6709 behind two lengths: `+48.8577+002.2950+035.1/`.
fn place(text: &[u8]) -> Option<(f64, f64, Option<f64>)> {
    let text = str::from_utf8(text.get(4..)?).ok()?.trim_end_matches(['/', '\0']);
    let mut numbers = Vec::new();
    let mut rest = text;
    while !rest.is_empty() && numbers.len() < 3 {
        let end = rest.get(1..)?.find(['+', '-']).map_or(rest.len(), |end| end + 1);
        numbers.push(rest.get(..end)?.parse::<f64>().ok()?);
        rest = rest.get(end..)?;
    }
    Some((*numbers.first()?, *numbers.get(1)?, numbers.get(2).copied()))
}

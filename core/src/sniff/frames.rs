//! Sound without a container: frames that follow each other, and the tags that stand before them.

use super::number;

/// How many tags in a row are passed over.
const TAGS: usize = 8;

/// What follows the tags at the head: ID3v2, as most formats have it, and APEv2 where it stands first.
#[must_use]
pub fn behind_tags(bytes: &[u8]) -> &[u8] {
    let mut rest = bytes;
    for _ in 0..TAGS {
        let Some(next) = tag_bytes(rest).and_then(|length| rest.get(length..)) else { return rest };
        rest = next;
    }
    rest
}

/// How long the tag at the head is, one of those that stand before sound.
#[must_use]
pub fn tag_bytes(bytes: &[u8]) -> Option<usize> {
    match bytes {
        // Seven bits of each of four bytes; a footer has ten more.
        [b'I', b'D', b'3', _, _, flags, size @ ..] => {
            let size = size.first_chunk::<4>()?.iter().fold(0, |size, byte| size << 7 | usize::from(byte & 0x7f));
            Some(10 + size + if flags & 0x10 == 0 { 0 } else { 10 })
        }
        [b'A', b'P', b'E', b'T', b'A', b'G', b'E', b'X', ..] => {
            let size = bytes.get(12..16)?.first_chunk()?;
            Some(32 + usize::try_from(u32::from_le_bytes(*size)).ok()?)
        }
        _ => None,
    }
}

/// AAC with a header before each frame, which says how long it is.
pub(super) fn is_adts(bytes: &[u8]) -> bool {
    let begun = behind_tags(bytes);
    // What is behind a tag has to be seen twice: anything may be there.
    let certain = begun.len() == bytes.len();
    adts(begun).is_some_and(|length| certain || begun.get(length..).and_then(adts).is_some())
}

/// How long the frame of AAC at the head is.
#[must_use]
pub fn adts(bytes: &[u8]) -> Option<usize> {
    if !matches!(bytes, [0xff, 0xf0 | 0xf1 | 0xf8 | 0xf9, ..]) {
        return None;
    }
    // A header that is cut off is taken at its first word.
    Some(number(bytes, 3, 3).map_or(0, |bits| (bits >> 5 & 0x1fff) as usize))
}

/// Dolby's AC-3 and E-AC-3.
pub(super) fn is_ac3(bytes: &[u8]) -> bool {
    ac3(bytes).is_some_and(|length| bytes.get(length..).is_none_or(|rest| rest.is_empty() || ac3(rest).is_some()))
}

/// Kilobits a second by their number in the header of AC-3.
const AC3_KILOBITS: [usize; 19] =
    [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640];

/// How long the frame at the head is.
fn ac3(bytes: &[u8]) -> Option<usize> {
    let [0x0b, 0x77, b2, b3, b4, b5, ..] = bytes else { return None };
    // Bit stream numbers beyond ten are those of E-AC-3, which says how long a frame is.
    match b5 >> 3 {
        0..=10 => {
            let kilobits = *AC3_KILOBITS.get(usize::from(b4 & 0x3f) >> 1)?;
            // Bytes of 1536 samples.
            Some(match b4 >> 6 {
                0 => kilobits * 4,
                1 => 2 * (kilobits * 320 / 147 + usize::from(b4 & 1)),
                2 => kilobits * 6,
                _ => return None,
            })
        }
        11..=16 => Some(2 * (1 + (usize::from(b2 & 7) << 8 | usize::from(*b3)))),
        _ => None,
    }
}

/// DTS, in either of its byte orders and widths.
pub(super) fn is_dts(bytes: &[u8]) -> bool {
    const MARKS: [&[u8]; 4] =
        [b"\x7f\xfe\x80\x01", b"\xfe\x7f\x01\x80", b"\x1f\xff\xe8\x00\x07", b"\xff\x1f\x00\xe8\xf1\x07"];
    MARKS.iter().any(|mark| bytes.starts_with(mark))
}

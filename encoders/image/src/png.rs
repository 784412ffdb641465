//! PNG files that lost their end.

use std::borrow::Cow;

/// The last chunk, which holds nothing.
const END: &[u8; 12] = b"\0\0\0\0IEND\xae\x42\x60\x82";

/// Length, name and checksum of a chunk.
const FRAME: usize = 12;

/// The file with its last chunk, where all that it lacks comes after its pixels: a chunk of metadata that is cut, or
/// the last one. A cut through the pixels stays what it is, for the decoder to refuse.
pub fn ended(bytes: &[u8]) -> Cow<'_, [u8]> {
    let mut place = 8;
    let mut has_pixels = false;
    while let Some((length, name)) = head(bytes, place) {
        let Some(end) = place.checked_add(FRAME + length).filter(|end| *end <= bytes.len()) else {
            // Animations keep the pixels of later frames in chunks of another name.
            if name == *b"IDAT" {
                return Cow::Borrowed(bytes);
            }
            break;
        };
        if name == *b"IEND" {
            return Cow::Borrowed(bytes);
        }
        has_pixels |= name == *b"IDAT";
        place = end;
    }
    match bytes.get(..place) {
        Some(whole) if has_pixels => Cow::Owned([whole, END].concat()),
        _ => Cow::Borrowed(bytes),
    }
}

/// Length and name of the chunk at a place.
fn head(bytes: &[u8], place: usize) -> Option<(usize, [u8; 4])> {
    let head = bytes.get(place..place.checked_add(8)?)?;
    let (length, name) = head.split_first_chunk::<4>()?;
    Some((u32::from_be_bytes(*length) as usize, *name.first_chunk::<4>()?))
}

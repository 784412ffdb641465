//! Ogg: each stream begins with a page that is marked as its first, and all of these come before any other (RFC 3533).

use super::{Budget, Inside};

/// How the first packets of streams of pictures begin.
const PICTURES: &[&[u8]] = &[b"\x80theora", b"BBCD\0", b"OVP80", b"\x80daala", b"\x01video\0\0\0", b"YUV4MPEG"];

/// The mark of a stream's first page.
const FIRST: u8 = 2;

/// What such a file holds, or nothing if it is none.
pub(super) fn inside(bytes: &[u8], budget: &Budget) -> Option<Inside> {
    if !bytes.starts_with(b"OggS") {
        return None;
    }
    let mut rest = bytes;
    while budget.spend().is_some()
        && let Some((packet, next)) = first_page(rest)
    {
        if PICTURES.iter().any(|begin| packet.starts_with(begin)) {
            return Some(Inside::OggPictures);
        }
        rest = next;
    }
    Some(Inside::OggSound)
}

/// The content of the page at the head, if it is some stream's first, and what follows it.
fn first_page(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (header, rest) = bytes.split_at_checked(27)?;
    if !header.starts_with(b"OggS") || header.get(5)? & FIRST == 0 {
        return None;
    }
    let (lengths, rest) = rest.split_at_checked(usize::from(*header.get(26)?))?;
    let length = lengths.iter().map(|length| usize::from(*length)).sum::<usize>();
    Some(rest.split_at(length.min(rest.len())))
}

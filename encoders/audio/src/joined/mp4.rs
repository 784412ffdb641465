//! MP4: files that follow each other. Each begins with its brands and has a table of its own.

use onespace_core::limits;

use super::{Part, marks::cut};

/// The files. What has no table or no media of its own belongs to the file before it: brands alone are no joint.
pub fn parts(bytes: &[u8]) -> Vec<Part<'_>> {
    let mut starts = vec![0];
    let (mut at, mut table, mut media) = (0, false, false);
    let mut candidate = None;
    while let Some((name, length)) = bytes.get(at..).and_then(head).filter(|_| starts.len() <= limits::AUDIO_PARTS) {
        if name == *b"ftyp" && table && media {
            (candidate, table, media) = (Some(at), false, false);
        }
        table |= name == *b"moov";
        media |= name == *b"mdat";
        starts.extend(candidate.take_if(|_| table && media));
        at = at.saturating_add(length);
    }
    cut(bytes, &starts)
}

/// The name of the box at the head, and how long it is.
fn head(bytes: &[u8]) -> Option<([u8; 4], usize)> {
    let (size, rest) = bytes.split_first_chunk::<4>()?;
    let (name, rest) = rest.split_first_chunk::<4>()?;
    let length = match u32::from_be_bytes(*size) {
        0 => bytes.len(),
        1 => usize::try_from(u64::from_be_bytes(*rest.first_chunk()?)).ok()?,
        size => size as usize,
    };
    (length >= 8).then_some((*name, length))
}

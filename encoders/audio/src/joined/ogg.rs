//! Ogg: streams that follow each other. Each begins with pages that are marked as first ones (RFC 3533, chaining).

use super::{Part, is_full};

const MARK: &[u8] = b"OggS";
/// The bit of a page's flags that says that a stream begins.
const FIRST: u8 = 2;
/// Bytes of a page before the lengths of its packets.
const HEADER_BYTES: usize = 27;

/// The streams, each with all pages until the next begins.
pub fn parts(bytes: &[u8]) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let (mut start, mut at, mut begun) = (0, 0, false);
    while let Some((first, length)) = bytes.get(at..).and_then(page) {
        if first && begun {
            parts.extend(bytes.get(start..at).map(Part::plain));
            if is_full(&parts) {
                return parts;
            }
            start = at;
        }
        begun = !first;
        at += length;
        // Rubbish between pages is passed over.
        let rest = bytes.get(at..).unwrap_or_default();
        at += if rest.starts_with(MARK) { 0 } else { find(rest, MARK).unwrap_or(rest.len()) };
    }
    parts.extend(bytes.get(start..).map(Part::plain));
    parts
}

/// Whether the page at the head is some stream's first, and how long it is.
fn page(bytes: &[u8]) -> Option<(bool, usize)> {
    let header = bytes.get(..HEADER_BYTES).filter(|header| header.starts_with(MARK))?;
    let count = usize::from(*header.get(26)?);
    let lengths = bytes.get(HEADER_BYTES..HEADER_BYTES + count)?;
    let content = lengths.iter().map(|length| usize::from(*length)).sum::<usize>();
    Some((header.get(5)? & FIRST != 0, HEADER_BYTES + count + content))
}

/// Where a mark begins for the first time.
pub fn find(bytes: &[u8], mark: &[u8]) -> Option<usize> {
    let first = *mark.first()?;
    let mut at = 0;
    loop {
        at += bytes.get(at..)?.iter().position(|byte| *byte == first)?;
        if bytes.get(at..)?.starts_with(mark) {
            return Some(at);
        }
        at += 1;
    }
}

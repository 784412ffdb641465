//! STL, binary and text: triangles, each with corners of its own.

use onespace_core::{Error, Patience, Result};

use super::{
    parsed::Parsed,
    words::{lines, place},
};
use crate::source::Vertex;

/// Where the triangles of the binary kind begin: behind 80 bytes of anything and their number.
const HEAD: usize = 84;

/// Bytes of a triangle: a normal, three corners, two bytes of anything.
const TRIANGLE: usize = 50;

/// Its length is what the number of triangles says.
fn is_binary(bytes: &[u8]) -> bool {
    let count = bytes.get(80..HEAD).and_then(<[u8]>::first_chunk::<4>).map(|count| u32::from_le_bytes(*count) as usize);
    count.is_some_and(|count| count > 0 && count.checked_mul(TRIANGLE) == bytes.len().checked_sub(HEAD))
}

/// Reads either kind.
///
/// # Errors
/// `MEDIA_MALFORMED`, `MEDIA_EMPTY`, `MEDIA_TOO_LARGE`; what `patience` says when it is over.
pub fn read(bytes: &[u8], patience: &Patience) -> Result<Parsed> {
    // Many programs begin the binary kind with "solid" too.
    let parsed = if is_binary(bytes) { read_binary(bytes, patience)? } else { read_text(bytes, patience)? };
    parsed.checked()
}

fn read_binary(bytes: &[u8], patience: &Patience) -> Result<Parsed> {
    let mut parsed = Parsed::default();
    for triangle in bytes.get(HEAD..).unwrap_or_default().chunks_exact(TRIANGLE) {
        let corners = triangle.get(12..48).unwrap_or_default();
        for corner in corners.as_chunks::<4>().0.as_chunks::<3>().0 {
            parsed.vertex(Vertex::at(corner.map(|value| f64::from(f32::from_le_bytes(value)))), patience)?;
        }
        face(&mut parsed, patience)?;
    }
    Ok(parsed)
}

/// The last three vertices.
fn face(parsed: &mut Parsed, patience: &Patience) -> Result<()> {
    let end = parsed.count() as u32;
    parsed.polygon(&[end.saturating_sub(3), end.saturating_sub(2), end.saturating_sub(1)], patience)
}

fn read_text(bytes: &[u8], patience: &Patience) -> Result<Parsed> {
    let mut parsed = Parsed::default();
    let broken = |line: usize, what: &str| Error::malformed("bytes", format!("line {line} of the STL {what}"));
    let mut last = 0;
    for (number, line) in lines(bytes, 0) {
        last = number;
        let mut words = line.split_ascii_whitespace();
        match words.next() {
            Some("vertex") => {
                let place = place(&mut words).ok_or_else(|| broken(number, "has a vertex without three numbers"))?;
                parsed.vertex(Vertex::at(place), patience)?;
            }
            Some("endloop") if !parsed.count().is_multiple_of(3) => {
                return Err(broken(number, "ends a face that is no triangle"));
            }
            Some("endloop") if parsed.count() > 0 => face(&mut parsed, patience)?,
            _ => {}
        }
    }
    if !parsed.count().is_multiple_of(3) {
        return Err(broken(last, "ends within a triangle"));
    }
    Ok(parsed)
}

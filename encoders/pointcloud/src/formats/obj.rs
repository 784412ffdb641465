//! Wavefront OBJ: vertices, with colours where a program wrote them behind, and polygons.

use onespace_core::{Error, Patience, Result, limits};

use super::{
    parsed::Parsed,
    words::{coordinate, lines},
};
use crate::source::Vertex;

/// Reads a file.
///
/// # Errors
/// `MEDIA_MALFORMED`, `MEDIA_EMPTY`, `MEDIA_TOO_LARGE`; `MEDIA_UNSUPPORTED` for lines that go on in the next; what
/// `patience` says when it is over.
pub fn read(bytes: &[u8], patience: &Patience) -> Result<Parsed> {
    let broken = |line: usize, what: &str| Error::malformed("bytes", format!("line {line} of the OBJ {what}"));
    let mut parsed = Parsed::default();
    let mut corners = Vec::new();
    for (number, line) in lines(bytes, b'#') {
        if line.ends_with('\\') {
            let message = format!("line {number} of the OBJ goes on in the next, which is not read here");
            return Err(Error::unsupported("bytes", message));
        }
        let mut words = line.split_ascii_whitespace();
        match words.next() {
            Some("v") => {
                let vertex = vertex(words).ok_or_else(|| broken(number, "has a vertex without three numbers"))?;
                parsed.vertex(vertex, patience)?;
            }
            Some("f") => {
                corners.clear();
                // One more than may be is refused with what there is.
                for word in words.take(limits::PLY_LIST + 1) {
                    let corner = corner(word, parsed.count());
                    corners.push(corner.ok_or_else(|| broken(number, "has a face of what is no vertex"))?);
                }
                parsed.polygon(&corners, patience)?;
            }
            _ => {}
        }
    }
    parsed.checked()
}

/// Three coordinates; what follows are a colour, or a weight, or both.
fn vertex<'a>(words: impl Iterator<Item = &'a str>) -> Option<Vertex> {
    let numbers: Vec<f64> = words.take(8).map(coordinate).collect::<Option<_>>()?;
    let (place, others) = numbers.split_first_chunk::<3>()?;
    let colour = match others {
        [red, green, blue] | [_, red, green, blue] => [red, green, blue].map(|value| *value as f32),
        _ => [f32::NAN; 3],
    };
    Some(Vertex { place: *place, colour })
}

/// The vertex that a corner names first, counted from 1, or backwards from the last so far.
fn corner(word: &str, count: usize) -> Option<u32> {
    let number: i64 = word.split('/').next()?.parse().ok()?;
    let place = if number < 0 { count as i64 + number } else { number - 1 };
    u32::try_from(place).ok()
}

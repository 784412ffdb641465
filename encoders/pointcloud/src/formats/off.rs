//! OFF: counts, vertices, polygons, a line each.

use onespace_core::{Error, Patience, Result, limits};

use super::{
    parsed::Parsed,
    words::{coordinate, lines, place},
};
use crate::source::Vertex;

/// Reads a file.
///
/// # Errors
/// `MEDIA_MALFORMED`, `MEDIA_EMPTY`, `MEDIA_TOO_LARGE`; `MEDIA_UNSUPPORTED` for kinds other than OFF and COFF; what
/// `patience` says when it is over.
pub fn read(bytes: &[u8], patience: &Patience) -> Result<Parsed> {
    let broken = |line: usize, what: &str| Error::malformed("bytes", format!("line {line} of the OFF {what}"));
    let mut lines = lines(bytes, b'#');
    let first = lines.next().map_or("", |(_, line)| line);
    let name = first.find("OFF").unwrap_or_default();
    let has_colour = match first.get(..name) {
        Some("") => false,
        Some("C") => true,
        _ => return Err(Error::unsupported("bytes", format!("{first} is not read here: save it as OFF or PLY"))),
    };
    let behind = first.get(name + 3..).unwrap_or_default().trim();
    if behind.starts_with("BINARY") {
        return Err(Error::unsupported("bytes", "binary OFF is not read here: save it as text or as PLY"));
    }
    let (line, counts) = if behind.is_empty() { lines.next().unwrap_or_default() } else { (1, behind) };
    let mut counts = counts.split_ascii_whitespace().map(str::parse::<usize>);
    let (Some(Ok(vertices)), Some(Ok(faces))) = (counts.next(), counts.next()) else {
        return Err(broken(line, "does not say how many vertices and faces there are"));
    };
    let mut parsed = Parsed::default();
    for _ in 0..vertices {
        let (line, text) = lines.next().ok_or_else(|| broken(line, "announces more vertices than there are"))?;
        let mut words = text.split_ascii_whitespace();
        let place = place(&mut words).ok_or_else(|| broken(line, "is no vertex"))?;
        let colour: Vec<f32> = words.take(3).filter_map(coordinate).map(|value| value as f32).collect();
        let colour = colour.first_chunk::<3>().filter(|_| has_colour).copied().unwrap_or([f32::NAN; 3]);
        parsed.vertex(Vertex { place, colour }, patience)?;
    }
    let mut corners = Vec::new();
    for _ in 0..faces {
        let (line, text) = lines.next().ok_or_else(|| broken(line, "announces more faces than there are"))?;
        let mut words = text.split_ascii_whitespace();
        let count: Option<usize> = words.next().and_then(|word| word.parse().ok());
        let count = count.ok_or_else(|| broken(line, "is no face"))?;
        if count > limits::PLY_LIST {
            return Err(Error::too_large("bytes", "the corners of a face", count, limits::PLY_LIST));
        }
        corners.clear();
        corners.extend(words.take(count).map_while(|word| word.parse::<u32>().ok()));
        if corners.len() < count {
            return Err(broken(line, "is no face"));
        }
        parsed.polygon(&corners, patience)?;
    }
    parsed.checked()
}

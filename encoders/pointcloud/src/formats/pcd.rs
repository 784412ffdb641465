//! PCD, the format of the Point Cloud Library: a header of lines, then points in text or binary.

use onespace_core::{Error, Patience, Result, limits};

use super::{parsed::Parsed, words::coordinate};
use crate::source::Vertex;

/// What is looked at for the end of the header.
const HEAD: usize = 64 * 1024;

/// Values of a point.
const MOST_FIELDS: usize = limits::PLY_PROPERTIES;

/// A value of a point.
#[derive(Clone, Debug)]
struct Field {
    name: String,
    size: usize,
    kind: char,
    count: usize,
}

/// The header.
#[derive(Debug)]
struct Head<'a> {
    fields: Vec<Field>,
    points: usize,
    data: &'a str,
    payload: &'a [u8],
}

/// Reads a file.
///
/// # Errors
/// `MEDIA_MALFORMED`, `MEDIA_EMPTY`, `MEDIA_TOO_LARGE`; `MEDIA_UNSUPPORTED` for what is compressed; what `patience`
/// says when it is over.
pub fn read(bytes: &[u8], patience: &Patience) -> Result<Parsed> {
    let head = header(bytes)?;
    if let Some(axis) = ["x", "y", "z"].into_iter().find(|axis| !head.fields.iter().any(|field| field.name == *axis)) {
        return Err(broken(&format!("has no field \"{axis}\"")));
    }
    let mut parsed = Parsed::default();
    match head.data {
        "ascii" => {
            for line in head.payload.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()) {
                let line = std::str::from_utf8(line).map_err(|_| broken("has a line that is no text"))?;
                let vertex = in_text(line, &head.fields).ok_or_else(|| broken("has a point that is none"))?;
                parsed.vertex(vertex, patience)?;
            }
        }
        "binary" => {
            let stride: usize = head.fields.iter().map(|field| field.size * field.count).sum();
            for point in head.payload.chunks_exact(stride.max(1)).take(head.points) {
                let vertex = in_binary(point, &head.fields).ok_or_else(|| broken("has fields of no known type"))?;
                parsed.vertex(vertex, patience)?;
            }
        }
        other => {
            let message = format!("PCD whose data are \"{other}\" is not read here: save it as \"binary\" or as PLY");
            return Err(Error::unsupported("bytes", message));
        }
    }
    if parsed.count() < head.points {
        return Err(broken(&format!("announces {} points, there are {}", head.points, parsed.count())));
    }
    parsed.checked()
}

fn broken(what: &str) -> Error {
    Error::malformed("bytes", format!("the PCD {what}"))
}

fn header(bytes: &[u8]) -> Result<Head<'_>> {
    let (mut names, mut sizes, mut kinds, mut counts) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut points = 0;
    let mut rest = bytes;
    while bytes.len() - rest.len() < HEAD {
        let end = rest
            .get(..HEAD)
            .unwrap_or(rest)
            .iter()
            .position(|byte| *byte == b'\n')
            .ok_or_else(|| broken("has no end of its header"))?;
        let (line, after) = rest.split_at(end + 1);
        rest = after;
        let line = std::str::from_utf8(line).map_err(|_| broken("has a header that is no text"))?;
        let mut words = line.split_ascii_whitespace();
        match words.next() {
            Some("FIELDS") => names = words.take(MOST_FIELDS + 1).collect(),
            Some("SIZE") => sizes = words.take(MOST_FIELDS).filter_map(|word| word.parse::<usize>().ok()).collect(),
            Some("TYPE") => kinds = words.take(MOST_FIELDS).filter_map(|word| word.chars().next()).collect(),
            Some("COUNT") => counts = words.take(MOST_FIELDS).filter_map(|word| word.parse::<usize>().ok()).collect(),
            Some("POINTS") => points = words.next().and_then(|word| word.parse().ok()).unwrap_or_default(),
            Some("DATA") => {
                let fields = fields(&names, &sizes, &kinds, &counts)?;
                return Ok(Head { fields, points, data: words.next().unwrap_or_default(), payload: rest });
            }
            _ => {}
        }
    }
    Err(broken("has no end of its header"))
}

fn fields(names: &[&str], sizes: &[usize], kinds: &[char], counts: &[usize]) -> Result<Vec<Field>> {
    if names.len() > MOST_FIELDS {
        return Err(Error::too_large("bytes", "the number of fields", "more", MOST_FIELDS));
    }
    let counts = counts.iter().copied().chain(std::iter::repeat(1));
    let fields: Vec<Field> = names
        .iter()
        .zip(sizes)
        .zip(kinds)
        .zip(counts)
        .map(|(((name, size), kind), count)| Field { name: (*name).to_owned(), size: *size, kind: *kind, count })
        .collect();
    let sound = |field: &Field| matches!(field.size, 1 | 2 | 4 | 8) && (1..=HEAD).contains(&field.count);
    if fields.len() != names.len() || !fields.iter().all(sound) {
        return Err(broken("has a header whose fields do not agree"));
    }
    Ok(fields)
}

fn in_text(line: &str, fields: &[Field]) -> Option<Vertex> {
    let mut vertex = Vertex::at([0.0; 3]);
    let mut words = line.split_ascii_whitespace();
    for field in fields {
        let word = words.next()?;
        words.by_ref().take(field.count - 1).for_each(drop);
        // Colours are the bits of one number; with an opacity in the highest, an integer of both signs is negative.
        let bits = match field.kind {
            'F' => word.parse::<f32>().map(f32::to_bits).ok(),
            _ => word.parse::<i64>().map(|bits| bits as u32).ok(),
        };
        set(&mut vertex, &field.name, || coordinate(word), bits)?;
    }
    Some(vertex)
}

fn in_binary(point: &[u8], fields: &[Field]) -> Option<Vertex> {
    let mut vertex = Vertex::at([0.0; 3]);
    let mut rest = point;
    for field in fields {
        let (value, after) = rest.split_at_checked(field.size * field.count)?;
        rest = after;
        let number = || match (field.kind, value) {
            ('F', [a, b, c, d]) => Some(f64::from(f32::from_le_bytes([*a, *b, *c, *d]))),
            ('F', bytes) => bytes.as_array::<8>().map(|bytes| f64::from_le_bytes(*bytes)),
            ('I', [a]) => Some(f64::from(i8::from_le_bytes([*a]))),
            ('I', [a, b]) => Some(f64::from(i16::from_le_bytes([*a, *b]))),
            ('I', [a, b, c, d]) => Some(f64::from(i32::from_le_bytes([*a, *b, *c, *d]))),
            ('U', bytes) if bytes.len() <= 4 => {
                Some(f64::from(bytes.iter().rev().fold(0_u32, |number, byte| (number << 8) | u32::from(*byte))))
            }
            _ => None,
        };
        set(&mut vertex, &field.name, number, value.as_array::<4>().map(|bits| u32::from_le_bytes(*bits)))?;
    }
    Some(vertex)
}

/// Sets what is looked at; none where it cannot be told.
fn set(vertex: &mut Vertex, name: &str, number: impl Fn() -> Option<f64>, bits: Option<u32>) -> Option<()> {
    let [x, y, z] = &mut vertex.place;
    match name {
        "x" => *x = number()?,
        "y" => *y = number()?,
        "z" => *z = number()?,
        "rgb" | "rgba" => {
            let [_, red, green, blue] = bits?.to_be_bytes();
            vertex.colour = [red, green, blue].map(|value| (f64::from(value) / 255.0) as f32);
        }
        _ => {}
    }
    Some(())
}

//! Lists of points as text: a point a line, its numbers between white space, commas or semicolons. A line of names may
//! come first (`x,y,z,red,green,blue`), or one with the number of points (PTS).
//!
//! Without names the first three numbers are the place. The colour is the first three others that could be one: whole
//! numbers up to 255, or parts of 1 that are no normal. Whatever else there is, an intensity or a normal, is left out.

use onespace_core::{Error, Patience, Result, sniff::points};

use super::parsed::Parsed;
use crate::source::Vertex;

/// Lines that are looked at to find out which numbers are colours.
pub const PROBED: usize = 1024;

/// How far the length of a normal may be from 1.
const NORMAL: f64 = 0.02;

/// What each number of a line is.
#[derive(Clone, Debug)]
pub struct Columns {
    place: [usize; 3],
    colour: Option<[usize; 3]>,
    /// The value of a colour's brightest.
    full: f32,
}

/// Reads a file.
///
/// # Errors
/// `MEDIA_MALFORMED`, `MEDIA_EMPTY`, `MEDIA_TOO_LARGE`; what `patience` says when it is over.
pub fn read(bytes: &[u8], patience: &Patience) -> Result<Parsed> {
    let mut lines = points::lines(bytes).peekable();
    let named = lines.peek().and_then(|(_, line)| points::names(line));
    let is_count = lines.peek().is_some_and(|(_, line)| line.parse::<u64>().is_ok());
    if named.is_some() || is_count {
        lines.next();
    }
    let columns = Columns::find(named.as_deref(), lines.clone().map(|(_, line)| line))?;
    let mut parsed = Parsed::default();
    let mut numbers = Vec::new();
    for (number, line) in lines {
        numbers.clear();
        numbers.extend(points::numbers(line).take(points::MOST_COLUMNS));
        let vertex = columns.vertex(&numbers);
        let vertex = vertex.ok_or_else(|| Error::malformed("bytes", format!("line {number} is no point")))?;
        parsed.vertex(vertex, patience)?;
    }
    parsed.checked()
}

impl Columns {
    fn find<'l>(names: Option<&[String]>, lines: impl Iterator<Item = &'l str>) -> Result<Self> {
        let rows = lines.take(PROBED).map(|line| points::numbers(line).take(points::MOST_COLUMNS).collect::<Vec<_>>());
        let rows: Vec<Vec<Option<f64>>> = rows.collect();
        if let Some(names) = names {
            let at = |name: &[&str; 3]| {
                let place = |name: &str| names.iter().position(|found| found == name);
                let [a, b, c] = name.map(place);
                a.zip(b).zip(c).map(|((a, b), c)| [a, b, c])
            };
            let colour = [["red", "green", "blue"], ["r", "g", "b"]].iter().find_map(at);
            let place = at(&["x", "y", "z"]).ok_or_else(|| Error::malformed("bytes", "its columns are not x, y, z"))?;
            let full = colour.map_or(1.0, |colour| if is_bytes(&rows, colour) { 255.0 } else { 1.0 });
            return Ok(Self { place, colour, full });
        }
        Ok(Self::unnamed(&rows))
    }

    /// Those of rows that nothing is said of.
    pub fn unnamed(rows: &[Vec<Option<f64>>]) -> Self {
        let width = rows.iter().map(Vec::len).min().unwrap_or_default();
        let triples = (3..width.saturating_sub(2)).map(|first| [first, first + 1, first + 2]);
        let bytes = triples.clone().find(|triple| is_bytes(rows, *triple)).map(|triple| (triple, 255.0));
        let colour =
            bytes.or_else(|| triples.clone().find(|triple| is_parts(rows, *triple)).map(|triple| (triple, 1.0)));
        let (colour, full) = colour.map_or((None, 1.0), |(triple, full)| (Some(triple), full));
        Self { place: [0, 1, 2], colour, full }
    }

    /// The point of a row.
    pub fn vertex(&self, numbers: &[Option<f64>]) -> Option<Vertex> {
        let at = |columns: [usize; 3]| {
            let [a, b, c] = columns.map(|column| numbers.get(column).copied().flatten());
            Some([a?, b?, c?])
        };
        let colour =
            self.colour.and_then(at).map_or([f32::NAN; 3], |colour| colour.map(|value| value as f32 / self.full));
        Some(Vertex { place: at(self.place)?, colour })
    }
}

/// Three numbers of a row.
fn triple(row: &[Option<f64>], columns: [usize; 3]) -> Option<[f64; 3]> {
    let [a, b, c] = columns.map(|column| row.get(column).copied().flatten());
    Some([a?, b?, c?])
}

/// Whether all are whole numbers up to 255, and some more than 1.
fn is_bytes(rows: &[Vec<Option<f64>>], columns: [usize; 3]) -> bool {
    let is_byte = |value: &f64| value.fract() == 0.0 && (0.0..=255.0).contains(value);
    let mut values = rows.iter().filter_map(|row| triple(row, columns)).flatten();
    let all = rows.iter().all(|row| triple(row, columns).is_some_and(|values| values.iter().all(is_byte)));
    all && values.any(|value| value > 1.0)
}

/// Whether all are parts of 1, and not mostly of length 1 as normals are.
fn is_parts(rows: &[Vec<Option<f64>>], columns: [usize; 3]) -> bool {
    let is_part = |value: &f64| (0.0..=1.0).contains(value);
    let is_normal = |[x, y, z]: [f64; 3]| ((x * x + y * y + z * z).sqrt() - 1.0).abs() < NORMAL;
    let all = rows.iter().all(|row| triple(row, columns).is_some_and(|values| values.iter().all(is_part)));
    let normals = rows.iter().filter_map(|row| triple(row, columns)).filter(|values| is_normal(*values)).count();
    all && normals * 2 < rows.len()
}

//! An entry of a text PLY file, from its line.
//!
//! What nobody reads is not looked at: a value that is no number, or none at all, refuses a line only where it is read
//! or hides where the read ones are.

use onespace_core::limits;
use ply_rs_bw::ply::{ElementDef, PropertyType, ScalarType};

use super::words::{coordinate, single};

/// What a line is read into.
pub trait Entry: Sized {
    /// One that nothing is known of.
    fn empty() -> Self;

    /// Whether a property is read.
    fn reads(name: &str) -> bool;

    /// Takes a number; `full` is the value of a colour's brightest.
    fn set_number(&mut self, name: &str, value: f64, full: f64);

    /// Takes the numbers of vertices; one that is no vertex's is the largest.
    fn set_corners(&mut self, corners: Vec<u32>);

    /// How long a list that is read may be.
    fn longest_list() -> usize {
        limits::PLY_LIST
    }
}

/// Why a line cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub enum Broken {
    /// A list is longer than it may be.
    LongList,
    /// Anything else.
    Cause(String),
}

/// The value of a colour's brightest: an integer runs to its type's largest value, save that wide integers hold bytes;
/// floats run to 1.
pub const fn full(kind: &ScalarType) -> f64 {
    match kind {
        ScalarType::Char => 127.0,
        ScalarType::UShort => 65_535.0,
        ScalarType::UChar | ScalarType::Short | ScalarType::Int | ScalarType::UInt => 255.0,
        ScalarType::Float | ScalarType::Double => 1.0,
    }
}

/// Reads a line.
///
/// # Errors
/// [`Broken`].
pub fn read<E: Entry>(line: &str, element: &ElementDef) -> Result<E, Broken> {
    let mut entry = E::empty();
    let mut words = line.split_ascii_whitespace();
    let mut unread = element.properties.iter().filter(|(name, property)| reads::<E>(name, &property.data_type)).count();
    for (name, property) in &element.properties {
        if unread == 0 {
            break;
        }
        let word = words.next().ok_or_else(|| Broken::Cause(format!("it ends before \"{name}\"")))?;
        let is_read = reads::<E>(name, &property.data_type);
        unread -= usize::from(is_read);
        match &property.data_type {
            PropertyType::Scalar(kind) if is_read => {
                let value = number(word, kind).ok_or_else(|| not_of_type(name, word, kind))?;
                entry.set_number(name, value, full(kind));
            }
            PropertyType::Scalar(_) => {}
            PropertyType::List(_, kind) => {
                let count = word.parse().map_err(|_| not_of_type(name, word, kind))?;
                if !is_read {
                    words.by_ref().take(count).for_each(drop);
                    continue;
                }
                if count > E::longest_list() {
                    return Err(Broken::LongList);
                }
                entry.set_corners(corners(&mut words, count, name, kind)?);
            }
        }
    }
    Ok(entry)
}

/// Whether a property is read: corners are integers.
fn reads<E: Entry>(name: &str, kind: &PropertyType) -> bool {
    let corners = !matches!(kind, PropertyType::List(_, ScalarType::Float | ScalarType::Double));
    E::reads(name) && corners
}

fn corners<'a>(
    words: &mut impl Iterator<Item = &'a str>,
    count: usize,
    name: &str,
    kind: &ScalarType,
) -> Result<Vec<u32>, Broken> {
    let mut corners = Vec::new();
    for _ in 0..count {
        let word = words.next().ok_or_else(|| Broken::Cause(format!("it ends within \"{name}\"")))?;
        let value = number(word, kind).ok_or_else(|| not_of_type(name, word, kind))?;
        corners.push(if value < 0.0 { u32::MAX } else { value as u32 });
    }
    Ok(corners)
}

fn not_of_type(name: &str, word: &str, kind: &ScalarType) -> Broken {
    let word: String = word.chars().take(20).collect();
    Broken::Cause(format!("\"{name}\" is \"{word}\", which is no {kind:?}"))
}

/// A number of a type. Integers may be written with a point, if nothing else than zero stands behind it.
fn number(word: &str, kind: &ScalarType) -> Option<f64> {
    let range = match kind {
        ScalarType::Float => return single(word),
        ScalarType::Double => return coordinate(word),
        ScalarType::Char => -128.0..=127.0,
        ScalarType::UChar => 0.0..=255.0,
        ScalarType::Short => -32_768.0..=32_767.0,
        ScalarType::UShort => 0.0..=65_535.0,
        ScalarType::Int => f64::from(i32::MIN)..=f64::from(i32::MAX),
        ScalarType::UInt => 0.0..=f64::from(u32::MAX),
    };
    word.parse().ok().filter(|value: &f64| value.fract() == 0.0 && range.contains(value))
}

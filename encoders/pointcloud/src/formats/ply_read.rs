//! The entries of a PLY file, one at a time: nothing is kept that the caller does not keep.

use std::io::ErrorKind;

use onespace_core::{Error, Patience, Reason, Result, limits};
use ply_rs_bw::{
    parser::{ParseError, Parser},
    ply::{BeginList, ElementDef, PropertyAccess, PropertyAccessResult, ScalarType},
};

use super::{
    ply_header::{Encoding, Header, Lines},
    ply_text::{self, Broken, Entry, full},
};
use crate::source::Vertex;

/// Entries that are read between two looks at the clock: a millisecond's.
const UNSEEN: usize = 4096;

/// Reads elements in file order.
struct Reader<'a> {
    encoding: Encoding,
    lines: Lines<'a>,
    patience: &'a Patience,
}

/// Reads every entry of the element `name` and gives each to `take`; without such an element, there is none.
///
/// # Errors
/// `MEDIA_MALFORMED` naming the entry that cannot be read, what `take` answers, or what `patience` says when it is
/// over.
pub fn each<E: PropertyAccess + Entry>(
    header: &Header<'_>,
    name: &str,
    patience: &Patience,
    take: impl FnMut(usize, E) -> Result<()>,
) -> Result<()> {
    let Some(place) = header.elements.iter().position(|element| element.name == name) else { return Ok(()) };
    let lines = Lines { rest: header.payload, line_end: header.line_end };
    let mut reader = Reader { encoding: header.encoding, lines, patience };
    for before in header.elements.iter().take(place) {
        reader.each(before, |_, _: Skipped| Ok(()))?;
    }
    header.elements.get(place).map_or(Ok(()), |element| reader.each(element, take))
}

impl<'a> Reader<'a> {
    fn each<E: PropertyAccess + Entry>(
        &mut self,
        element: &ElementDef,
        mut take: impl FnMut(usize, E) -> Result<()>,
    ) -> Result<()> {
        let parser = Parser::<E>::new();
        for index in 0..element.count {
            self.patience.check_every(UNSEEN, index, "while the points were read")?;
            let entry = match self.encoding {
                Encoding::Ascii => {
                    let entry = ply_text::read(self.line(element, index, E::longest_list())?, element);
                    take(index, entry.map_err(|broken| unreadable::<E>(element, index, broken))?)?;
                    continue;
                }
                Encoding::LittleEndian => parser.read_little_endian_element(&mut self.lines.rest, element),
                Encoding::BigEndian => parser.read_big_endian_element(&mut self.lines.rest, element),
            };
            take(index, entry.map_err(|error| unreadable::<E>(element, index, of_parser(&error)))?)?;
        }
        Ok(())
    }

    /// The next line that is not blank; it may hold one list of so many entries.
    fn line(&mut self, element: &ElementDef, index: usize, longest_list: usize) -> Result<&'a str> {
        let name = &element.name;
        let line = self.lines.find(|line| !line.trim_ascii().is_empty());
        let line = line.ok_or_else(|| Error::malformed("bytes", format!("the file ends before {name} {index}")))?;
        let limit = limits::PLY_LINE_BYTES.max(16 * longest_list);
        if line.len() > limit {
            let found = format!("{} bytes long", line.len());
            return Err(Error::too_large("bytes", &format!("the line of {name} {index}"), found, limit));
        }
        std::str::from_utf8(line.trim_ascii())
            .map_err(|_| Error::malformed("bytes", format!("the line of {name} {index} is no text")))
    }
}

/// The parser's word on an entry: its first line, for the rest repeats the input.
fn of_parser(error: &ParseError) -> Broken {
    if error.kind() == ErrorKind::InvalidData {
        return Broken::LongList;
    }
    Broken::Cause(error.to_string().lines().next().unwrap_or_default().to_owned())
}

fn unreadable<E: Entry>(element: &ElementDef, index: usize, broken: Broken) -> Error {
    let name = &element.name;
    match broken {
        Broken::LongList => {
            let limit = E::longest_list();
            Error::new(Reason::MediaTooLarge, "bytes", format!("{name} {index} has a list of more than {limit}"))
        }
        Broken::Cause(cause) => Error::malformed("bytes", format!("{name} {index} cannot be read: {cause}")),
    }
}

/// Refuses a list longer than may be; others are read into a list of their own.
macro_rules! bounded_lists {
    ($($begin:ident: $type:ty),+) => {
        $(fn $begin(&mut self, _name: &str, len: usize) -> BeginList<'_, $type> {
            if len > Self::longest_list() { BeginList::UnsupportedType } else { BeginList::UseSetter }
        })+
    };
    () => {
        bounded_lists! {
            begin_list_char: i8, begin_list_uchar: u8, begin_list_short: i16, begin_list_ushort: u16,
            begin_list_int: i32, begin_list_uint: u32, begin_list_float: f32, begin_list_double: f64
        }
    };
}

/// A vertex as a file has it.
#[derive(Clone, Copy, Debug)]
pub struct PlyVertex(pub Vertex);

/// Of a Gaussian splat's colour, the part that is the same from all sides: the first spherical harmonic,
/// 1 / (2 · √π).
const HARMONIC: f64 = 0.282_094_791_773_878_14;

/// A colour, or the harmonic of one.
enum Channel {
    Colour(usize),
    Harmonic(usize),
}

/// Colours are named in many ways.
fn channel(name: &str) -> Option<Channel> {
    Some(match name {
        "red" | "r" | "diffuse_red" => Channel::Colour(0),
        "green" | "g" | "diffuse_green" => Channel::Colour(1),
        "blue" | "b" | "diffuse_blue" => Channel::Colour(2),
        "f_dc_0" => Channel::Harmonic(0),
        "f_dc_1" => Channel::Harmonic(1),
        "f_dc_2" => Channel::Harmonic(2),
        _ => return None,
    })
}

impl Entry for PlyVertex {
    fn empty() -> Self {
        Self(Vertex::at([0.0; 3]))
    }

    fn reads(name: &str) -> bool {
        matches!(name, "x" | "y" | "z") || channel(name).is_some()
    }

    fn set_number(&mut self, name: &str, value: f64, full: f64) {
        let [x, y, z] = &mut self.0.place;
        match name {
            "x" => *x = value,
            "y" => *y = value,
            "z" => *z = value,
            _ => {}
        }
        let (number, colour, is_said) = match channel(name) {
            Some(Channel::Colour(number)) => (number, value / full, true),
            Some(Channel::Harmonic(number)) => (number, (0.5 + HARMONIC * value).clamp(0.0, 1.0), false),
            None => return,
        };
        // A colour that is said counts for more than one that is made, whichever comes first.
        if let Some(slot) = self.0.colour.get_mut(number).filter(|slot| is_said || slot.is_nan()) {
            // No colour is infinite: what is not a number is not said.
            *slot = if colour.is_finite() { colour as f32 } else { f32::NAN };
        }
    }

    fn set_corners(&mut self, _corners: Vec<u32>) {}
}

macro_rules! scalars {
    ($($setter:ident: $type:ty, $kind:ident;)+) => {
        $(fn $setter(&mut self, name: &str, value: $type) -> PropertyAccessResult {
            self.set_number(name, f64::from(value), full(&ScalarType::$kind));
            PropertyAccessResult::Set
        })+
    };
}

impl PropertyAccess for PlyVertex {
    fn new() -> Self {
        Self::empty()
    }

    scalars! {
        set_char: i8, Char;
        set_uchar: u8, UChar;
        set_short: i16, Short;
        set_ushort: u16, UShort;
        set_int: i32, Int;
        set_uint: u32, UInt;
        set_float: f32, Float;
        set_double: f64, Double;
    }

    bounded_lists! {}
}

/// The numbers of some vertices, in order; one that is negative is a number that no vertex has. At most so many.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Corners<const MOST: usize> {
    /// Vertex numbers.
    pub corners: Vec<u32>,
}

/// A face.
pub type Face = Corners<{ limits::PLY_LIST }>;

/// A strip of triangles, each of the two vertices before and the next; a negative number begins anew.
pub type Strip = Corners<{ limits::POINTS }>;

impl<const MOST: usize> Entry for Corners<MOST> {
    fn empty() -> Self {
        Self::default()
    }

    fn reads(name: &str) -> bool {
        matches!(name, "vertex_indices" | "vertex_index" | "vertex_indexes" | "vertices" | "indices")
    }

    fn set_number(&mut self, _name: &str, _value: f64, _full: f64) {}

    fn set_corners(&mut self, corners: Vec<u32>) {
        self.corners = corners;
    }

    fn longest_list() -> usize {
        MOST
    }
}

macro_rules! corner_lists {
    ($($setter:ident: $type:ty),+) => {
        $(fn $setter(&mut self, name: &str, list: Vec<$type>) -> PropertyAccessResult {
            if !Self::reads(name) {
                return PropertyAccessResult::Ignored;
            }
            self.set_corners(list.into_iter().map(|corner| u32::try_from(corner).unwrap_or(u32::MAX)).collect());
            PropertyAccessResult::Set
        })+
    };
}

impl<const MOST: usize> PropertyAccess for Corners<MOST> {
    fn new() -> Self {
        Self::empty()
    }

    corner_lists!(
        set_list_char: i8, set_list_uchar: u8, set_list_short: i16, set_list_ushort: u16, set_list_int: i32,
        set_list_uint: u32
    );
    bounded_lists! {}
}

/// An entry of no interest.
struct Skipped;

impl Entry for Skipped {
    fn empty() -> Self {
        Self
    }

    fn reads(_name: &str) -> bool {
        false
    }

    fn set_number(&mut self, _name: &str, _value: f64, _full: f64) {}

    fn set_corners(&mut self, _corners: Vec<u32>) {}
}

impl PropertyAccess for Skipped {
    fn new() -> Self {
        Self
    }

    bounded_lists! {}
}

//! The entries of a PLY file, one at a time: nothing is kept that the caller does not keep.

use std::io::ErrorKind;

use onespace_core::{Error, Patience, Reason, Result, limits};
use ply_rs_bw::{
    parser::{ParseError, Parser},
    ply::{BeginList, ElementDef, PropertyAccess, PropertyAccessResult},
};

use crate::header::{Encoding, Header, Lines};

/// A point: where it is, and its colour, 0 to 1, where it has one.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Point {
    /// x, y, z.
    pub place: [f32; 3],
    /// Red, green, blue; NaN where the file gives none.
    pub colour: [f32; 3],
}

impl Point {
    /// Place, then colour.
    pub fn values(&self) -> [f32; 6] {
        let ([x, y, z], [red, green, blue]) = (self.place, self.colour);
        [x, y, z, red, green, blue]
    }
}

/// How many vertices a file has; one that has none is refused, and one whose vertices are nowhere.
///
/// # Errors
/// `MEDIA_MALFORMED` or `MEDIA_EMPTY`.
pub fn vertices(header: &Header<'_>) -> Result<usize> {
    let Some(vertex) = header.element("vertex") else {
        return Err(Error::malformed("bytes", "the file has no element \"vertex\""));
    };
    if let Some(axis) = ["x", "y", "z"].into_iter().find(|axis| !vertex.properties.contains_key(*axis)) {
        return Err(Error::malformed("bytes", format!("its vertices have no \"{axis}\"")));
    }
    if vertex.count == 0 {
        return Err(Error::new(Reason::MediaEmpty, "bytes", "the file has no points"));
    }
    Ok(vertex.count)
}

/// Reads every vertex and gives each to `take`.
///
/// # Errors
/// As [`each`], and `MEDIA_MALFORMED` for a vertex that is nowhere.
pub fn each_vertex(header: &Header<'_>, patience: &Patience, mut take: impl FnMut(usize, Point)) -> Result<()> {
    each(header, "vertex", patience, |index, point: Point| {
        if !point.place.iter().all(|value| value.is_finite()) {
            return Err(Error::malformed("bytes", format!("vertex {index} is at {:?}", point.place)));
        }
        take(index, point);
        Ok(())
    })
}

/// Brings colours into 0 to 1, and gives points that have none this one. Floats above 1 were bytes.
pub fn paint(points: &mut [Point], default: [f32; 3]) {
    let bright = points.iter().flat_map(|point| point.colour).any(|value| value > 1.0);
    let full = if bright { 255.0 } else { 1.0 };
    for (value, default) in points.iter_mut().flat_map(|point| point.colour.iter_mut().zip(default)) {
        *value = if value.is_nan() { default } else { (*value / full).clamp(0.0, 1.0) };
    }
}

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
pub fn each<E: PropertyAccess>(
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
    fn each<E: PropertyAccess>(
        &mut self,
        element: &ElementDef,
        mut take: impl FnMut(usize, E) -> Result<()>,
    ) -> Result<()> {
        let parser = Parser::<E>::new();
        for index in 0..element.count {
            self.patience.check_every(UNSEEN, index, "while the points were read")?;
            let entry = match self.encoding {
                Encoding::Ascii => parser.read_ascii_element(self.line(element, index)?, element),
                Encoding::LittleEndian => parser.read_little_endian_element(&mut self.lines.rest, element),
                Encoding::BigEndian => parser.read_big_endian_element(&mut self.lines.rest, element),
            };
            take(index, entry.map_err(|error| broken(element, index, &error))?)?;
        }
        Ok(())
    }

    /// The next line that is not blank.
    fn line(&mut self, element: &ElementDef, index: usize) -> Result<&'a str> {
        let name = &element.name;
        let line = self.lines.find(|line| !line.trim_ascii().is_empty());
        let line = line.ok_or_else(|| Error::malformed("bytes", format!("the file ends before {name} {index}")))?;
        if line.len() > limits::PLY_LINE_BYTES {
            let found = format!("{} bytes long", line.len());
            return Err(Error::too_large(
                "bytes",
                &format!("the line of {name} {index}"),
                found,
                limits::PLY_LINE_BYTES,
            ));
        }
        std::str::from_utf8(line.trim_ascii())
            .map_err(|_| Error::malformed("bytes", format!("the line of {name} {index} is no text")))
    }
}

/// The parser's word on an entry: its first line, for the rest repeats the input.
fn broken(element: &ElementDef, index: usize, error: &ParseError) -> Error {
    let name = &element.name;
    if error.kind() == ErrorKind::InvalidData {
        let limit = limits::PLY_LIST;
        return Error::new(Reason::MediaTooLarge, "bytes", format!("{name} {index} has a list of more than {limit}"));
    }
    let message = error.to_string();
    let cause = message.lines().next().unwrap_or_default();
    Error::new(Reason::MediaMalformed, "bytes", format!("{name} {index} cannot be read: {cause}"))
}

/// Refuses a list longer than a face may be; others are read into a list of their own.
macro_rules! bounded_lists {
    ($($begin:ident: $type:ty),+) => {
        $(fn $begin(&mut self, _name: &str, len: usize) -> BeginList<'_, $type> {
            if len > limits::PLY_LIST { BeginList::UnsupportedType } else { BeginList::UseSetter }
        })+
    };
    () => {
        bounded_lists! {
            begin_list_char: i8, begin_list_uchar: u8, begin_list_short: i16, begin_list_ushort: u16,
            begin_list_int: i32, begin_list_uint: u32, begin_list_float: f32, begin_list_double: f64
        }
    };
}

impl Point {
    /// Colours are named in many ways; `full` is the value of a colour's brightest.
    fn set(&mut self, name: &str, value: f64, full: f64) -> PropertyAccessResult {
        let [x, y, z] = &mut self.place;
        let [red, green, blue] = &mut self.colour;
        match name {
            "x" => *x = value as f32,
            "y" => *y = value as f32,
            "z" => *z = value as f32,
            "red" | "r" | "diffuse_red" => *red = (value / full) as f32,
            "green" | "g" | "diffuse_green" => *green = (value / full) as f32,
            "blue" | "b" | "diffuse_blue" => *blue = (value / full) as f32,
            _ => return PropertyAccessResult::Ignored,
        }
        PropertyAccessResult::Set
    }
}

/// An integer colour runs to its type's largest value, save that wide integers hold bytes; floats run to 1.
macro_rules! scalars {
    ($($setter:ident: $type:ty, $full:expr;)+) => {
        $(fn $setter(&mut self, name: &str, value: $type) -> PropertyAccessResult {
            self.set(name, f64::from(value), $full)
        })+
    };
}

impl PropertyAccess for Point {
    fn new() -> Self {
        Self { place: [0.0; 3], colour: [f32::NAN; 3] }
    }

    scalars! {
        set_char: i8, 127.0;
        set_uchar: u8, 255.0;
        set_short: i16, 255.0;
        set_ushort: u16, 65_535.0;
        set_int: i32, 255.0;
        set_uint: u32, 255.0;
        set_float: f32, 1.0;
        set_double: f64, 1.0;
    }

    bounded_lists! {}
}

/// A face: the numbers of its corners, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Face {
    /// Vertex numbers; one that is negative is a number that no vertex has.
    pub corners: Vec<u32>,
}

macro_rules! corner_lists {
    ($($setter:ident: $type:ty),+) => {
        $(fn $setter(&mut self, name: &str, list: Vec<$type>) -> PropertyAccessResult {
            if !matches!(name, "vertex_indices" | "vertex_index") {
                return PropertyAccessResult::Ignored;
            }
            self.corners = list.into_iter().map(|corner| u32::try_from(corner).unwrap_or(u32::MAX)).collect();
            PropertyAccessResult::Set
        })+
    };
}

impl PropertyAccess for Face {
    fn new() -> Self {
        Self::default()
    }

    corner_lists!(
        set_list_char: i8, set_list_uchar: u8, set_list_short: i16, set_list_ushort: u16, set_list_int: i32,
        set_list_uint: u32
    );
    bounded_lists! {}
}

/// An entry of no interest.
struct Skipped;

impl PropertyAccess for Skipped {
    fn new() -> Self {
        Self
    }

    bounded_lists! {}
}

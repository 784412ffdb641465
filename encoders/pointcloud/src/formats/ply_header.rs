//! The header of a PLY file, read and weighed before anything is allocated for what it announces.

use onespace_core::{Error, Result, limits};
use ply_rs_bw::ply::{ElementDef, PropertyDef, PropertyType, ScalarType};

/// How the payload is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// One line of numbers for each entry.
    Ascii,
    /// Binary, least significant byte first.
    LittleEndian,
    /// Binary, most significant byte first.
    BigEndian,
}

/// A header whose arithmetic is sound: every entry that it announces can be there.
#[derive(Debug)]
pub struct Header<'a> {
    /// How the payload is written.
    pub encoding: Encoding,
    /// What ends a line.
    pub line_end: u8,
    /// The elements, in file order: what each is called, how many there are, what each consists of.
    pub elements: Vec<ElementDef>,
    /// What follows the header.
    pub payload: &'a [u8],
}

impl<'a> Header<'a> {
    /// Reads a header and checks every count in it against the limits and the bytes that are there.
    ///
    /// # Errors
    /// `MEDIA_MALFORMED` for what is no PLY header or announces more than follows, `MEDIA_TOO_LARGE` past a limit.
    pub fn read(bytes: &'a [u8]) -> Result<Self> {
        let line_end = match bytes {
            [b'p', b'l', b'y', b'\n', ..] | [b'p', b'l', b'y', b'\r', b'\n', ..] => b'\n',
            [b'p', b'l', b'y', b'\r', ..] => b'\r',
            _ => return Err(Error::malformed("bytes", "the file does not begin with \"ply\"")),
        };
        let mut lines = Lines { rest: bytes, line_end };
        lines.next();
        let mut encoding = None;
        let mut elements: Vec<ElementDef> = Vec::new();
        loop {
            let read = bytes.len() - lines.rest.len();
            let Some(line) = lines.next().filter(|_| read <= limits::PLY_HEADER_BYTES) else {
                let limit = limits::PLY_HEADER_BYTES;
                return Err(Error::malformed("bytes", format!("the header does not end within {limit} bytes")));
            };
            // Comments may be in any character set; all that counts is ASCII.
            let line = String::from_utf8_lossy(line.get(..line.len().min(LINE_BYTES)).unwrap_or(line));
            let mut words = line.split_ascii_whitespace();
            match words.next() {
                None | Some("comment" | "obj_info") => {}
                Some("format") => encoding = Some(format_of(words.next())?),
                Some("element") => add_element(&mut elements, words.next(), words.next())?,
                Some("property") => add_property(&mut elements, &words.collect::<Vec<_>>())?,
                Some("end_header") => break,
                Some(word) => {
                    let word: String = word.chars().take(20).collect();
                    return Err(Error::malformed("bytes", format!("the header has a line \"{word}\"")));
                }
            }
        }
        let encoding = encoding.ok_or_else(|| Error::malformed("bytes", "the header names no format"))?;
        let header = Self { encoding, line_end, elements, payload: lines.rest };
        header.weigh()?;
        Ok(header)
    }

    /// The element of a name.
    pub fn element(&self, name: &str) -> Option<&ElementDef> {
        self.elements.iter().find(|element| element.name == name)
    }

    /// Whether every announced entry can be in the bytes that follow.
    fn weigh(&self) -> Result<()> {
        let mut left = self.payload.len() as u64;
        for ElementDef { name, count, properties, .. } in &self.elements {
            if *count == 0 {
                continue;
            }
            if properties.is_empty() {
                return Err(Error::malformed("bytes", format!("element \"{name}\" has {count} entries of nothing")));
            }
            if *count > limits::POINTS {
                return Err(Error::too_large(
                    "bytes",
                    &format!("the number of \"{name}\" entries"),
                    count,
                    limits::POINTS,
                ));
            }
            // In text, a value takes a digit and what separates it from the next; the last may lack the latter.
            let (stride, spare) = match self.encoding {
                Encoding::Ascii => (2 * properties.len() as u64, 1),
                _ => (properties.values().map(|property| least_bytes(&property.data_type)).sum(), 0),
            };
            let needed = (*count as u64).saturating_mul(stride);
            if needed > left + spare {
                let message = format!("{count} \"{name}\" entries take at least {needed} bytes, {left} are left");
                return Err(Error::malformed("bytes", message));
            }
            left = left.saturating_sub(needed);
        }
        Ok(())
    }
}

/// What is looked at of a header line; nothing that counts is longer.
const LINE_BYTES: usize = 1024;

/// Lines of a text, with what ends them cut off.
pub struct Lines<'a> {
    /// What has not been read.
    pub rest: &'a [u8],
    /// What ends a line.
    pub line_end: u8,
}

impl<'a> Iterator for Lines<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.rest.is_empty() {
            return None;
        }
        let end = self.rest.iter().position(|byte| *byte == self.line_end);
        let (line, rest) = self.rest.split_at(end.map_or(self.rest.len(), |end| end + 1));
        self.rest = rest;
        let line = line.strip_suffix(&[self.line_end]).unwrap_or(line);
        Some(line.strip_suffix(b"\r").unwrap_or(line))
    }
}

fn format_of(word: Option<&str>) -> Result<Encoding> {
    match word {
        Some("ascii") => Ok(Encoding::Ascii),
        Some("binary_little_endian") => Ok(Encoding::LittleEndian),
        Some("binary_big_endian") => Ok(Encoding::BigEndian),
        _ => Err(Error::malformed("bytes", "the format is none of ascii, binary_little_endian, binary_big_endian")),
    }
}

fn add_element(elements: &mut Vec<ElementDef>, name: Option<&str>, count: Option<&str>) -> Result<()> {
    if elements.len() == limits::PLY_ELEMENTS {
        return Err(Error::too_large("bytes", "the number of elements", "more", limits::PLY_ELEMENTS));
    }
    let (Some(name), Some(Ok(count))) = (name, count.map(str::parse::<u64>)) else {
        return Err(Error::malformed("bytes", "an element line without a name and a count"));
    };
    if elements.iter().any(|element| element.name == name) {
        return Err(Error::malformed("bytes", format!("element \"{name}\" is declared twice")));
    }
    let mut definition = ElementDef::new(name.to_owned());
    definition.count = usize::try_from(count).unwrap_or(usize::MAX);
    elements.push(definition);
    Ok(())
}

fn add_property(elements: &mut [ElementDef], words: &[&str]) -> Result<()> {
    let Some(element) = elements.last_mut() else {
        return Err(Error::malformed("bytes", "a property line before any element"));
    };
    let (name, data_type) = match words {
        ["list", length, entry, name] => {
            let (length, entry) = (scalar(length)?, scalar(entry)?);
            if matches!(length, ScalarType::Float | ScalarType::Double) {
                return Err(Error::malformed("bytes", format!("the length of list \"{name}\" is no integer")));
            }
            (*name, PropertyType::List(length, entry))
        }
        [kind, name] => (*name, PropertyType::Scalar(scalar(kind)?)),
        _ => return Err(Error::malformed("bytes", "a property line that is neither a scalar nor a list")),
    };
    let properties = &mut element.properties;
    if properties.len() == limits::PLY_PROPERTIES {
        return Err(Error::too_large("bytes", "the number of properties", "more", limits::PLY_PROPERTIES));
    }
    // The parser keys properties by name: a second one of the same name would shift every value after it.
    if properties.insert(name.to_owned(), PropertyDef::new(name.to_owned(), data_type)).is_some() {
        return Err(Error::malformed("bytes", format!("property \"{name}\" is declared twice")));
    }
    Ok(())
}

fn scalar(name: &str) -> Result<ScalarType> {
    Ok(match name {
        "char" | "int8" => ScalarType::Char,
        "uchar" | "uint8" => ScalarType::UChar,
        "short" | "int16" => ScalarType::Short,
        "ushort" | "uint16" => ScalarType::UShort,
        "int" | "int32" => ScalarType::Int,
        "uint" | "uint32" => ScalarType::UInt,
        "float" | "float32" => ScalarType::Float,
        "double" | "float64" => ScalarType::Double,
        other => {
            let other: String = other.chars().take(20).collect();
            return Err(Error::malformed("bytes", format!("\"{other}\" is no type of a property")));
        }
    })
}

/// The fewest bytes that a property takes: an empty list is its length alone.
const fn least_bytes(kind: &PropertyType) -> u64 {
    match kind {
        PropertyType::Scalar(scalar) | PropertyType::List(scalar, _) => size(scalar),
    }
}

const fn size(kind: &ScalarType) -> u64 {
    match kind {
        ScalarType::Char | ScalarType::UChar => 1,
        ScalarType::Short | ScalarType::UShort => 2,
        ScalarType::Int | ScalarType::UInt | ScalarType::Float => 4,
        ScalarType::Double => 8,
    }
}

#[cfg(test)]
mod tests {
    use onespace_core::Reason;

    use super::*;

    fn refusal(header: &str) -> (Reason, String) {
        let error = Header::read(header.as_bytes()).unwrap_err();
        (error.reason, error.message)
    }

    #[test]
    fn a_header_ends_where_its_payload_begins() {
        for end in ["\n", "\r\n", "\r"] {
            let text = [
                "ply",
                "format binary_little_endian 1.0",
                "comment \u{e9}",
                "element vertex 2",
                "property float x",
                "property uchar red",
                "end_header",
                "",
            ];
            let mut bytes = text.join(end).into_bytes();
            bytes.extend_from_slice(b"\n123456789");
            let header = Header::read(&bytes).unwrap();
            assert_eq!((header.encoding, header.payload), (Encoding::LittleEndian, &b"\n123456789"[..]));
            assert_eq!(header.element("vertex").unwrap().properties.len(), 2);
        }
    }

    #[test]
    fn what_cannot_be_there_is_refused() {
        let file = |lines: &str| format!("ply\nformat binary_big_endian 1.0\n{lines}\nend_header\n0123456789");
        assert_eq!(refusal(&file("element vertex 1000000000000000000")).0, Reason::MediaMalformed);
        assert_eq!(refusal(&file("element vertex 99999999999999999999999")).0, Reason::MediaMalformed);
        assert_eq!(refusal(&file("element vertex 3\nproperty float x")).0, Reason::MediaMalformed);
        assert!(Header::read(file("element vertex 2\nproperty float x").as_bytes()).is_ok());
        assert!(
            refusal(&file("element vertex 2\nproperty float x\nelement face 3\nproperty uchar n"))
                .1
                .contains("2 are left")
        );
        assert_eq!(refusal(&file("element vertex 20000000\nproperty float x")).0, Reason::MediaTooLarge);
        assert!(refusal(&file("element vertex 1\nproperty float x\nproperty float x")).1.contains("twice"));
        assert!(refusal(&file("element a 0\nelement a 0")).1.contains("twice"));
        assert_eq!(
            refusal(&file(&(0..17).map(|i| format!("element e{i} 0\n")).collect::<String>())).0,
            Reason::MediaTooLarge
        );
        let wide = (0..65).map(|i| format!("property float p{i}\n")).collect::<String>();
        assert_eq!(refusal(&file(&format!("element vertex 0\n{wide}"))).0, Reason::MediaTooLarge);
        assert_eq!(refusal("ply\nformat ascii 1.0\n").0, Reason::MediaMalformed);
        assert_eq!(refusal("PLY\n").0, Reason::MediaMalformed);
        let long = format!("ply\n{}", "comment x\n".repeat(10_000));
        assert!(refusal(&long).1.contains("does not end"));
    }
}

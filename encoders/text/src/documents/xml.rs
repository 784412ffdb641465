//! The parts of an XML file, one after the other.

use onespace_core::{Error, Result};
use quick_xml::{
    Reader,
    events::{BytesStart, Event},
};

/// A part.
pub enum Part<'e> {
    /// An element begins, or is empty.
    Start(&'e BytesStart<'e>),
    /// An element ends, or was empty.
    End,
    /// Characters.
    Text(&'e str),
}

/// Gives every part to `take`, with the name of the element that begins, ends or holds the characters, without its
/// prefix. Entities other than those that XML has are left out: nothing grows.
///
/// # Errors
/// `MEDIA_MALFORMED`; what `take` answers.
pub fn each(xml: &str, mut take: impl FnMut(&str, Part<'_>) -> Result<()>) -> Result<()> {
    let mut reader = Reader::from_str(xml);
    reader.config_mut().check_end_names = false;
    let mut open: Vec<String> = Vec::new();
    loop {
        let event = reader
            .read_event()
            .map_err(|error| Error::malformed("bytes", format!("the XML in the document cannot be read: {error}")))?;
        let inner = open.last().map_or("", String::as_str);
        match event {
            Event::Start(start) => {
                let name = name(&start);
                take(&name, Part::Start(&start))?;
                open.push(name);
            }
            Event::Empty(start) => {
                let name = name(&start);
                take(&name, Part::Start(&start))?;
                take(&name, Part::End)?;
            }
            Event::End(_) => {
                let name = open.pop().unwrap_or_default();
                take(&name, Part::End)?;
            }
            Event::Text(text) => take(inner, Part::Text(&text.xml10_content()))?,
            Event::CData(text) => take(inner, Part::Text(&text.xml10_content()))?,
            Event::GeneralRef(name) => {
                if let Some(c) = character(&name) {
                    take(inner, Part::Text(c.encode_utf8(&mut [0; 4])))?;
                }
            }
            Event::Eof => return Ok(()),
            _ => {}
        }
    }
}

fn name(start: &BytesStart<'_>) -> String {
    start.local_name().as_ref().to_owned()
}

/// The character that a reference stands for.
fn character(reference: &quick_xml::events::BytesRef<'_>) -> Option<char> {
    if let Ok(Some(c)) = reference.resolve_char_ref() {
        return Some(c);
    }
    match &*reference.xml10_content() {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => None,
    }
}

/// The value of an attribute, by its name without prefix.
pub fn attribute(start: &BytesStart<'_>, name: &str) -> Option<String> {
    let mut attributes = start.attributes();
    // To look for one that stands there twice takes the square of their number.
    attributes.with_checks(false);
    let found = attributes.flatten().find(|attribute| attribute.key.local_name().as_ref() == name)?;
    Some(htmlize::unescape_attribute(found.value).into_owned())
}

//! The text of what word processors and programs for slides write: Office Open XML (ECMA-376) and OpenDocument
//! (ISO 26300).

use onespace_core::{Patience, Result};

use super::{
    Gathered,
    archive::Archive,
    xml::{Part, attribute, each},
};
use crate::decode::decode;

/// The text of a document of Word: its body, without headers, notes and what was deleted.
///
/// # Errors
/// As [`Archive::read`]; `MEDIA_MALFORMED`.
pub fn word(bytes: &[u8], patience: &Patience) -> Result<String> {
    let mut archive = Archive::new(bytes, patience)?;
    let mut text = Gathered::default();
    paragraphs(&archive.read("word/document.xml")?, &mut text)?;
    Ok(text.text)
}

/// The text of slides, in their numbers' order, without notes.
///
/// # Errors
/// As [`word`].
pub fn slides(bytes: &[u8], patience: &Patience) -> Result<String> {
    let mut archive = Archive::new(bytes, patience)?;
    let number = |name: &str| name.strip_prefix("ppt/slides/slide")?.strip_suffix(".xml")?.parse::<u32>().ok();
    let mut numbers: Vec<u32> = archive.names().filter_map(|name| number(&name)).collect();
    numbers.sort_unstable();
    let mut text = Gathered::default();
    for number in numbers {
        paragraphs(&archive.read(&format!("ppt/slides/slide{number}.xml"))?, &mut text)?;
        if text.is_full() {
            break;
        }
    }
    Ok(text.text)
}

/// Paragraphs of Office Open XML: `p` of runs of `t`, whatever they are in. What stands in two forms for old and new
/// programs is read once.
fn paragraphs(xml: &[u8], text: &mut Gathered) -> Result<()> {
    let mut fallbacks = 0_usize;
    each(&decode(xml)?, |name, part| {
        match (name, part) {
            ("Fallback", Part::Start(_)) => fallbacks += 1,
            ("Fallback", Part::End) => fallbacks = fallbacks.saturating_sub(1),
            _ if fallbacks > 0 || text.is_full() => {}
            ("t", Part::Text(words)) => text.words(words),
            ("tab", Part::Start(_)) | ("tc", Part::End) => text.words(" "),
            ("br" | "cr", Part::Start(_)) | ("p", Part::End) => text.line(),
            _ => {}
        }
        Ok(())
    })
}

/// The text of an OpenDocument: of its body, without comments and what was deleted.
///
/// # Errors
/// As [`word`].
pub fn open_document(bytes: &[u8], patience: &Patience) -> Result<String> {
    const LEFT_OUT: [&str; 3] = ["annotation", "tracked-changes", "notes"];
    let mut archive = Archive::new(bytes, patience)?;
    let xml = archive.read("content.xml")?;
    let mut text = Gathered::default();
    let (mut body, mut left_out) = (0_usize, 0_usize);
    each(&decode(&xml)?, |name, part| {
        match (name, part) {
            ("body", Part::Start(_)) => body += 1,
            ("body", Part::End) => body = body.saturating_sub(1),
            (name, Part::Start(_)) if LEFT_OUT.contains(&name) => left_out += 1,
            (name, Part::End) if LEFT_OUT.contains(&name) => left_out = left_out.saturating_sub(1),
            _ if body == 0 || left_out > 0 || text.is_full() => {}
            (_, Part::Text(words)) => text.words(words),
            ("s" | "tab", Part::Start(_)) => text.words(" "),
            ("line-break", Part::Start(_)) | ("p" | "h", Part::End) => text.line(),
            _ => {}
        }
        Ok(())
    })?;
    Ok(text.text)
}

/// The value of an attribute of the first element of a name.
///
/// # Errors
/// `MEDIA_MALFORMED`.
pub fn first(xml: &str, element: &str, name: &str) -> Result<Option<String>> {
    let mut found = None;
    each(xml, |here, part| {
        if let Part::Start(start) = part
            && here == element
            && found.is_none()
        {
            found = attribute(start, name);
        }
        Ok(())
    })?;
    Ok(found)
}

//! Documents: pages of the web, and what word processors write, most of it in ZIP archives that their files' names
//! tell.

use super::{Budget, text};

/// How much of a page is looked at.
const HEAD: usize = 4096;

/// What begins a file in an archive, an entry of the list at its end, and that list's own end, which is 22 bytes long
/// and has a comment of 64 KiB at most behind it.
const FILE: &[u8] = b"PK\x03\x04";
const ENTRY: &[u8] = b"PK\x01\x02";
const END: &[u8] = b"PK\x05\x06";
const END_BYTES: usize = 22 + 0xffff;

/// What is in an archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packed {
    Word,
    Slides,
    Sheets,
    OpenDocument,
    Book,
    Print3d,
}

/// A page of the web: it begins as one, behind white space and comments.
pub(super) fn is_html(bytes: &[u8]) -> bool {
    let Some(head) = text::head(bytes.get(..HEAD).unwrap_or(bytes)).or_else(|| latin(bytes)) else { return false };
    let head = head.trim_start_matches('\u{feff}').to_ascii_lowercase();
    let mut rest = head.trim_start();
    if let Some(declared) = rest.strip_prefix("<?xml").and_then(|rest| rest.split_once("?>")) {
        rest = declared.1.trim_start();
    }
    while let Some((_, behind)) = rest.strip_prefix("<!--").and_then(|rest| rest.split_once("-->")) {
        rest = behind.trim_start();
    }
    let begins = |tag: &str| rest.strip_prefix(tag).is_some_and(|rest| rest.starts_with(['>', ' ', '\n', '\r', '\t']));
    begins("<!doctype html")
        || begins("<html") && ["<head", "<body", "<meta", "<title"].iter().any(|tag| rest.contains(tag))
}

/// The head of a page in an encoding of eight bits: its tags are ASCII.
fn latin(bytes: &[u8]) -> Option<std::borrow::Cow<'_, str>> {
    let head = bytes.get(..HEAD).unwrap_or(bytes);
    (!head.contains(&0)).then(|| head.iter().map(|byte| char::from(*byte)).collect::<String>().into())
}

/// Rich Text Format.
pub(super) fn is_rtf(bytes: &[u8]) -> bool {
    bytes.starts_with(b"{\\rtf1")
}

/// What is in a ZIP archive, by the names in the list at its end, and by the media type that is the first file of some.
pub(super) fn inside(bytes: &[u8], budget: &Budget) -> Option<Packed> {
    if !bytes.starts_with(FILE) {
        return None;
    }
    if let Some(packed) = said(bytes) {
        return Some(packed);
    }
    let from = bytes.len().saturating_sub(END_BYTES);
    let tail = bytes.get(from..)?;
    let end = from + tail.windows(END.len()).rposition(|window| window == END)?;
    let mut at = little(bytes, end + 16, 4)?;
    while bytes.get(at..)?.starts_with(ENTRY) {
        budget.spend()?;
        let lengths: Option<Vec<usize>> = [28, 30, 32].iter().map(|place| little(bytes, at + place, 2)).collect();
        let [name, extra, comment] = *lengths?.first_chunk()?;
        let found = bytes.get(at + 46..)?.get(..name)?;
        match found {
            b"word/document.xml" => return Some(Packed::Word),
            b"ppt/presentation.xml" => return Some(Packed::Slides),
            b"xl/workbook.xml" | b"xl/workbook.bin" => return Some(Packed::Sheets),
            b"META-INF/container.xml" => return Some(Packed::Book),
            _ if found.ends_with(b".model") && found.starts_with(b"3D/") => return Some(Packed::Print3d),
            _ => {}
        }
        at = at.checked_add(46 + name + extra + comment)?;
    }
    None
}

/// What a first file "mimetype" says.
fn said(bytes: &[u8]) -> Option<Packed> {
    let rest = bytes.get(30..)?.strip_prefix(b"mimetype")?;
    let extra = little(bytes, 28, 2)?;
    let kind = rest.get(extra..)?;
    if kind.starts_with(b"application/epub+zip") {
        return Some(Packed::Book);
    }
    kind.starts_with(b"application/vnd.oasis.opendocument.").then_some(Packed::OpenDocument)
}

/// A number of a few bytes, the lowest first.
fn little(bytes: &[u8], at: usize, count: usize) -> Option<usize> {
    let digits = bytes.get(at..at.checked_add(count)?)?;
    Some(digits.iter().rev().fold(0, |value, digit| value << 8 | usize::from(*digit)))
}

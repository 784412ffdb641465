//! Text, in whatever encoding an editor wrote it.

use std::borrow::Cow;

/// How much of a text is looked at.
const SEARCH_BYTES: usize = 4096;

/// So many of a hundred bytes are ASCII where a text in an encoding of eight bits is short.
const ASCII_PERCENT: usize = 60;

/// How long a text is at least that may be of other letters than ASCII's throughout, in an encoding of eight bits: of
/// that many bytes that are no text, one would be a control character.
const FOREIGN_BYTES: usize = 64;

/// Marks of the byte order; UTF-32's begins as UTF-16's does and comes first.
const UTF32: [&[u8]; 2] = [b"\xff\xfe\0\0", b"\0\0\xfe\xff"];
const UTF16_LITTLE: &[u8] = b"\xff\xfe";
const UTF16_BIG: &[u8] = b"\xfe\xff";

/// Text: characters and white space, in UTF-8, in UTF-16 or UTF-32 with a mark, in UTF-16 of Latin letters, or in an
/// encoding of eight bits. A cut through the last character looked at is no harm.
pub(super) fn is_text(bytes: &[u8]) -> bool {
    if let [little, big] = UTF32.map(|mark| bytes.strip_prefix(mark))
        && (little.is_some() || big.is_some())
    {
        return little.is_some_and(|rest| is_utf32(rest, u32::from_le_bytes))
            || big.is_some_and(|rest| is_utf32(rest, u32::from_be_bytes));
    }
    if let Some(rest) = bytes.strip_prefix(UTF16_LITTLE) {
        return is_utf16(rest, u16::from_le_bytes);
    }
    if let Some(rest) = bytes.strip_prefix(UTF16_BIG) {
        return is_utf16(rest, u16::from_be_bytes);
    }
    let unicode = head(bytes).is_some_and(|text| !text.is_empty() && text.chars().all(is_printed));
    unicode || is_latin_utf16(bytes) || is_eight_bits(bytes)
}

/// The head of a text in UTF-8; none where it is no such text.
pub(super) fn head(bytes: &[u8]) -> Option<Cow<'_, str>> {
    let head = bytes.get(..bytes.len().min(SEARCH_BYTES)).unwrap_or(bytes);
    match std::str::from_utf8(head) {
        Ok(text) => Some(text.into()),
        Err(error) if error.error_len().is_none() && head.len() < bytes.len() => {
            head.get(..error.valid_up_to()).and_then(|valid| std::str::from_utf8(valid).ok()).map(Cow::from)
        }
        Err(_) => None,
    }
}

/// White space is printed: line breaks of all systems, vertical tabs of word processors, form feeds, and the mark that
/// DOS ends a text with.
fn is_printed(c: char) -> bool {
    !c.is_control() || matches!(c, '\t' | '\n' | '\u{b}' | '\u{c}' | '\r' | '\u{1a}' | '\u{85}')
}

fn is_utf32(bytes: &[u8], order: fn([u8; 4]) -> u32) -> bool {
    let (units, rest) = bytes.as_chunks::<4>();
    let printed = |unit: &[u8; 4]| char::from_u32(order(*unit)).is_some_and(is_printed);
    rest.is_empty() && !units.is_empty() && units.iter().take(SEARCH_BYTES / 4).all(printed)
}

fn is_utf16(bytes: &[u8], order: fn([u8; 2]) -> u16) -> bool {
    let (units, rest) = bytes.as_chunks::<2>();
    let looked_at = units.len().min(SEARCH_BYTES / 2);
    let mut decoded = char::decode_utf16(units.iter().take(looked_at).map(|unit| order(*unit))).enumerate();
    // A pair may be cut by the end of what is looked at.
    let cut = |place: usize| looked_at < units.len() && place + 1 >= looked_at;
    let printed = decoded.all(|(place, unit)| unit.map_or_else(|_| cut(place), is_printed));
    rest.is_empty() && !units.is_empty() && printed
}

/// UTF-16 without a mark is told where its letters are Latin ones: every other byte is zero.
fn is_latin_utf16(bytes: &[u8]) -> bool {
    let (units, _) = bytes.as_chunks::<2>();
    let looked_at = units.get(..units.len().min(SEARCH_BYTES / 2)).unwrap_or(units);
    let zeros = |side: usize| looked_at.iter().filter(|unit| unit.get(side) == Some(&0)).count();
    let mostly = |count: usize| count * 4 >= looked_at.len() * 3;
    looked_at.len() >= 4
        && (zeros(0) == 0 && mostly(zeros(1)) && is_utf16(bytes, u16::from_le_bytes)
            || zeros(1) == 0 && mostly(zeros(0)) && is_utf16(bytes, u16::from_be_bytes))
}

/// An encoding of eight bits, or of one and two bytes: no control characters, and mostly ASCII where it is short.
fn is_eight_bits(bytes: &[u8]) -> bool {
    let head = bytes.get(..bytes.len().min(SEARCH_BYTES)).unwrap_or(bytes);
    let printed = head.iter().all(|byte| !byte.is_ascii_control() || is_printed(char::from(*byte)));
    let ascii = head.iter().filter(|byte| byte.is_ascii()).count();
    !head.is_empty()
        && printed
        && (ascii * 100 >= head.len() * ASCII_PERCENT || head.len() >= FOREIGN_BYTES && ascii > 0)
}

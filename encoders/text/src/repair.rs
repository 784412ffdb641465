//! Text that went through wrong hands, made plain again: what the Python package ftfy 6 does by default.
//!
//! Its guess at mojibake is narrower here: a line that can be written down in Latin-1 or Windows-1252, and whose
//! bytes are then valid UTF-8, was UTF-8; and so were three or four characters among others whose bytes are one
//! character of UTF-8 (`â€™`). ftfy knows eight more code pages, and weighs how odd a text looks; what it repairs
//! beyond this is left as it is.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;

/// Passes over a line at most: each takes off one layer (`&amp;amp;`, mojibake of mojibake), and an attacker may have
/// put on thousands.
const PASSES: usize = 8;

/// What the bytes 0x80 to 0x9f mean in Windows-1252; those that mean nothing are control characters as in Latin-1.
const WINDOWS_1252: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}', '‘', '’',
    '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

/// The text, repaired line by line.
pub fn repair(text: &str) -> String {
    // Once a line looks like HTML, its references and those after it are meant as they stand.
    let mut references = true;
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        references &= !line.contains('<');
        out.push_str(&repair_line(line, references));
    }
    out
}

fn repair_line(line: &str, references: bool) -> String {
    let mut line = line.to_owned();
    for _ in 0..PASSES {
        let mut next = if references { unescaped(&line) } else { line.clone() };
        for _ in 0..PASSES {
            let Some(decoded) = misread(&next).or_else(|| misread_within(&next)) else { break };
            next = decoded;
        }
        let next: String = plain(&without_escapes(&next)).nfc().collect();
        if next == line {
            break;
        }
        line = next;
    }
    line
}

/// References that end in a semicolon, names in capitals included.
fn unescaped(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        let Some(name) = reference_name(after) else {
            out.push('&');
            rest = after;
            continue;
        };
        match reference(name) {
            Some(meant) => out.push_str(&meant),
            None => out.extend(["&", name, ";"]),
        }
        rest = after.get(name.len() + 1..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

/// What stands before a semicolon: up to 24 letters and digits, perhaps after a `#`.
fn reference_name(text: &str) -> Option<&str> {
    let body = text.strip_prefix('#').unwrap_or(text);
    let length = body.bytes().take(25).take_while(u8::is_ascii_alphanumeric).count();
    let name = text.get(..text.len() - body.len() + length)?;
    ((1..=24).contains(&length) && text.get(name.len()..)?.starts_with(';')).then_some(name)
}

fn reference(name: &str) -> Option<String> {
    let known = |name: &str| {
        let written = format!("&{name};");
        let meant = htmlize::unescape(written.as_str()).into_owned();
        // What ends as it was written is a shorter name followed by other letters.
        (!meant.ends_with(';') || meant == ";").then_some(meant)
    };
    let lower = name.to_lowercase();
    known(name).or_else(|| known(&lower).filter(|_| name == name.to_uppercase()).map(|meant| meant.to_uppercase()))
}

fn latin_1_byte(letter: char) -> Option<u8> {
    u8::try_from(letter).ok()
}

fn windows_1252_byte(letter: char) -> Option<u8> {
    let index = WINDOWS_1252.iter().position(|known| *known == letter);
    index.map_or_else(|| latin_1_byte(letter), |index| Some(0x80 + index as u8))
}

/// A line of UTF-8 that was read as Latin-1 or Windows-1252.
fn misread(line: &str) -> Option<String> {
    if line.is_ascii() {
        return None;
    }
    let decoded = |byte: fn(char) -> Option<u8>| {
        let bytes: Option<Vec<u8>> = line.chars().map(byte).collect();
        bytes.and_then(|bytes| String::from_utf8(bytes).ok())
    };
    decoded(latin_1_byte).or_else(|| decoded(windows_1252_byte))
}

/// A line in which some characters of three or four bytes were read as Windows-1252.
fn misread_within(line: &str) -> Option<String> {
    let mut out = String::new();
    let mut rest = line;
    let mut found = false;
    while let Some(letter) = rest.chars().next() {
        let length = match windows_1252_byte(letter) {
            Some(0xe0..=0xef) => 3,
            Some(0xf0..=0xf4) => 4,
            _ => 1,
        };
        let bytes: Vec<u8> = rest.chars().take(length).map_while(windows_1252_byte).collect();
        let meant = std::str::from_utf8(&bytes).ok().filter(|_| length > 1 && bytes.len() == length);
        let taken = if meant.is_some() { length } else { 1 };
        found |= meant.is_some();
        match meant {
            Some(meant) => out.push_str(meant),
            None => out.push(letter),
        }
        let mut letters = rest.chars();
        letters.by_ref().take(taken).for_each(drop);
        rest = letters.as_str();
    }
    found.then_some(out)
}

/// Without the sequences that colour a terminal: `ESC [`, digits and semicolons, a letter.
fn without_escapes(line: &str) -> Cow<'_, str> {
    if !line.contains('\u{1b}') {
        return Cow::Borrowed(line);
    }
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        out.push_str(before);
        let end = after.trim_start_matches(|letter: char| letter.is_ascii_digit() || letter == ';');
        if end.starts_with(|letter: char| letter.is_ascii_alphabetic()) {
            rest = end.get(1..).unwrap_or_default();
        } else {
            out.push_str("\u{1b}[");
            rest = after;
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

fn plain(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut letters = line.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\r' => {
                letters.next_if_eq(&'\n');
                out.push('\n');
            }
            '\u{80}'..='\u{9f}' => out.push(windows_1252(letter)),
            _ => plain_letter(letter, &mut out),
        }
    }
    out
}

fn windows_1252(letter: char) -> char {
    WINDOWS_1252.get((letter as usize).wrapping_sub(0x80)).copied().unwrap_or(letter)
}

fn plain_letter(letter: char, out: &mut String) {
    match letter {
        '\u{2bc}' | '\u{2018}'..='\u{201b}' => out.push('\''),
        '\u{201c}'..='\u{201f}' => out.push('"'),
        '\u{2028}' | '\u{2029}' => out.push('\n'),
        '\u{3000}' => out.push(' '),
        // Full-width Latin and half-width katakana.
        '\u{ff01}'..='\u{ffef}' => out.extend(std::iter::once(letter).nfkc()),
        '\0'..='\u{8}' | '\u{b}' | '\u{e}'..='\u{1f}' | '\u{7f}' => {}
        '\u{206a}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffc}' => {}
        // The apostrophe of the Afrikaans n is a quotation mark to the next pass.
        'ŉ' => out.push_str("'n"),
        'ﬅ' => out.push_str("ſt"),
        'Ĳ' | 'ĳ' | 'Ǳ' | 'ǲ' | 'ǳ' | 'Ǆ' | 'ǅ' | 'ǆ' | 'Ǉ' | 'ǈ' | 'ǉ' | 'Ǌ' | 'ǋ' | 'ǌ' | 'ﬀ'..='ﬆ' =>
        {
            out.extend(std::iter::once(letter).nfkc());
        }
        other => out.push(other),
    }
}

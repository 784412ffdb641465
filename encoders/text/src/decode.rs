//! The text of a file, whatever its encoding is.

use std::borrow::Cow;

use chardetng::EncodingDetector;
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};
use onespace_core::{Error, Result};

/// The marks of UTF-32, which begin as those of UTF-16 do.
const UTF32_LITTLE: &[u8] = b"\xff\xfe\0\0";
const UTF32_BIG: &[u8] = b"\0\0\xfe\xff";

/// So many of four units of UTF-16 have one byte that is zero where the text is in Latin letters.
const LATIN_OF_FOUR: usize = 3;

/// The text of a file: UTF-8, with or without a byte order mark; UTF-16 or UTF-32 with one, or UTF-16 in Latin letters
/// without; else the encoding of eight bits, or of one and two bytes, that its letters speak for.
///
/// # Errors
/// `MEDIA_MALFORMED` for a text that is broken in its own encoding, and for what is no text in any.
pub fn decode(bytes: &[u8]) -> Result<Cow<'_, str>> {
    if let Some(rest) = bytes.strip_prefix(UTF32_LITTLE) {
        return utf32(rest, u32::from_le_bytes).map(Cow::from);
    }
    if let Some(rest) = bytes.strip_prefix(UTF32_BIG) {
        return utf32(rest, u32::from_be_bytes).map(Cow::from);
    }
    if let Some((encoding, mark)) = Encoding::for_bom(bytes).filter(|(encoding, _)| *encoding != UTF_8) {
        return decode_as(encoding, bytes.get(mark..).unwrap_or_default());
    }
    let error = match std::str::from_utf8(bytes) {
        Ok(text) if !text.contains('\0') => return Ok(text.strip_prefix('\u{feff}').unwrap_or(text).into()),
        Ok(text) => return latin_utf16(bytes).map_or_else(|| Ok(text.into()), |encoding| decode_as(encoding, bytes)),
        Err(error) => error,
    };
    let broken = || {
        let at = error.valid_up_to();
        Error::malformed("bytes", format!("the text is not UTF-8: the byte at offset {at} does not belong there"))
    };
    if let Some(encoding) = latin_utf16(bytes) {
        return decode_as(encoding, bytes);
    }
    if is_broken_utf8(bytes) || bytes.contains(&0) {
        return Err(broken());
    }
    let mut detector = EncodingDetector::new();
    detector.feed(bytes, true);
    let text = decode_as(detector.guess(None, false), bytes).map_err(|_| broken())?;
    // Other bytes than those of a text become control characters in some encoding or other, and a byte of all ones,
    // which is what a gap is filled with, a letter that hardly any word has.
    let strange = |c: char| c.is_control() && !is_space(c) || c == 'ÿ';
    if text.chars().any(strange) { Err(broken()) } else { Ok(text) }
}

fn decode_as<'a>(encoding: &'static Encoding, bytes: &'a [u8]) -> Result<Cow<'a, str>> {
    let text = encoding.decode_without_bom_handling_and_without_replacement(bytes);
    text.ok_or_else(|| Error::malformed("bytes", format!("the text is {}, and broken", encoding.name())))
}

fn utf32(bytes: &[u8], order: fn([u8; 4]) -> u32) -> Result<String> {
    let (units, rest) = bytes.as_chunks::<4>();
    let text: Option<String> = units.iter().map(|unit| char::from_u32(order(*unit))).collect();
    text.filter(|_| rest.is_empty()).ok_or_else(|| Error::malformed("bytes", "the text is UTF-32, and broken"))
}

/// UTF-16 without a mark, where its letters are Latin ones: every other byte is zero.
fn latin_utf16(bytes: &[u8]) -> Option<&'static Encoding> {
    let (units, rest) = bytes.as_chunks::<2>();
    let zeros = |side: usize| units.iter().filter(|unit| unit.get(side) == Some(&0)).count();
    let (high_first, high_last) = (zeros(0), zeros(1));
    let mostly = |count: usize| units.len() >= 4 && rest.is_empty() && count * 4 >= units.len() * LATIN_OF_FOUR;
    match (high_first, high_last) {
        (0, count) if mostly(count) => Some(UTF_16LE),
        (count, 0) if mostly(count) => Some(UTF_16BE),
        _ => None,
    }
}

/// The first bytes of most letters of UTF-8 that take two. In eight bits they are capitals, which end no word.
const FIRST_OF_TWO: [u8; 8] = [0xc2, 0xc3, 0xc4, 0xc5, 0xce, 0xcf, 0xd0, 0xd1];

/// Whether what is in the bytes speaks for UTF-8 that was damaged, and not for another encoding: most of what is not
/// ASCII are whole characters of it, or it ends within one.
fn is_broken_utf8(bytes: &[u8]) -> bool {
    let (mut whole, mut broken) = (0_usize, 0_usize);
    for chunk in bytes.utf8_chunks() {
        whole += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        broken += usize::from(!chunk.invalid().is_empty());
    }
    let is_cut = broken == 1 && bytes.last().is_some_and(|last| FIRST_OF_TWO.contains(last));
    whole >= broken && whole > 0 || is_cut
}

/// White space, and the mark that DOS ends a text with.
fn is_space(c: char) -> bool {
    c.is_whitespace() || c == '\u{1a}'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is(bytes: &[u8], text: &str) {
        assert_eq!(decode(bytes).unwrap(), text);
    }

    #[test]
    fn unicode_is_read_in_all_its_forms() {
        let said = "Ein grünes Auto — 绿色的车 🚗";
        let utf16 = |order: fn(u16) -> [u8; 2]| said.encode_utf16().flat_map(order).collect::<Vec<u8>>();
        let utf32 = |order: fn(u32) -> [u8; 4]| said.chars().flat_map(|c| order(c.into())).collect::<Vec<u8>>();
        is(said.as_bytes(), said);
        is(&[b"\xef\xbb\xbf", said.as_bytes()].concat(), said);
        is(&[b"\xff\xfe".to_vec(), utf16(u16::to_le_bytes)].concat(), said);
        is(&[b"\xfe\xff".to_vec(), utf16(u16::to_be_bytes)].concat(), said);
        is(&[UTF32_LITTLE.to_vec(), utf32(u32::to_le_bytes)].concat(), said);
        is(&[UTF32_BIG.to_vec(), utf32(u32::to_be_bytes)].concat(), said);
        let plain = "A green car: für dich";
        is(&plain.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>(), plain);
        is(&plain.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<u8>>(), plain);
    }

    #[test]
    fn other_encodings_are_told_by_their_letters() {
        for (label, said) in [
            ("windows-1252", "Ein grünes Auto fährt über die Brücke – “schön”"),
            ("windows-1252", "Les élèves étaient déjà là, près du château"),
            ("windows-1251", "Зелёная машина стоит на белом столе"),
            ("koi8-r", "Зеленая машина стоит на белом столе у окна"),
            ("shift_jis", "緑色の車が白いテーブルの上にあります"),
            ("gbk", "一辆绿色的汽车停在白色的桌子上"),
            ("euc-kr", "하얀 탁자 위에 초록색 자동차가 있습니다"),
            ("windows-1250", "Zażółć gęślą jaźń, zielony samochód na białym stole"),
        ] {
            let (bytes, _, unknown) = Encoding::for_label(label.as_bytes()).unwrap().encode(said);
            assert!(!unknown && std::str::from_utf8(&bytes).is_err());
            assert_eq!(decode(&bytes).unwrap_or_else(|error| panic!("{label}: {error}")), said);
        }
        is(b"Spa\xdf", "Spaß");
        is(b"caf\xe9", "café");
        is(b"a\x0bb\x0cc\x1a", "a\u{b}b\u{c}c\u{1a}");
    }

    #[test]
    fn what_is_broken_is_not_guessed_at() {
        let german = "Ein grünes Auto fährt über die Brücke".as_bytes();
        for bytes in [
            [german, b"\xff"].concat(),
            [&german[..6], &german[7..]].concat(),
            german[..german.len() - 4].to_vec(),
            b"gr\xc3".to_vec(),
            b"good\xffbad".to_vec(),
            b"\xff\xfea".to_vec(),
            b"\xff\xfe\0\xd8".to_vec(),
            b"\0\0\xfe\xff\0\x11\0\0".to_vec(),
            b"\x80\0\x01\x02".to_vec(),
            b"\xff\xd8\x01\x02\x03".to_vec(),
        ] {
            let error = decode(&bytes).unwrap_err();
            assert_eq!(error.reason, onespace_core::Reason::MediaMalformed, "{bytes:?}");
        }
    }
}

//! Pictures whose first bytes alone do not tell them.

use super::text;

/// TIFF, and BigTIFF, whose offsets are wider.
pub(super) fn is_tiff(bytes: &[u8]) -> bool {
    const MARKS: [&[u8]; 4] = [b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"];
    MARKS.iter().any(|mark| bytes.starts_with(mark))
}

/// Icons of Windows: a directory of one to 255 pictures, the first of which lies in the file. Its mark alone is also
/// that of a picture in MPEG video.
pub(super) fn is_icon(bytes: &[u8]) -> bool {
    let word = |at: usize| bytes.get(at..at + 2)?.first_chunk().map(|word| u16::from_le_bytes(*word));
    let place = |at: usize| bytes.get(at..at + 4)?.first_chunk().map(|place| u32::from_le_bytes(*place) as usize);
    let listed = word(4).is_some_and(|count| (1..256).contains(&count)) && bytes.get(9) == Some(&0);
    let lies_within = || place(14)?.checked_add(place(18)?).map(|end| place(18) >= Some(22) && end <= bytes.len());
    bytes.starts_with(b"\0\0\x01\0") && listed && lies_within().unwrap_or(false)
}

pub(super) fn is_jpeg_xl(bytes: &[u8]) -> bool {
    // The bare stream has a mark of two bytes: ten-bit sizes, which a text does not begin with.
    bytes.starts_with(b"\0\0\0\x0cJXL \r\n\x87\n") || bytes.starts_with(b"\xff\x0a")
}

pub(super) fn is_jpeg_2000(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\0\0\0\x0cjP  \r\n\x87\n") || bytes.starts_with(b"\xff\x4f\xff\x51")
}

/// The numbers of entries of a TIFF directory: what kind of picture it is, where further pictures of it are, and the
/// version of Adobe's format for negatives.
const NEW_SUBFILE_TYPE: u64 = 254;
const SUB_DIRECTORIES: u64 = 330;
const DNG_VERSION: u64 = 50_706;

/// What a sensor saw, as cameras write it. Many are TIFF whose first picture is a small preview: as TIFF they would be
/// read as that.
pub(super) fn is_raw(bytes: &[u8]) -> bool {
    const MARKS: [&[u8]; 6] = [b"FUJIFILMCCD-RAW ", b"IIRO", b"IIRS", b"MMOR", b"IIU\0", b"FOVb"];
    let canon = bytes.starts_with(b"II*\0") && bytes.get(8..10) == Some(b"CR");
    canon || MARKS.iter().any(|mark| bytes.starts_with(mark)) || is_negative(bytes).unwrap_or(false)
}

/// Whether the first directory of a TIFF is that of a negative, or of the preview of one.
fn is_negative(bytes: &[u8]) -> Option<bool> {
    let little = bytes.starts_with(b"II*\0");
    if !little && !bytes.starts_with(b"MM\0*") {
        return None;
    }
    let number = |at: usize, count: usize| {
        let digits = bytes.get(at..at.checked_add(count)?)?.iter();
        let add = |value, digit: &u8| value << 8 | u64::from(*digit);
        Some(if little { digits.rev().fold(0, add) } else { digits.fold(0, add) })
    };
    let directory = usize::try_from(number(4, 4)?).ok()?;
    let entries = usize::try_from(number(directory, 2)?).ok()?;
    let (mut preview, mut more) = (false, false);
    for entry in 0..entries {
        let at = directory + 2 + 12 * entry;
        match number(at, 2)? {
            DNG_VERSION => return Some(true),
            NEW_SUBFILE_TYPE => preview = number(at + 8, 4)? & 1 == 1,
            SUB_DIRECTORIES => more = true,
            _ => {}
        }
    }
    Some(preview && more)
}

/// Truevision's: newer files end with a name, of others the head has to make sense, and be that of a picture which the
/// file has room for.
pub(super) fn is_tga(bytes: &[u8]) -> bool {
    const NAME: &[u8] = b"TRUEVISION-XFILE.\0";
    let Some(&[name, palette, kind, a, b, c, d, entry, _, _, _, _, w0, w1, h0, h1, bits, flags]) = bytes.first_chunk()
    else {
        return false;
    };
    let entries = usize::from(u16::from_le_bytes([c, d]));
    let (first, packed, kind) = (u16::from_le_bytes([a, b]), kind & 8 != 0, kind & !8);
    let palette_fits = match (palette, kind) {
        (0, 2 | 3) => entries == 0 && first == 0,
        (1, 1) => entries > 0 && matches!(entry, 15 | 16 | 24 | 32) && bits == 8,
        _ => false,
    };
    let depth_fits = matches!((kind, bits), (1, 8) | (2, 15 | 16 | 24 | 32) | (3, 8 | 16));
    let pixels = usize::from(u16::from_le_bytes([w0, w1])) * usize::from(u16::from_le_bytes([h0, h1]));
    let width = usize::from(bits).div_ceil(8);
    // A run is of 128 pixels at most.
    let least = if packed { pixels.div_ceil(128) * (1 + width) } else { pixels * width };
    let head = 18 + usize::from(name) + entries * usize::from(entry).div_ceil(8);
    let makes_sense = palette_fits && depth_fits && flags & 0xc0 == 0 && pixels > 0;
    makes_sense && (bytes.ends_with(NAME) || head + least <= bytes.len())
}

/// PBM, PGM, PPM and PAM: a mark, then numbers as letters.
pub(super) fn is_pixmap(bytes: &[u8]) -> bool {
    if bytes.starts_with(b"P7\nWIDTH ") || bytes.starts_with(b"PF\n") || bytes.starts_with(b"Pf\n") {
        return true;
    }
    let [b'P', b'1'..=b'6', rest @ ..] = bytes else { return false };
    let head = rest.get(..rest.len().min(256)).unwrap_or_default();
    let lines = head.split(|byte| *byte == b'\n').filter(|line| !line.starts_with(b"#"));
    let mut words = lines.flat_map(|line| line.split(u8::is_ascii_whitespace)).filter(|word| !word.is_empty());
    let is_number = |word: &[u8]| word.iter().all(u8::is_ascii_digit);
    rest.first().is_some_and(u8::is_ascii_whitespace)
        && words.by_ref().take(2).filter(|word| is_number(word)).count() == 2
}

/// A drawing in XML, behind a declaration, comments and a document type.
pub(super) fn is_svg(bytes: &[u8]) -> bool {
    let Some(text) = text::head(bytes) else { return false };
    let mut rest = text.trim_start();
    loop {
        let end = match rest {
            _ if rest.starts_with("<?") => "?>",
            _ if rest.starts_with("<!--") => "-->",
            _ if rest.starts_with("<!DOCTYPE svg") && rest.contains('[') => "]>",
            _ if rest.starts_with("<!DOCTYPE svg") => ">",
            _ => break,
        };
        let Some((_, behind)) = rest.split_once(end) else { return false };
        rest = behind.trim_start();
    }
    let name = rest.strip_prefix("<svg").or_else(|| rest.strip_prefix("<svg:svg"));
    name.is_some_and(|after| after.starts_with(|c: char| c.is_whitespace() || c == '>' || c == ':'))
}

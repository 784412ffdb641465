//! How a picture is meant to be seen, from its metadata.

use image::{ImageDecoder, metadata::Orientation};

/// What EXIF calls it.
const ORIENTATION: u64 = 0x0112;

/// As a decoder's metadata say. Broken metadata do not make the pixels unreadable.
pub fn of_decoder(decoder: &mut impl ImageDecoder) -> Orientation {
    let exif = decoder.exif_metadata().ok().flatten();
    let xmp = decoder.xmp_metadata().ok().flatten();
    of_metadata(exif.as_deref(), xmp.as_deref())
}

/// As EXIF says, or XMP where EXIF says nothing.
pub fn of_metadata(exif: Option<&[u8]>, xmp: Option<&[u8]>) -> Orientation {
    let said = exif.and_then(in_exif).or_else(|| xmp.and_then(in_xmp));
    said.and_then(Orientation::from_exif).unwrap_or(Orientation::NoTransforms)
}

/// In the first directory of EXIF, with the words before it that only JPEG should have and others have too.
fn in_exif(exif: &[u8]) -> Option<u8> {
    let tiff = exif.strip_prefix(b"Exif\0\0").unwrap_or(exif);
    let little = match tiff.get(..4)? {
        b"II*\0" => true,
        b"MM\0*" => false,
        _ => return None,
    };
    let number = |at: usize, count: usize| {
        let digits = tiff.get(at..at.checked_add(count)?)?;
        let add = |value: u64, digit: &u8| (value << 8) | u64::from(*digit);
        Some(if little { digits.iter().rev().fold(0, add) } else { digits.iter().fold(0, add) })
    };
    let directory = usize::try_from(number(4, 4)?).ok()?;
    let entries = usize::try_from(number(directory, 2)?).ok()?;
    let places = (0..entries).map(|entry| directory + 2 + 12 * entry);
    let place =
        places.take_while(|place| number(*place, 2).is_some()).find(|at| number(*at, 2) == Some(ORIENTATION))?;
    // Bytes, words and long words are all written.
    let size = match number(place + 2, 2)? {
        1 => 1,
        3 => 2,
        4 => 4,
        _ => return None,
    };
    u8::try_from(number(place + 8, size)?).ok()
}

/// As an attribute or an element of XMP.
fn in_xmp(xmp: &[u8]) -> Option<u8> {
    const NAME: &[u8] = b"tiff:Orientation";
    let after = xmp.windows(NAME.len()).position(|window| window == NAME)? + NAME.len();
    let value = xmp.get(after..)?;
    let value =
        value.strip_prefix(b"=\"").or_else(|| value.strip_prefix(b"='")).or_else(|| value.strip_prefix(b">"))?;
    value.first().filter(|digit| digit.is_ascii_digit()).map(|digit| digit - b'0')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One entry, of some type.
    fn exif(little: bool, kind: u8, value: u8) -> Vec<u8> {
        let mut entry = [1, 18, 0, kind, 0, 0, 0, 1, 0, 0, 0, 0];
        let width = match kind {
            1 => 1,
            3 => 2,
            _ => 4,
        };
        entry[8 + width - 1] = value;
        let mut file = [b"MM\0*\0\0\0\x08\0\x01".as_slice(), &entry, &[0; 4]].concat();
        if little {
            file = b"II*\0\x08\0\0\0\x01\0".to_vec();
            entry[..2].reverse();
            entry[2..4].reverse();
            entry[4..8].reverse();
            entry[8..8 + width].reverse();
            file.extend(entry);
        }
        file
    }

    #[test]
    fn exif_says_it_in_either_order_and_any_width_behind_its_name_or_not() {
        for little in [false, true] {
            for kind in [1, 3, 4] {
                let bare = exif(little, kind, 6);
                let named = [b"Exif\0\0".as_slice(), &bare].concat();
                assert_eq!(of_metadata(Some(&bare), None), Orientation::Rotate90, "{little} {kind}");
                assert_eq!(of_metadata(Some(&named), None), Orientation::Rotate90, "{little} {kind}");
            }
        }
        for broken in [b"".as_slice(), b"II*\0", b"II*\0\xff\xff\xff\xff", b"II*\0\x08\0\0\0\xff\xff", b"Exif\0\0"] {
            assert_eq!(of_metadata(Some(broken), None), Orientation::NoTransforms);
        }
        assert_eq!(of_metadata(Some(&exif(true, 3, 9)), None), Orientation::NoTransforms);
    }

    #[test]
    fn xmp_says_it_where_exif_does_not() {
        let attribute = br#"<rdf:Description tiff:Orientation="3"/>"#;
        let element = b"<tiff:Orientation>3</tiff:Orientation>";
        for xmp in [attribute.as_slice(), element] {
            assert_eq!(of_metadata(None, Some(xmp)), Orientation::Rotate180);
            assert_eq!(of_metadata(Some(&exif(true, 3, 6)), Some(xmp)), Orientation::Rotate90);
        }
        assert_eq!(of_metadata(None, Some(b"tiff:Orientation")), Orientation::NoTransforms);
    }
}

//! EXIF: in JPEG, TIFF, HEIF, PNG and WebP.

use std::io::Cursor;

use exif::{Error, Exif, Field, In, Reader, Tag, Value};

use crate::{
    tags::{self, Tags},
    taken::Taken,
};

/// What the EXIF of a picture says.
pub(crate) fn read(bytes: &[u8]) -> Option<Tags> {
    let mut reader = Reader::new();
    // One broken field spoils no other.
    let exif = match reader.continue_on_error(true).read_from_container(&mut Cursor::new(bytes)) {
        Ok(exif) => exif,
        Err(Error::PartialResult(partial)) => partial.into_inner().0,
        Err(_) => return None,
    };
    let mut found = Tags::default();
    if let Some(taken) = taken(&exif) {
        found.taken(&taken);
    }
    for (tag, key) in [
        (Tag::Make, tags::CAMERA_MAKE),
        (Tag::Model, tags::CAMERA_MODEL),
        (Tag::LensModel, tags::LENS),
        (Tag::ImageDescription, tags::DESCRIPTION),
        (Tag::Artist, tags::CREATOR),
    ] {
        if let Some(text) = text(&exif, tag) {
            found.text(key, &text);
        }
    }
    let latitude = degrees(&exif, Tag::GPSLatitude, Tag::GPSLatitudeRef, "S");
    let longitude = degrees(&exif, Tag::GPSLongitude, Tag::GPSLongitudeRef, "W");
    if let (Some(latitude), Some(longitude)) = (latitude, longitude) {
        found.place(latitude, longitude, altitude(&exif));
    }
    Some(found)
}

/// When it was taken, and where that is not said, when it was digitized. When the file was changed says nothing.
fn taken(exif: &Exif) -> Option<Taken> {
    let pairs = [(Tag::DateTimeOriginal, Tag::OffsetTimeOriginal), (Tag::DateTimeDigitized, Tag::OffsetTimeDigitized)];
    pairs.into_iter().find_map(|(tag, offset)| {
        let local = text(exif, tag)?;
        let offset = text(exif, offset).unwrap_or_default();
        Taken::read(&format!("{}{}", local.trim(), offset.trim())).or_else(|| Taken::read(&local))
    })
}

fn field(exif: &Exif, tag: Tag) -> Option<&Field> {
    exif.get_field(tag, In::PRIMARY)
}

/// EXIF means ASCII; cameras write UTF-8 as well.
fn text(exif: &Exif, tag: Tag) -> Option<String> {
    match &field(exif, tag)?.value {
        Value::Ascii(lines) => lines.first().map(|line| String::from_utf8_lossy(line).into_owned()),
        _ => None,
    }
}

fn degrees(exif: &Exif, tag: Tag, reference: Tag, negative: &str) -> Option<f64> {
    let Value::Rational(parts) = &field(exif, tag)?.value else { return None };
    let mut degrees = 0.0;
    for (part, unit) in parts.iter().zip([1.0, 60.0, 3600.0]) {
        // Seconds of 0/0 are how some write that there are none.
        degrees += if part.num == 0 { 0.0 } else { part.to_f64() / unit };
    }
    let south = text(exif, reference).is_some_and(|text| text.trim() == negative);
    (degrees.is_finite() && !parts.is_empty()).then_some(if south { -degrees } else { degrees })
}

fn altitude(exif: &Exif) -> Option<f64> {
    let Value::Rational(parts) = &field(exif, Tag::GPSAltitude)?.value else { return None };
    let metres = parts.first()?.to_f64();
    let below = field(exif, Tag::GPSAltitudeRef).and_then(|field| field.value.get_uint(0)) == Some(1);
    metres.is_finite().then_some(if below { -metres } else { metres })
}

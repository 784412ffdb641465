//! Telling formats by their first bytes. The list of formats in the documentation is this table.

use crate::modality::Modality;

/// What the first bytes say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sniffed {
    /// A format of a modality.
    Known {
        /// Who decodes it.
        modality: Modality,
        /// The format's name.
        format: &'static str,
    },
    /// Nothing that is known here.
    Unknown,
}

/// A format, whose it is, its media type and how it begins.
#[derive(Clone, Copy, Debug)]
pub struct Format {
    /// The format's name.
    pub name: &'static str,
    /// Who decodes it.
    pub modality: Modality,
    /// Its media type.
    pub media_type: &'static str,
    matches: fn(&[u8]) -> bool,
}

const fn format(
    name: &'static str,
    modality: Modality,
    media_type: &'static str,
    matches: fn(&[u8]) -> bool,
) -> Format {
    Format { name, modality, media_type, matches }
}

/// Every format told by content, in the order in which they are tried. Text comes last: it is what is left.
pub const FORMATS: &[Format] = &[
    format("JPEG", Modality::Image, "image/jpeg", |b| b.starts_with(b"\xff\xd8\xff")),
    format("PNG", Modality::Image, "image/png", |b| b.starts_with(b"\x89PNG\r\n\x1a\n")),
    format("WebP", Modality::Image, "image/webp", |b| riff(b, b"WEBP")),
    format("GIF", Modality::Image, "image/gif", |b| b.starts_with(b"GIF87a") || b.starts_with(b"GIF89a")),
    format("TIFF", Modality::Image, "image/tiff", |b| b.starts_with(b"II*\0") || b.starts_with(b"MM\0*")),
    format("BMP", Modality::Image, "image/bmp", is_bmp),
    format("WAV", Modality::Audio, "audio/wav", |b| riff(b, b"WAVE")),
    format("FLAC", Modality::Audio, "audio/flac", |b| b.starts_with(b"fLaC")),
    format("Ogg", Modality::Audio, "audio/ogg", |b| b.starts_with(b"OggS")),
    format("MP4 audio", Modality::Audio, "audio/mp4", |b| is_mp4(b) && !mp4_has_pictures(b)),
    format("MP4", Modality::Video, "video/mp4", is_mp4),
    format("Matroska audio", Modality::Audio, "audio/webm", |b| is_matroska(b) && !matroska_has_pictures(b)),
    format("Matroska/WebM", Modality::Video, "video/webm", is_matroska),
    format("PLY", Modality::PointCloud, "model/ply", |b| b.starts_with(b"ply\n") || b.starts_with(b"ply\r")),
    format("MP3", Modality::Audio, "audio/mpeg", |b| b.starts_with(b"ID3") || mpeg_frame(b)),
    format("AAC (ADTS)", Modality::Audio, "audio/aac", adts_frame),
    format("text", Modality::Text, "text/plain", is_text),
];

/// How much of a container is searched for the kind of its tracks.
const TRACK_SEARCH_BYTES: usize = 1 << 20;

/// How much of a text is looked at.
const TEXT_SEARCH_BYTES: usize = 4096;

/// What the content is.
#[must_use]
pub fn sniff(bytes: &[u8]) -> Sniffed {
    FORMATS
        .iter()
        .find(|format| (format.matches)(bytes))
        .map_or(Sniffed::Unknown, |format| Sniffed::Known { modality: format.modality, format: format.name })
}

/// The first bytes as hexadecimal digits, for error messages.
#[must_use]
pub fn head(bytes: &[u8]) -> String {
    bytes.iter().take(8).map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ")
}

/// The names of the formats, for error messages.
#[must_use]
pub fn known_formats() -> String {
    FORMATS.iter().map(|format| format.name).collect::<Vec<_>>().join(", ")
}

fn riff(bytes: &[u8], kind: &[u8; 4]) -> bool {
    bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(kind)
}

fn is_bmp(bytes: &[u8]) -> bool {
    // "BM" alone also begins English sentences; the reserved words and the header size tell.
    bytes.starts_with(b"BM")
        && bytes.get(6..10) == Some(&[0; 4])
        && matches!(bytes.get(14), Some(12 | 40 | 52 | 56 | 64 | 108 | 124))
}

fn is_mp4(bytes: &[u8]) -> bool {
    bytes.get(4..8) == Some(b"ftyp") || (bytes.get(4..8) == Some(b"moov")) || (bytes.get(4..8) == Some(b"mdat"))
}

/// Handler boxes name their track's kind; the movie box may lie at either end of the file.
fn mp4_has_pictures(bytes: &[u8]) -> bool {
    if bytes.get(8..12).is_some_and(|brand| matches!(brand, b"M4A " | b"M4B ")) {
        return false;
    }
    let head = bytes.get(..bytes.len().min(TRACK_SEARCH_BYTES)).unwrap_or(bytes);
    let tail = bytes.get(bytes.len().saturating_sub(TRACK_SEARCH_BYTES)..).unwrap_or(bytes);
    let handler = |kind: &[u8; 4]| {
        [head, tail].iter().any(|part| part.windows(16).any(|w| w.starts_with(b"hdlr") && w.ends_with(kind)))
    };
    handler(b"vide") || !handler(b"soun")
}

fn is_matroska(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\x1a\x45\xdf\xa3")
}

/// Codec ids are plain text: `V_VP9`, `A_OPUS`.
fn matroska_has_pictures(bytes: &[u8]) -> bool {
    let head = bytes.get(..bytes.len().min(TRACK_SEARCH_BYTES)).unwrap_or(bytes);
    let codec =
        |kind: &[u8; 2]| head.windows(4).any(|w| w.starts_with(kind) && w.iter().skip(2).all(u8::is_ascii_uppercase));
    codec(b"V_") || !codec(b"A_")
}

/// An MPEG audio frame header with no reserved value in it (layer III, II or I).
fn mpeg_frame(bytes: &[u8]) -> bool {
    let [0xff, b1, b2, ..] = bytes else { return false };
    let (version, layer, rate, sampling) = ((b1 >> 3) & 3, (b1 >> 1) & 3, b2 >> 4, (b2 >> 2) & 3);
    b1 & 0xe0 == 0xe0 && version != 1 && layer != 0 && rate != 15 && rate != 0 && sampling != 3
}

fn adts_frame(bytes: &[u8]) -> bool {
    matches!(bytes, [0xff, 0xf0 | 0xf1 | 0xf8 | 0xf9, ..])
}

/// UTF-8 without control characters, save a cut through the last character looked at.
fn is_text(bytes: &[u8]) -> bool {
    let head = bytes.get(..bytes.len().min(TEXT_SEARCH_BYTES)).unwrap_or(bytes);
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() && head.len() < bytes.len() => {
            head.get(..error.valid_up_to()).and_then(|valid| std::str::from_utf8(valid).ok()).unwrap_or_default()
        }
        Err(_) => return false,
    };
    !text.is_empty() && text.chars().all(|c| !c.is_control() || matches!(c, '\n' | '\r' | '\t' | '\u{c}'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn modality(bytes: &[u8]) -> Option<Modality> {
        match sniff(bytes) {
            Sniffed::Known { modality, .. } => Some(modality),
            Sniffed::Unknown => None,
        }
    }

    #[test]
    fn formats_are_told_by_their_first_bytes() {
        assert_eq!(modality(b"\xff\xd8\xff\xe0rest"), Some(Modality::Image));
        assert_eq!(modality(b"RIFF\0\0\0\0WEBPVP8 "), Some(Modality::Image));
        assert_eq!(modality(b"RIFF\0\0\0\0WAVEfmt "), Some(Modality::Audio));
        assert_eq!(modality(b"ply\nformat ascii 1.0\n"), Some(Modality::PointCloud));
        assert_eq!(modality(b"\xff\xfb\x90\x00"), Some(Modality::Audio));
        assert_eq!(modality(b"BMW is a make of car, this is text"), Some(Modality::Text));
        assert_eq!(modality("ein roter Becher – 红色杯子".as_bytes()), Some(Modality::Text));
        assert_eq!(modality(b"\0\x01\x02\x03"), None);
        assert_eq!(modality(b""), None);
    }

    #[test]
    fn containers_are_told_by_their_tracks() {
        let mut film = b"\0\0\0\x18ftypisom\0\0\0\0isomiso2".to_vec();
        film.extend_from_slice(b"....hdlr\0\0\0\0\0\0\0\0vide");
        assert_eq!(modality(&film), Some(Modality::Video));
        let mut sound = b"\0\0\0\x18ftypisom\0\0\0\0isomiso2".to_vec();
        sound.extend_from_slice(b"....hdlr\0\0\0\0\0\0\0\0soun");
        assert_eq!(modality(&sound), Some(Modality::Audio));
        assert_eq!(modality(b"\x1a\x45\xdf\xa3....V_VP9"), Some(Modality::Video));
        assert_eq!(modality(b"\x1a\x45\xdf\xa3....A_OPUS"), Some(Modality::Audio));
    }
}

//! Telling formats by their content: most by their first bytes, containers by the tracks in them. The list of formats
//! in the documentation is this table.

mod isobmff;
mod matroska;
mod mpeg;
mod ogg;
mod shapes;
#[cfg(test)]
mod tests;

use std::cell::{Cell, LazyCell};

use crate::{limits, modality::Modality};

/// What the content says.
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

/// A format, whose it is, its media type and how it is told.
#[derive(Clone, Copy, Debug)]
pub struct Format {
    /// The format's name.
    pub name: &'static str,
    /// Who decodes it.
    pub modality: Modality,
    /// Its media type.
    pub media_type: &'static str,
    /// Whether it is decoded here. Others are told all the same, so that they are refused by their names.
    pub decoded: bool,
    told: Told,
}

/// How a format is told.
#[derive(Clone, Copy, Debug)]
enum Told {
    /// By the first bytes.
    ByHead(fn(&[u8]) -> bool),
    /// By what is in a container.
    ByContent(Inside),
}

/// What is in a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Inside {
    Avif,
    Heif,
    IsoSound,
    IsoPictures,
    MatroskaSound,
    MatroskaPictures,
    OggSound,
    OggPictures,
}

const fn head_of(
    name: &'static str,
    modality: Modality,
    media_type: &'static str,
    matches: fn(&[u8]) -> bool,
) -> Format {
    Format { name, modality, media_type, decoded: true, told: Told::ByHead(matches) }
}

const fn content_of(name: &'static str, modality: Modality, media_type: &'static str, inside: Inside) -> Format {
    Format { name, modality, media_type, decoded: true, told: Told::ByContent(inside) }
}

const fn refused(format: Format) -> Format {
    Format { decoded: false, ..format }
}

/// Every format told by content, in the order in which they are tried. Text comes last: it is what is left.
pub const FORMATS: &[Format] = &[
    head_of("JPEG", Modality::Image, "image/jpeg", |b| b.starts_with(b"\xff\xd8\xff")),
    head_of("PNG", Modality::Image, "image/png", |b| b.starts_with(b"\x89PNG\r\n\x1a\n")),
    head_of("WebP", Modality::Image, "image/webp", |b| form(b, b"RIFF", b"WEBP")),
    head_of("GIF", Modality::Image, "image/gif", |b| b.starts_with(b"GIF87a") || b.starts_with(b"GIF89a")),
    head_of("TIFF", Modality::Image, "image/tiff", is_tiff),
    head_of("BMP", Modality::Image, "image/bmp", is_bmp),
    refused(content_of("AVIF", Modality::Image, "image/avif", Inside::Avif)),
    refused(content_of("HEIF", Modality::Image, "image/heic", Inside::Heif)),
    head_of("WAV", Modality::Audio, "audio/wav", is_wav),
    head_of("AIFF", Modality::Audio, "audio/aiff", |b| form(b, b"FORM", b"AIFF") || form(b, b"FORM", b"AIFC")),
    head_of("CAF", Modality::Audio, "audio/x-caf", |b| b.starts_with(b"caff\0\x01\0\0")),
    head_of("FLAC", Modality::Audio, "audio/flac", |b| b.starts_with(b"fLaC")),
    content_of("Ogg", Modality::Audio, "audio/ogg", Inside::OggSound),
    content_of("Ogg video", Modality::Video, "video/ogg", Inside::OggPictures),
    content_of("MP4 audio", Modality::Audio, "audio/mp4", Inside::IsoSound),
    content_of("MP4", Modality::Video, "video/mp4", Inside::IsoPictures),
    content_of("Matroska audio", Modality::Audio, "audio/webm", Inside::MatroskaSound),
    content_of("Matroska/WebM", Modality::Video, "video/webm", Inside::MatroskaPictures),
    head_of("PLY", Modality::PointCloud, "model/ply", |b| b.starts_with(b"ply\n") || b.starts_with(b"ply\r")),
    head_of("STL", Modality::PointCloud, "model/stl", shapes::is_stl),
    head_of("OFF", Modality::PointCloud, "model/x-off", shapes::is_off),
    head_of("PCD", Modality::PointCloud, "model/x-pcd", shapes::is_pcd),
    head_of("OBJ", Modality::PointCloud, "model/obj", shapes::is_obj),
    head_of("NPY", Modality::Imu, "application/x-npy", |b| b.starts_with(b"\x93NUMPY")),
    head_of("MP3", Modality::Audio, "audio/mpeg", mpeg::is_one),
    head_of("AAC (ADTS)", Modality::Audio, "audio/aac", adts_frame),
    head_of("text", Modality::Text, "text/plain", is_text),
];

/// How much of a text is looked at.
const TEXT_SEARCH_BYTES: usize = 4096;

/// What the content is.
#[must_use]
pub fn sniff(bytes: &[u8]) -> Sniffed {
    let walked = LazyCell::new(|| {
        let budget = Budget(Cell::new(limits::SNIFF_ELEMENTS));
        ogg::inside(bytes, &budget)
            .or_else(|| matroska::inside(bytes, &budget))
            .or_else(|| isobmff::inside(bytes, &budget))
    });
    let is = |format: &&Format| match format.told {
        Told::ByHead(matches) => matches(bytes),
        Told::ByContent(inside) => *walked == Some(inside),
    };
    FORMATS
        .iter()
        .find(is)
        .map_or(Sniffed::Unknown, |format| Sniffed::Known { modality: format.modality, format: format.name })
}

/// How many boxes, elements or pages may still be looked at: what a file claims to hold must not cost time.
struct Budget(Cell<usize>);

impl Budget {
    /// Pays for one; nothing when all is spent.
    fn spend(&self) -> Option<()> {
        self.0.set(self.0.get().checked_sub(1)?);
        Some(())
    }
}

/// A number of at most eight bytes, the highest first.
fn number(bytes: &[u8], at: usize, count: usize) -> Option<u64> {
    let digits = bytes.get(at..at.checked_add(count)?)?;
    (count <= 8).then(|| digits.iter().fold(0, |value, digit| value << 8 | u64::from(*digit)))
}

/// The first bytes as hexadecimal digits, for error messages.
#[must_use]
pub fn head(bytes: &[u8]) -> String {
    bytes.iter().take(8).map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ")
}

/// The names of the formats that are decoded, for error messages.
#[must_use]
pub fn known_formats() -> String {
    FORMATS.iter().filter(|format| format.decoded).map(|format| format.name).collect::<Vec<_>>().join(", ")
}

/// A file of chunks: who made the form, a length, and which form it is.
fn form(bytes: &[u8], maker: &[u8; 4], kind: &[u8; 4]) -> bool {
    bytes.starts_with(maker) && bytes.get(8..12) == Some(kind)
}

/// WAV, and its kin for more than 4 GiB: RF64 and BW64.
fn is_wav(bytes: &[u8]) -> bool {
    [b"RIFF", b"RF64", b"BW64"].iter().any(|maker| form(bytes, maker, b"WAVE"))
}

/// TIFF and BigTIFF, in either byte order.
fn is_tiff(bytes: &[u8]) -> bool {
    matches!(bytes, [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..])
}

fn is_bmp(bytes: &[u8]) -> bool {
    // "BM" alone also begins English sentences; the reserved words and the header size tell.
    bytes.starts_with(b"BM")
        && bytes.get(6..10) == Some(&[0; 4])
        && matches!(bytes.get(14), Some(12 | 16 | 40 | 52 | 56 | 64 | 108 | 124))
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

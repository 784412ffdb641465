//! Telling formats by their content: most by their first bytes, containers by the tracks in them. The list of formats
//! in the documentation is this table.

mod archives;
mod asf;
pub mod frames;
mod isobmff;
mod matroska;
pub mod mpeg;
mod ogg;
mod pictures;
pub mod points;
mod shapes;
mod solids;
mod streams;
#[cfg(test)]
mod tests;
mod text;

use std::cell::{Cell, LazyCell};

use crate::{
    error::{Error, Reason, Result},
    limits,
    modality::Modality,
};

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
    AsfSound,
    AsfPictures,
    RawPicture,
    Packed(archives::Packed),
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

use archives::Packed;
pub use shapes::stl_triangles;

/// Every format told by content, in the order in which they are tried. Text comes last: it is what is left. What is
/// written in letters comes before it, so that it is not read as prose.
pub const FORMATS: &[Format] = &[
    head_of("JPEG", Modality::Image, "image/jpeg", |b| b.starts_with(b"\xff\xd8\xff")),
    head_of("PNG", Modality::Image, "image/png", |b| b.starts_with(b"\x89PNG\r\n\x1a\n")),
    head_of("WebP", Modality::Image, "image/webp", |b| form(b, b"RIFF", b"WEBP")),
    head_of("GIF", Modality::Image, "image/gif", |b| b.starts_with(b"GIF87a") || b.starts_with(b"GIF89a")),
    head_of("camera raw", Modality::Image, "image/x-dcraw", pictures::is_raw),
    head_of("TIFF", Modality::Image, "image/tiff", pictures::is_tiff),
    head_of("BMP", Modality::Image, "image/bmp", is_bmp),
    content_of("AVIF", Modality::Image, "image/avif", Inside::Avif),
    content_of("HEIF", Modality::Image, "image/heic", Inside::Heif),
    content_of("camera raw (CR3)", Modality::Image, "image/x-canon-cr3", Inside::RawPicture),
    head_of("JPEG XL", Modality::Image, "image/jxl", pictures::is_jpeg_xl),
    head_of("JPEG 2000", Modality::Image, "image/jp2", pictures::is_jpeg_2000),
    head_of("Photoshop", Modality::Image, "image/vnd.adobe.photoshop", |b| b.starts_with(b"8BPS\0")),
    refused(head_of("OpenEXR", Modality::Image, "image/x-exr", |b| b.starts_with(b"\x76\x2f\x31\x01"))),
    head_of("portable pixmap", Modality::Image, "image/x-portable-anymap", pictures::is_pixmap),
    head_of("ICO", Modality::Image, "image/x-icon", pictures::is_icon),
    head_of("DDS", Modality::Image, "image/vnd-ms.dds", |b| b.starts_with(b"DDS \x7c\0\0\0")),
    refused(head_of("ICNS", Modality::Image, "image/x-icns", |b| b.starts_with(b"icns\0"))),
    refused(head_of("XCF", Modality::Image, "image/x-xcf", |b| b.starts_with(b"gimp xcf "))),
    head_of("QOI", Modality::Image, "image/x-qoi", |b| b.starts_with(b"qoif")),
    head_of("TGA", Modality::Image, "image/x-tga", pictures::is_tga),
    head_of("SVG", Modality::Image, "image/svg+xml", pictures::is_svg),
    head_of("HTML", Modality::Text, "text/html", archives::is_html),
    content_of("DOCX", Modality::Text, DOCX, Inside::Packed(Packed::Word)),
    content_of("PPTX", Modality::Text, PPTX, Inside::Packed(Packed::Slides)),
    content_of("OpenDocument", Modality::Text, OPEN_DOCUMENT, Inside::Packed(Packed::OpenDocument)),
    content_of("EPUB", Modality::Text, "application/epub+zip", Inside::Packed(Packed::Book)),
    refused(content_of("XLSX", Modality::Text, XLSX, Inside::Packed(Packed::Sheets))),
    refused(head_of("Office before 2007", Modality::Text, "application/msword", |b| b.starts_with(OLE))),
    refused(head_of("RTF", Modality::Text, "application/rtf", archives::is_rtf)),
    refused(head_of("PDF", Modality::Text, "application/pdf", |b| b.starts_with(b"%PDF-"))),
    head_of("WAV", Modality::Audio, "audio/wav", is_wav),
    head_of("Wave64", Modality::Audio, "audio/x-w64", |b| b.starts_with(WAVE64)),
    head_of("AIFF", Modality::Audio, "audio/aiff", |b| form(b, b"FORM", b"AIFF") || form(b, b"FORM", b"AIFC")),
    head_of("CAF", Modality::Audio, "audio/x-caf", |b| b.starts_with(b"caff\0\x01\0\0")),
    head_of("AU", Modality::Audio, "audio/basic", is_au),
    head_of("FLAC", Modality::Audio, "audio/flac", |b| frames::behind_tags(b).starts_with(b"fLaC")),
    content_of("Ogg", Modality::Audio, "audio/ogg", Inside::OggSound),
    content_of("Ogg video", Modality::Video, "video/ogg", Inside::OggPictures),
    content_of("MP4 audio", Modality::Audio, "audio/mp4", Inside::IsoSound),
    content_of("MP4", Modality::Video, "video/mp4", Inside::IsoPictures),
    content_of("Matroska audio", Modality::Audio, "audio/webm", Inside::MatroskaSound),
    content_of("Matroska/WebM", Modality::Video, "video/webm", Inside::MatroskaPictures),
    content_of("WMA", Modality::Audio, "audio/x-ms-wma", Inside::AsfSound),
    content_of("ASF", Modality::Video, "video/x-ms-asf", Inside::AsfPictures),
    head_of("AVI", Modality::Video, "video/x-msvideo", |b| form(b, b"RIFF", b"AVI ")),
    head_of("MPEG-PS", Modality::Video, "video/mpeg", streams::is_program),
    head_of("MPEG-TS", Modality::Video, "video/mp2t", streams::is_transport),
    head_of("FLV", Modality::Video, "video/x-flv", |b| b.starts_with(b"FLV\x01")),
    refused(head_of("MXF", Modality::Video, "application/mxf", |b| b.starts_with(MXF))),
    refused(head_of("RealMedia", Modality::Video, "application/vnd.rn-realmedia", |b| b.starts_with(b".RMF\0"))),
    refused(head_of("YUV4MPEG2", Modality::Video, "video/x-yuv4mpeg", |b| b.starts_with(b"YUV4MPEG2 "))),
    head_of("PLY", Modality::PointCloud, "model/ply", |b| b.starts_with(b"ply\n") || b.starts_with(b"ply\r")),
    head_of("STL", Modality::PointCloud, "model/stl", shapes::is_stl),
    head_of("OFF", Modality::PointCloud, "model/x-off", shapes::is_off),
    head_of("PCD", Modality::PointCloud, "model/x-pcd", shapes::is_pcd),
    head_of("OBJ", Modality::PointCloud, "model/obj", shapes::is_obj),
    head_of("LAS/LAZ", Modality::PointCloud, "application/vnd.las", |b| b.starts_with(b"LASF")),
    head_of("E57", Modality::PointCloud, "application/x-e57", |b| b.starts_with(b"ASTM-E57")),
    head_of("glTF", Modality::PointCloud, "model/gltf-binary", solids::is_gltf),
    refused(content_of("3MF", Modality::PointCloud, "model/3mf", Inside::Packed(Packed::Print3d))),
    refused(head_of("COLLADA", Modality::PointCloud, "model/vnd.collada+xml", solids::is_collada)),
    refused(head_of("AMF", Modality::PointCloud, "application/x-amf", solids::is_amf)),
    refused(head_of("FBX", Modality::PointCloud, "model/x-fbx", |b| b.starts_with(b"Kaydara FBX Binary"))),
    head_of("XYZ", Modality::PointCloud, "text/x-xyz", points::is_xyz),
    refused(head_of(TABLE, Modality::PointCloud, "text/csv", points::is_table)),
    head_of("NPY of points", Modality::PointCloud, "application/x-npy", points::is_array),
    head_of("NPY", Modality::Imu, "application/x-npy", |b| b.starts_with(b"\x93NUMPY")),
    head_of("AC-3", Modality::Audio, "audio/ac3", frames::is_ac3),
    head_of("DTS", Modality::Audio, "audio/vnd.dts", frames::is_dts),
    head_of("AMR", Modality::Audio, "audio/amr", |b| b.starts_with(b"#!AMR\n") || b.starts_with(b"#!AMR-WB\n")),
    head_of("WavPack", Modality::Audio, "audio/x-wavpack", |b| b.starts_with(b"wvpk")),
    head_of("Monkey's Audio", Modality::Audio, "audio/x-ape", |b| frames::behind_tags(b).starts_with(b"MAC ")),
    head_of("True Audio", Modality::Audio, "audio/x-tta", |b| frames::behind_tags(b).starts_with(b"TTA1")),
    head_of("Musepack", Modality::Audio, "audio/x-musepack", is_musepack),
    refused(head_of("DSD", Modality::Audio, "audio/x-dsd", is_dsd)),
    head_of("TAK", Modality::Audio, "audio/x-tak", |b| b.starts_with(b"tBaK")),
    refused(head_of("OptimFROG", Modality::Audio, "audio/x-optimfrog", |b| b.starts_with(b"OFR "))),
    refused(head_of("Shorten", Modality::Audio, "audio/x-shorten", |b| b.starts_with(b"ajkg"))),
    refused(head_of("RealAudio", Modality::Audio, "audio/vnd.rn-realaudio", |b| b.starts_with(b".ra\xfd"))),
    refused(head_of("Creative Voice", Modality::Audio, "audio/x-voc", |b| b.starts_with(b"Creative Voice File\x1a"))),
    refused(head_of("8SVX", Modality::Audio, "audio/x-8svx", |b| form(b, b"FORM", b"8SVX"))),
    refused(head_of("MIDI", Modality::Audio, "audio/midi", |b| b.starts_with(b"MThd\0\0\0\x06"))),
    head_of("AAC (ADTS)", Modality::Audio, "audio/aac", frames::is_adts),
    head_of("MP3", Modality::Audio, "audio/mpeg", mpeg::is_one),
    head_of("text", Modality::Text, "text/plain", text::is_text),
];

/// The identifier that a Wave64 file begins with.
const WAVE64: &[u8] = b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\0\0";

/// The key of the partition pack that an MXF file begins with.
const MXF: &[u8] = b"\x06\x0e\x2b\x34\x02\x05\x01\x01\x0d\x01\x02\x01\x01\x02";

/// Numbers in columns: what they are is for their sender to say.
pub const TABLE: &str = "numbers in columns";

/// What Microsoft's programs wrote before 2007 begins with.
const OLE: &[u8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";

/// Media types of documents.
const DOCX: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
const PPTX: &str = "application/vnd.openxmlformats-officedocument.presentationml.presentation";
const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
const OPEN_DOCUMENT: &str = "application/vnd.oasis.opendocument.text";

/// What the content is.
#[must_use]
pub fn sniff(bytes: &[u8]) -> Sniffed {
    let walked = LazyCell::new(|| {
        let budget = Budget(Cell::new(limits::SNIFF_ELEMENTS));
        ogg::inside(bytes, &budget)
            .or_else(|| matroska::inside(bytes, &budget))
            .or_else(|| isobmff::inside(bytes, &budget))
            .or_else(|| asf::inside(bytes, &budget))
            .or_else(|| archives::inside(bytes, &budget).map(Inside::Packed))
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

/// Refuses a format by its name that is told but not decoded here, and says what to send in its place.
///
/// # Errors
/// `MEDIA_UNSUPPORTED`.
pub fn check_decoded(format: &str) -> Result<()> {
    let row = FORMATS.iter().find(|row| row.name == format && !row.decoded);
    let Some(Format { modality, .. }) = row else { return Ok(()) };
    if format == TABLE {
        let message = "numbers in columns may be points, measurements or a text: say which (the modality)";
        return Err(Error::new(Reason::ModalityUnknown, "modality", message));
    }
    let instead = match modality {
        Modality::Image => "the image as JPEG, PNG, WebP, HEIC, AVIF or TIFF",
        Modality::Audio => "the audio as WAV, FLAC, MP3, Ogg or M4A",
        Modality::Video => "the video as MP4 or WebM",
        Modality::PointCloud => "the points as PLY",
        _ => "its text as plain text",
    };
    Err(Error::unsupported("bytes", format!("{format} is not decoded here: send {instead}")))
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

/// WAV, its kin for more than 4 GiB, RF64 and BW64, and the one of the other byte order.
fn is_wav(bytes: &[u8]) -> bool {
    [b"RIFF", b"RF64", b"BW64", b"RIFX"].iter().any(|maker| form(bytes, maker, b"WAVE"))
}

/// Sun's and NeXT's format: behind the mark, where the samples begin, and their encoding.
fn is_au(bytes: &[u8]) -> bool {
    let begins = number(bytes, 4, 4).is_some_and(|begins| (24..1 << 20).contains(&begins));
    let encoding = number(bytes, 12, 4).is_some_and(|encoding| (1..=64).contains(&encoding));
    bytes.starts_with(b".snd") && begins && encoding
}

fn is_musepack(bytes: &[u8]) -> bool {
    let begun = frames::behind_tags(bytes);
    begun.starts_with(b"MPCK") || matches!(begun, [b'M', b'P', b'+', version, ..] if version & 0x0f == 7)
}

/// Sony's DSF and Philips' DSDIFF.
fn is_dsd(bytes: &[u8]) -> bool {
    let dsf = bytes.starts_with(b"DSD \x1c\0\0\0\0\0\0\0");
    dsf || bytes.starts_with(b"FRM8") && bytes.get(12..16) == Some(b"DSD ")
}

fn is_bmp(bytes: &[u8]) -> bool {
    // "BM" alone also begins English sentences; the reserved words and the header size tell.
    bytes.starts_with(b"BM")
        && bytes.get(6..10) == Some(&[0; 4])
        && matches!(bytes.get(14), Some(12 | 16 | 40 | 52 | 56 | 64 | 108 | 124))
}

//! Files are built here from the boxes, elements and pages that matter, each a few bytes long.

mod hostile;
mod isobmff;
mod kinds;
mod streams;

use super::*;

fn modality(bytes: &[u8]) -> Option<Modality> {
    match sniff(bytes) {
        Sniffed::Known { modality, .. } => Some(modality),
        Sniffed::Unknown => None,
    }
}

fn format(bytes: &[u8]) -> &'static str {
    match sniff(bytes) {
        Sniffed::Known { format, .. } => format,
        Sniffed::Unknown => "",
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
fn recordings_of_phones_and_editors_are_told() {
    assert_eq!(format(b"RF64\xff\xff\xff\xffWAVEds64"), "WAV");
    assert_eq!(format(b"BW64\xff\xff\xff\xffWAVEds64"), "WAV");
    assert_eq!(format(b"FORM\0\0\x97\x8eAIFFCOMM"), "AIFF");
    assert_eq!(format(b"FORM\0\0\x97\x8eAIFCFVER"), "AIFF");
    assert_eq!(format(b"caff\0\x01\0\0desc"), "CAF");
    assert_eq!(modality(b"caffeine and FORMs"), Some(Modality::Text));
}

#[test]
fn mpeg_audio_may_lie_behind_zeros() {
    // Layer III at 64 kilobits and 44,100 hertz: 208 bytes a frame.
    let frame = [&b"\xff\xfb\x50\xc0"[..], &[0; 204]].concat();
    for zeros in [0, 1, 2048, 65_000] {
        let file = [vec![0; zeros], frame.repeat(3)].concat();
        assert_eq!(format(&file), "MP3", "{zeros}");
        let tagged = [vec![0; zeros], b"ID3\x04\0\0\0\0\0\0".to_vec()].concat();
        assert_eq!(format(&tagged), "MP3", "{zeros}");
    }
    assert_eq!(modality(&[vec![0; 9], b"\xff\xfb\x50\xc0 once".to_vec()].concat()), None, "once may be chance");
    assert_eq!(modality(&vec![0; 100_000]), None);
    let utf16: Vec<u8> = "\u{feff}a green car on a white table".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_ne!(modality(&utf16), Some(Modality::Audio), "the mark of layer I, and of UTF-16");
    let layer_one = [&b"\xff\xfe\x60\x00"[..], &[0; 204]].concat();
    assert_eq!(format(&layer_one.repeat(2)), "MP3");
}

// --- ISO base media ---

fn boxed(name: &[u8; 4], parts: &[&[u8]]) -> Vec<u8> {
    let body = parts.concat();
    [&(body.len() as u32 + 8).to_be_bytes(), &name[..], &body].concat()
}

/// A box whose size is written in 64 bits.
fn boxed_wide(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
    [&1_u32.to_be_bytes(), &name[..], &(body.len() as u64 + 16).to_be_bytes(), body].concat()
}

/// A box that goes on to the end of the file.
fn boxed_to_the_end(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
    [&[0; 4], &name[..], body].concat()
}

fn brands(major: &[u8; 4], compatible: &[&[u8; 4]]) -> Vec<u8> {
    boxed(b"ftyp", &[major, &[0; 4], &compatible.iter().flat_map(|brand| brand.to_vec()).collect::<Vec<_>>()])
}

struct Made<'a> {
    id: u32,
    handler: &'a [u8; 4],
    entry: Vec<u8>,
    /// Pictures or frames of sound, and over how many seconds.
    samples: (u32, u32),
    /// Bytes of tables, before and behind the handler.
    tables: (usize, usize),
    chapters: Option<u32>,
}

impl Made<'_> {
    fn of<'a>(id: u32, handler: &'a [u8; 4], entry: &[u8; 4]) -> Made<'a> {
        let entry = boxed(entry, &[&[0; 78]]);
        Made { id, handler, entry, samples: (60, 1), tables: (0, 0), chapters: None }
    }

    fn bytes(&self) -> Vec<u8> {
        let (samples, seconds) = self.samples;
        let header = boxed(b"tkhd", &[&[0; 12], &self.id.to_be_bytes(), &[0; 64]]);
        let references = self.chapters.map(|id| boxed(b"tref", &[&boxed(b"chap", &[&id.to_be_bytes()])]));
        let handler = boxed(b"hdlr", &[&[0; 8], self.handler, &[0; 13]]);
        let times = boxed(b"mdhd", &[&[0; 12], &1_u32.to_be_bytes(), &seconds.to_be_bytes(), &[0; 4]]);
        let table = boxed(
            b"stbl",
            &[
                &boxed(b"stsd", &[&[0, 0, 0, 0, 0, 0, 0, 1], &self.entry]),
                &boxed(b"stsz", &[&[0; 8], &samples.to_be_bytes(), &vec![0xc5; self.tables.1]]),
            ],
        );
        let before = if self.tables.0 > 0 { boxed(b"free", &[&vec![0xc5; self.tables.0]]) } else { Vec::new() };
        let media = boxed(b"mdia", &[&times, &before, &handler, &boxed(b"minf", &[&table])]);
        boxed(b"trak", &[&header, &references.unwrap_or_default(), &media])
    }
}

fn movie(tracks: &[Made]) -> Vec<u8> {
    let tracks: Vec<u8> = tracks.iter().flat_map(Made::bytes).collect();
    boxed(b"moov", &[&boxed(b"mvhd", &[&[0; 100]]), &tracks])
}

fn sound(id: u32) -> Made<'static> {
    Made::of(id, b"soun", b"mp4a")
}

fn pictures(id: u32) -> Made<'static> {
    Made::of(id, b"vide", b"avc1")
}

fn isom() -> Vec<u8> {
    brands(b"isom", &[b"isom", b"iso2", b"mp41"])
}

/// JPEG within MPEG-4's own sample entry.
fn jpeg_as_mpeg4() -> Vec<u8> {
    let esds = b"\0\0\0\0\x03\x80\x80\x80\x1b\0\x02\0\x04\x80\x80\x80\x0d\x6c\x11\
         \0\0\0\0\x01\x97\x88\0\x01\x97\x88\x06\x80\x80\x80\x01\x02";
    boxed(b"mp4v", &[&[0; 78], &boxed(b"esds", &[esds])])
}

// --- Matroska ---

fn element(id: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let body = parts.concat();
    [id, &(body.len() as u64 | 1 << 56).to_be_bytes(), &body].concat()
}

/// An element that does not say where it ends.
fn endless(id: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    [id, b"\x01\xff\xff\xff\xff\xff\xff\xff", &parts.concat()].concat()
}

const SEGMENT: &[u8] = b"\x18\x53\x80\x67";
const CLUSTER: &[u8] = b"\x1f\x43\xb6\x75";
const TRACKS: &[u8] = b"\x16\x54\xae\x6b";

fn ebml() -> Vec<u8> {
    element(b"\x1a\x45\xdf\xa3", &[b"\x42\x82\x84webm"])
}

fn entry(kind: u8, codec: &[u8]) -> Vec<u8> {
    element(b"\xae", &[b"\xd7\x81\x01", &element(b"\x86", &[codec]), &[0x83, 0x81, kind]])
}

fn cluster(bytes: usize) -> Vec<u8> {
    element(CLUSTER, &[b"\xe7\x81\x00", &element(b"\xa3", &[&vec![0x83; bytes]])])
}

fn info(title: &[u8]) -> Vec<u8> {
    element(b"\x15\x49\xa9\x66", &[&element(b"\x7b\xa9", &[title])])
}

// --- Ogg ---

fn page(first: bool, packet: &[u8]) -> Vec<u8> {
    let flags = if first { 2 } else { 0 };
    let laces = vec![255; packet.len() / 255].into_iter().chain([(packet.len() % 255) as u8]).collect::<Vec<_>>();
    [b"OggS\0", &[flags][..], &[0; 20], &[laces.len() as u8], &laces, packet].concat()
}

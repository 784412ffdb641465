//! Camera raw files are their largest preview, turned as the camera was held. Files are written here: what matters of
//! them is where cameras put their previews.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "this is how a test fails")]

mod common;

use common::read;
use onespace_core::{Prepare, PrepareRequest, Reason, Result, Tensor};
use onespace_image::{ImagePreparer, table::Image};

fn prepare(bytes: &[u8]) -> Result<Tensor> {
    let table = r#"{
        "width": 40, "height": 30, "resize": "squash", "filter": "nearest", "mean": [0, 0, 0], "std": [1, 1, 1]
    }"#;
    let spec: Image = serde_json::from_str(table).unwrap();
    ImagePreparer::new(&spec)
        .prepare(&PrepareRequest::of(bytes))
        .map(|mut done| done.samples.remove(0).tensors.remove(0))
}

/// A directory: number, type and value of each entry, and the next directory.
fn directory(entries: &[(u16, u16, u32, u32)], next: u32) -> Vec<u8> {
    let mut bytes = (entries.len() as u16).to_le_bytes().to_vec();
    for (tag, kind, count, value) in entries {
        bytes.extend([tag.to_le_bytes(), kind.to_le_bytes()].concat());
        bytes.extend([count.to_le_bytes(), value.to_le_bytes()].concat());
    }
    bytes.extend(next.to_le_bytes());
    bytes
}

const LONG: u16 = 4;
const BYTES: u16 = 7;

/// A file of parts, each with where it is known to the others.
struct File(Vec<u8>);

impl File {
    fn new(mark: &[u8]) -> Self {
        let mut bytes = mark.to_vec();
        bytes.resize(16, 0);
        Self(bytes)
    }

    fn add(&mut self, part: &[u8]) -> (u32, u32) {
        let begin = self.0.len() as u32;
        self.0.extend(part);
        (begin, part.len() as u32)
    }

    /// The file whose first directory is this.
    fn first(mut self, directory: &[u8]) -> Vec<u8> {
        let (at, _) = self.add(directory);
        self.0[4..8].copy_from_slice(&at.to_le_bytes());
        self.0
    }
}

fn small_and_large(file: &mut File) -> ((u32, u32), (u32, u32)) {
    // The smaller one first, whose file is not smaller.
    (file.add(&read("jpeg/420.jpg")), file.add(&read("rgb.jpg")))
}

/// Canon: the first directory is the preview, the second a thumbnail, the last the sensor's values as lossless JPEG.
fn cr2(orientation: u32) -> Vec<u8> {
    let mut file = File::new(b"II*\0\0\0\0\0CR\x02\0");
    let (small, large) = small_and_large(&mut file);
    let (thumbnail, _) = file.add(&directory(&[(513, LONG, 1, small.0), (514, LONG, 1, small.1)], 0));
    let entries = [(259, 3, 1, 6), (273, LONG, 1, large.0), (274, 3, 1, orientation), (279, LONG, 1, large.1)];
    file.first(&directory(&entries, thumbnail))
}

/// Nikon, Sony, Pentax and Adobe: further directories below the first, which is a thumbnail's.
fn with_sub_directories(sensor_is_jpeg: bool) -> Vec<u8> {
    let mut file = File::new(b"II*\0");
    let (small, large) = small_and_large(&mut file);
    let sensor = file.add(&read("full.jpg"));
    let (preview, _) = file.add(&directory(&[(513, LONG, 1, large.0), (514, LONG, 1, large.1)], 0));
    let packing = if sensor_is_jpeg { 7 } else { 1 };
    let values = [(259, 3, 1, packing), (262, 3, 1, 34_892), (273, LONG, 1, sensor.0), (279, LONG, 1, sensor.1)];
    let (values, _) = file.add(&directory(&values, 0));
    let (list, _) = file.add(&[preview.to_le_bytes(), values.to_le_bytes()].concat());
    let entries = [
        (254, LONG, 1, 1),
        (259, 3, 1, 7),
        (262, 3, 1, 6),
        (273, LONG, 1, small.0),
        (279, LONG, 1, small.1),
        (330, LONG, 2, list),
        (50_706, 1, 4, 0x0401),
    ];
    file.first(&directory(&entries, 0))
}

fn panasonic() -> Vec<u8> {
    let mut file = File::new(b"IIU\0");
    let (_, large) = small_and_large(&mut file);
    file.first(&directory(&[(0x2e, BYTES, large.1, large.0)], 0))
}

/// Olympus counts the places in its note from the note.
fn olympus() -> Vec<u8> {
    let mut file = File::new(b"IIRO");
    let (_, large) = small_and_large(&mut file);
    let begin = file.0.len() as u32;
    let camera = 12 + 2 + 12 + 4;
    let mut note = b"OLYMPUS\0II\x03\0".to_vec();
    note.extend(directory(&[(0x2020, 13, 1, camera)], 0));
    let preview = note.len() as u32 + 2 + 24 + 4;
    note.extend(directory(&[(0x101, LONG, 1, preview), (0x102, LONG, 1, large.1)], 0));
    note.extend(read("rgb.jpg"));
    let (at, length) = file.add(&note);
    assert_eq!(at, begin);
    let (exif, _) = file.add(&directory(&[(37_500, BYTES, length, at)], 0));
    file.first(&directory(&[(34_665, LONG, 1, exif)], 0))
}

fn fujifilm() -> Vec<u8> {
    let jpeg = read("rgb.jpg");
    let mut bytes = b"FUJIFILMCCD-RAW 0201FF383501".to_vec();
    bytes.resize(84, 0);
    bytes.extend([100_u32.to_be_bytes(), (jpeg.len() as u32).to_be_bytes()].concat());
    bytes.resize(100, 0);
    [bytes, jpeg, vec![0; 50]].concat()
}

fn boxed(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
    [(body.len() as u32 + 8).to_be_bytes().as_slice(), name, body].concat()
}

/// Canon's newer files: a small preview in a box of its own, the large one as the first track's only sample.
fn cr3(orientation: u32, track: bool) -> Vec<u8> {
    const METADATA: &[u8] = b"\x85\xc0\xb6\x87\x82\x0f\x11\xe0\x81\x11\xf4\xce\x46\x2b\x6a\x48";
    const PREVIEW: &[u8] = b"\xea\xf4\x2b\x5e\x1c\x98\x4b\x88\xb9\xfb\xb7\xdc\x40\x6e\x4d\x16";
    let head = boxed(b"ftyp", b"crx \0\0\0\x01crx isom");
    let large = read("rgb.jpg");
    let exif = File::new(b"II*\0").first(&directory(&[(274, 3, 1, orientation)], 0));
    let movie = |begin: u32| {
        let sizes = boxed(b"stsz", &[0, 0, 1, large.len() as u32].map(u32::to_be_bytes).concat());
        let offsets = boxed(b"co64", &[[0; 4], 1_u32.to_be_bytes(), [0; 4], begin.to_be_bytes()].concat());
        let table = boxed(b"stbl", &[sizes, offsets].concat());
        let track = if track { boxed(b"trak", &boxed(b"mdia", &boxed(b"minf", &table))) } else { Vec::new() };
        let metadata = boxed(b"uuid", &[METADATA, &boxed(b"CMT1", &exif)].concat());
        boxed(b"moov", &[metadata, track].concat())
    };
    let preview = boxed(b"PRVW", &[[0; 16].as_slice(), &read("jpeg/420.jpg")].concat());
    let preview = boxed(b"uuid", &[PREVIEW, &[0; 8], &preview].concat());
    let begin = head.len() + movie(0).len() + preview.len() + 8;
    [head, movie(begin as u32), preview, boxed(b"mdat", &large)].concat()
}

#[test]
fn the_largest_preview_is_taken() {
    let expected = prepare(&read("rgb.jpg")).unwrap();
    let files = [
        ("CR2", cr2(1)),
        ("NEF", with_sub_directories(false)),
        ("DNG whose sensor's values are JPEG", with_sub_directories(true)),
        ("RW2", panasonic()),
        ("ORF", olympus()),
        ("RAF", fujifilm()),
        ("CR3", cr3(1, true)),
    ];
    for (name, bytes) in files {
        assert!(prepare(&bytes).unwrap_or_else(|error| panic!("{name}: {error}")) == expected, "{name}");
    }
    assert!(prepare(&cr3(1, false)).unwrap() == prepare(&read("jpeg/420.jpg")).unwrap(), "all that there is");
}

#[test]
fn it_is_turned_as_the_camera_was_held() {
    for orientation in 2..9 {
        let turned = prepare(&cr2(orientation)).unwrap();
        assert!(turned == prepare(&cr3(orientation, true)).unwrap(), "{orientation}");
        assert!(turned != prepare(&cr2(1)).unwrap(), "{orientation}");
    }
}

#[test]
fn files_without_a_preview_are_refused_by_name_and_broken_ones_end() {
    let mut file = File::new(b"II*\0\0\0\0\0CR\x02\0");
    let sensor = file.add(&[7; 500]);
    let empty = file.first(&directory(&[(259, 3, 1, 6), (273, LONG, 1, sensor.0), (279, LONG, 1, sensor.1)], 0));
    let error = prepare(&empty).unwrap_err();
    assert!(error.reason == Reason::MediaUnsupported && error.message.contains("preview"), "{error}");
    // A directory that is its own next one, and its own sub-directory; places beyond the end.
    let mut file = File::new(b"II*\0\0\0\0\0CR\x02\0");
    let at = file.add(&[]).0;
    let looped = file.first(&directory(&[(330, LONG, 1, at), (513, LONG, 1, u32::MAX), (514, LONG, 1, 9)], at));
    assert_eq!(prepare(&looped).unwrap_err().reason, Reason::MediaUnsupported);
    for bytes in [cr2(1), with_sub_directories(true), panasonic(), olympus(), fujifilm(), cr3(6, true)] {
        for length in (0..bytes.len()).filter(|length| *length < 200 || length % 97 == 0) {
            if let Err(error) = prepare(&bytes[..length]) {
                assert!(error.reason.name().starts_with("MEDIA_"), "cut to {length}: {error}");
            }
        }
        for at in (0..bytes.len()).step_by(7) {
            let mut broken = bytes.clone();
            broken[at] ^= 0xff;
            if let Err(error) = prepare(&broken) {
                assert!(error.reason.name().starts_with("MEDIA_"), "byte {at}: {error}");
            }
        }
    }
}

//! Bytes are never trusted: whatever they are, the answer is a sample or a `MEDIA_*` error that blames `bytes`.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "this is how a test fails")]

mod common;

use std::time::{Duration, Instant};

use common::read;
use onespace_core::{Error, Prepare, PrepareRequest, Reason, Result, Sample, limits};
use onespace_image::ImagePreparer;
use onespace_image::table::Image;

const FILES: [&str; 28] = [
    "formats/colours.avif",
    "formats/opacity.avif",
    "formats/grid.avif",
    "formats/colours.heic",
    "formats/grid.heic",
    "formats/cut.heic",
    "formats/lossy.jxl",
    "formats/colours.jp2",
    "formats/blocks.dds",
    "formats/runs.psd",
    "formats/holes.bmp",
    "formats/large-frame.gif",
    "rgb.jpg",
    "progressive.jpg",
    "cmyk.jpg",
    "grey.jpg",
    "turned6.jpg",
    "rgb.png",
    "rgb16.png",
    "holes.png",
    "lossless.webp",
    "lossy.webp",
    "moving.webp",
    "moving.gif",
    "rgb.bmp",
    "palette.bmp",
    "rgb.tiff",
    "rgba.tiff",
];

fn prepare(bytes: &[u8]) -> Result<Vec<Sample>> {
    let table = r#"{
        "width": 16, "height": 16, "resize": "shortest-edge", "filter": "bicubic",
        "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]
    }"#;
    let spec: Image = serde_json::from_str(table).unwrap();
    ImagePreparer::new(&spec).prepare(&PrepareRequest::of(bytes)).map(|prepared| prepared.samples)
}

fn assert_blames_the_media(error: &Error, what: &str) {
    assert_eq!(error.field, "bytes", "{what}: {error}");
    assert!(error.reason.name().starts_with("MEDIA_"), "{what}: {:?} {error}", error.reason);
    assert!(!error.message.is_empty(), "{what}");
}

/// A small, fast, seeded source of numbers (xorshift).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }
}

fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 & 0_u32.wrapping_sub(crc & 1)))
    })
}

/// A PNG of that size in which no pixel is stored: a header, and data that ends at once.
fn hollow_png(width: u32, height: u32, depth: u8, colour: u8) -> Vec<u8> {
    let chunk = |kind: &[u8; 4], data: &[u8]| {
        let body = [kind.as_slice(), data].concat();
        [&(data.len() as u32).to_be_bytes(), body.as_slice(), &crc(&body).to_be_bytes()].concat()
    };
    let header = [&width.to_be_bytes(), &height.to_be_bytes(), [depth, colour, 0, 0, 0].as_slice()].concat();
    let parts = [chunk(b"IHDR", &header), chunk(b"IDAT", b"\x78\x9c\x03\0\0\0\0\x01"), chunk(b"IEND", b"")];
    [b"\x89PNG\r\n\x1a\n".to_vec(), parts.concat()].concat()
}

fn bmp(width: i32, height: i32) -> Vec<u8> {
    let mut bytes = read("rgb.bmp");
    bytes[18..22].copy_from_slice(&width.to_le_bytes());
    bytes[22..26].copy_from_slice(&height.to_le_bytes());
    bytes
}

fn gif(width: u16, height: u16) -> Vec<u8> {
    let mut bytes = read("palette.gif");
    bytes[6..8].copy_from_slice(&width.to_le_bytes());
    bytes[8..10].copy_from_slice(&height.to_le_bytes());
    bytes
}

/// The size in the frame header of a JPEG, replaced.
fn jpeg(file: &str, width: u16, height: u16) -> Vec<u8> {
    let mut bytes = read(file);
    let at = bytes.windows(2).position(|pair| matches!(pair, [0xff, 0xc0 | 0xc2])).unwrap();
    bytes[at + 5..at + 7].copy_from_slice(&height.to_be_bytes());
    bytes[at + 7..at + 9].copy_from_slice(&width.to_be_bytes());
    bytes
}

#[test]
fn what_is_too_large_is_refused_from_the_header() {
    let side = limits::IMAGE_SIDE as u32;
    let bombs = [
        ("a PNG of 15000 x 15000", hollow_png(15_000, 15_000, 8, 2)),
        ("a PNG of one row too long", hollow_png(side + 1, 1, 8, 2)),
        ("a PNG of one column too high", hollow_png(1, side + 1, 8, 2)),
        ("a PNG of 2^31 - 1 squared", hollow_png(0x7fff_ffff, 0x7fff_ffff, 8, 2)),
        ("a PNG of 64 bits a pixel", hollow_png(7_000, 7_000, 16, 6)),
        ("a BMP of 30000 x 30000", bmp(30_000, 30_000)),
        ("a GIF of 65535 x 65535", gif(65_535, 65_535)),
        ("a JPEG of 65535 x 65535", jpeg("rgb.jpg", 65_535, 65_535)),
        ("a progressive JPEG of 16384 x 16384", jpeg("progressive.jpg", 16_384, 16_384)),
        ("a progressive JPEG of 7000 x 7000", jpeg("progressive.jpg", 7_000, 7_000)),
        ("more bytes than allowed", vec![0; limits::IMAGE_BYTES + 1]),
    ];
    for (what, bytes) in bombs {
        let error = prepare(&bytes).unwrap_err();
        assert_eq!(error.reason, Reason::MediaTooLarge, "{what}: {error}");
        assert_eq!(error.field, "bytes", "{what}");
        assert!(error.message.contains("limit is"), "{what}: {error}");
        // The fastest of several: the machine may be busy. To decode any of them takes longer at any time.
        let took = (0..10).map(|_| {
            let begun = Instant::now();
            let _ = prepare(&bytes);
            begun.elapsed()
        });
        let fastest = took.min().unwrap();
        assert!(fastest < Duration::from_millis(20), "{what}: {fastest:?}");
    }
}

#[test]
fn what_is_no_image_says_so() {
    for (bytes, reason) in [
        (b"".as_slice(), Reason::MediaEmpty),
        (b"a red mug on a table", Reason::MediaUnsupported),
        (b"\0\0\0\x18ftypisom\0\0\0\0isomiso2", Reason::MediaUnsupported),
        (b"\x89PNG\r\n\x1a\n", Reason::MediaMalformed),
        (b"\xff\xd8\xff\xe0", Reason::MediaMalformed),
        (b"GIF89a", Reason::MediaMalformed),
        (b"RIFF\0\0\0\0WEBPVP8 ", Reason::MediaMalformed),
        (b"II*\0\xff\xff\xff\xff", Reason::MediaMalformed),
    ] {
        let error = prepare(bytes).unwrap_err();
        assert_eq!(error.reason, reason, "{bytes:?}: {error}");
        assert_blames_the_media(&error, "no image");
    }
    for (what, bytes) in [
        ("PNG", hollow_png(0, 4, 8, 2)),
        ("BMP", bmp(0, 4)),
        ("JPEG", jpeg("rgb.jpg", 0, 0)),
        ("GIF", gif(0, 0)),
        ("a PNG without pixels", hollow_png(64, 64, 8, 2)),
    ] {
        assert_blames_the_media(&prepare(&bytes).unwrap_err(), what);
    }
}

#[test]
fn what_is_in_a_container_is_read_or_refused_by_name() {
    for (kind, codec) in [(b"avc1", "H.264"), (b"vvc1", "VVC"), (b"unci", "not compressed"), (b"abcd", "abcd")] {
        let mut bytes = read("formats/colours.heic");
        let places: Vec<usize> = (0..bytes.len() - 4).filter(|at| &bytes[*at..*at + 4] == b"hvc1").collect();
        places.iter().for_each(|at| bytes[*at..*at + 4].copy_from_slice(kind));
        let error = prepare(&bytes).unwrap_err();
        assert!(error.reason == Reason::MediaUnsupported && error.message.contains(codec), "{error}");
    }
    for bytes in [b"\0\0\0\x20ftypavif\0\0\0\0avifmif1miafMA1B".as_slice(), b"\0\0\0\x1cftypheic\0\0\0\0mif1heicmiaf"] {
        assert_eq!(prepare(bytes).unwrap_err().reason, Reason::MediaMalformed);
    }
}

#[test]
fn pictures_in_containers_are_bounded_by_what_they_say() {
    // Width and height in the property that says them.
    let with_size = |file: &str, width: u32, height: u32| {
        let mut bytes = read(file);
        let places: Vec<usize> = (0..bytes.len() - 4).filter(|at| &bytes[*at..*at + 4] == b"ispe").collect();
        for at in places {
            bytes[at + 8..at + 12].copy_from_slice(&width.to_be_bytes());
            bytes[at + 12..at + 16].copy_from_slice(&height.to_be_bytes());
        }
        prepare(&bytes).unwrap_err()
    };
    for file in ["formats/colours.avif", "formats/colours.heic"] {
        assert_eq!(with_size(file, 60_000, 60_000).reason, Reason::MediaTooLarge, "{file}");
        assert_eq!(with_size(file, 9_000, 9_000).reason, Reason::MediaTooLarge, "{file}");
        // Larger than what is coded.
        assert_eq!(with_size(file, 500, 500).reason, Reason::MediaMalformed, "{file}");
        assert_eq!(with_size(file, 0, 0).reason, Reason::MediaMalformed, "{file}");
    }
    // The same tile in each of 65,536 places.
    let mut grid = read("formats/grid.heic");
    let at = grid.windows(8).position(|window| window == b"\0\0\x01\x01\0\x64\0\x5a").unwrap();
    grid[at + 2..at + 4].copy_from_slice(&[255, 255]);
    assert_eq!(prepare(&grid).unwrap_err().reason, Reason::MediaMalformed);
}

#[test]
fn truncated_files_end_in_a_sample_or_an_error() {
    for file in FILES {
        let bytes = read(file);
        let mut refused = 0;
        let lengths = (1..bytes.len()).filter(|length| *length < 64 || length % 23 == 0);
        for length in lengths {
            if let Err(error) = prepare(&bytes[..length]) {
                refused += 1;
                assert_blames_the_media(&error, &format!("{file} cut to {length}"));
            }
        }
        assert!(refused > 20, "{file}: {refused} lengths refused");
    }
}

#[test]
fn flipped_bytes_end_in_a_sample_or_an_error() {
    for file in FILES {
        let original = read(file);
        let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15 ^ original.len() as u64);
        let mut refused = 0;
        for round in 0..300 {
            let mut bytes = original.clone();
            // Headers decide most; half of the changes fall there.
            let reach = if round % 2 == 0 { bytes.len().min(200) } else { bytes.len() };
            for _ in 0..=numbers.below(6) {
                let at = numbers.below(reach);
                bytes[at] = numbers.below(256) as u8;
            }
            let begun = Instant::now();
            if let Err(error) = prepare(&bytes) {
                refused += 1;
                assert_blames_the_media(&error, &format!("{file}, round {round}"));
            }
            assert!(begun.elapsed() < Duration::from_secs(10), "{file}, round {round}: {:?}", begun.elapsed());
        }
        println!("{file}: {refused} of 300 refused");
        assert!(refused > 0, "{file}: no change was ever noticed");
    }
}

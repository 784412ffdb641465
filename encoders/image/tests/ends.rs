//! Files that lack what no pixel needs, and what their metadata say.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "this is how a test fails")]

mod common;

use common::read;
use onespace_core::{Prepare, PrepareRequest, Reason, Result, Tensor};
use onespace_image::{ImagePreparer, plane::decode_plane, table::Image};

fn prepare(bytes: &[u8]) -> Result<Tensor> {
    let table = r#"{
        "width": 24, "height": 16, "resize": "squash", "filter": "nearest", "mean": [0, 0, 0], "std": [1, 1, 1]
    }"#;
    let spec: Image = serde_json::from_str(table).unwrap();
    ImagePreparer::new(&spec)
        .prepare(&PrepareRequest::of(bytes))
        .map(|mut done| done.samples.remove(0).tensors.remove(0))
}

/// Where each chunk of a PNG ends, and what it is called.
fn chunks(png: &[u8]) -> Vec<(usize, String)> {
    let mut ends = vec![(8, String::new())];
    while let Some(head) = png.get(ends[ends.len() - 1].0..).and_then(|rest| rest.get(..8)) {
        let length = u32::from_be_bytes(head[..4].try_into().unwrap()) as usize;
        ends.push((ends[ends.len() - 1].0 + 12 + length, String::from_utf8_lossy(&head[4..]).into_owned()));
    }
    ends
}

#[test]
fn a_png_without_its_end_is_its_picture_and_one_without_pixels_is_refused() {
    for name in ["rgb.png", "palette.png", "bits.png", "holes.png", "rgb16.png", "grey16.png"] {
        let whole = read(name);
        let wanted = prepare(&whole).unwrap();
        let chunks = chunks(&whole);
        let pixels_end = chunks.iter().rev().find(|(_, chunk)| chunk == "IDAT").unwrap().0;
        for length in pixels_end..whole.len() {
            assert!(prepare(&whole[..length]).unwrap() == wanted, "{name} cut to {length}");
        }
        // Metadata that are cut.
        let text = [&whole[..pixels_end], b"\0\0\x01\0tEXtComment".as_slice()].concat();
        assert!(prepare(&text).unwrap() == wanted, "{name}");
        for length in [pixels_end - 1, pixels_end - 4, pixels_end - 5, pixels_end / 2, 40] {
            let error = prepare(&whole[..length]).unwrap_err();
            assert_eq!((error.reason, error.field.as_str()), (Reason::MediaMalformed, "bytes"), "{name}: {error}");
        }
    }
    let depth = read("grey16.png");
    let patience = onespace_core::Patience::endless();
    let cut = decode_plane(&depth[..depth.len() - 12], &patience).unwrap();
    assert_eq!(cut, decode_plane(&depth, &patience).unwrap());
}

/// EXIF that says nothing but how the picture is turned.
fn exif(orientation: u8) -> Vec<u8> {
    [b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".as_slice(), &[orientation, 0, 0], &[0; 4]].concat()
}

fn png_with(orientation: u8, prefix: &[u8]) -> Vec<u8> {
    let png = read("rgb.png");
    let body = [b"eXIf", prefix, &exif(orientation)].concat();
    let crc = !body.iter().fold(!0_u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 & 0_u32.wrapping_sub(crc & 1)))
    });
    let length = (body.len() as u32 - 4).to_be_bytes();
    [&png[..33], &length, &body, &crc.to_be_bytes(), &png[33..]].concat()
}

/// The picture of `lossless.webp` in the form that has metadata.
fn webp_with(orientation: u8, prefix: &[u8]) -> Vec<u8> {
    let plain = read("lossless.webp");
    let at = plain.windows(4).position(|name| name == b"VP8L").unwrap();
    let length = u32::from_le_bytes(plain[at + 4..at + 8].try_into().unwrap()) as usize;
    let picture = &plain[at..at + 8 + length + length % 2];
    let head = u32::from_le_bytes(picture[9..13].try_into().unwrap());
    let sides = [head & 0x3fff, head >> 14 & 0x3fff].map(|side| side.to_le_bytes()[..3].to_vec()).concat();
    let metadata = [prefix, &exif(orientation)].concat();
    let padding = vec![0; metadata.len() % 2];
    let body = [
        b"WEBPVP8X\x0a\0\0\0\x18\0\0\0".as_slice(),
        &sides,
        picture,
        b"EXIF",
        &(metadata.len() as u32).to_le_bytes(),
        &metadata,
        &padding,
    ]
    .concat();
    [b"RIFF".as_slice(), &(body.len() as u32).to_le_bytes(), &body].concat()
}

fn jpeg_with(orientation: u8, before: &[u8]) -> Vec<u8> {
    let jpeg = read("rgb.jpg");
    let body = [b"Exif\0\0".as_slice(), &exif(orientation)].concat();
    let exif = [b"\xff\xe1".as_slice(), &(body.len() as u16 + 2).to_be_bytes(), &body].concat();
    // Behind the first segment.
    let at = 4 + u16::from_be_bytes(jpeg[4..6].try_into().unwrap()) as usize;
    [&jpeg[..at], before, &exif, &jpeg[at..]].concat()
}

#[test]
fn orientation_is_found_behind_its_name_and_in_odd_places() {
    for orientation in [3, 6, 8] {
        let (bare, named) = (png_with(orientation, b""), png_with(orientation, b"Exif\0\0"));
        assert!(prepare(&named).unwrap() == prepare(&bare).unwrap(), "PNG {orientation}");
        assert!(prepare(&named).unwrap() != prepare(&png_with(1, b"")).unwrap(), "PNG {orientation}");
        let (bare, named) = (webp_with(orientation, b""), webp_with(orientation, b"Exif\0\0"));
        assert!(prepare(&named).unwrap() == prepare(&bare).unwrap(), "WebP {orientation}");
        assert!(prepare(&named).unwrap() != prepare(&webp_with(1, b"")).unwrap(), "WebP {orientation}");
        let xmp = b"\xff\xe1\0\x22http://ns.adobe.com/xap/1.0/\0<x/>".as_slice();
        let (first, later) = (jpeg_with(orientation, b""), jpeg_with(orientation, &xmp[..2 + 0x22]));
        assert!(prepare(&later).unwrap() == prepare(&first).unwrap(), "JPEG {orientation}");
        assert!(prepare(&later).unwrap() != prepare(&jpeg_with(1, b"")).unwrap(), "JPEG {orientation}");
    }
}

#[test]
fn notes_of_a_phone_behind_the_boxes_are_no_harm() {
    for file in ["formats/colours.heic", "formats/colours.avif"] {
        let noted =
            [read(file).as_slice(), b"\0\0\xa1\x0a\x08\0\0\0Image_UTC_Data1700000000000SEFHk\0\0\0SEFT"].concat();
        assert!(prepare(&noted).unwrap() == prepare(&read(file)).unwrap(), "{file}");
    }
}

/// A sequence without items: a track of one picture.
#[test]
fn the_first_picture_of_a_sequence_is_shown() {
    let boxed = |name: &[u8; 4], body: &[u8]| [&(body.len() as u32 + 8).to_be_bytes(), name.as_slice(), body].concat();
    for (file, brand, entry, config) in
        [("formats/colours.heic", b"msf1", b"hvc1", b"hvcC"), ("formats/colours.avif", b"avis", b"av01", b"av1C")]
    {
        let still = read(file);
        let at = still.windows(4).position(|window| window == config).unwrap();
        let length = u32::from_be_bytes(still[at - 4..at].try_into().unwrap()) as usize;
        let data = &still[still.windows(4).position(|window| window == b"mdat").unwrap() + 4..];
        let head = boxed(b"ftyp", &[brand.as_slice(), &[0; 4], b"hevc"].concat());
        let movie = |begin: usize| {
            let mut picture = vec![0; 78];
            picture[24..28].copy_from_slice(&[0, 41, 0, 29]);
            picture.extend(&still[at - 4..at - 4 + length]);
            if let Some(at) = still.windows(8).position(|window| window == b"colrnclx") {
                picture.extend(&still[at - 4..at + 15]);
            }
            let entries = boxed(b"stsd", &[[0, 0, 0, 0, 0, 0, 0, 1].as_slice(), &boxed(entry, &picture)].concat());
            let sizes = boxed(b"stsz", &[0, 0, data.len() as u32, 1].map(u32::to_be_bytes).concat()[4..]);
            let places = boxed(b"stco", &[0, 1, begin as u32].map(u32::to_be_bytes).concat());
            let table = boxed(b"stbl", &[entries, sizes, places].concat());
            boxed(b"moov", &boxed(b"trak", &boxed(b"mdia", &boxed(b"minf", &table))))
        };
        let begin = head.len() + movie(0).len() + 8;
        let sequence = [head, movie(begin), boxed(b"mdat", data)].concat();
        assert!(prepare(&sequence).unwrap() == prepare(&still).unwrap(), "{file}");
        for length in (0..sequence.len()).step_by(11) {
            assert!(prepare(&sequence[..length]).is_err(), "cut to {length}");
        }
    }
}

/// The pixels of `rgb.bmp`, or a few of a palette, behind a header of OS/2.
fn os2(header: u32, rgb: &[u8]) -> Vec<u8> {
    let (sides, pixels) = (&rgb[18..26], &rgb[u32::from_le_bytes(rgb[10..14].try_into().unwrap()) as usize..]);
    let sides: Vec<u8> = if header == 12 { [&sides[..2], &sides[4..6]].concat() } else { sides.to_vec() };
    let mut head = [&header.to_le_bytes(), sides.as_slice(), &[1, 0, 24, 0]].concat();
    head.resize(header as usize, 0);
    let length = (14 + head.len() + pixels.len()) as u32;
    let place = 14 + header;
    [b"BM".as_slice(), &length.to_le_bytes(), &[0; 4], &place.to_le_bytes(), &head, pixels].concat()
}

#[test]
fn bitmaps_of_os2_are_their_pictures() {
    let windows = read("rgb.bmp");
    assert_eq!(windows[28], 24, "three bytes a pixel");
    for header in [12, 16, 64] {
        let bytes = os2(header, &windows);
        assert!(prepare(&bytes).unwrap() == prepare(&windows).unwrap(), "a header of {header}");
        for length in 0..bytes.len().min(100) {
            assert!(prepare(&bytes[..length]).is_err());
        }
    }
    let mut huffman = os2(64, &windows);
    huffman[30] = 3;
    let error = prepare(&huffman).unwrap_err();
    assert!(error.reason == Reason::MediaUnsupported && error.message.contains("OS/2"), "{error}");
}

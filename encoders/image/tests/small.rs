//! Icons, and pictures as scanners and scripts write them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "this is how a test fails")]

use std::io::Cursor;

use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use onespace_core::{
    Media, Modality, Prepare, PrepareRequest, Reason, Result, Tensor,
    sniff::{Sniffed, sniff},
};
use onespace_image::{ImagePreparer, table::Image};

fn picture() -> DynamicImage {
    RgbImage::from_fn(24, 16, |x, y| Rgb([x as u8 * 10, y as u8 * 15, 200])).into()
}

fn written(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn prepare(bytes: &[u8]) -> Result<Tensor> {
    let table = r#"{
        "width": 24, "height": 16, "resize": "squash", "filter": "nearest", "mean": [0, 0, 0], "std": [1, 1, 1]
    }"#;
    let spec: Image = serde_json::from_str(table).unwrap();
    let prepared = ImagePreparer::new(&spec).prepare(&PrepareRequest::of(bytes));
    prepared.map(|mut done| done.samples.remove(0).tensors.remove(0))
}

#[test]
fn icons_and_pixmaps_are_their_pictures() {
    let wanted = prepare(&written(&picture(), ImageFormat::Png)).unwrap();
    // An icon's picture has transparency, by its format's rules.
    let clear = DynamicImage::from(picture().to_rgba8());
    for (format, picture) in [(ImageFormat::Pnm, picture()), (ImageFormat::Ico, clear)] {
        let bytes = written(&picture, format);
        assert!(prepare(&bytes).unwrap() == wanted, "{format:?}");
        assert_eq!(Media::bytes(bytes).resolve().unwrap().1, Modality::Image, "{format:?}");
    }
    // In letters; and in one bit, of which one is black.
    let letters = b"P3\n# two by one\n2 1\n255\n255 0 0  0 0 255\n";
    let two = RgbImage::from_raw(2, 1, vec![255, 0, 0, 0, 0, 255]).unwrap().into();
    assert!(prepare(letters).unwrap() == prepare(&written(&two, ImageFormat::Png)).unwrap());
    let bits = RgbImage::from_raw(8, 1, [vec![0; 3], vec![255; 21]].concat()).unwrap().into();
    assert!(prepare(b"P4\n8 1\n\x80").unwrap() == prepare(&written(&bits, ImageFormat::Png)).unwrap());
}

#[test]
fn icons_and_pixmaps_that_are_none_are_refused() {
    let icon = written(&picture().to_rgba8().into(), ImageFormat::Ico);
    let broken: [&[u8]; 4] =
        [&icon[..icon.len() / 2], b"P6\n100000 100000\n255\n", b"P6\n24 16\n255\n123", b"P5\n0 0\n255\n"];
    for bytes in broken {
        let error = prepare(bytes).unwrap_err();
        assert!(matches!(error.reason, Reason::MediaMalformed | Reason::MediaTooLarge), "{error}");
    }
    // A picture in MPEG video begins as an icon does.
    let mpeg = [b"\0\0\x01\0\x00\x0f\xff\xf8\x00".as_slice(), &[0x5a; 40]].concat();
    assert!(!matches!(sniff(&mpeg), Sniffed::Known { modality: Modality::Image, .. }));
}

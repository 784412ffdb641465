//! How far decoded JPEGs are from libjpeg-turbo's pixels, as Pillow hands them out (`golden/jpeg/make.py`).
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "this is how a test fails")]

use std::{fs, path::Path};

use onespace_bundle::preprocess::Image;
use onespace_core::{Prepare, TensorData};
use onespace_image::ImagePreparer;

const SIDES: (u32, u32) = (93, 67);

fn read(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/jpeg").join(name)).unwrap()
}

/// The decoded pixels, channel by channel: a picture that keeps its size keeps its pixels.
fn decoded(name: &str) -> Vec<f32> {
    let table = serde_json::json!({
        "width": SIDES.0, "height": SIDES.1, "resize": "squash", "filter": "nearest", "mean": [0, 0, 0], "std": [1, 1, 1],
    });
    let spec: Image = serde_json::from_value(table).unwrap();
    let mut sample = ImagePreparer::new(&spec).prepare(&read(name), None).unwrap().remove(0);
    match sample.tensors.remove(0).data {
        TensorData::F32(values) => values,
        TensorData::I64(_) => panic!("not floats"),
    }
}

#[test]
fn pixels_are_those_of_libjpeg_turbo() {
    let mut wrong = Vec::new();
    for (name, allowed) in [
        ("444", 2.0),
        ("422", 3.0),
        ("420", 3.0),
        ("420-low", 3.0),
        ("progressive-420", 3.0),
        ("progressive-444", 2.0),
        ("restart-420", 3.0),
        ("grey", 1.0),
        ("cmyk", 1.0),
    ] {
        let (ours, theirs) = (decoded(&format!("{name}.jpg")), read(&format!("{name}.rgb")));
        let plane = ours.len() / 3;
        let gap = |index: usize| (ours[index % 3 * plane + index / 3] * 255.0 - f32::from(theirs[index])).abs();
        let gaps: Vec<f32> = (0..theirs.len()).map(gap).collect();
        let (mean, most) = (gaps.iter().sum::<f32>() / gaps.len() as f32, gaps.iter().copied().fold(0.0, f32::max));
        println!("{name:<16} mean {mean:.4}  most {most:.0}");
        if most > allowed + 0.01 || mean > 0.5 {
            wrong.push(format!("{name}: {mean} {most}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

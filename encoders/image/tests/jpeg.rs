//! Decoded JPEGs are libjpeg-turbo's pixels to the last bit, as Pillow hands them out (`golden/jpeg/make.py`).
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "this is how a test fails")]

mod common;

use common::{Expected, read};
use onespace_core::{Prepare, PrepareRequest, TensorData};
use onespace_image::ImagePreparer;
use onespace_image::table::Image;

const SIDES: (u32, u32) = (93, 67);

/// The decoded pixels, channel by channel: an image that keeps its size keeps its pixels.
fn decoded(name: &str) -> Vec<f32> {
    let table = serde_json::json!({
        "width": SIDES.0, "height": SIDES.1, "resize": "squash", "filter": "nearest",
        "mean": [0, 0, 0], "std": [1, 1, 1],
    });
    let spec: Image = serde_json::from_value(table).unwrap();
    let mut sample = ImagePreparer::new(&spec)
        .prepare(&PrepareRequest::of(&read(&format!("jpeg/{name}.jpg"))))
        .unwrap()
        .samples
        .remove(0);
    match sample.tensors.remove(0).data {
        TensorData::F32(values) => values,
        TensorData::I64(_) => panic!("not floats"),
    }
}

#[test]
fn pixels_are_those_of_libjpeg_turbo() {
    let expected = Expected::open("jpeg/expected.safetensors");
    let shape = [SIDES.1 as usize, SIDES.0 as usize, 3];
    let mut wrong = Vec::new();
    for name in ["444", "422", "420", "420-low", "progressive-420", "progressive-444", "restart-420", "grey", "cmyk"] {
        let ours = decoded(name);
        let theirs = expected.bytes(name, &shape);
        assert_eq!(ours.len(), theirs.len(), "{name}");
        let plane = ours.len() / 3;
        let gap = |index: usize| (ours[index % 3 * plane + index / 3] * 255.0 - f32::from(theirs[index])).abs();
        let most = (0..theirs.len()).map(gap).fold(0.0, f32::max);
        if most > 0.01 {
            wrong.push(format!("{name}: {most}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

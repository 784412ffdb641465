//! A bundle may have pictures read as Pillow alone reads them (`golden/originals.py`).
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "this is how a test fails")]

mod common;

use std::collections::BTreeMap;

use common::{read, tiff::Tiff};
use onespace_core::{Prepare, PrepareRequest, TensorData};
use onespace_image::{
    ImagePreparer,
    table::{DeepGrey, Image, Turn},
};

#[derive(serde::Deserialize)]
struct Original {
    size: (u32, u32),
    sum: u64,
    pixels: Vec<[u8; 3]>,
    #[serde(default)]
    row: Vec<u16>,
}

fn originals() -> BTreeMap<String, Original> {
    serde_json::from_slice(&read("originals.json")).unwrap()
}

/// Pixels at the size that the file has.
fn pixels(bytes: &[u8], (width, height): (u32, u32), keys: &[(&str, &str)]) -> Vec<[u8; 3]> {
    let mut table = serde_json::json!({
        "width": width, "height": height, "resize": "squash", "filter": "nearest", "mean": [0, 0, 0], "std": [1, 1, 1],
    });
    for (key, value) in keys {
        table[*key] = (*value).into();
    }
    let spec: Image = serde_json::from_value(table).unwrap();
    spec.check().unwrap();
    let mut sample = ImagePreparer::new(&spec).prepare(&PrepareRequest::of(bytes)).unwrap().samples.remove(0);
    let TensorData::F32(values) = sample.tensors.remove(0).data else { panic!("not floats") };
    let plane = values.len() / 3;
    let byte = |at: usize| (values[at] * 255.0).round() as u8;
    (0..plane).map(|at| [byte(at), byte(at + plane), byte(at + 2 * plane)]).collect()
}

fn file(name: &str, original: &Original) -> Vec<u8> {
    if original.row.is_empty() {
        return read(name);
    }
    let strip = original.row.iter().flat_map(|value| value.to_le_bytes()).collect();
    Tiff::new(original.size, &[16], 1, strip).bytes()
}

#[test]
fn pixels_are_pillows_where_the_bundle_says_so() {
    let originals = originals();
    assert!(originals.len() > 8, "only {} files", originals.len());
    for (name, original) in &originals {
        let found = pixels(&file(name, original), original.size, &[("turn", "stored"), ("deep_grey", "clip")]);
        let sum: u64 = found.iter().flatten().map(|value| u64::from(*value)).sum();
        // JPEG decoders of other builds may round otherwise; another turn or depth is far from that.
        assert!(sum.abs_diff(original.sum) <= found.len() as u64 / 100, "{name}: {sum}, not {}", original.sum);
        for (ours, theirs) in found.iter().flatten().zip(original.pixels.iter().flatten()) {
            assert!(ours.abs_diff(*theirs) <= 1, "{name}: {:?}, not {:?}", &found[..4], &original.pixels[..4]);
        }
    }
}

#[test]
fn each_key_does_its_own_thing_and_no_more() {
    let originals = originals();
    let turned = &originals["turned6.jpg"];
    let bytes = read("turned6.jpg");
    assert_ne!(pixels(&bytes, turned.size, &[]), pixels(&bytes, turned.size, &[("turn", "stored")]));
    assert_eq!(pixels(&bytes, turned.size, &[]), pixels(&bytes, turned.size, &[("deep_grey", "clip")]));
    let row = &originals["row.tiff"];
    let high: Vec<_> = row.row.iter().map(|value| [(value >> 8) as u8; 3]).collect();
    assert_eq!(pixels(&file("row.tiff", row), row.size, &[]), high);
    assert_eq!(pixels(&file("row.tiff", row), row.size, &[("turn", "stored")]), high);
    // Colours of sixteen bits lose their lower byte in Pillow as well.
    let colours = read("rgb16.png");
    assert_eq!(pixels(&colours, (16, 16), &[]), pixels(&colours, (16, 16), &[("deep_grey", "clip")]));
}

#[test]
fn the_rules_of_ours_are_not_written_down() {
    let spec = Image::resized(8, 8, onespace_image::table::Resize::Squash, onespace_image::table::ResizeFilter::Box);
    assert_eq!((spec.turn, spec.deep_grey), (Turn::Upright, DeepGrey::High));
    let table = serde_json::to_value(&spec).unwrap();
    assert!(table.get("turn").is_none() && table.get("deep_grey").is_none(), "{table}");
}

//! Features are those of the reference (`whisper_reference.py`).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)] // A test may fail.

mod common;

use common::{sound, tiny};
use onespace_core::Patience;
use onespace_speech::Features;

#[test]
fn features_are_those_of_the_reference() {
    let expected: serde_json::Value = serde_json::from_slice(&tiny("expected.json")).unwrap();
    let golden = &expected["mel"];
    let (number, length) = (golden["number"].as_i64().unwrap(), golden["length"].as_i64().unwrap());
    let mel = Features::new(80).of(&sound(number, length), &Patience::endless()).unwrap();
    let bands = golden["values"].as_array().unwrap();
    let theirs: Vec<f32> =
        bands.iter().flat_map(|band| band.as_array().unwrap()).map(|value| value.as_f64().unwrap() as f32).collect();
    assert_eq!((bands.len(), mel.frames() + 1), (80, theirs.len() / 80));
    let most = mel.values().iter().zip(&theirs).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(most < 2e-5, "they differ by {most:.1e}");
    assert!(mel.values().iter().any(|value| *value > 0.5), "there is a sound");
}

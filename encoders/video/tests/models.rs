//! Samples agree with those of published models' video readers: PyAV's frames, chosen by number, resized by torch
//! (`golden/models/make.py`).
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "this is how a test fails")]

mod common;

use std::path::Path;

use common::{Expected, read};
use onespace_core::{Modality, Prepare, PrepareRequest, TensorData, Track};
use onespace_video::VideoPreparer;
use onespace_video::table::Video;

#[derive(serde::Deserialize)]
struct Case {
    name: String,
    video: String,
    spec: Video,
    shape: Vec<usize>,
    samples: usize,
    /// Where each patch lies.
    #[serde(default)]
    places: Vec<i64>,
}

/// A video of this suite, or of the folder above.
fn film(name: &str) -> Vec<u8> {
    let own = format!("models/{name}");
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(&own).exists();
    read(if here { &own } else { name })
}

/// Mean and largest difference of all values, and the lowest cosine of a sample.
fn difference(case: &Case, expected: &Expected) -> (f32, f32, f32) {
    let video = film(&case.video);
    let samples = VideoPreparer::new(&case.spec, None).prepare(&PrepareRequest::of(&video)).unwrap().samples;
    assert_eq!(samples.len(), case.samples, "{}", case.name);
    let (mut gaps, mut least) = (Vec::new(), 1.0_f32);
    for (number, sample) in samples.iter().enumerate() {
        assert_eq!((sample.tower, sample.track, sample.span), (Modality::Video, Track::Visual, samples[0].span));
        assert_eq!(sample.tensors[0].shape, case.shape, "{}", case.name);
        let places = sample.tensors.get(1).map_or_else(Vec::new, |tensor| match &tensor.data {
            TensorData::I64(places) => places.clone(),
            TensorData::F32(_) => panic!("places are integers"),
        });
        assert_eq!(places, case.places, "{}", case.name);
        let TensorData::F32(ours) = &sample.tensors[0].data else { panic!("not floats") };
        let theirs = expected.floats(&format!("{}.{number}", case.name), &case.shape);
        assert_eq!(ours.len(), theirs.len());
        gaps.extend(ours.iter().zip(&theirs).map(|(a, b)| (a - b).abs()));
        let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum::<f64>();
        least = least.min((dot(ours, &theirs) / (dot(ours, ours) * dot(&theirs, &theirs)).sqrt()) as f32);
    }
    (gaps.iter().sum::<f32>() / gaps.len() as f32, gaps.iter().copied().fold(0.0, f32::max), least)
}

#[test]
fn samples_are_those_of_the_readers() {
    let cases: Vec<Case> = serde_json::from_slice(&read("models/cases.json")).unwrap();
    let expected = Expected::open("models/expected.safetensors");
    assert!(cases.len() > 15, "only {} cases", cases.len());
    let mut wrong = Vec::new();
    for case in &cases {
        let (mean, most, cosine) = difference(case, &expected);
        println!("{:<26} mean {mean:.5}  most {most:.5}  least cosine {cosine:.6}", case.name);
        if mean > 0.01 || cosine < 0.9999 {
            wrong.push(format!("{}: {mean:.4} {cosine:.5}", case.name));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

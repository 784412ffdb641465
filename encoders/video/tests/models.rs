//! Samples agree with those of published models' video readers: PyAV's frames, chosen by number, resized by torch
//! (`golden/models/make.py`).
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "this is how a test fails")]

use std::{fs, path::Path};

use onespace_bundle::preprocess::Video;
use onespace_core::{Modality, Prepare, PrepareRequest, TensorData, Track};
use onespace_video::VideoPreparer;

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

fn read(name: &str) -> Option<Vec<u8>> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)).ok()
}

/// Mean and largest difference of all values, and the lowest cosine of a sample.
fn difference(case: &Case) -> (f32, f32, f32) {
    let video = read(&format!("models/{}", case.video)).or_else(|| read(&case.video)).unwrap();
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
        let golden = read(&format!("models/{}.{number}.f32", case.name)).unwrap();
        let theirs: Vec<f32> = golden.as_chunks::<4>().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect();
        assert_eq!(ours.len(), theirs.len());
        gaps.extend(ours.iter().zip(&theirs).map(|(a, b)| (a - b).abs()));
        let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum::<f64>();
        least = least.min((dot(ours, &theirs) / (dot(ours, ours) * dot(&theirs, &theirs)).sqrt()) as f32);
    }
    (gaps.iter().sum::<f32>() / gaps.len() as f32, gaps.iter().copied().fold(0.0, f32::max), least)
}

#[test]
fn samples_are_those_of_the_readers() {
    let cases: Vec<Case> = serde_json::from_slice(&read("models/cases.json").unwrap()).unwrap();
    assert!(cases.len() > 15, "only {} cases", cases.len());
    let mut wrong = Vec::new();
    for case in &cases {
        let (mean, most, cosine) = difference(case);
        println!("{:<26} mean {mean:.5}  most {most:.5}  least cosine {cosine:.6}", case.name);
        if mean > 0.01 || cosine < 0.9999 {
            wrong.push(format!("{}: {mean:.4} {cosine:.5}", case.name));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

//! Features and resampled sound agree with torchaudio and the feature extractors of published models
//! (`golden/models/make.py`).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)] // A test may fail.

mod common;

use common::{Expected, golden, values};
use onespace_audio::AudioPreparer;
use onespace_audio::table::Audio;
use onespace_core::{Prepare, PrepareRequest};

#[derive(serde::Deserialize)]
struct Case {
    name: String,
    file: String,
    spec: Audio,
    shapes: Vec<Vec<usize>>,
    most: f32,
}

fn cases() -> Vec<Case> {
    serde_json::from_slice(&golden("models/cases.json")).unwrap()
}

fn difference(case: &Case, expected: &Expected) -> f32 {
    let preparer = AudioPreparer::new(&case.spec, None).unwrap();
    let samples = preparer.prepare(&PrepareRequest::of(&golden(&format!("models/{}", case.file)))).unwrap().samples;
    let shapes: Vec<_> = samples.iter().map(|sample| sample.tensors[0].shape.clone()).collect();
    assert_eq!(shapes, case.shapes, "{}", case.name);
    let mut most = 0.0_f32;
    for (number, sample) in samples.iter().enumerate() {
        let theirs = expected.floats(&format!("{}.{number}", case.name), &sample.tensors[0].shape);
        assert_eq!(values(sample).len(), theirs.len(), "{}", case.name);
        most = values(sample).iter().zip(&theirs).map(|(a, b)| (a - b).abs()).fold(most, f32::max);
    }
    most
}

#[test]
fn tensors_are_those_of_the_extractors() {
    let cases = cases();
    let expected = Expected::open("models/expected.safetensors");
    assert!(cases.len() > 18, "only {} cases", cases.len());
    let mut wrong = Vec::new();
    for case in &cases {
        let most = difference(case, &expected);
        println!("{:<24} at most {most:.2e} of {:.0e} allowed", case.name, case.most);
        if most > case.most {
            wrong.push(format!("{}: {most:.2e}", case.name));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

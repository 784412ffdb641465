//! Tensors agree with those of published models' own processors, of torch and of Pillow (`golden/models/make.py`).
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "this is how a test fails")]

mod common;

use common::{Expected, read};
use onespace_core::{Prepare, PrepareRequest, TensorData};
use onespace_image::ImagePreparer;
use onespace_image::table::Image;

#[derive(serde::Deserialize)]
struct Case {
    name: String,
    file: String,
    spec: Image,
    kinds: Vec<String>,
    shapes: Vec<Vec<usize>>,
    most: f32,
}

/// The largest difference of a float tensor, in 255ths before normalisation; other tensors must be equal.
fn difference(case: &Case, expected: &Expected) -> f32 {
    let sample =
        ImagePreparer::new(&case.spec).prepare(&PrepareRequest::of(&read(&case.file))).unwrap().samples.remove(0);
    let shapes: Vec<_> = sample.tensors.iter().map(|tensor| tensor.shape.clone()).collect();
    assert_eq!(shapes, case.shapes, "{}", case.name);
    let mut most = 0.0_f32;
    for (number, (tensor, kind)) in sample.tensors.iter().zip(&case.kinds).enumerate() {
        let name = format!("{}.{number}", case.name);
        match &tensor.data {
            TensorData::I64(ours) => {
                assert_eq!(kind, "i64", "{name}");
                assert_eq!(*ours, expected.integers(&name, &tensor.shape), "{name}");
            }
            TensorData::F32(ours) => {
                assert_eq!(kind, "f32", "{name}");
                let theirs = expected.floats(&name, &tensor.shape);
                assert_eq!(ours.len(), theirs.len(), "{name}");
                let gap = ours.iter().zip(&theirs).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                let std = case.spec.std.into_iter().fold(f32::INFINITY, f32::min);
                most = most.max(gap * std * 255.0);
            }
        }
    }
    most
}

#[test]
fn tensors_are_those_of_the_processors() {
    let cases: Vec<Case> = serde_json::from_slice(&read("models/cases.json")).unwrap();
    let expected = Expected::open("models/expected.safetensors");
    assert!(cases.len() > 60, "only {} cases", cases.len());
    let mut wrong = Vec::new();
    for case in &cases {
        let most = difference(case, &expected);
        println!("{:<32} at most {most:.5} of {} allowed", case.name, case.most);
        // Rounding may fall to the other side; never by more than a step.
        if most > case.most + 0.01 {
            wrong.push(format!("{}: {most:.3}", case.name));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

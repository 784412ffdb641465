//! Pixels agree with Pillow's and torch's on the committed images, every format and mode, every way to resize.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "this is how a test fails")]

mod common;

use common::{Expected, read};
use onespace_core::{Modality, Prepare, PrepareRequest, TensorData, Track};
use onespace_image::ImagePreparer;
use onespace_image::table::Image;

#[derive(serde::Deserialize)]
struct Case {
    name: String,
    file: String,
    spec: Image,
}

/// How far a case may be from its reference, on average and in any value: as measured, in steps of one 255th, rounded
/// up to hundredths.
#[derive(Clone, Copy)]
struct Apart {
    case: &'static str,
    mean: f32,
    most: f32,
}

const fn apart(case: &'static str, mean: f32, most: f32) -> Apart {
    Apart { case, mean, most }
}

/// Every case that is not named here is resized to Pillow's bytes: no value is apart.
const APART: [Apart; 16] = [
    // Without antialias the reference is torch's on floats, which are never rounded. Ours are rounded to bytes after
    // each of two passes, by half a step at most.
    apart("rgb-shortest-edge-bilinear-plain", 0.27, 0.91),
    apart("rgb-squash-bilinear-plain", 0.27, 0.91),
    apart("wide-shortest-edge-bilinear-plain", 0.28, 0.95),
    apart("wide-squash-bilinear-plain", 0.29, 0.90),
    apart("tall-shortest-edge-bilinear-plain", 0.24, 0.96),
    apart("tall-squash-bilinear-plain", 0.28, 0.90),
    apart("tiny-shortest-edge-bilinear-plain", 0.25, 0.94),
    apart("tiny-squash-bilinear-plain", 0.24, 0.93),
    // Weights of the cubic below zero make more of the first rounding.
    apart("wide-shortest-edge-bicubic-plain", 0.32, 1.06),
    apart("wide-squash-bicubic-plain", 0.32, 0.96),
    // Beyond the edge torch repeats the last pixel; ours leaves out what is not there. Inside, it is as above.
    apart("rgb-shortest-edge-bicubic-plain", 0.33, 2.21),
    apart("rgb-squash-bicubic-plain", 0.33, 2.21),
    apart("tall-shortest-edge-bicubic-plain", 0.35, 2.91),
    apart("tall-squash-bicubic-plain", 0.37, 2.58),
    apart("tiny-shortest-edge-bicubic-plain", 0.47, 2.47),
    apart("tiny-squash-bicubic-plain", 0.47, 2.55),
];

/// Single precision, on the way from bytes to values and back: a hundredth of a step is far above it, and far below
/// the step by which a byte differs.
const SINGLE_PRECISION: f32 = 0.01;

fn allowed(case: &Case) -> Apart {
    APART.into_iter().find(|row| row.case == case.name).unwrap_or(apart("", 0.0, 0.0))
}

/// Mean and largest absolute difference from the reference, in steps of one 255th.
fn difference(case: &Case, expected: &Expected) -> (f32, f32) {
    let samples = ImagePreparer::new(&case.spec).prepare(&PrepareRequest::of(&read(&case.file))).unwrap().samples;
    let [sample] = samples.as_slice() else { panic!("{}: {} samples", case.name, samples.len()) };
    assert_eq!((sample.tower, sample.track, sample.span), (Modality::Image, Track::Whole, None));
    let [tensor] = sample.tensors.as_slice() else { panic!("{}: not one tensor", case.name) };
    let shape = [3, case.spec.height as usize, case.spec.width as usize];
    assert_eq!(tensor.shape, shape, "{}", case.name);
    let TensorData::F32(ours) = &tensor.data else { panic!("{}: not floats", case.name) };
    let theirs = expected.floats(&case.name, &shape);
    assert_eq!(ours.len(), theirs.len(), "{}", case.name);
    let scale = case.spec.std[0] * 255.0;
    let gaps: Vec<f32> = ours.iter().zip(&theirs).map(|(a, b)| (a - b).abs() * scale).collect();
    (gaps.iter().sum::<f32>() / gaps.len() as f32, gaps.iter().copied().fold(0.0, f32::max))
}

#[test]
fn every_case_is_as_near_to_the_reference_as_its_kind_allows() {
    let cases: Vec<Case> = serde_json::from_slice(&read("cases.json")).unwrap();
    let expected = Expected::open("expected.safetensors");
    assert!(cases.len() > 70, "only {} cases", cases.len());
    for row in APART {
        assert!(cases.iter().any(|case| case.name == row.case), "{} is not a case", row.case);
    }
    let mut wrong = Vec::new();
    for case in &cases {
        let (mean, most) = difference(case, &expected);
        let bound = allowed(case);
        println!("{:<40} mean {mean:.5} of {}  most {most:.5} of {}", case.name, bound.mean, bound.most);
        if mean > bound.mean + SINGLE_PRECISION || most > bound.most + SINGLE_PRECISION {
            wrong.push(format!("{}: mean {mean:.3}, most {most:.3}", case.name));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The same scene in another orientation is another tensor: the metadata is not merely ignored on both sides.
#[test]
fn orientation_and_background_change_the_tensor() {
    let spec: Image = serde_json::from_str(
        r#"{"width": 12, "height": 12, "resize": "squash", "filter": "bilinear", "mean": [0, 0, 0], "std": [1, 1, 1]}"#,
    )
    .unwrap();
    let values = |spec: &Image, file: &str| {
        let mut samples = ImagePreparer::new(spec).prepare(&PrepareRequest::of(&read(file))).unwrap().samples;
        match samples.remove(0).tensors.remove(0).data {
            TensorData::F32(values) => values,
            TensorData::I64(_) => panic!("not floats"),
        }
    };
    let files: Vec<String> = (2..9).map(|orientation| format!("turned{orientation}.jpg")).collect();
    let mut seen = vec![values(&spec, "rgb.jpg")];
    for file in &files {
        let tensor = values(&spec, file);
        assert!(!seen.contains(&tensor), "{file} looks like one of those before it");
        seen.push(tensor);
    }
    let black = Image { background: [0; 3], ..spec.clone() };
    assert_ne!(values(&spec, "rgba.png"), values(&black, "rgba.png"));
    assert_eq!(values(&spec, "rgb.png"), values(&black, "rgb.png"));
}

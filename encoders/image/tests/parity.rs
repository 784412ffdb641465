//! Pixels agree with Pillow's and torch's on the committed images, every format and mode, every way to resize.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "this is how a test fails")]

use std::{fs, path::Path};

use onespace_bundle::preprocess::Image;
use onespace_core::{Modality, Prepare, PrepareRequest, TensorData, Track};
use onespace_image::ImagePreparer;

#[derive(serde::Deserialize)]
struct Case {
    name: String,
    file: String,
    spec: Image,
}

fn read(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)).unwrap()
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks::<4>().0.iter().map(|&value| f32::from_le_bytes(value)).collect()
}

/// Mean and largest absolute difference from the reference, in steps of one 255th.
fn difference(case: &Case) -> (f32, f32) {
    let samples = ImagePreparer::new(&case.spec).prepare(&PrepareRequest::of(&read(&case.file))).unwrap().samples;
    let [sample] = samples.as_slice() else { panic!("{}: {} samples", case.name, samples.len()) };
    assert_eq!((sample.tower, sample.track, sample.span), (Modality::Image, Track::Whole, None));
    let [tensor] = sample.tensors.as_slice() else { panic!("{}: not one tensor", case.name) };
    assert_eq!(tensor.shape, [3, case.spec.height as usize, case.spec.width as usize]);
    let TensorData::F32(ours) = &tensor.data else { panic!("{}: not floats", case.name) };
    let theirs = floats(&read(&format!("{}.f32", case.name)));
    assert_eq!(ours.len(), theirs.len(), "{}", case.name);
    let scale = case.spec.std[0] * 255.0;
    let gaps: Vec<f32> = ours.iter().zip(&theirs).map(|(a, b)| (a - b).abs() * scale).collect();
    (gaps.iter().sum::<f32>() / gaps.len() as f32, gaps.iter().copied().fold(0.0, f32::max))
}

#[test]
fn every_case_is_within_one_step_of_the_reference() {
    let cases: Vec<Case> = serde_json::from_slice(&read("cases.json")).unwrap();
    assert!(cases.len() > 70, "only {} cases", cases.len());
    let mut wrong = Vec::new();
    for case in &cases {
        let (mean, most) = difference(case);
        println!("{:<40} mean {mean:.3}  most {most:.1}", case.name);
        if mean > 1.0 {
            wrong.push(format!("{}: {mean:.3}", case.name));
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

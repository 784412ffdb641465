//! Samples, neighbourhoods and centres are those of the published models' code (`golden/models/make.py`).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)] // A test may fail.

mod common;

use std::collections::HashSet;

use common::{Expected, binary, golden, spec, values};
use onespace_core::{Prepare, PrepareRequest};
use onespace_pointcloud::PointCloudPreparer;
use onespace_pointcloud::table::{Layout, Normalise, PointCloud, Subsample};

#[derive(serde::Deserialize)]
struct Case {
    name: String,
    spec: PointCloud,
    shapes: Vec<Vec<usize>>,
}

#[test]
fn tensors_are_those_of_the_models() {
    let cases: Vec<Case> = serde_json::from_slice(&golden("models/cases.json")).unwrap();
    let expected = Expected::open("models/expected.safetensors");
    assert_eq!(cases.len(), 3);
    for case in cases {
        let sample = PointCloudPreparer::new(&case.spec)
            .prepare(&PrepareRequest::of(&golden("models/cloud.ply")))
            .unwrap()
            .samples
            .remove(0);
        let shapes: Vec<_> = sample.tensors.iter().map(|tensor| tensor.shape.clone()).collect();
        assert_eq!(shapes, case.shapes, "{}", case.name);
        for (number, shape) in shapes.iter().enumerate() {
            let theirs = expected.floats(&format!("{}.{number}", case.name), shape);
            assert_eq!(values(&sample, number).len(), theirs.len(), "{} tensor {number}", case.name);
            let most = values(&sample, number).iter().zip(&theirs).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            println!("{} tensor {number}: at most {most:.2e} apart", case.name);
            assert!(most < 1e-6, "{} tensor {number}: {most}", case.name);
        }
    }
}

#[test]
fn a_random_sample_is_the_seeds_and_even() {
    let places: Vec<[f32; 3]> = (0..10_000).map(|index| [index as f32, 0.0, 0.0]).collect();
    let bytes = binary(&places);
    let chosen = |seed: u64| -> Vec<usize> {
        let random = PointCloud {
            subsample: Subsample::Random,
            seed,
            normalise: Normalise::None,
            layout: Layout::Xyz,
            ..spec(1000, 1000)
        };
        let sample = PointCloudPreparer::new(&random).prepare(&PrepareRequest::of(&bytes)).unwrap().samples.remove(0);
        values(&sample, 0).chunks(3).map(|place| place[0] as usize).collect()
    };
    let first = chosen(0);
    assert_eq!(first, chosen(0));
    assert_ne!(first, chosen(1));
    assert_eq!(first.iter().collect::<HashSet<_>>().len(), 1000, "no point comes twice");
    // Of each tenth of the file about a hundred: four deviations are 38.
    let mut tenths = [0_usize; 10];
    first.iter().for_each(|index| tenths[index / 1000] += 1);
    assert!(tenths.iter().all(|count| count.abs_diff(100) < 38), "{tenths:?}");
}

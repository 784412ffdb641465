//! From files of every flavour to samples, against NumPy.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)] // A test may fail.

mod common;

use std::time::Instant;

use common::{Expected, Random, binary, golden, grouping, spec, values};
use onespace_core::{Modality, Prepare, PrepareRequest, Sample};
use onespace_pointcloud::PointCloudPreparer;
use onespace_pointcloud::table::{Layout, Normalise, PointCloud, Subsample};

fn prepare(spec: &PointCloud, bytes: &[u8]) -> Sample {
    let mut samples = PointCloudPreparer::new(spec).prepare(&PrepareRequest::of(bytes)).unwrap().samples;
    assert_eq!((samples.len(), samples[0].tower, samples[0].span), (1, Modality::PointCloud, None));
    samples.remove(0)
}

fn apart(found: &[f32], wanted: &[f32]) -> f32 {
    assert_eq!(found.len(), wanted.len());
    found.iter().zip(wanted).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

#[test]
fn sampling_and_grouping_are_numpys() {
    let spec = PointCloud { grouping: Some(grouping(32, 16)), ..spec(256, 1500) };
    let sample = prepare(&spec, &golden("cloud.ply"));
    let shapes: Vec<_> = sample.tensors.iter().map(|tensor| tensor.shape.clone()).collect();
    assert_eq!(shapes, [vec![256, 6], vec![32, 16, 6], vec![32, 3]]);
    let expected = Expected::open("expected.safetensors");
    for (tensor, name) in ["cloud", "cloud_groups", "cloud_centres"].into_iter().enumerate() {
        let worst = apart(values(&sample, tensor), &expected.floats(name, &shapes[tensor]));
        println!("{name}: at most {worst:.2e} apart");
        assert!(worst < 1e-5, "{name}: {worst}");
    }
}

#[test]
fn every_flavour_is_the_same_cloud() {
    let raw = PointCloud { normalise: Normalise::None, ..spec(40, 40) };
    let wanted = Expected::open("expected.safetensors").floats("small", &[40, 6]);
    for name in [
        "ascii.ply",
        "little.ply",
        "big.ply",
        "double.ply",
        "int.ply",
        "ushort.ply",
        "float_colour.ply",
        "float_bytes.ply",
        "rgb.ply",
        "diffuse.ply",
        "crlf.ply",
        "spaced.ply",
        "lists.ply",
        "lists_ascii.ply",
    ] {
        let worst = apart(values(&prepare(&raw, &golden(name)), 0), &wanted);
        assert!(worst < 1e-6, "{name}: {worst}");
    }
}

#[test]
fn points_without_colour_have_the_manifests() {
    let sample = prepare(&spec(40, 40), &golden("xyz.ply"));
    assert!(values(&sample, 0).chunks(6).all(|point| point[3..] == [0.4; 3]));
    let bare = prepare(&PointCloud { layout: Layout::Xyz, ..spec(40, 40) }, &golden("xyz.ply"));
    assert_eq!(bare.tensors[0].shape, [40, 3]);
    let places = values(&sample, 0).chunks(6).flat_map(|point| point[..3].to_vec());
    assert!(places.eq(values(&bare, 0).iter().copied()));
}

#[test]
fn few_points_repeat_in_order() {
    let sample = prepare(&spec(100, 100), &golden("little.ply"));
    let points: Vec<&[f32]> = values(&sample, 0).chunks(6).collect();
    assert_eq!(points.len(), 100);
    assert!((40..100).all(|index| points[index] == points[index - 40]));
}

#[test]
fn strides_go_evenly_through_the_file() {
    let places: Vec<[f32; 3]> = (0..10).map(|index| [index as f32, 0.0, 0.0]).collect();
    let stride =
        PointCloud { subsample: Subsample::Stride, normalise: Normalise::None, layout: Layout::Xyz, ..spec(4, 8) };
    let sample = prepare(&stride, &binary(&places));
    let found: Vec<f32> = values(&sample, 0).chunks(3).map(|place| place[0]).collect();
    assert_eq!(found, [0.0, 2.0, 5.0, 7.0]);
}

#[test]
fn the_order_of_points_does_not_matter() {
    let mut random = Random(3);
    let mut places = random.places(3000);
    let sorted = |bytes: &[u8]| {
        let sample = prepare(&PointCloud { layout: Layout::Xyz, ..spec(300, 4000) }, bytes);
        let mut points: Vec<[i32; 3]> = values(&sample, 0)
            .chunks(3)
            .map(|place| [0, 1, 2].map(|axis| (place[axis] * 1e5).round() as i32))
            .collect();
        points.sort_unstable();
        points
    };
    let first = sorted(&binary(&places));
    for last in (1..places.len()).rev() {
        places.swap(last, random.below(last + 1));
    }
    assert_eq!(first, sorted(&binary(&places)));
}

#[test]
fn a_mesh_of_few_corners_is_covered_evenly() {
    let raw = PointCloud { normalise: Normalise::None, subsample: Subsample::Stride, ..spec(4400, 8000) };
    let sample = prepare(&raw, &golden("box.ply"));
    assert_eq!(sample, prepare(&raw, &golden("box.ply")));
    let ascii = prepare(&raw, &golden("box_ascii.ply"));
    assert!(apart(values(&sample, 0), values(&ascii, 0)) < 1e-6);
    let mut on_side = [0_usize; 6];
    for point in values(&sample, 0).chunks(6) {
        let sides = [point[0], 1.0 - point[0], point[1], 2.0 - point[1], point[2], 3.0 - point[2]];
        assert!(sides.iter().all(|distance| *distance > -1e-5), "{point:?} is outside");
        let side = sides.iter().position(|distance| distance.abs() < 1e-5);
        on_side[side.expect("a point inside the box")] += 1;
        assert!((point[3] - point[2] / 3.0).abs() < 1e-5, "the colour follows the height");
    }
    // Of 22 units of area, the sides have 6, 6, 3, 3, 2 and 2: 200 points a unit.
    for (found, wanted) in on_side.into_iter().zip([1200, 1200, 600, 600, 400, 400_usize]) {
        assert!(found.abs_diff(wanted) <= 8, "{on_side:?}");
    }
}

#[test]
fn sixteen_thousand_points_become_a_thousand_in_milliseconds() {
    let bytes = binary(&Random(9).places(16_384));
    let preparer = PointCloudPreparer::new(&spec(1024, 16_384));
    let fastest = (0..10)
        .map(|_| {
            let start = Instant::now();
            assert_eq!(preparer.prepare(&PrepareRequest::of(&bytes)).unwrap().samples[0].tensors[0].shape, [1024, 6]);
            start.elapsed()
        })
        .min()
        .unwrap();
    println!("16,384 to 1,024 points: {fastest:?}");
    assert!(fastest.as_millis() < 50, "{fastest:?}");
}

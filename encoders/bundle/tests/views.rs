//! Point clouds that go through the image tower: what is checked of their table, and what it is written down as.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)] // A test may fail.

use std::{fs, path::Path};

use onespace_bundle::{Bundle, MANIFEST_FILE, Manifest, file_digest};
use onespace_core::{Error, Modality, PrepareRequest, TensorData};

/// A manifest of CLIP's towers, and one of point clouds that has what the image tower has.
fn manifest(preprocess: &str) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/manifests/clip.toml");
    let mut text = fs::read_to_string(file).unwrap();
    let start = text.find("[towers.image]").unwrap();
    let own = &text[start..start + text[start..].find("[towers.image.preprocess]").unwrap()];
    let own = own.replace("towers.image", "towers.point_cloud");
    text += &format!("\n{own}\n[towers.point_cloud.preprocess]\n{preprocess}\n");
    text
}

/// The only fault of a manifest; none if it has none.
fn fault(text: &str) -> Option<Error> {
    Manifest::parse(text).err()
}

#[test]
fn a_bundle_with_an_image_tower_has_point_clouds_by_one_key() {
    let text = manifest("views = {}");
    assert!(fault(&text).is_none(), "{:?}", fault(&text));
    let parsed = Manifest::parse(&text).unwrap();
    let views = parsed.towers.point_cloud.as_ref().unwrap().preprocess.views.as_ref().unwrap();
    assert_eq!(views.samples(), 8);
    // Every key of the pictures is part of the fingerprint, its default too.
    let written = toml::to_string(&parsed).unwrap();
    assert_eq!(Manifest::parse(&written).unwrap(), parsed);
    for key in ["count", "elevations", "up", "fill", "colour", "background"] {
        let table = &written[written.find("[towers.point_cloud.preprocess.views]").unwrap()..];
        assert!(table.contains(&format!("\n{key} = ")), "{key}: {table}");
    }
    assert!(!written.contains("points = "), "{written}");
    let other = Manifest::parse(&manifest("views = { count = 6 }")).unwrap();
    assert_ne!(parsed.fingerprint().unwrap().to_string(), other.fingerprint().unwrap().to_string());
}

#[test]
fn faults_of_views_are_named() {
    let blamed = |preprocess: &str| fault(&manifest(preprocess)).map(|error| error.field).unwrap_or_default();
    let key = |key: &str| format!("towers.point_cloud.preprocess.{key}");
    for (preprocess, wrong) in [
        ("views = { count = 0 }", "views.count"),
        ("views = { count = 65 }", "views.count"),
        ("views = { count = 33, elevations = [0.0, 30.0] }", "views.count"),
        ("views = { elevations = [] }", "views.elevations"),
        ("views = { elevations = [91.0] }", "views.elevations"),
        ("views = { elevations = [nan] }", "views.elevations"),
        ("views = { fill = 0.0 }", "views.fill"),
        ("views = { fill = nan }", "views.fill"),
        ("points = 1024\nviews = {}", "points"),
        ("presample = 1024\nviews = {}", "presample"),
        ("up = \"y\"\nviews = {}", "up"),
        ("axes = \"xzy\"\nviews = {}", "axes"),
        ("emit = [\"points\"]\nviews = {}", "emit"),
        ("grouping = { centres = 8, neighbours = 4 }\nviews = {}", "grouping"),
        ("presample = 2048", "points"),
    ] {
        assert_eq!(blamed(preprocess), key(wrong), "{preprocess}");
    }
    assert_eq!(blamed("views = { count = 32, elevations = [0.0, 30.0] }"), "");
    // Another pipeline than the image tower's, and no image tower at all.
    let text = manifest("views = {}");
    let at = text.find("[towers.point_cloud]").unwrap();
    let other = text[..at].to_owned() + &text[at..].replacen("inputs = [\"", "inputs = [\"other_", 1);
    assert_eq!(fault(&other).unwrap().field, key("views"));
    let error = fault(&text.replace("format = 2", "format = 1")).unwrap();
    assert!(!error.field.is_empty(), "views are of format 2");
}

/// A bundle of an image tower of 20 by 12 pixels, and of point clouds that go through it.
const LITTLE: &str = r#"
format = 2
name = "little"
version = "1"
licence = "Apache-2.0"
dimension = 8

[towers.image]
model = "look.onnx"
inputs = ["pixels"]
output = "embedding"
native_dimension = 8
logit_scale = 10.0
golden = { input = "golden.png", vector = "golden.f32" }

[towers.image.preprocess]
width = 20
height = 12
resize = "shortest-edge"
resize_to = 24
filter = "bicubic"
mean = [0.5, 0.5, 0.5]
std = [0.5, 0.5, 0.5]

[towers.point_cloud]
model = "look.onnx"
inputs = ["pixels"]
output = "embedding"
native_dimension = 8
logit_scale = 10.0
golden = { input = "golden.ply", vector = "golden.f32" }
preprocess = { views = { count = 5, background = [[255, 255, 255], [0, 0, 0]] } }
"#;

#[test]
fn a_bundle_prepares_clouds_as_pictures_for_its_image_tower() {
    let folder = tempfile::tempdir().unwrap();
    let mut manifest = LITTLE.to_owned();
    let cloud = "ply\nformat ascii 1.0\nelement vertex 3\nproperty float x\nproperty float y\nproperty float z\n\
                 element face 1\nproperty list uchar int vertex_indices\nend_header\n\
                 0 0 0\n1 0.2 0.5\n0 1 0\n3 0 1 2\n";
    for (name, bytes) in [
        ("look.onnx", &b"a graph"[..]),
        ("golden.png", b"png"),
        ("golden.ply", cloud.as_bytes()),
        ("golden.f32", &[0; 32]),
    ] {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        let digest = file_digest(&path).unwrap();
        manifest += &format!("\n[files.\"{name}\"]\nsha256 = \"{digest}\"\nbytes = {}\n", bytes.len());
    }
    fs::write(folder.path().join(MANIFEST_FILE), manifest).unwrap();
    let bundle = Bundle::open(folder.path()).unwrap();
    let preparer = bundle.preparer(Modality::PointCloud).unwrap();
    let samples = preparer.prepare(&PrepareRequest::of(cloud.as_bytes())).unwrap().samples;
    assert_eq!(samples.len(), 5);
    for sample in &samples {
        let TensorData::F32(values) = &sample.tensors[0].data else { panic!("no floats") };
        assert_eq!(sample.tensors[0].shape, [3, 12, 20]);
        // White at the top and black at the bottom, by the image tower's mean and deviation.
        assert_eq!((values[0], values[239]), (1.0, -1.0));
    }
}

//! Bundles that are not what they say: each has an error of its own, and what is served meanwhile stays as it is.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)] // A test may fail.

mod common;

use std::{fs, path::Path};

use common::{Little, graph, request, runtime};
use onespace_bundle::Bundle;
use onespace_core::{Deadline, EncodeRequest, Encoder, Error, Modality, Reason, vector};
use onespace_encoder::{LocalEncoder, Options};

async fn load(folder: &Path) -> Result<LocalEncoder, Error> {
    LocalEncoder::load(&runtime(), &Bundle::open(folder)?, &[], &Options::default()).await
}

/// What is done to a bundle, where the error must point, and what it must say.
struct Case {
    name: &'static str,
    /// To its files, before the manifest vouches for them.
    before: fn(&mut Little),
    /// To the folder, afterwards.
    after: fn(&Path),
    field: &'static str,
    message: &'static str,
}

const NOTHING: fn(&Path) = |_| {};

fn edit(little: &mut Little, from: &str, to: &str) {
    let edited = little.manifest.replacen(from, to, 1);
    assert_ne!(edited, little.manifest, "{from}");
    little.manifest = edited;
}

fn edit_written(folder: &Path, from: &str, to: &str) {
    let path = folder.join("bundle.toml");
    let manifest = fs::read_to_string(&path).unwrap();
    assert!(manifest.contains(from), "{from}");
    fs::write(path, manifest.replacen(from, to, 1)).unwrap();
}

fn swap(little: &mut Little, name: &str) {
    little.files.insert("look.onnx", graph(name));
}

const GRAPHS: &[Case] = &[
    Case {
        name: "a graph that is cut off",
        before: |little| {
            let whole = little.files["look.onnx"].clone();
            little.files.insert("look.onnx", whole[..whole.len() / 2].to_vec());
        },
        after: NOTHING,
        field: "towers.image.model",
        message: "look.onnx: this is no whole ONNX file: a field of",
    },
    Case {
        name: "operators of a set that does not exist",
        before: |little| swap(little, "future.onnx"),
        after: NOTHING,
        field: "towers.image.model",
        message: "Opset 99",
    },
    Case {
        name: "inputs of other names",
        before: |little| swap(little, "log.onnx"),
        after: NOTHING,
        field: "towers.image.inputs",
        message: "look.onnx: no input \"pixels\", the graph takes \"x\"",
    },
    Case {
        name: "an output of another name",
        before: |little| edit(little, "output = \"embedding\"", "output = \"vector\""),
        after: NOTHING,
        field: "towers.image.output",
        message: "no output \"vector\", the graph gives \"embedding\"",
    },
    Case {
        name: "vectors longer than the manifest says",
        before: |little| swap(little, "look-long.onnx"),
        after: NOTHING,
        field: "towers.image.output",
        message: "floats [batch, 8] are expected",
    },
    Case {
        name: "a tower of another dimension than the space",
        before: |little| edit(little, "native_dimension = 8", "native_dimension = 16"),
        after: NOTHING,
        field: "towers.image.native_dimension",
        message: "16 differs from the space's 8 and no alignment is given",
    },
    Case {
        name: "a weight that is not a number",
        before: |little| swap(little, "look-nan.onnx"),
        after: NOTHING,
        field: "towers.image.golden",
        message: "golden.png cannot be embedded: the image graph (look.onnx): value 3 of the vector is not finite",
    },
    Case {
        name: "a golden vector that is none",
        before: |little| drop(little.files.insert("golden.f32", f32::NAN.to_le_bytes().repeat(8))),
        after: NOTHING,
        field: "towers.image.golden",
        message: "golden.f32: value 0 of the golden vector is not finite",
    },
    Case {
        name: "another model's golden vector",
        before: |little| drop(little.files.insert("golden.f32", 1_f32.to_le_bytes().repeat(8))),
        after: NOTHING,
        field: "towers.image.golden",
        message: "at least 0.999 is needed",
    },
    Case {
        name: "weights of a precision that is forbidden, and hidden",
        before: |little| {
            swap(little, "look-coarse.onnx");
            edit(little, "logit_scale", "forbid = [\"fp16\"]\nforbid_reason = \"activations overflow\"\nlogit_scale");
        },
        after: NOTHING,
        field: "towers.image.precision",
        message: "look.onnx: fp16 is forbidden for this model: activations overflow",
    },
    Case {
        name: "weights in a file that nothing vouches for",
        before: |little| swap(little, "look-outside.onnx"),
        after: |folder| fs::write(folder.join("outside.bin"), graph("outside.bin")).unwrap(),
        field: "towers.image.external",
        message: "keeps weights in \"outside.bin\", which is not listed",
    },
];

fn outside(little: &mut Little) {
    swap(little, "look-outside.onnx");
    little.files.insert("outside.bin", graph("outside.bin"));
    edit(little, "logit_scale", "external = [\"outside.bin\"]\nlogit_scale");
}

const FILES: &[Case] = &[
    Case {
        name: "weights beside the graph that are missing",
        before: outside,
        after: |folder| fs::remove_file(folder.join("outside.bin")).unwrap(),
        field: "outside.bin",
        message: "No such file",
    },
    Case {
        name: "another digest",
        before: |_| {},
        after: |folder| {
            let mut bytes = fs::read(folder.join("look.onnx")).unwrap();
            *bytes.last_mut().unwrap() ^= 1;
            fs::write(folder.join("look.onnx"), bytes).unwrap();
        },
        field: "look.onnx",
        message: "SHA-256 is ",
    },
    Case {
        name: "three gigabytes promised and a kilobyte sent",
        before: |little| drop(little.files.insert("look.onnx", vec![8; 1024])),
        after: |folder| edit_written(folder, "bytes = 1024", "bytes = 3000000000"),
        field: "look.onnx",
        message: "1024 bytes, the manifest says 3000000000",
    },
    Case {
        name: "no licence",
        before: |little| edit(little, "licence = \"Apache-2.0\"\n", ""),
        after: NOTHING,
        field: "bundle.toml",
        message: "missing field `licence`",
    },
    Case {
        name: "a licence that says nothing",
        before: |little| edit(little, "Apache-2.0", " "),
        after: NOTHING,
        field: "licence",
        message: "must name the licence of the weights",
    },
    Case {
        name: "a precision that is forbidden",
        before: |little| edit(little, "logit_scale", "precision = \"fp16\"\nforbid = [\"fp16\"]\nlogit_scale"),
        after: NOTHING,
        field: "towers.image.precision",
        message: "fp16 is forbidden for this model: its authors warn against it",
    },
];

#[tokio::test(flavor = "multi_thread")]
async fn each_bad_bundle_has_its_own_error_and_leaves_what_is_served_untouched() {
    let good = Little::new();
    let folder = good.write();
    let served = load(folder.path()).await.unwrap();
    let ask = || served.encode(request(Modality::Image, good.files["golden.png"].clone()), Deadline::default());
    let before = ask().await.unwrap().embeddings;
    let mut told = Vec::new();
    for Case { name, before: spoil, after, field, message } in GRAPHS.iter().chain(FILES) {
        let mut bad = Little { files: good.files.clone(), manifest: good.manifest.clone() };
        spoil(&mut bad);
        let folder = bad.write();
        after(folder.path());
        let error = load(folder.path()).await.expect_err(name);
        assert_eq!((error.reason, error.field.as_str()), (Reason::BundleInvalid, *field), "{name}: {error}");
        assert!(error.message.contains(message) && !error.message.contains('\n'), "{name}: {error}");
        assert_eq!(ask().await.unwrap().embeddings, before, "{name}");
        told.push(error.to_string());
    }
    told.sort();
    let all = told.len();
    told.dedup();
    assert_eq!(told.len(), all, "each error is its own");
}

#[tokio::test(flavor = "multi_thread")]
async fn weights_beside_the_graph_and_in_half_precision_are_served() {
    let mut beside = Little::new();
    outside(&mut beside);
    load(beside.write().path()).await.unwrap();
    let mut coarse = Little::new();
    swap(&mut coarse, "look-coarse.onnx");
    edit(&mut coarse, "logit_scale", "precision = \"fp16\"\nlogit_scale");
    let cosine = load(coarse.write().path()).await.unwrap().info().towers[0].golden_cosine;
    assert!((0.9999..1.0001).contains(&cosine), "{cosine}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tower_of_several_heads_is_asked_for_the_one_that_is_met() {
    let mut little = Little::new();
    swap(&mut little, "look-heads.onnx");
    edit(
        &mut little,
        "[towers.image.preprocess]",
        "[towers.image.heads]\npoint_cloud = \"to_points\"\n[towers.image.preprocess]",
    );
    let encoder = load(little.write().path()).await.unwrap();
    assert_eq!(encoder.info().towers[0].head(Some(Modality::PointCloud)), Some("to_points"));
    let ask = |target| {
        let asked = request(Modality::Image, little.files["golden.png"].clone());
        encoder.encode(EncodeRequest { target, ..asked }, Deadline::default())
    };
    let plain = ask(None).await.unwrap().embeddings.remove(0).vector;
    for (target, cosine) in [(Modality::Text, 1.0), (Modality::PointCloud, -1.0)] {
        let aimed = ask(Some(target)).await.unwrap().embeddings.remove(0).vector;
        assert!((vector::dot(&plain, &aimed) - cosine).abs() < 1e-5, "{target}");
    }
}

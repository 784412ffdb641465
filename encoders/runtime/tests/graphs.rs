//! Graphs that are what the manifest says run; all others are refused, and the fault is named.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)] // A test may fail.

mod common;

use std::{fs, num::NonZeroUsize, path::Path};

use common::{bag, cosine, file, four, library, picture, pixels, runtime, tokens, x};
use onespace_core::{Reason, Sample};
use onespace_runtime::{Graph, GraphSession, Runtime};

#[test]
fn a_graph_runs_alone_and_in_a_batch_with_the_same_result() {
    let mut session = GraphSession::load(&runtime(), &picture()).unwrap();
    let samples: Vec<Sample> = (0..32).map(pixels).collect();
    let together = session.run(&samples.iter().collect::<Vec<_>>()).unwrap();
    assert_eq!(together.len(), 32);
    for (sample, together) in samples.iter().zip(&together) {
        let alone = session.run(&[sample]).unwrap();
        assert!(cosine(&alone[0], together) >= 0.9999, "{}", cosine(&alone[0], together));
    }
    assert!(cosine(&together[0], &together[1]) < 0.9999, "different pictures have different vectors");
}

#[test]
fn every_graph_that_is_not_as_described_is_refused() {
    let scratch = tempfile::tempdir().unwrap();
    let truncated = scratch.path().join("truncated.onnx");
    let bytes = fs::read(file("bag.onnx")).unwrap();
    fs::write(&truncated, &bytes[..bytes.len() / 2]).unwrap();
    let nonsense = scratch.path().join("nonsense.onnx");
    fs::write(&nonsense, b"this is no graph").unwrap();
    let with = |change: &dyn Fn(&mut Graph)| {
        let mut graph = bag();
        change(&mut graph);
        graph
    };
    for (graph, key, message) in [
        (with(&|graph| graph.model = scratch.path().join("absent.onnx")), "model", "absent.onnx"),
        (with(&|graph| graph.model.clone_from(&truncated)), "model", "truncated.onnx"),
        (with(&|graph| graph.model.clone_from(&nonsense)), "model", "nonsense.onnx"),
        (four("future.onnx"), "model", "Opset 99"),
        (four("fixed.onnx"), "inputs", "fixed size 1"),
        (
            with(&|graph| graph.inputs[0] = "tokens".into()),
            "inputs",
            "no input \"tokens\", the graph takes \"ids\", \"mask\"",
        ),
        (with(&|graph| graph.inputs.truncate(1)), "inputs", "also takes \"mask\""),
        (with(&|graph| graph.output = "vector".into()), "output", "no output \"vector\""),
        (with(&|graph| graph.dimension = 9), "output", "[batch, 9] are expected"),
    ] {
        let error = GraphSession::load(&runtime(), &graph).unwrap_err();
        assert_eq!(
            (error.reason, error.field.as_str()),
            (Reason::BundleInvalid, format!("towers.text.{key}").as_str()),
            "{error}"
        );
        assert!(error.message.contains(message), "{error}");
    }
}

#[test]
fn samples_that_do_not_fit_and_vectors_that_are_not_finite_are_refused() {
    let runtime = runtime();
    let mut bag = GraphSession::load(&runtime, &bag()).unwrap();
    assert_eq!(bag.run(&[&tokens(&[1, 32])]).unwrap_err().reason, Reason::ModelFailed);
    assert_eq!(bag.run(&[&x(1.0)]).unwrap_err().reason, Reason::Internal);
    assert_eq!(bag.run(&[&tokens(&[1]), &tokens(&[1, 2])]).unwrap_err().reason, Reason::Internal);
    let mut log = GraphSession::load(&runtime, &four("log.onnx")).unwrap();
    let error = log.run(&[&x(1.0), &x(-1.0)]).unwrap_err();
    assert_eq!(error.reason, Reason::ModelFailed);
    assert!(error.message.contains("not finite"), "{error}");
    assert_eq!(log.run(&[&tokens(&[1, 2, 3, 4])]).unwrap_err().reason, Reason::Internal);
    assert_eq!(log.run(&[&x(1.0)]).unwrap(), [[0.0; 4]]);
}

#[test]
fn a_library_that_is_none_is_named() {
    let absent = Runtime::init(Path::new("/nowhere/libonnxruntime.so"), None).unwrap_err();
    assert_eq!((absent.reason, absent.field.as_str()), (Reason::BundleInvalid, "onnxruntime"));
    assert!(absent.message.contains("/nowhere/libonnxruntime.so") && absent.message.contains("1.31"), "{absent}");
    let runtime = Runtime::init(&library(), NonZeroUsize::new(2)).unwrap();
    assert_eq!(Runtime::init(&library(), None).unwrap().threads(), runtime.threads());
    let scratch = tempfile::NamedTempFile::new().unwrap();
    assert_eq!(Runtime::init(scratch.path(), None).unwrap_err().reason, Reason::Internal);
}

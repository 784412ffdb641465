//! Towers of several graphs, of several heads, of other precisions, with weights beside the graph.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)] // A test may fail.

mod common;

use std::{collections::BTreeMap, fs, sync::Arc};

use common::{file, four, models, runtime, x};
use onespace_bundle::{
    Precision,
    graph::{Empty, Stage, Tokens},
};
use onespace_core::{Deadline, Modality, Reason, Sample, SampleUse, Tensor, Track};
use onespace_runtime::{Engine, Graph, GraphSession, Options};

fn image(model: &str, inputs: &[&str], dimension: usize) -> Graph {
    Graph::alone(Modality::Image, &file(model), inputs, "embedding", dimension)
}

fn sample(tensors: Vec<Tensor>) -> Sample {
    Sample { tower: Modality::Image, tensors, track: Track::Whole, span: None, used_for: SampleUse::Both }
}

/// Three rows of four values, the first of each row as given.
fn values(first: [f32; 3]) -> Vec<f32> {
    first.iter().flat_map(|value| [*value, 1.0, 2.0, 3.0]).collect()
}

fn rows(first: [f32; 3]) -> Tensor {
    Tensor::f32([3, 4], values(first))
}

fn stage(model: &str, rows: bool) -> (std::path::PathBuf, Stage) {
    let (inputs, output) = (vec!["pixels".into()], "soft".into());
    (file(model), Stage { model: model.into(), inputs, output, into: None, rows, frames: false, mask: None })
}

/// `soft.onnx`, then `fuse.onnx` with an input that stays empty.
fn fused() -> Graph {
    let empty = vec![Empty { name: "none".into(), shape: vec![0, 4] }];
    Graph { stages: vec![stage("soft.onnx", true)], empty, ..image("fuse.onnx", &["x"], 4) }
}

fn tokens() -> Tokens {
    let none = Vec::new;
    let (ids, mask) = ("ids".into(), "mask".into());
    Tokens { ids, mask, each: 0, before: none(), after: none(), frame_before: none(), frame_after: none() }
}

/// `kept.onnx`, then `read.onnx` with token ids around as many as it kept.
fn read() -> Graph {
    let tokens = Tokens { before: vec![100, 20], each: 7, after: vec![3], ..tokens() };
    Graph { stages: vec![stage("kept.onnx", false)], tokens: Some(tokens), ..image("read.onnx", &[], 4) }
}

#[test]
fn what_a_stage_gives_is_an_input_of_the_last_graph() {
    let mut session = GraphSession::load(&runtime(), &fused()).unwrap();
    // A sample's tensors: those of the stage, then those of the last graph.
    let one = sample(vec![rows([1.0, 2.0, 3.0]), Tensor::f32([4], vec![0.5; 4])]);
    let two = sample(vec![rows([0.0, 0.0, 1.0]), Tensor::f32([4], vec![0.0; 4])]);
    assert_eq!(session.run(&[&one]).unwrap(), [[12.5, 6.5, 12.5, 18.5]]);
    assert_eq!(session.run(&[&one, &two]).unwrap(), [[12.5, 6.5, 12.5, 18.5], [2.0, 6.0, 12.0, 18.0]]);
    let odd = session.run(&[&sample(vec![rows([0.0; 3])])]).unwrap_err();
    assert!(odd.message.contains("1 tensors, the graphs take 2"), "{odd}");
}

#[test]
fn token_ids_stand_around_as_many_rows_as_there_are() {
    let mut session = GraphSession::load(&runtime(), &read()).unwrap();
    let sums = |kept: f32, first: f32| {
        let ids = 123.0 + 7.0 * kept;
        vec![ids + 2.0 * first, ids + 2.0 * kept, ids + 4.0 * kept, ids + 6.0 * kept]
    };
    let (three, two) = (sample(vec![rows([1.0, 2.0, 3.0])]), sample(vec![rows([4.0, -1.0, 5.0])]));
    assert_eq!(session.run(&[&three]).unwrap(), [sums(3.0, 6.0)]);
    assert_eq!(session.run(&[&three, &two]).unwrap(), [sums(3.0, 6.0), sums(2.0, 9.0)], "each has its own number");
}

#[test]
fn frames_are_looked_at_one_by_one_and_stand_between_their_own_ids() {
    let mut graph = read();
    graph.tower = Modality::Video;
    graph.stages[0].1.frames = true;
    graph.tokens = Some(Tokens { frame_before: vec![1000], frame_after: vec![2000, 500], ..read().tokens.unwrap() });
    let mut session = GraphSession::load(&runtime(), &graph).unwrap();
    // Of the second frame two rows are kept, so that the ids are 100 20, 1000 7 7 7 2000 500, 1000 7 7 2000 500, 3.
    let film: Vec<f32> = [[1.0, 2.0, 3.0], [4.0, -1.0, 5.0]].into_iter().flat_map(values).collect();
    let film = sample(vec![Tensor::f32([2, 3, 4], film)]);
    let ids = 123.0 + 2.0 * 3500.0 + 7.0 * 5.0;
    assert_eq!(session.run(&[&film]).unwrap(), [[ids + 30.0, ids + 10.0, ids + 20.0, ids + 30.0]]);
    let flat = session.run(&[&sample(vec![Tensor::f32([12], vec![1.0; 12])])]);
    assert!(flat.is_err(), "no axis of frames");
}

#[test]
fn a_mask_says_that_every_step_is_there() {
    for kind in ["bool", "int64"] {
        let mut graph = read();
        graph.stages = vec![stage(&format!("masked-{kind}.onnx"), false)];
        graph.stages[0].1.mask = Some("there".into());
        let mut session = GraphSession::load(&runtime(), &graph).unwrap();
        let (three, plain) = (sample(vec![rows([1.0, 2.0, 3.0])]), GraphSession::load(&runtime(), &read()));
        assert_eq!(session.run(&[&three]).unwrap(), plain.unwrap().run(&[&three]).unwrap(), "{kind}");
        graph.stages[0].1.mask = None;
        let error = GraphSession::load(&runtime(), &graph).unwrap_err();
        assert!(error.message.contains("the graph also takes \"there\""), "{error}");
    }
}

#[test]
fn a_stage_that_gives_no_number_is_named() {
    let mut session = GraphSession::load(&runtime(), &fused()).unwrap();
    let nan = sample(vec![rows([1.0, f32::NAN, 3.0]), Tensor::f32([4], vec![0.0; 4])]);
    let error = session.run(&[&nan]).unwrap_err();
    assert_eq!(error.reason, Reason::ModelFailed);
    assert!(error.message.contains("soft.onnx") && error.message.contains("not finite"), "{error}");
}

#[test]
fn narrow_floats_and_short_integers_are_made_and_read() {
    let mut half = GraphSession::load(&runtime(), &image("half.onnx", &["x", "ids"], 4)).unwrap();
    let sample = sample(vec![Tensor::f32([4], vec![0.25, -1.0, 1000.0, 0.1]), Tensor::i64([4], vec![1, 2, 3, -4])]);
    let given = half.run(&[&sample, &sample]).unwrap();
    assert_eq!(given[0][..3], [1.5, 0.0, 2003.0]);
    assert!((given[1][3] + 3.8).abs() < 2e-3, "{given:?}: float16 has 11 bits");
    let mut brain = GraphSession::load(&runtime(), &four("brain.onnx")).unwrap();
    assert_eq!(brain.run(&[&x(-1.5)]).unwrap(), [[-3.0; 4]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_sample_gets_the_head_for_what_it_meets() {
    let heads = BTreeMap::from([(Modality::Audio, "to_audio".into()), (Modality::Video, "to_video".into())]);
    let graph = Graph { heads, ..four("heads.onnx") };
    let engine = Arc::new(Engine::load(&mut models(), graph, &Options::default()).unwrap());
    let targets = [None, Some(Modality::Audio), Some(Modality::Video), Some(Modality::Image)];
    let tasks: Vec<_> = (0..64)
        .map(|at| {
            let engine = Arc::clone(&engine);
            tokio::spawn(async move {
                engine.run(vec![x(2.0)], targets[at % 4], Deadline::default(), Arc::new(())).await.unwrap()
            })
        })
        .collect();
    for (at, task) in tasks.into_iter().enumerate() {
        let expected = [2.0, -2.0, 6.0, 2.0][at % 4];
        assert_eq!(task.await.unwrap().vectors, [[expected; 4]], "{:?}", targets[at % 4]);
    }
    assert!(engine.stats().batches < 64, "different heads share runs: {:?}", engine.stats());
}

#[test]
fn weights_beside_the_graph_are_read_if_they_are_listed() {
    let pixels = sample(vec![Tensor::f32([3, 8, 8], (0..192).map(|at| at as f32 / 192.0).collect())]);
    let inside = GraphSession::load(&runtime(), &image("look.onnx", &["pixels"], 8)).unwrap().run(&[&pixels]).unwrap();
    let unlisted = image("look-outside.onnx", &["pixels"], 8);
    let listed = Graph { external: vec![file("outside.bin")], ..unlisted.clone() };
    assert_eq!(GraphSession::load(&runtime(), &listed).unwrap().run(&[&pixels]).unwrap(), inside);
    let error = GraphSession::load(&runtime(), &unlisted).unwrap_err();
    assert_eq!(error.field, "towers.image.external");
    assert_eq!(error.message, "look-outside.onnx: keeps weights in \"outside.bin\", which is not listed");
}

#[test]
fn every_pipeline_that_is_not_as_described_is_refused() {
    let scratch = tempfile::tempdir().unwrap();
    let lonely = scratch.path().join("look-outside.onnx");
    fs::copy(file("look-outside.onnx"), &lonely).unwrap();
    let with = |mut graph: Graph, change: &dyn Fn(&mut Graph)| {
        change(&mut graph);
        graph
    };
    let outside = Graph { external: vec![scratch.path().join("outside.bin")], ..image("look.onnx", &["pixels"], 8) };
    let coarse = image("look-coarse.onnx", &["pixels"], 8);
    for (graph, key, message) in [
        (with(fused(), &|graph| graph.stages[0].0 = file("nowhere.onnx")), "stages[0].model", "nowhere.onnx"),
        (
            with(fused(), &|graph| graph.stages[0].1.inputs = vec!["image".into()]),
            "stages[0].inputs",
            "soft.onnx: no input \"image\", the graph takes \"pixels\"",
        ),
        (
            with(fused(), &|graph| graph.stages[0].1.output = "hard".into()),
            "stages[0].output",
            "no output \"hard\" of floats, the graph gives \"soft\"",
        ),
        (with(fused(), &|graph| graph.empty.clear()), "inputs", "also takes \"none\""),
        (with(read(), &|graph| graph.tokens = None), "inputs", "also takes"),
        (
            with(four("heads.onnx"), &|graph| {
                graph.heads.insert(Modality::Audio, "to_smell".into());
            }),
            "heads.audio",
            "no output \"to_smell\"",
        ),
        (with(outside, &|graph| graph.model.clone_from(&lonely)), "model", "outside.bin"),
        (
            with(coarse, &|graph| {
                graph.forbid.insert(Precision::Fp16);
                graph.forbid_reason = "activations overflow".into();
            }),
            "precision",
            "look-coarse.onnx: fp16 is forbidden for this model: activations overflow",
        ),
    ] {
        let tower = graph.tower;
        let error = GraphSession::load(&runtime(), &graph).unwrap_err();
        assert_eq!(
            (error.reason, error.field.as_str()),
            (Reason::BundleInvalid, format!("towers.{tower}.{key}").as_str()),
            "{error}"
        );
        assert!(error.message.contains(message), "{error}");
    }
    let fine = with(image("look.onnx", &["pixels"], 8), &|graph| {
        graph.forbid.insert(Precision::Fp16);
    });
    assert!(GraphSession::load(&runtime(), &fine).is_ok(), "single precision is not half");
}

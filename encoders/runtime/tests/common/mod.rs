//! What the tests share: the runtime, the little graphs, samples for them.
#![allow(dead_code)] // Each test binary uses its part.

use std::{
    env,
    path::{Path, PathBuf},
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use onespace_core::{Modality, Sample, SampleUse, Tensor, Track};
use onespace_runtime::{BatchInfo, Graph, Models, Observer, Runtime};

pub fn library() -> PathBuf {
    env::var_os("ONESPACE_ONNXRUNTIME").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/onnxruntime/libonnxruntime.so"),
        PathBuf::from,
    )
}

pub fn runtime() -> Runtime {
    Runtime::init(&library(), None).unwrap()
}

/// None loaded yet.
pub fn models() -> Models {
    Models::new(&runtime())
}

pub fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/graphs").join(name)
}

fn graph(name: &str, inputs: &[&str], dimension: usize) -> Graph {
    Graph::alone(Modality::Text, &file(name), inputs, "embedding", dimension)
}

pub fn bag() -> Graph {
    graph("bag.onnx", &["ids", "mask"], 8)
}

pub fn picture() -> Graph {
    graph("picture.onnx", &["pixels"], 16)
}

/// `log.onnx`, `slow.onnx` and their kin.
pub fn four(name: &str) -> Graph {
    graph(name, &["x"], 4)
}

fn sample(tensors: Vec<Tensor>) -> Sample {
    Sample { tower: Modality::Text, tensors, track: Track::Whole, span: None, used_for: SampleUse::Both }
}

pub fn tokens(ids: &[i64]) -> Sample {
    sample(vec![Tensor::i64([ids.len()], ids.to_vec()), Tensor::i64([ids.len()], vec![1; ids.len()])])
}

pub fn x(value: f32) -> Sample {
    sample(vec![Tensor::f32([4], vec![value; 4])])
}

pub fn pixels(seed: u32) -> Sample {
    let value = |at: u32| {
        let mixed = (at ^ seed.wrapping_mul(0x9e37_79b1)).wrapping_mul(0x85eb_ca77);
        let mixed = (mixed ^ (mixed >> 15)).wrapping_mul(0xc2b2_ae3d);
        (mixed ^ (mixed >> 13)) as f32 / u32::MAX as f32 * 2.0 - 1.0
    };
    sample(vec![Tensor::f32([3, 32, 32], (0..3 * 32 * 32).map(value).collect())])
}

pub fn cosine(a: &[f32], b: &[f32]) -> f32 {
    use onespace_core::vector::{dot, norm};
    dot(a, b) / (norm(a) * norm(b))
}

/// Longest time a gate stays closed: a test that fails before it opens it ends all the same.
const PATIENCE: Duration = Duration::from_secs(30);

/// Sees every batch, and holds those that come back until it is opened.
#[derive(Default)]
pub struct Gate {
    open: Mutex<bool>,
    changed: Condvar,
    pub batches: Mutex<Vec<BatchInfo>>,
    pub held: AtomicUsize,
}

impl Gate {
    pub fn new(open: bool) -> (Arc<Self>, Observer) {
        let gate = Arc::new(Self { open: Mutex::new(open), ..Self::default() });
        let seen = Arc::clone(&gate);
        (gate, Arc::new(move |info| seen.pass(info)))
    }

    fn pass(&self, info: BatchInfo) {
        self.batches.lock().unwrap().push(info);
        self.held.fetch_add(1, Ordering::SeqCst);
        drop(self.changed.wait_timeout_while(self.open.lock().unwrap(), PATIENCE, |open| !*open).unwrap());
    }

    pub fn open(&self) {
        *self.open.lock().unwrap() = true;
        self.changed.notify_all();
    }

    pub fn close(&self) {
        *self.open.lock().unwrap() = false;
    }

    pub fn sizes(&self) -> Vec<usize> {
        self.batches.lock().unwrap().iter().map(|batch| batch.samples).collect()
    }
}

/// Waits until something is so; fails the test after a while.
pub async fn until(what: &str, mut so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !so() {
        assert!(start.elapsed() < Duration::from_secs(20), "in 20 s it did not come to pass that {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

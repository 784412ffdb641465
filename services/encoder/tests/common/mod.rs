//! What the tests share: the runtime, the shipped bundle and spoilt copies of it.
#![allow(dead_code)] // Each test binary uses its part.

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use onespace_bundle::{Bundle, MANIFEST_FILE, file_digest};
use onespace_core::{EncodeRequest, Modality, Prepare, PrepareRequest};
use onespace_encoder::{LocalEncoder, Options, Runtime};
use onespace_image::ImagePreparer;
use onespace_runtime::{Graph, GraphSession};
use tempfile::TempDir;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

pub fn runtime() -> Runtime {
    let library = env::var_os("ONESPACE_ONNXRUNTIME")
        .map_or_else(|| root().join("target/onnxruntime/libonnxruntime.so"), PathBuf::from);
    Runtime::init(&library, None).unwrap()
}

pub fn shipped() -> PathBuf {
    root().join("bundles/diorama")
}

pub fn bundle() -> Bundle {
    Bundle::open(&shipped()).unwrap()
}

pub async fn encoder(modalities: &[Modality]) -> Arc<LocalEncoder> {
    Arc::new(LocalEncoder::load(&runtime(), &bundle(), modalities, &Options::default()).await.unwrap())
}

pub fn request(modality: Modality, bytes: impl Into<Bytes>) -> EncodeRequest {
    EncodeRequest::new(modality, bytes.into())
}

/// A copy of the shipped bundle in which one file was replaced; the manifest vouches for the replacement, so only
/// what the file says can give it away.
pub fn spoilt(file: &str, bytes: &[u8]) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    let manifest = fs::read_to_string(shipped().join(MANIFEST_FILE)).unwrap();
    for path in bundle().manifest().files.keys() {
        let target = copy.path().join(path);
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(shipped().join(path), target).unwrap();
    }
    let before = bundle().manifest().files[file].clone();
    fs::write(copy.path().join(file), bytes).unwrap();
    let digest = file_digest(&copy.path().join(file)).unwrap();
    let manifest = manifest.replace(
        &format!("\"{}\"\nbytes = {}\n", before.sha256, before.bytes),
        &format!("\"{digest}\"\nbytes = {}\n", bytes.len()),
    );
    fs::write(copy.path().join(MANIFEST_FILE), manifest).unwrap();
    copy
}

/// Samples a second of what [`wav`] writes.
pub const RATE: usize = 16_000;

/// A tone that rises from second to second.
pub fn rising(seconds: usize) -> Vec<i16> {
    let sample = |at: usize| {
        let hertz = 200.0 + 100.0 * (at / RATE) as f64;
        let value = (at as f64 / RATE as f64 * hertz * std::f64::consts::TAU).sin();
        (value * 12_000.0) as i16
    };
    (0..RATE * seconds).map(sample).collect()
}

/// A WAV file of a tone that rises from second to second.
pub fn tone(seconds: usize) -> Vec<u8> {
    wav(&rising(seconds))
}

/// A WAV file.
pub fn wav(samples: &[i16]) -> Vec<u8> {
    let (rate, bytes) = (RATE as u32, 2 * samples.len() as u32);
    let mut wav = Vec::new();
    wav.extend_from_slice(b"RIFF");
    wav.extend_from_slice(&(36 + bytes).to_le_bytes());
    wav.extend_from_slice(b"WAVEfmt ");
    for (value, wide) in [(16, true), (1, false), (1, false), (rate, true), (2 * rate, true), (2, false), (16, false)] {
        let bytes = value.to_le_bytes();
        wav.extend_from_slice(if wide { &bytes } else { &bytes[..2] });
    }
    wav.extend_from_slice(b"data");
    wav.extend_from_slice(&bytes.to_le_bytes());
    samples.iter().for_each(|sample| wav.extend_from_slice(&sample.to_le_bytes()));
    wav
}

/// The graphs that the runtime is tested with.
pub fn graph(name: &str) -> Vec<u8> {
    fs::read(root().join("encoders/runtime/tests/graphs").join(name)).unwrap()
}

/// A bundle of one small image tower, `look.onnx`, to be spoilt before it is written down.
pub struct Little {
    pub files: BTreeMap<&'static str, Vec<u8>>,
    /// The manifest without `[files]`.
    pub manifest: String,
}

impl Little {
    pub fn new() -> Self {
        let picture = fs::read(root().join("samples/images/green-fish-01.jpg")).unwrap();
        let manifest: String = LITTLE.into();
        let files = [("look.onnx", graph("look.onnx")), ("golden.png", picture), ("golden.f32", vec![0; 4 * 8])];
        let mut little = Self { files: BTreeMap::from(files), manifest };
        let copy = little.write();
        // What the authors would have computed, by hand: the preprocessing, the graph, unit length.
        let bundle = Bundle::open(copy.path()).unwrap();
        let tower = bundle.manifest().towers.image.as_ref().unwrap();
        let samples = ImagePreparer::new(&tower.preprocess)
            .prepare(&PrepareRequest::of(&little.files["golden.png"]))
            .unwrap()
            .samples;
        let graph = Graph::new(&bundle, &bundle.manifest().towers.head(Modality::Image).unwrap());
        let vector = GraphSession::load(&runtime(), &graph).unwrap().run(&[&samples[0]]).unwrap().remove(0);
        let norm = onespace_core::vector::norm(&vector);
        let bytes = vector.iter().flat_map(|value| (value / norm).to_le_bytes()).collect();
        little.files.insert("golden.f32", bytes);
        little
    }

    pub fn write(&self) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        let mut manifest = self.manifest.clone();
        for (name, bytes) in &self.files {
            let path = folder.path().join(name);
            fs::write(&path, bytes).unwrap();
            let digest = file_digest(&path).unwrap();
            manifest += &format!("[files.\"{name}\"]\nsha256 = \"{digest}\"\nbytes = {}\n", bytes.len());
        }
        fs::write(folder.path().join(MANIFEST_FILE), manifest).unwrap();
        folder
    }
}

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
width = 8
height = 8
resize = "squash"
filter = "bilinear"
mean = [0.5, 0.5, 0.5]
std = [0.5, 0.5, 0.5]
"#;

//! What the tests of glTF share: a square, and documents of it.

#![allow(dead_code)] // Each uses a part.

use onespace_core::{Error, Prepare, PrepareRequest, Result, Sample};
use onespace_pointcloud::PointCloudPreparer;
use onespace_pointcloud::table::{Normalise, PointCloud};
use serde_json::{Value, json};

use super::{spec, text, values};

pub fn prepare(bytes: &[u8]) -> Result<Sample> {
    let spec = PointCloud { normalise: Normalise::None, ..spec(120, 200) };
    PointCloudPreparer::new(&spec).prepare(&PrepareRequest::of(bytes)).map(|mut prepared| prepared.samples.remove(0))
}

pub fn error(bytes: &[u8]) -> Error {
    prepare(bytes).unwrap_err()
}

pub fn same(bytes: &[u8], ply: &[u8]) {
    let (found, wanted) = (prepare(bytes).unwrap(), prepare(ply).unwrap());
    let apart = values(&found, 0).iter().zip(values(&wanted, 0)).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(apart < 1e-4, "{apart}");
}

/// A square of two triangles, in the order in which a strip goes.
pub const PLACES: [[f32; 3]; 4] = [[0.0, 0.0, 0.0], [2.0, 0.0, 0.0], [0.0, 1.0, 0.5], [2.0, 1.0, 0.5]];
pub const FACES: [&[i64]; 2] = [&[0, 1, 2], &[1, 2, 3]];

pub fn plain() -> Vec<u8> {
    text(&PLACES, &[], &FACES)
}

/// Buffers that are filled one after the other.
#[derive(Default)]
pub struct Binary {
    pub bytes: Vec<u8>,
    pub views: Vec<Value>,
    pub accessors: Vec<Value>,
}

impl Binary {
    pub fn view(&mut self, bytes: &[u8]) -> usize {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
        self.views.push(json!({"buffer": 0, "byteOffset": self.bytes.len(), "byteLength": bytes.len()}));
        self.bytes.extend(bytes);
        self.views.len() - 1
    }

    /// An accessor of its own view.
    pub fn numbers(&mut self, kind: u32, shape: &str, count: usize, bytes: &[u8]) -> usize {
        let view = self.view(bytes);
        self.accessors.push(json!({"bufferView": view, "componentType": kind, "type": shape, "count": count}));
        self.accessors.len() - 1
    }

    pub fn floats(&mut self, shape: &str, count: usize, values: &[f32]) -> usize {
        self.numbers(5126, shape, count, &values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>())
    }

    pub fn places(&mut self) -> usize {
        self.floats("VEC3", 4, PLACES.as_flattened())
    }

    /// A document of one node that shows these primitives.
    pub fn scene(&self, primitives: Value) -> Value {
        json!({
            "asset": {"version": "2.0"}, "scenes": [{"nodes": [0]}], "nodes": [{"mesh": 0}],
            "meshes": [{"primitives": primitives}], "accessors": self.accessors, "bufferViews": self.views,
            "buffers": [{"byteLength": self.bytes.len()}],
        })
    }

    pub fn glb(&self, document: &Value) -> Vec<u8> {
        glb(document, &self.bytes)
    }
}

pub fn glb(document: &Value, binary: &[u8]) -> Vec<u8> {
    let mut json = document.to_string().into_bytes();
    json.resize(json.len().next_multiple_of(4), b' ');
    let mut binary = binary.to_vec();
    binary.resize(binary.len().next_multiple_of(4), 0);
    let part = |kind: &[u8; 4], bytes: &[u8]| [&(bytes.len() as u32).to_le_bytes(), &kind[..], bytes].concat();
    let parts = [part(b"JSON", &json), part(b"BIN\0", &binary)].concat();
    [b"glTF".as_slice(), &2_u32.to_le_bytes(), &(parts.len() as u32 + 12).to_le_bytes(), &parts].concat()
}

//! What the tests of this crate share.

pub mod gltf;

use std::{fs, path::PathBuf};

use onespace_core::{Sample, TensorData};
use onespace_pointcloud::table::{Grouping, PointCloud};
use safetensors::{Dtype, SafeTensors};

/// A file of `golden/`.
pub fn golden(name: &str) -> Vec<u8> {
    fs::read(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)).unwrap()
}

/// The tensors that a suite expects: an `expected.safetensors` of `golden/`.
#[allow(dead_code)]
pub struct Expected(Vec<u8>);

#[allow(dead_code)]
impl Expected {
    pub fn open(name: &str) -> Self {
        Self(golden(name))
    }

    pub fn floats(&self, name: &str, shape: &[usize]) -> Vec<f32> {
        let tensors = SafeTensors::deserialize(&self.0).unwrap();
        let Ok(tensor) = tensors.tensor(name) else { panic!("{name} is not among the expected tensors") };
        assert_eq!((tensor.dtype(), tensor.shape()), (Dtype::F32, shape), "{name}");
        tensor.data().as_chunks::<4>().0.iter().map(|&value| f32::from_le_bytes(value)).collect()
    }

    pub fn bytes(&self, name: &str) -> Vec<u8> {
        let tensors = SafeTensors::deserialize(&self.0).unwrap();
        let Ok(tensor) = tensors.tensor(name) else { panic!("{name} is not among the expected tensors") };
        assert_eq!(tensor.dtype(), Dtype::U8, "{name}");
        tensor.data().to_vec()
    }
}

/// A manifest's table.
#[allow(dead_code)]
pub fn spec(points: usize, presample: usize) -> PointCloud {
    toml::from_str(&format!("points = {points}\npresample = {presample}")).unwrap()
}

/// Groups of the nearest.
#[allow(dead_code)]
pub fn grouping(centres: usize, neighbours: usize) -> Grouping {
    toml::from_str(&format!("centres = {centres}\nneighbours = {neighbours}")).unwrap()
}

/// The values of one of a sample's tensors.
#[allow(dead_code)]
pub fn values(sample: &Sample, tensor: usize) -> &[f32] {
    match &sample.tensors[tensor].data {
        TensorData::F32(values) => values,
        TensorData::I64(_) => panic!("no floats"),
    }
}

/// A little-endian file of `places` without colours.
#[allow(dead_code)]
pub fn binary(places: &[[f32; 3]]) -> Vec<u8> {
    let header = format!(
        "ply\nformat binary_little_endian 1.0\nelement vertex {}\nproperty float x\nproperty float y\nproperty float \
             z\nend_header\n",
        places.len()
    );
    let mut bytes = header.into_bytes();
    bytes.extend(places.iter().flatten().flat_map(|value| value.to_le_bytes()));
    bytes
}

/// A text file of `places`, with what else is said of each, and `faces`.
#[allow(dead_code)]
pub fn text(places: &[[f32; 3]], colours: &[[u8; 3]], faces: &[&[i64]]) -> Vec<u8> {
    let paint = if colours.is_empty() { "" } else { "property uchar red\nproperty uchar green\nproperty uchar blue\n" };
    let mut file = format!(
        "ply\nformat ascii 1.0\nelement vertex {}\nproperty float x\nproperty float y\nproperty float z\n{paint}\
         element face {}\nproperty list uchar int vertex_indices\nend_header\n",
        places.len(),
        faces.len()
    );
    for (number, [x, y, z]) in places.iter().enumerate() {
        let [red, green, blue] =
            colours.get(number).map_or([const { String::new() }; 3], |colour| colour.map(|c| c.to_string()));
        file += &format!("{x} {y} {z} {red} {green} {blue}\n");
    }
    for face in faces {
        let corners: Vec<String> = face.iter().map(i64::to_string).collect();
        file += &format!("{} {}\n", face.len(), corners.join(" "));
    }
    file.into_bytes()
}

/// Numbers from a seed.
#[allow(dead_code)]
pub struct Random(pub u64);

impl Random {
    /// A number below a bound.
    #[allow(dead_code)]
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }

    /// Places in a cube.
    #[allow(dead_code)]
    pub fn places(&mut self, count: usize) -> Vec<[f32; 3]> {
        (0..count).map(|_| [0; 3].map(|_: u8| self.below(1 << 24) as f32 / (1 << 23) as f32 - 1.0)).collect()
    }
}

//! What the tests of this crate share.
#![allow(dead_code)] // Each test binary uses its part.

pub mod tiff;

use std::{fs, path::Path};

use safetensors::{Dtype, SafeTensors};

/// A file of `golden/`.
pub fn read(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)).unwrap()
}

/// The tensors that a suite expects: an `expected.safetensors` of `golden/`.
pub struct Expected(Vec<u8>);

impl Expected {
    pub fn open(name: &str) -> Self {
        Self(read(name))
    }

    pub fn floats(&self, name: &str, shape: &[usize]) -> Vec<f32> {
        self.data(name, Dtype::F32, shape).as_chunks::<4>().0.iter().map(|&value| f32::from_le_bytes(value)).collect()
    }

    pub fn integers(&self, name: &str, shape: &[usize]) -> Vec<i64> {
        self.data(name, Dtype::I64, shape).as_chunks::<8>().0.iter().map(|&value| i64::from_le_bytes(value)).collect()
    }

    pub fn bytes(&self, name: &str, shape: &[usize]) -> &[u8] {
        self.data(name, Dtype::U8, shape)
    }

    /// Rows, columns and channels of a picture.
    pub fn shape(&self, name: &str) -> [usize; 3] {
        let tensors = SafeTensors::deserialize(&self.0).unwrap();
        let Ok(tensor) = tensors.tensor(name) else { panic!("{name} is not among the expected tensors") };
        *tensor.shape().first_chunk().unwrap()
    }

    fn data(&self, name: &str, kind: Dtype, shape: &[usize]) -> &[u8] {
        let tensors = SafeTensors::deserialize(&self.0).unwrap();
        let Ok(tensor) = tensors.tensor(name) else { panic!("{name} is not among the expected tensors") };
        assert_eq!((tensor.dtype(), tensor.shape()), (kind, shape), "{name}");
        tensor.data()
    }
}

//! What the tests of this crate share.
#![allow(dead_code)] // Each test binary uses its part.

pub mod film;
pub mod look;

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
        let tensors = SafeTensors::deserialize(&self.0).unwrap();
        let Ok(tensor) = tensors.tensor(name) else { panic!("{name} is not among the expected tensors") };
        assert_eq!((tensor.dtype(), tensor.shape()), (Dtype::F32, shape), "{name}");
        tensor.data().as_chunks::<4>().0.iter().map(|&value| f32::from_le_bytes(value)).collect()
    }
}

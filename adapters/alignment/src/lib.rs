//! An encoder's native vector into the shared space.
//!
//! An [`Alignment`] is what stands between two encoders that were not trained together: an affine map fitted
//! from pairs, kept in a safetensors file with `weight` `[dimension, native]` and, where wanted, `bias`
//! `[dimension]` and `mean` `[native]`, all float32: `shared = weight · (native − mean) + bias`, brought to unit
//! length. A tower whose graph already ends in the shared space has the identity.

use onespace_core::{Error, Reason, Result, vector};
use safetensors::{Dtype, SafeTensors};

/// An affine map from native vectors to unit vectors of the space.
#[derive(Clone, Debug, PartialEq)]
pub struct Alignment {
    native: usize,
    map: Option<Affine>,
}

/// `weight · native + bias`; the mean is folded into the bias.
#[derive(Clone, Debug, PartialEq)]
struct Affine {
    /// Row-major, one row of `native` values for each value of the result.
    weight: Vec<f32>,
    bias: Vec<f32>,
}

impl Alignment {
    /// The alignment of a graph that gives vectors of the space itself: only their length is brought to 1.
    #[must_use]
    pub fn identity(dimension: usize) -> Self {
        Self { native: dimension, map: None }
    }

    /// Reads an alignment from `native` values to `dimension`.
    ///
    /// # Errors
    /// `BUNDLE_INVALID` naming the tensor and the fault: absent, unknown, of another shape or type, not finite.
    pub fn from_safetensors(bytes: &[u8], native: usize, dimension: usize) -> Result<Self> {
        let file = SafeTensors::deserialize(bytes).map_err(|error| invalid("", error))?;
        if let Some(name) = file.names().into_iter().find(|name| !["weight", "bias", "mean"].contains(name)) {
            return Err(invalid(name, "is none of weight, bias, mean"));
        }
        let weight = read(&file, "weight", &[dimension, native])?.ok_or_else(|| invalid("weight", "is not there"))?;
        let bias = read(&file, "bias", &[dimension])?.unwrap_or_else(|| vec![0.0; dimension]);
        let mut map = Affine { weight, bias };
        if let Some(mean) = read(&file, "mean", &[native])? {
            // weight · (x − mean) + bias = weight · x + (bias − weight · mean)
            let shift = Affine { weight: map.weight.clone(), bias: vec![0.0; dimension] }.apply(&mean);
            map.bias.iter_mut().zip(shift).for_each(|(bias, shift)| *bias -= shift);
        }
        Ok(Self { native, map: Some(map) })
    }

    /// The unit vector of the space for one native vector.
    ///
    /// # Errors
    /// `MODEL_FAILED` when `native` has another length, is not finite, or lands where there is no direction.
    pub fn apply(&self, native: Vec<f32>) -> Result<Vec<f32>> {
        if native.len() != self.native {
            let message = format!("a vector of {} values, {} are aligned", native.len(), self.native);
            return Err(Error::new(Reason::ModelFailed, "", message));
        }
        let mut shared = match &self.map {
            Some(map) => map.apply(&native),
            None => native,
        };
        vector::normalise(&mut shared)?;
        Ok(shared)
    }
}

impl Affine {
    fn apply(&self, native: &[f32]) -> Vec<f32> {
        // `native` is as long as a row: checked by the callers, and a row of a matrix is never empty.
        self.weight
            .chunks_exact(native.len().max(1))
            .zip(&self.bias)
            .map(|(row, bias)| inner(row, native) + bias)
            .collect()
    }
}

/// The inner product in eight sums side by side, which compiles to vector instructions; a single sum may not be
/// reordered and would run one addition at a time.
fn inner(a: &[f32], b: &[f32]) -> f32 {
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<8>(), b.as_chunks::<8>());
    let mut sums = [0.0_f32; 8];
    for (a, b) in a.iter().zip(b) {
        sums.iter_mut().zip(a.iter().zip(b)).for_each(|(sum, (a, b))| *sum += a * b);
    }
    sums.iter().sum::<f32>() + vector::dot(a_rest, b_rest)
}

fn read(file: &SafeTensors<'_>, name: &str, shape: &[usize]) -> Result<Option<Vec<f32>>> {
    let Ok(tensor) = file.tensor(name) else { return Ok(None) };
    if tensor.dtype() != Dtype::F32 || tensor.shape() != shape {
        return Err(invalid(name, format!("is {:?} {:?}, F32 {shape:?} is expected", tensor.dtype(), tensor.shape())));
    }
    let values: Vec<f32> = tensor.data().as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    if let Some(at) = values.iter().position(|value| !value.is_finite()) {
        return Err(invalid(name, format!("value {at} is not finite")));
    }
    Ok(Some(values))
}

fn invalid(tensor: &str, why: impl std::fmt::Display) -> Error {
    Error::new(Reason::BundleInvalid, "alignment", format!("{tensor} {why}").trim_start().to_owned())
}

#[cfg(test)]
mod tests {
    use std::{collections::HashMap, time::Instant};

    use safetensors::tensor::{TensorView, serialize};

    use super::*;

    fn file(tensors: &[(&str, &[usize], &[f32])]) -> Vec<u8> {
        let bytes: Vec<Vec<u8>> = tensors
            .iter()
            .map(|(_, _, values)| values.iter().flat_map(|value| value.to_le_bytes()).collect())
            .collect();
        let views: HashMap<String, TensorView<'_>> = tensors
            .iter()
            .zip(&bytes)
            .map(|((name, shape, _), bytes)| {
                ((*name).to_owned(), TensorView::new(Dtype::F32, shape.to_vec(), bytes).unwrap())
            })
            .collect();
        serialize(&views, None).unwrap()
    }

    #[test]
    fn the_map_is_affine_and_ends_on_the_sphere() {
        let bytes = file(&[
            ("weight", &[2, 3], &[1.0, 2.0, 3.0, 0.0, -1.0, 1.0]),
            ("bias", &[2], &[0.5, -0.5]),
            ("mean", &[3], &[1.0, 1.0, 1.0]),
        ]);
        let alignment = Alignment::from_safetensors(&bytes, 3, 2).unwrap();
        // weight · ((2, 3, 5) − (1, 1, 1)) + bias = (17, 2) + (0.5, −0.5)
        let expected = [17.5_f32, 1.5].map(|value| value / (17.5_f32 * 17.5 + 1.5 * 1.5).sqrt());
        let got = alignment.apply(vec![2.0, 3.0, 5.0]).unwrap();
        assert!(got.iter().zip(expected).all(|(got, expected)| (got - expected).abs() < 1e-6), "{got:?}");
        assert_eq!(Alignment::identity(2).apply(vec![3.0, 4.0]).unwrap(), [0.6, 0.8]);
    }

    #[test]
    fn vectors_without_direction_are_refused() {
        let alignment = Alignment::identity(2);
        for native in [vec![0.0, 0.0], vec![f32::NAN, 1.0], vec![f32::INFINITY, 1.0], vec![1.0]] {
            assert_eq!(alignment.apply(native).unwrap_err().reason, Reason::ModelFailed);
        }
    }

    #[test]
    fn each_fault_of_a_file_is_named() {
        let weight: (&str, &[usize], &[f32]) = ("weight", &[2, 2], &[1.0, 0.0, 0.0, 1.0]);
        for (bytes, message) in [
            (b"not safetensors".to_vec(), ""),
            (file(&[("bias", &[2], &[0.0, 0.0])]), "weight is not there"),
            (file(&[("weight", &[1, 4], weight.2)]), "weight is F32 [1, 4], F32 [2, 2] is expected"),
            (file(&[weight, ("bias", &[1], &[0.0])]), "bias is F32 [1], F32 [2] is expected"),
            (file(&[weight, ("mean", &[2], &[0.0, f32::NAN])]), "mean value 1 is not finite"),
            (file(&[weight, ("scale", &[1], &[0.0])]), "scale is none of weight, bias, mean"),
        ] {
            let error = Alignment::from_safetensors(&bytes, 2, 2).unwrap_err();
            assert_eq!((error.reason, error.field.as_str()), (Reason::BundleInvalid, "alignment"));
            assert!(error.message.contains(message), "{error}");
        }
    }

    #[test]
    fn aligning_costs_nothing_that_matters() {
        let (native, dimension, rounds) = (1024, 1024, 50);
        let weight: Vec<f32> = (0..native * dimension).map(|at| (at as f32 * 0.37).sin()).collect();
        let alignment =
            Alignment::from_safetensors(&file(&[("weight", &[dimension, native], &weight)]), native, dimension)
                .unwrap();
        let vector: Vec<f32> = (0..native).map(|at| (at as f32 * 0.11).cos()).collect();
        let start = Instant::now();
        for _ in 0..rounds {
            alignment.apply(vector.clone()).unwrap();
        }
        let each = start.elapsed() / rounds;
        println!("{native} to {dimension} values: {each:?}");
        assert!(each.as_millis() < 20, "{each:?}");
    }
}

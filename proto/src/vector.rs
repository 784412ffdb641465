//! Vectors in the encodings of the wire.

use half::f16;
use onespace_core::{Result, bytes::le_bytes};

use crate::{fields::invalid, v1};

/// How the vectors of an answer are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    /// A list of floats.
    #[default]
    Floats,
    /// Four bytes a value.
    Float32,
    /// Two bytes a value.
    Float16,
}

/// An encoding; a list of floats where none is named.
///
/// # Errors
/// `FIELD_INVALID` for a number that this version does not know.
pub fn encoding_in(number: i32) -> Result<Encoding> {
    match v1::VectorEncoding::try_from(number) {
        Ok(v1::VectorEncoding::Unspecified | v1::VectorEncoding::Floats) => Ok(Encoding::Floats),
        Ok(v1::VectorEncoding::Float32) => Ok(Encoding::Float32),
        Ok(v1::VectorEncoding::Float16) => Ok(Encoding::Float16),
        Err(_) => Err(invalid("encoding", format!("{number} is no encoding of this version"))),
    }
}

/// Writes a vector into an embedding.
pub(crate) fn put(embedding: &mut v1::Embedding, vector: Vec<f32>, encoding: Encoding) {
    match encoding {
        Encoding::Floats => embedding.vector = vector,
        Encoding::Float32 => embedding.vector_float32 = float32_bytes(&vector).into(),
        Encoding::Float16 => embedding.vector_float16 = float16_bytes(&vector).into(),
    }
}

fn float32_bytes(vector: &[f32]) -> Vec<u8> {
    le_bytes(vector)
}

fn float16_bytes(vector: &[f32]) -> Vec<u8> {
    vector.iter().flat_map(|value| f16::from_f32(*value).to_le_bytes()).collect()
}

/// A vector from whichever encoding holds it.
///
/// # Errors
/// `FIELD_INVALID` naming the field whose bytes are no whole number of values, or that is one too many.
pub(crate) fn read(floats: Vec<f32>, float32: (&str, &[u8]), float16: (&str, &[u8])) -> Result<Vec<f32>> {
    let (field32, bytes32) = float32;
    let (field16, bytes16) = float16;
    let given = [floats.is_empty(), bytes32.is_empty(), bytes16.is_empty()].iter().filter(|empty| !**empty).count();
    if given > 1 {
        let field = if bytes16.is_empty() { field32 } else { field16 };
        return Err(invalid(field, "a vector comes in one encoding, this is a second one"));
    }
    let (whole, rest) = bytes32.as_chunks();
    let (half, half_rest) = bytes16.as_chunks();
    for (field, bytes, rest, size) in [(field32, bytes32, rest, 4), (field16, bytes16, half_rest, 2)] {
        if !rest.is_empty() {
            return Err(invalid(field, format!("{} bytes are no whole number of values of {size}", bytes.len())));
        }
    }
    let mut vector = floats;
    vector.extend(whole.iter().map(|value| f32::from_le_bytes(*value)));
    vector.extend(half.iter().map(|value| f16::from_le_bytes(*value).to_f32()));
    Ok(vector)
}

/// The vector of an embedding.
///
/// # Errors
/// `FIELD_INVALID` naming the field whose bytes are no whole number of values, or that is one too many.
pub fn vector_in(embedding: &mut v1::Embedding) -> Result<Vec<f32>> {
    let floats = std::mem::take(&mut embedding.vector);
    read(floats, ("vector_float32", &embedding.vector_float32), ("vector_float16", &embedding.vector_float16))
}

/// The values of a raw vector.
///
/// # Errors
/// As [`vector_in`].
pub fn raw_vector_in(raw: &mut v1::RawVector) -> Result<Vec<f32>> {
    let floats = std::mem::take(&mut raw.values);
    read(floats, ("values_float32", &raw.values_float32), ("values_float16", &raw.values_float16))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_survive_each_encoding() {
        let vector = vec![0.6, -0.8, 0.0, 1e-3];
        for (encoding, exact) in [(Encoding::Floats, true), (Encoding::Float32, true), (Encoding::Float16, false)] {
            let mut embedding = v1::Embedding::default();
            put(&mut embedding, vector.clone(), encoding);
            let back = vector_in(&mut embedding).unwrap();
            let near = vector.iter().zip(&back).all(|(a, b)| (a - b).abs() < 1e-3);
            assert!(back.len() == 4 && near && (!exact || back == vector), "{encoding:?}: {back:?}");
        }
        assert_eq!(encoding_in(9).unwrap_err().field, "encoding");
    }

    #[test]
    fn bytes_that_are_no_vector_are_named() {
        let raw = |values: &[f32], four: &'static [u8], two: &'static [u8]| {
            let (values_float32, values_float16) = (four.into(), two.into());
            let mut raw =
                v1::RawVector { values: values.to_vec(), values_float32, values_float16, ..Default::default() };
            raw_vector_in(&mut raw)
        };
        assert_eq!(raw(&[], &[0; 6], &[]).unwrap_err().field, "values_float32");
        assert_eq!(raw(&[], &[], &[0; 3]).unwrap_err().field, "values_float16");
        assert_eq!(raw(&[1.0], &[0; 4], &[]).unwrap_err().field, "values_float32");
        assert_eq!(raw(&[], &[0; 4], &[0; 2]).unwrap_err().field, "values_float16");
        assert_eq!(raw(&[], &[0, 0, 128, 63], &[]).unwrap(), [1.0]);
    }
}

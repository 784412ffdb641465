//! How an alignment lies on disk: safetensors, every tensor float32.
//!
//! One map of a tower is either affine or a perceptron:
//!
//! | tensors | shapes | the map |
//! |---|---|---|
//! | `weight`, `bias`?, `mean`? | `[dimension, native]`, `[dimension]`, `[native]` | `weight · (x − mean) + bias` |
//! | `w1`, `b1`, `w2`, `b2`, `mean`? | `[hidden, native]`, `[hidden]`, `[dimension, hidden]`, `[dimension]`, `[native]` | `w2 · relu(w1 · (x − mean) + b1) + b2` |
//!
//! A chain has the same names behind the number of the stage: `0.weight` is the tower's own map (absent where the
//! tower has none), `1.…`, `2.…` were fitted between whole spaces and take unit vectors: before each of them, and at
//! the end, vectors are brought to unit length.
//!
//! What an alignment was fitted from stands in the file's metadata under [`RECORD`], as JSON.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use onespace_core::{
    Error, Reason, Result,
    bytes::{le_bytes, le_floats},
};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};

use crate::{Affine, Alignment, Map, Mlp};

/// The metadata key of the record of a fit.
pub const RECORD: &str = "onespace";

/// The names a stage's tensors have.
const NAMES: [&str; 7] = ["weight", "bias", "mean", "w1", "b1", "w2", "b2"];

impl Alignment {
    /// Reads an alignment from `native` values to `dimension`.
    ///
    /// # Errors
    /// `BUNDLE_INVALID` naming the tensor and the fault: absent, unknown, of another shape or type, not finite.
    pub fn from_safetensors(bytes: &[u8], native: usize, dimension: usize) -> Result<Self> {
        let file = SafeTensors::deserialize(bytes).map_err(|error| invalid("", error))?;
        let stages = stages(&file)?;
        let last = stages.last().copied().flatten();
        let mut alignment = Self::identity(native);
        for stage in stages {
            let given = (stage == last).then_some(dimension);
            let map = map(&file, stage, alignment.dimension(), given)?;
            match stage {
                None | Some(0) => alignment.own = Some(map),
                Some(_) => alignment.then.push(map),
            }
        }
        Ok(alignment)
    }

    /// The file's bytes, the same for the same alignment and record.
    ///
    /// # Errors
    /// `INTERNAL` if the format cannot hold it.
    pub fn to_safetensors(&self, record: Option<&str>) -> Result<Vec<u8>> {
        let chained = !self.then.is_empty();
        let mut tensors: BTreeMap<String, (Vec<usize>, Vec<u8>)> = BTreeMap::new();
        for (stage, map) in self.own.iter().map(|map| (0, map)).chain((1..).zip(&self.then)) {
            for (name, shape, values) in parts(map) {
                let name = if chained { format!("{stage}.{name}") } else { name.to_owned() };
                tensors.insert(name, (shape, le_bytes(values)));
            }
        }
        let internal = |error: safetensors::SafeTensorError| Error::internal(error.to_string());
        let views = tensors.iter().map(|(name, (shape, bytes))| {
            Ok((name.as_str(), TensorView::new(Dtype::F32, shape.clone(), bytes).map_err(internal)?))
        });
        let views = views.collect::<Result<Vec<_>>>()?;
        let metadata = record.map(|record| HashMap::from([(RECORD.to_owned(), record.to_owned())]));
        safetensors::serialize(views, metadata).map_err(internal)
    }
}

/// What a file says of how it was fitted, if it says anything.
///
/// # Errors
/// `BUNDLE_INVALID` when it is no safetensors file.
pub fn record(bytes: &[u8]) -> Result<Option<String>> {
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(|error| invalid("", error))?;
    Ok(header.metadata().as_ref().and_then(|metadata| metadata.get(RECORD).cloned()))
}

/// The single map of a file that was fitted between two spaces, whatever its dimensions.
///
/// # Errors
/// As [`Alignment::from_safetensors`]; a chain is not one map.
pub fn single(bytes: &[u8]) -> Result<Map> {
    let file = SafeTensors::deserialize(bytes).map_err(|error| invalid("", error))?;
    if stages(&file)? != [None] {
        return Err(invalid("", "is a chain of maps, one map between two spaces is expected"));
    }
    let first = if file.tensor("w1").is_ok() { "w1" } else { "weight" };
    let native = file.tensor(first).ok().and_then(|tensor| tensor.shape().get(1).copied());
    map(&file, None, native.ok_or_else(|| invalid(first, "is not there, or no matrix"))?, None)
}

/// The stages of a file in order; a map that is not chained has no number.
fn stages(file: &SafeTensors<'_>) -> Result<Vec<Option<usize>>> {
    let mut found = BTreeSet::new();
    for name in file.names() {
        let (stage, tensor) = match name.split_once('.') {
            Some((stage, tensor)) => (stage.parse::<usize>().ok().map(Some), tensor),
            None => (Some(None), name),
        };
        match stage {
            Some(stage) if NAMES.contains(&tensor) => found.insert(stage),
            _ => return Err(invalid(name, format!("is none of {}", NAMES.join(", ")))),
        };
    }
    let found: Vec<_> = found.into_iter().collect();
    let chain = |from: usize| found.iter().copied().eq((from..from + found.len()).map(Some));
    match found.first() {
        None => Err(invalid("weight", "is not there")),
        Some(None) if found.len() == 1 => Ok(found),
        Some(Some(from @ (0 | 1))) if chain(*from) => Ok(found),
        _ => Err(invalid("", "the stages must be numbered 0, 1, 2 … (or 1, 2 … for a tower without a map)")),
    }
}

/// One stage, from `native` values to `dimension` if that is known.
fn map(file: &SafeTensors<'_>, stage: Option<usize>, native: usize, dimension: Option<usize>) -> Result<Map> {
    let name = |tensor: &str| stage.map_or_else(|| tensor.to_owned(), |stage| format!("{stage}.{tensor}"));
    let layer = |weight: &str, bias: &str, native: usize, dimension: Option<usize>| {
        let weight = name(weight);
        let tensor = file.tensor(&weight).map_err(|_| invalid(&weight, "is not there"))?;
        let dimension = dimension.or_else(|| tensor.shape().first().copied()).unwrap_or_default();
        let values = read(file, &weight, &[dimension, native])?.unwrap_or_default();
        let bias = read(file, &name(bias), &[dimension])?.unwrap_or_else(|| vec![0.0; dimension]);
        Affine::new(native, values, bias)
    };
    let centred =
        |layer: Affine| Ok(read(file, &name("mean"), &[native])?.map_or(layer.clone(), |mean| layer.less(&mean)));
    let there = |tensors: &[&str]| tensors.iter().map(|tensor| name(tensor)).find(|name| file.tensor(name).is_ok());
    if there(&["w1", "b1", "w2", "b2"]).is_none() {
        return Ok(Map::Affine(centred(layer("weight", "bias", native, dimension)?)?));
    }
    if let Some(both) = there(&["weight", "bias"]) {
        return Err(invalid(&both, "stands beside the tensors of a perceptron: a map is one or the other"));
    }
    let first = centred(layer("w1", "b1", native, None)?)?;
    let second = layer("w2", "b2", first.dimension(), dimension)?;
    Ok(Map::Mlp(Mlp::new(first, second)?))
}

fn read(file: &SafeTensors<'_>, name: &str, shape: &[usize]) -> Result<Option<Vec<f32>>> {
    let Ok(tensor) = file.tensor(name) else { return Ok(None) };
    if tensor.dtype() != Dtype::F32 || tensor.shape() != shape {
        return Err(invalid(name, format!("is {:?} {:?}, F32 {shape:?} is expected", tensor.dtype(), tensor.shape())));
    }
    let values = le_floats(tensor.data()).unwrap_or_default();
    if let Some(at) = values.iter().position(|value| !value.is_finite()) {
        return Err(invalid(name, format!("value {at} is not finite")));
    }
    Ok(Some(values))
}

/// A map as tensors; a shift of nothing is left out.
fn parts(map: &Map) -> Vec<(&'static str, Vec<usize>, &[f32])> {
    let weight = |name, map: &Affine| (name, vec![map.dimension(), map.native()]);
    let of = |name, bias, map| {
        let (name, shape) = weight(name, map);
        let matrix = (name, shape, Affine::weight(map));
        let shift = (!map.is_linear()).then(|| (bias, vec![map.dimension()], Affine::bias(map)));
        std::iter::once(matrix).chain(shift).collect::<Vec<_>>()
    };
    match map {
        Map::Affine(map) => of("weight", "bias", map),
        Map::Mlp(Mlp { first, second }) => [of("w1", "b1", first), of("w2", "b2", second)].concat(),
    }
}

fn invalid(tensor: &str, why: impl std::fmt::Display) -> Error {
    Error::new(Reason::BundleInvalid, "alignment", format!("{tensor} {why}").trim_start().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    type Tensor<'a> = (&'a str, &'a [usize], &'a [f32]);

    fn file(tensors: &[Tensor<'_>]) -> Vec<u8> {
        let bytes: Vec<Vec<u8>> = tensors
            .iter()
            .map(|(_, _, values)| values.iter().flat_map(|value| value.to_le_bytes()).collect())
            .collect();
        let views = tensors.iter().zip(&bytes).map(|((name, shape, _), bytes)| {
            ((*name).to_owned(), TensorView::new(Dtype::F32, shape.to_vec(), bytes).unwrap())
        });
        safetensors::serialize(views, None).unwrap()
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
    }

    #[test]
    fn a_file_says_what_was_written() {
        let affine = |bias: f32| Affine::new(2, vec![1.0, -2.0, 0.5, 3.0, 0.0, 1.0], vec![bias; 3]).unwrap();
        let second = Affine::new(3, vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0], vec![0.25, 0.5]).unwrap();
        let mlp = Map::Mlp(Mlp::new(affine(0.1), second.clone()).unwrap());
        let chain = Alignment::of(Map::Affine(affine(1.0))).followed_by(Map::Affine(second.clone())).unwrap();
        let bare = Alignment::identity(2).followed_by(mlp.clone()).unwrap();
        for alignment in [
            Alignment::of(Map::Affine(affine(0.0))),
            Alignment::of(Map::Affine(affine(1.0))),
            Alignment::of(mlp.clone()),
            chain.clone(),
            chain.followed_by(mlp.clone()).unwrap(),
            bare,
        ] {
            let bytes = alignment.to_safetensors(Some("{}")).unwrap();
            assert_eq!(bytes, alignment.to_safetensors(Some("{}")).unwrap());
            assert_eq!(Alignment::from_safetensors(&bytes, 2, alignment.dimension()).unwrap(), alignment);
            assert_eq!(record(&bytes).unwrap().as_deref(), Some("{}"));
        }
        let alone = Alignment::of(mlp.clone()).to_safetensors(None).unwrap();
        assert_eq!((single(&alone).unwrap(), record(&alone).unwrap()), (mlp, None));
    }

    #[test]
    fn each_fault_of_a_file_is_named() {
        let weight: Tensor<'_> = ("weight", &[2, 2], &[1.0, 0.0, 0.0, 1.0]);
        let (w1, w2): (Tensor<'_>, Tensor<'_>) = (("w1", &[3, 2], &[0.5; 6]), ("w2", &[2, 3], &[0.5; 6]));
        let first: Tensor<'_> = ("0.weight", &[3, 2], &[1.0; 6]);
        for (bytes, message) in [
            (b"not safetensors".to_vec(), ""),
            (file(&[("bias", &[2], &[0.0, 0.0])]), "weight is not there"),
            (file(&[("weight", &[1, 4], weight.2)]), "weight is F32 [1, 4], F32 [2, 2] is expected"),
            (file(&[weight, ("bias", &[1], &[0.0])]), "bias is F32 [1], F32 [2] is expected"),
            (file(&[weight, ("mean", &[2], &[0.0, f32::NAN])]), "mean value 1 is not finite"),
            (file(&[weight, ("scale", &[1], &[0.0])]), "scale is none of weight, bias, mean"),
            (file(&[w1]), "w2 is not there"),
            (file(&[w1, ("w2", &[2, 4], &[0.5; 8])]), "w2 is F32 [2, 4], F32 [2, 3] is expected"),
            (file(&[w1, w2, weight]), "weight stands beside"),
            (file(&[first]), "0.weight is F32 [3, 2], F32 [2, 2] is expected"),
            (file(&[first, ("2.weight", &[2, 3], &[1.0; 6])]), "must be numbered"),
            (file(&[first, ("1.weight", &[2, 2], &[1.0; 4])]), "1.weight is F32 [2, 2], F32 [2, 3] is expected"),
            (file(&[weight, ("1.weight", &[2, 2], &[1.0; 4])]), "must be numbered"),
        ] {
            let error = Alignment::from_safetensors(&bytes, 2, 2).unwrap_err();
            assert_eq!((error.reason, error.field.as_str()), (Reason::BundleInvalid, "alignment"));
            assert!(error.message.contains(message), "{error}, not {message}");
        }
    }
}

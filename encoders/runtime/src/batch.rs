//! Samples side by side: one tensor with a batch axis for each input of a graph.

use std::{borrow::Cow, ops::Range};

use half::{bf16, f16};
use onespace_core::{Error, Result, Sample, Tensor, TensorData};
use ort::{
    session::SessionInputValue,
    value::{DynValue, Outlet, PrimitiveTensorElementType, TensorElementType, TensorRef},
};

/// The values of one graph input for a whole batch. A batch of one borrows its sample.
#[derive(Debug)]
pub(crate) struct Stacked<'a> {
    pub shape: Vec<usize>,
    values: Values<'a>,
}

#[derive(Debug)]
enum Values<'a> {
    F32(Cow<'a, [f32]>),
    F16(Vec<f16>),
    Bf16(Vec<bf16>),
    I64(Cow<'a, [i64]>),
    I32(Vec<i32>),
    Bool(Vec<bool>),
}

/// What numbers a graph's input takes. Preparers give float32 and int64; the rest is made from these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    F32,
    F16,
    Bf16,
    I64,
    I32,
    Bool,
}

impl Kind {
    /// The kind of an input; none where it is one that is not fed.
    pub fn from_outlet(outlet: &Outlet) -> Option<Self> {
        match outlet.dtype().tensor_type()? {
            TensorElementType::Float32 => Some(Self::F32),
            TensorElementType::Float16 => Some(Self::F16),
            TensorElementType::Bfloat16 => Some(Self::Bf16),
            TensorElementType::Int64 => Some(Self::I64),
            TensorElementType::Int32 => Some(Self::I32),
            TensorElementType::Bool => Some(Self::Bool),
            _ => None,
        }
    }

    /// Whether it is a kind of floats.
    pub const fn is_float(self) -> bool {
        matches!(self, Self::F32 | Self::F16 | Self::Bf16)
    }
}

impl<'a> Stacked<'a> {
    /// Floats of a shape.
    pub fn floats(shape: Vec<usize>, values: Vec<f32>) -> Self {
        Self { shape, values: Values::F32(Cow::Owned(values)) }
    }

    /// Integers of a shape.
    pub fn integers(shape: Vec<usize>, values: Vec<i64>) -> Self {
        Self { shape, values: Values::I64(Cow::Owned(values)) }
    }

    /// A mask in which everything is there.
    pub fn ones(shape: Vec<usize>) -> Self {
        let count = shape.iter().product();
        Self::integers(shape, vec![1; count])
    }

    /// No values, of the kind that is taken.
    pub fn none(shape: Vec<usize>, kind: Kind) -> Self {
        if kind.is_float() { Self::floats(shape, Vec::new()) } else { Self::integers(shape, Vec::new()) }
    }

    /// The floats that a graph gave, of whatever precision.
    pub fn from_value(value: &DynValue) -> ort::Result<Self> {
        fn wide<T: PrimitiveTensorElementType + Copy>(
            value: &DynValue,
            widen: fn(T) -> f32,
        ) -> ort::Result<Stacked<'static>> {
            let (shape, values) = value.try_extract_tensor::<T>()?;
            let shape = shape.iter().map(|size| usize::try_from(*size).unwrap_or(0)).collect();
            Ok(Stacked::floats(shape, values.iter().copied().map(widen).collect()))
        }
        match value.dtype().tensor_type() {
            Some(TensorElementType::Float16) => wide::<f16>(value, f16::to_f32),
            Some(TensorElementType::Bfloat16) => wide::<bf16>(value, bf16::to_f32),
            _ => wide::<f32>(value, |single| single),
        }
    }

    /// The same values under another shape of as many.
    pub fn reshaped(self, shape: Vec<usize>) -> Self {
        Self { shape, ..self }
    }

    /// `[batch, frames, …]` as one tensor `[1, …]` for each frame.
    ///
    /// # Errors
    /// `INTERNAL` when there is no axis of frames.
    pub fn split_frames(self) -> Result<Vec<Self>> {
        let [batch, frames, rest @ ..] = self.shape.as_slice() else {
            return Err(Error::internal(format!("a tensor of shape {:?} has no axis of frames", self.shape)));
        };
        let shape: Vec<usize> = [&[1], rest].concat();
        let (count, length) = (batch * frames, rest.iter().product::<usize>());
        let frame = |at: usize| {
            let part = at * length..(at + 1) * length;
            let values = match &self.values {
                Values::F32(values) => share(values, part).map(Values::F32),
                Values::I64(values) => share(values, part).map(Values::I64),
                _ => None,
            };
            let values = values.ok_or_else(|| Error::internal(format!("no values for frame {at} of {count}")))?;
            Ok(Self { shape: shape.clone(), values })
        };
        (0..count).map(frame).collect()
    }

    /// Floats along their first axis.
    ///
    /// # Errors
    /// `INTERNAL` when there are none, or their other axes differ.
    pub fn one_after_another(parts: Vec<Self>) -> Result<Self> {
        let mut parts = parts.into_iter();
        let mut all = parts.next().ok_or_else(|| Error::internal("nothing to put one after another"))?;
        for part in parts {
            let (Values::F32(values), Some(more)) = (&mut all.values, part.as_floats()) else {
                return Err(Error::internal("integers among floats"));
            };
            if part.shape.get(1..) != all.shape.get(1..) {
                return Err(Error::internal(format!("shapes {:?} and {:?} in one tensor", all.shape, part.shape)));
            }
            values.to_mut().extend_from_slice(more);
            if let (Some(length), Some(by)) = (all.shape.first_mut(), part.shape.first()) {
                *length += by;
            }
        }
        Ok(all)
    }

    /// The floats; none of integers.
    pub fn as_floats(&self) -> Option<&[f32]> {
        match &self.values {
            Values::F32(values) => Some(values),
            _ => None,
        }
    }

    /// The same values as the kind that a graph takes.
    ///
    /// # Errors
    /// `INTERNAL` when floats are fed where integers are taken, or the other way round, or an integer does not fit.
    pub fn cast(self, kind: Kind) -> Result<Self> {
        let values = match (self.values, kind) {
            (values @ Values::F32(_), Kind::F32) | (values @ Values::I64(_), Kind::I64) => values,
            (Values::F32(values), Kind::F16) => Values::F16(values.iter().copied().map(f16::from_f32).collect()),
            (Values::F32(values), Kind::Bf16) => Values::Bf16(values.iter().copied().map(bf16::from_f32).collect()),
            (Values::I64(values), Kind::I32) => Values::I32(
                values
                    .iter()
                    .map(|value| i32::try_from(*value))
                    .collect::<Result<_, _>>()
                    .map_err(|error| Error::internal(format!("an integer for an int32 input: {error}")))?,
            ),
            (Values::I64(values), Kind::Bool) => Values::Bool(values.iter().map(|value| *value != 0).collect()),
            (_, kind) => return Err(Error::internal(format!("a preparer's tensor does not fit an input of {kind:?}"))),
        };
        Ok(Self { shape: self.shape, values })
    }

    /// The values as the graph takes them, without another copy.
    pub fn view(&self) -> ort::Result<SessionInputValue<'_>> {
        let shape = self.shape.as_slice();
        Ok(match &self.values {
            Values::F32(values) => TensorRef::from_array_view((shape, &**values))?.into(),
            Values::F16(values) => TensorRef::from_array_view((shape, values.as_slice()))?.into(),
            Values::Bf16(values) => TensorRef::from_array_view((shape, values.as_slice()))?.into(),
            Values::I64(values) => TensorRef::from_array_view((shape, &**values))?.into(),
            Values::I32(values) => TensorRef::from_array_view((shape, values.as_slice()))?.into(),
            Values::Bool(values) => TensorRef::from_array_view((shape, values.as_slice()))?.into(),
        })
    }
}

/// A part of values, borrowed from whom they are borrowed.
fn share<'a, T: Copy>(values: &Cow<'a, [T]>, part: Range<usize>) -> Option<Cow<'a, [T]>> {
    match values {
        Cow::Borrowed(values) => values.get(part).map(Cow::Borrowed),
        Cow::Owned(values) => values.get(part).map(|values| Cow::Owned(values.to_vec())),
    }
}

/// The tensors of a batch, in the order of the samples' tensors.
///
/// # Errors
/// `INTERNAL` when the samples differ in shape or kind, or a tensor's shape and length disagree: defects of a
/// preparer, since the queue only puts equals together.
pub(crate) fn stack<'a>(samples: &[&'a Sample], inputs: usize) -> Result<Vec<Stacked<'a>>> {
    if let Some(sample) = samples.iter().find(|sample| sample.tensors.len() != inputs) {
        let message = format!("a sample has {} tensors, the graphs take {inputs}", sample.tensors.len());
        return Err(Error::internal(message));
    }
    (0..inputs)
        .map(|input| {
            let column: Vec<&Tensor> = samples.iter().filter_map(|sample| sample.tensors.get(input)).collect();
            stack_one(&column).map_err(|error| Error::internal(format!("input {input}: {}", error.message)))
        })
        .collect()
}

fn stack_one<'a>(column: &[&'a Tensor]) -> Result<Stacked<'a>> {
    let Some(first) = column.first() else { return Err(Error::internal("an empty batch")) };
    let length: usize = first.shape.iter().product();
    let mut shape = Vec::with_capacity(first.shape.len() + 1);
    shape.push(column.len());
    shape.extend(&first.shape);
    if let Some(odd) = column.iter().find(|tensor| tensor.shape != first.shape) {
        return Err(Error::internal(format!("shapes {:?} and {:?} in one batch", first.shape, odd.shape)));
    }
    let values = match &first.data {
        TensorData::F32(values) => Values::F32(side_by_side(values, column, length, |data| match data {
            TensorData::F32(values) => Some(values),
            TensorData::I64(_) => None,
        })?),
        TensorData::I64(values) => Values::I64(side_by_side(values, column, length, |data| match data {
            TensorData::I64(values) => Some(values),
            TensorData::F32(_) => None,
        })?),
    };
    Ok(Stacked { shape, values })
}

fn side_by_side<'a, T: Copy>(
    first: &'a [T],
    column: &[&'a Tensor],
    length: usize,
    kind: impl Fn(&'a TensorData) -> Option<&'a Vec<T>>,
) -> Result<Cow<'a, [T]>> {
    let checked = |values: &'a [T]| {
        if values.len() == length {
            return Ok(values);
        }
        Err(Error::internal(format!("{} values in a tensor of {length}", values.len())))
    };
    if column.len() == 1 {
        return checked(first).map(Cow::Borrowed);
    }
    let mut all = Vec::with_capacity(length * column.len());
    for tensor in column {
        let values = kind(&tensor.data).ok_or_else(|| Error::internal("floats and integers in one batch"))?;
        all.extend_from_slice(checked(values)?);
    }
    Ok(Cow::Owned(all))
}

/// What two samples must have in common to share a run: the kind and the shape of every tensor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Key(Vec<(bool, Vec<usize>)>);

impl Key {
    pub fn new(sample: &Sample) -> Self {
        let kind = |tensor: &Tensor| (matches!(tensor.data, TensorData::F32(_)), tensor.shape.clone());
        Self(sample.tensors.iter().map(kind).collect())
    }
}

#[cfg(test)]
mod tests {
    use onespace_core::{Modality, SampleUse, Track};

    use super::*;

    fn sample(tensors: Vec<Tensor>) -> Sample {
        Sample { tower: Modality::Text, tensors, track: Track::Whole, span: None, used_for: SampleUse::Both }
    }

    #[test]
    fn only_equals_are_stacked() {
        let two = sample(vec![Tensor::f32([2], vec![1.0, 2.0])]);
        let three = sample(vec![Tensor::f32([3], vec![0.0; 3])]);
        let ints = sample(vec![Tensor::i64([2], vec![1, 2])]);
        let short = sample(vec![Tensor::f32([2], vec![1.0])]);
        let stacked = stack(&[&two, &two], 1).unwrap();
        assert_eq!(stacked[0].shape, [2, 2]);
        assert!(matches!(&stacked[0].values, Values::F32(values) if **values == [1.0, 2.0, 1.0, 2.0]));
        for odd in [&three, &ints, &short] {
            assert!(stack(&[&two, odd], 1).is_err());
            assert_eq!(Key::new(&two) == Key::new(odd), std::ptr::eq(odd, &short));
        }
        assert!(stack(&[&short], 1).is_err());
        assert!(stack(&[&two], 2).is_err());
    }
}

//! What a tower feeds its graph, and the boundary behind which bytes become it.

use crate::{
    embedding::{Span, Track},
    encoder::Purpose,
    error::Result,
    modality::Modality,
};

/// The values of a tensor in row-major order.
#[derive(Clone, Debug, PartialEq)]
pub enum TensorData {
    /// 32-bit floats.
    F32(Vec<f32>),
    /// 64-bit integers, token ids and masks.
    I64(Vec<i64>),
}

/// One input of a graph for one sample: the shape has no batch axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// Sizes of the axes, without the batch axis.
    pub shape: Vec<usize>,
    /// As many values as the product of the axes.
    pub data: TensorData,
}

impl Tensor {
    /// A float tensor. The caller guarantees `data.len() == shape.product()`; the batcher checks it again.
    #[must_use]
    pub fn f32(shape: impl Into<Vec<usize>>, data: Vec<f32>) -> Self {
        Self { shape: shape.into(), data: TensorData::F32(data) }
    }

    /// An integer tensor.
    #[must_use]
    pub fn i64(shape: impl Into<Vec<usize>>, data: Vec<i64>) -> Self {
        Self { shape: shape.into(), data: TensorData::I64(data) }
    }
}

/// One forward pass worth of input.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The tower that takes it: the media's own, except that a film's sound goes to the audio tower.
    pub tower: Modality,
    /// One tensor for each graph input that is not made elsewhere, in the order of the manifest's `inputs`: those of
    /// the stages first.
    pub tensors: Vec<Tensor>,
    /// Which part of the media it stands for.
    pub track: Track,
    /// The time it covers, where the media has a time axis.
    pub span: Option<Span>,
}

impl Sample {
    /// What one run of the graph on this sample costs relative to its siblings: the number of input values.
    #[must_use]
    pub fn cost(&self) -> usize {
        self.tensors.iter().map(|tensor| tensor.shape.iter().product::<usize>()).sum()
    }
}

/// Bytes in, samples out: decode and preprocess as a bundle's manifest says.
///
/// Implementations are pure CPU work without I/O, called on a bounded pool. They check limits from the header
/// before they allocate, and blame the field `bytes`.
pub trait Prepare: Send + Sync {
    /// Turns one media into at least one sample. `media_type` is a hint; content decides.
    ///
    /// # Errors
    /// `MEDIA_*` reasons: empty, malformed, unsupported or too large.
    fn prepare(&self, bytes: &[u8], media_type: Option<&str>) -> Result<Vec<Sample>>;

    /// As [`prepare`](Self::prepare), for a preparer that words what asks otherwise than what is stored.
    ///
    /// # Errors
    /// As [`prepare`](Self::prepare).
    fn prepare_for(&self, purpose: Purpose, bytes: &[u8], media_type: Option<&str>) -> Result<Vec<Sample>> {
        let _ = purpose;
        self.prepare(bytes, media_type)
    }
}

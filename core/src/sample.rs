//! What a tower feeds its graph, and the boundary behind which bytes become it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use serde::{Deserialize, Serialize};

use crate::{
    embedding::Span,
    error::{Error, Reason, Result},
    modality::Modality,
    note::Note,
    options::{Purpose, Segments},
    patience::Patience,
    track::Track,
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

/// What the vector of a sample is part of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum SampleUse {
    /// The whole, and the segment that it covers.
    #[default]
    Both,
    /// The whole only: the segments are divided otherwise than the tower does.
    Whole,
    /// A segment of the caller's choice only.
    Segment,
}

/// One forward pass worth of input.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The tower that takes it: the media's own, except that a video's audio goes to the audio tower.
    pub tower: Modality,
    /// One tensor for each graph input that is not made elsewhere, in the order of the manifest's `inputs`: those of
    /// the stages first.
    pub tensors: Vec<Tensor>,
    /// Which part of the media it stands for.
    pub track: Track,
    /// The time it covers, where the media has a time axis.
    pub span: Option<Span>,
    /// What its vector is part of.
    pub used_for: SampleUse,
}

impl Sample {
    /// All there is of a media that has one track and no time axis.
    #[must_use]
    pub const fn whole(tower: Modality, tensors: Vec<Tensor>) -> Self {
        Self { tower, tensors, track: Track::Whole, span: None, used_for: SampleUse::Both }
    }

    /// Tokens that the whole of a text came to: those of its ids that are not padding, which its mask tells where it
    /// has one.
    #[must_use]
    pub fn tokens(&self) -> u64 {
        let text = self.tower == Modality::Text && self.used_for != SampleUse::Segment;
        let count = match self.tensors.as_slice() {
            [_, Tensor { data: TensorData::I64(mask), .. }, ..] => mask.iter().filter(|value| **value != 0).count(),
            [ids] => ids.shape.iter().product(),
            _ => 0,
        };
        if text { count as u64 } else { 0 }
    }

    /// What one run of the graph on this sample costs relative to its siblings: the number of input values.
    #[must_use]
    pub fn cost(&self) -> usize {
        self.tensors.iter().map(|tensor| tensor.shape.iter().product::<usize>()).sum()
    }
}

/// One media to prepare.
#[derive(Clone, Debug)]
pub struct PrepareRequest<'a> {
    /// The file's bytes, or the text's.
    pub bytes: &'a [u8],
    /// The sender's media type: a hint, content decides.
    pub media_type: Option<&'a str>,
    /// What its vector is for: some preparers word what asks otherwise than what is stored.
    pub purpose: Purpose,
    /// The segments that are wanted beside the whole. With those of the tower's, or none, the samples are the same.
    pub segments: Segments,
    /// How long the samples are waited for.
    pub patience: Patience,
}

impl<'a> PrepareRequest<'a> {
    /// A media that asks, waited for as long as it takes.
    #[must_use]
    pub fn of(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            media_type: None,
            purpose: Purpose::Query,
            segments: Segments::Tower,
            patience: Patience::endless(),
        }
    }

    /// The same media, waited for no longer than `patience`.
    #[must_use]
    pub fn within(self, patience: &Patience) -> Self {
        Self { patience: patience.clone(), ..self }
    }
}

/// What a media became on its way to the graphs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Prepared {
    /// At least one. Segments of the caller's choice come after the samples of the whole, in order.
    pub samples: Vec<Sample>,
    /// What they lack, and why.
    pub notes: Vec<Note>,
}

impl From<Vec<Sample>> for Prepared {
    fn from(samples: Vec<Sample>) -> Self {
        Self { samples, notes: Vec::new() }
    }
}

/// Bytes in, samples out: decode and preprocess as a bundle's manifest says.
///
/// Implementations are pure CPU work without I/O, called on a bounded pool. They check limits from the header
/// before they allocate, and blame the field `bytes`. They ask the request's patience again and again, so that a
/// caller who has gone away, or whose deadline has passed, keeps nobody else waiting for longer than one step that
/// cannot be interrupted takes: a frame, an image, a packet, some thousand points.
pub trait Prepare: Send + Sync {
    /// What it prepares.
    fn modality(&self) -> Modality;

    /// Turns one media, whose size has been checked, into at least one sample. A panic in here is caught by
    /// [`prepare`](Self::prepare), which is what others call.
    ///
    /// # Errors
    /// As [`prepare`](Self::prepare).
    fn prepare_unguarded(&self, request: &PrepareRequest<'_>) -> Result<Prepared>;

    /// Whether hostile bytes meet code that the compiler does not check: a C library, or a crate with unsafe code.
    /// Where that can be had, it runs in a process of its own.
    fn is_native(&self) -> bool {
        false
    }

    /// Whether a media of so many bytes is prepared in less time than handing it to another thread takes.
    fn is_light(&self, _bytes: usize) -> bool {
        false
    }

    /// Turns one media into at least one sample. Decoders are someone else's: one that panics on a file takes that
    /// file with it and nothing more.
    ///
    /// # Errors
    /// `MEDIA_*` reasons: empty, malformed, unsupported or too large; `FIELD_INVALID` for segments that are too many;
    /// `PANICKED` when a decoder breaks on the bytes; `DEADLINE_EXCEEDED` and `CANCELLED` when the request's patience
    /// is over.
    fn prepare(&self, request: &PrepareRequest<'_>) -> Result<Prepared> {
        let modality = self.modality();
        modality.check_bytes("bytes", request.bytes.len())?;
        catch_unwind(AssertUnwindSafe(|| self.prepare_unguarded(request))).unwrap_or_else(|_| {
            let message = format!("the decoder of this {modality} broke on the bytes");
            Err(Error::new(Reason::Panicked, "bytes", message))
        })
    }
}

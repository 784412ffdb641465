//! What comes out of a tower.

use serde::{Deserialize, Serialize};

use crate::{modality::Modality, track::Track};

/// A stretch of time within a media, in milliseconds; `end_ms` is exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Span {
    /// Where it starts.
    pub start_ms: u64,
    /// Where it ends.
    pub end_ms: u64,
}

/// A summand of a vector: the modality of the tower that it came from, and its weight.
pub type WeightedModality = (Modality, f32);

/// A unit vector of a space, with what it stands for.
///
/// `segment` 0 is the media (or the track) as a whole; 1, 2, … are its stretches in order, present when the
/// media was long enough for more than one sample.
#[derive(Clone, Debug, PartialEq)]
pub struct Embedding {
    /// As many finite values as the space has dimensions, Euclidean norm 1.
    pub vector: Vec<f32>,
    /// The modality of the media it was made from.
    pub modality: Modality,
    /// Which part of it.
    pub track: Track,
    /// 0 for the whole, otherwise the number of the stretch, from 1.
    pub segment: u32,
    /// The time it covers, where the media has a time axis.
    pub span: Option<Span>,
    /// What it is the sum of, with [`Track::Fused`] and [`Track::Parts`].
    pub parts: Vec<WeightedModality>,
    /// What was said, with [`Track::Speech`].
    pub transcript: Option<String>,
}

impl Embedding {
    /// The towers that it came from, with their weights.
    #[must_use]
    pub fn towers(&self) -> Vec<WeightedModality> {
        towers(self.modality, self.track, &self.parts)
    }
}

/// The towers that a vector came from, with their weights.
pub(crate) fn towers(modality: Modality, track: Track, parts: &[WeightedModality]) -> Vec<WeightedModality> {
    if parts.is_empty() { vec![(modality.tower(track), 1.0)] } else { parts.to_vec() }
}

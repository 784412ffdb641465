//! What comes out of a tower.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Reason},
    modality::Modality,
};

/// A stretch of time within a recording or film, in milliseconds; `end_ms` is exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Span {
    /// Where it starts.
    pub start_ms: u64,
    /// Where it ends.
    pub end_ms: u64,
}

/// A summand of a vector: the modality of the tower that it came from, and its weight.
pub type WeightedModality = (Modality, f32);

/// Which part of an item a vector stands for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Track {
    /// All there is: texts, images, recordings, point clouds.
    #[default]
    Whole,
    /// The pictures of a film.
    Visual,
    /// The audio track of a video.
    Audio,
    /// The weighted sum of a video's visual and audio track.
    Fused,
    /// The weighted sum of all parts of an item that was sent in several.
    Parts,
}

impl Track {
    /// Every track.
    pub const ALL: [Self; 5] = [Self::Whole, Self::Visual, Self::Audio, Self::Fused, Self::Parts];

    /// The tracks of which every item has exactly one: it is listed and counted by it.
    pub const LEADING: [Self; 3] = [Self::Whole, Self::Visual, Self::Parts];

    /// The modality of the tower that gave the vector of this track: a video's audio track went through the audio
    /// tower.
    #[must_use]
    pub const fn tower(self, modality: Modality) -> Modality {
        match self {
            Self::Audio => Modality::Audio,
            Self::Whole | Self::Visual | Self::Fused | Self::Parts => modality,
        }
    }

    /// The name on the wire and in payloads.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::Visual => "visual",
            Self::Audio => "audio",
            Self::Fused => "fused",
            Self::Parts => "parts",
        }
    }
}

impl fmt::Display for Track {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Track {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        Self::ALL.into_iter().find(|track| track.name() == name).ok_or_else(|| {
            Error::new(
                Reason::FieldInvalid,
                "track",
                format!("\"{name}\" is none of whole, visual, audio, fused, parts"),
            )
        })
    }
}

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
    if parts.is_empty() { vec![(track.tower(modality), 1.0)] } else { parts.to_vec() }
}

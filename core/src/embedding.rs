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

/// Which part of the media a vector stands for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Track {
    /// All there is: texts, images, recordings, point clouds.
    #[default]
    Whole,
    /// The pictures of a film.
    Visual,
    /// The sound track of a film.
    Audio,
}

impl Track {
    /// Every track.
    pub const ALL: [Self; 3] = [Self::Whole, Self::Visual, Self::Audio];

    /// The modality of the tower that gave the vector of this track: a film's sound is the audio tower's.
    #[must_use]
    pub const fn tower(self, modality: Modality) -> Modality {
        match self {
            Self::Audio => Modality::Audio,
            Self::Whole | Self::Visual => modality,
        }
    }

    /// The name on the wire and in payloads.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::Visual => "visual",
            Self::Audio => "audio",
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
            Error::new(Reason::FieldInvalid, "track", format!("\"{name}\" is none of whole, visual, audio"))
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
}

//! The parts of an item that have vectors of their own.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Reason};

/// Which part of an item a vector stands for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Track {
    /// All there is to see, hear or read, where a media has one track for it: texts, images, audio, point clouds.
    #[default]
    Whole,
    /// The pictures of a video.
    Visual,
    /// The audio track of a video.
    Audio,
    /// What is said in audio or a video: its transcript, as a text.
    Speech,
    /// The weighted sum of a video's visual and audio track.
    Fused,
    /// The weighted sum of all parts of an item that was sent in several.
    Parts,
}

impl Track {
    /// Every track.
    pub const ALL: [Self; 6] = [Self::Whole, Self::Visual, Self::Audio, Self::Speech, Self::Fused, Self::Parts];

    /// The tracks of which every item has exactly one: it is listed and counted by it.
    pub const LEADING: [Self; 3] = [Self::Whole, Self::Visual, Self::Parts];

    /// The name on the wire and in payloads.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::Visual => "visual",
            Self::Audio => "audio",
            Self::Speech => "speech",
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
            let names = Self::ALL.map(Self::name).join(", ");
            Error::new(Reason::FieldInvalid, "track", format!("\"{name}\" is none of {names}"))
        })
    }
}

//! The kinds of media that meet in one space.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Reason};

/// One kind of media. The names are the wire, manifest and payload names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Modality {
    /// UTF-8 text.
    Text,
    /// A still picture.
    Image,
    /// A recording, speech or sound.
    Audio,
    /// Moving pictures, with or without a sound track.
    Video,
    /// A set of points in space, with or without colours.
    PointCloud,
}

impl Modality {
    /// Every modality, in the order in which tables list them.
    pub const ALL: [Self; 5] = [Self::Text, Self::Image, Self::Audio, Self::Video, Self::PointCloud];

    /// The name on the wire, in manifests and in payloads.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Image => "image",
            Self::Audio => "audio",
            Self::Video => "video",
            Self::PointCloud => "point_cloud",
        }
    }
}

impl fmt::Display for Modality {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Modality {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        // People type "points" and "pointcloud"; the wire name stays one.
        match name {
            "points" | "pointcloud" | "point-cloud" => return Ok(Self::PointCloud),
            _ => {}
        }
        Self::ALL.into_iter().find(|modality| modality.name() == name).ok_or_else(|| {
            Error::new(
                Reason::FieldInvalid,
                "modality",
                format!("\"{name}\" is none of text, image, audio, video, point_cloud"),
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_parses_back() {
        for modality in Modality::ALL {
            assert_eq!(modality.name().parse::<Modality>().unwrap(), modality);
        }
        assert_eq!("points".parse::<Modality>().unwrap(), Modality::PointCloud);
        assert!("smell".parse::<Modality>().is_err());
    }
}

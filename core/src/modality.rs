//! The kinds of media that meet in one space: one row each, and all that this crate knows of them.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Reason, Result},
    limits,
    track::Track,
};

/// What a row of the table below says.
#[derive(Clone, Copy, Debug)]
struct Facts {
    name: &'static str,
    aliases: &'static [&'static str],
    bytes: usize,
    tracks: &'static [(Track, Modality)],
    formats: &'static [&'static str],
    speech: bool,
}

/// A row: documentation, variant, name, the most bytes of a file; and where there are any
/// - `or`: other names that people type,
/// - `in`: formats of other modalities (names of [`sniff::FORMATS`](crate::sniff::FORMATS)) that hold this one as well,
///   where the sender says so,
/// - `of`: the tracks of a media, each with the modality whose tower it goes through. Others have one, the whole.
/// - `with speech`: people may speak in it. What they say is one track more, which goes through the tower for texts.
macro_rules! modalities {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal, $bytes:expr
        $(, or [$($alias:literal),+])?
        $(, in [$($format:literal),+])?
        $(, of [$($track:ident through $tower:ident),+])?
        $(, with $speech:ident)?;
    )+) => {
        /// One kind of media. The names are the wire, manifest and payload names.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Modality {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl Modality {
            /// Every modality, in the order in which tables list them. On the wire the first is 1.
            pub const ALL: [Self; [$($name),+].len()] = [$(Self::$variant),+];

            const fn facts(self) -> Facts {
                match self {
                    $(Self::$variant => {
                        #[allow(unused_assignments, unused_mut)] // Where a row leaves nothing out.
                        let mut tracks: &'static [(Track, Self)] = &[(Track::Whole, Self::$variant)];
                        $(tracks = &[$((Track::$track, Self::$tower)),+];)?
                        Facts {
                            name: $name,
                            aliases: &[$($($alias),+)?],
                            bytes: $bytes,
                            tracks,
                            formats: &[$($($format),+)?],
                            speech: [$(stringify!($speech),)? ""].len() > 1,
                        }
                    })+
                }
            }
        }
    };
}

modalities! {
    /// Text. Files of it may be in any encoding that can be told, or documents.
    Text = "text", limits::DOCUMENT_BYTES, in ["SVG", "glTF", "OFF", "OBJ", "XYZ", "PCD", "STL", "COLLADA",
        "AMF", "numbers in columns"];
    /// A still image.
    Image = "image", limits::IMAGE_BYTES;
    /// Speech, music or any other sound.
    Audio = "audio", limits::AUDIO_BYTES, in ["MP4", "Matroska/WebM", "Ogg video", "ASF", "AVI",
        "MPEG-PS", "MPEG-TS", "FLV"], with speech;
    /// Moving pictures, with or without an audio track.
    Video = "video", limits::VIDEO_BYTES, of [Visual through Video, Audio through Audio],
        with speech;
    /// A set of points in space, with or without colours.
    PointCloud = "point_cloud", limits::POINT_CLOUD_BYTES, or ["points", "pointcloud", "point-cloud"],
        in ["numbers in columns", "NPY"];
    /// How far away each pixel of an image is.
    Depth = "depth", limits::IMAGE_BYTES, in ["PNG", "TIFF"];
    /// How warm each pixel of an image is.
    Thermal = "thermal", limits::IMAGE_BYTES, in ["JPEG", "PNG", "WebP", "GIF", "BMP", "TIFF"];
    /// Accelerations and turn rates over time, from an inertial measurement unit.
    Imu = "imu", limits::IMU_BYTES, in ["text", "XYZ", "numbers in columns", "NPY of points"];
}

impl Modality {
    /// The name on the wire, in manifests and in payloads.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.facts().name
    }

    /// The most bytes that one media may have.
    #[must_use]
    pub const fn max_bytes(self) -> usize {
        self.facts().bytes
    }

    /// The tracks of a media, each with the modality of the tower that it goes through.
    #[must_use]
    pub const fn tracks(self) -> &'static [(Track, Self)] {
        self.facts().tracks
    }

    /// Whether people may speak in it.
    #[must_use]
    pub const fn has_speech(self) -> bool {
        self.facts().speech
    }

    /// The modality of the tower that gave the vector of a track. What no tower gives is of the media's own.
    #[must_use]
    pub fn tower(self, track: Track) -> Self {
        if track == Track::Speech {
            return Self::Text;
        }
        let listed = self.tracks().iter().find(|(listed, _)| *listed == track);
        listed.map_or(self, |(_, tower)| *tower)
    }

    /// Whether a format that its content tells as another modality's may hold this one, where the sender says so.
    #[must_use]
    pub fn may_be_in(self, format: &str) -> bool {
        self.other_formats().contains(&format)
    }

    /// The formats that its row names.
    pub(crate) const fn other_formats(self) -> &'static [&'static str] {
        self.facts().formats
    }

    /// Refuses a file without bytes, or with more than there may be.
    ///
    /// # Errors
    /// `MEDIA_EMPTY`, `MEDIA_TOO_LARGE`.
    pub fn check_bytes(self, field: &str, bytes: usize) -> Result<()> {
        if bytes == 0 {
            return Err(Error::new(Reason::MediaEmpty, field, format!("the {self} has no bytes")));
        }
        let limit = self.max_bytes();
        if bytes > limit {
            let found = format!("{bytes} bytes");
            return Err(Error::too_large(field, &format!("the {self}"), found, format!("{limit} bytes")));
        }
        Ok(())
    }

    fn is_called(self, name: &str) -> bool {
        let Facts { name: own, aliases, .. } = self.facts();
        own == name || aliases.contains(&name)
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
        Self::ALL.into_iter().find(|modality| modality.is_called(name)).ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            Error::new(Reason::FieldInvalid, "modality", format!("\"{name}\" is none of {names}"))
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
            let written = serde_json::to_value(modality).unwrap();
            assert_eq!(written, modality.name(), "in manifests it has the same name");
        }
        assert_eq!("points".parse::<Modality>().unwrap(), Modality::PointCloud);
        assert!("smell".parse::<Modality>().is_err());
    }

    #[test]
    fn a_track_goes_through_the_tower_that_its_row_says() {
        assert_eq!(Modality::Video.tower(Track::Audio), Modality::Audio);
        assert_eq!(Modality::Video.tower(Track::Visual), Modality::Video);
        assert_eq!(Modality::Video.tower(Track::Fused), Modality::Video);
        assert_eq!(Modality::Image.tower(Track::Whole), Modality::Image);
        assert_eq!(Modality::Text.tracks(), [(Track::Whole, Modality::Text)]);
        assert_eq!(Modality::Audio.tower(Track::Speech), Modality::Text);
        let speaking: Vec<_> = Modality::ALL.into_iter().filter(|modality| modality.has_speech()).collect();
        assert_eq!(speaking, [Modality::Audio, Modality::Video]);
    }

    #[test]
    fn sizes_are_checked_against_the_table() {
        for modality in Modality::ALL {
            let limit = modality.max_bytes();
            assert!(modality.check_bytes("bytes", 1).is_ok() && modality.check_bytes("bytes", limit).is_ok());
            assert_eq!(modality.check_bytes("bytes", 0).unwrap_err().reason, Reason::MediaEmpty);
            assert_eq!(modality.check_bytes("bytes", limit + 1).unwrap_err().reason, Reason::MediaTooLarge);
        }
    }
}

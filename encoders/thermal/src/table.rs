//! Thermal images to floats.

use onespace_core::Result;
use onespace_family::{
    check::invalid,
    written::{is_default, is_set, set},
};
use onespace_image::table::{Centre, Image, Resize, ResizeFilter, check_plane, plane_frame};
use serde::{Deserialize, Serialize};

/// Thermal images to floats: emits float32 `[channels, height, width]`, as many channels as there are means.
///
/// In this order: values become 0 to 1, are resized in floats and cut, `(x − mean) / std`. Of eight bits, 255 becomes
/// 1, and colours become grey as in Pillow's `convert("L")`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Thermal {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// How the aspect ratio is treated: [`Resize::ShortestEdge`] or [`Resize::Squash`].
    pub resize: Resize,
    /// The interpolation.
    pub filter: ResizeFilter,
    /// See [`Image::antialias`].
    #[serde(default = "set", skip_serializing_if = "is_set")]
    pub antialias: bool,
    /// See [`Image::centre`].
    #[serde(default, skip_serializing_if = "is_default")]
    pub centre: Centre,
    /// Which values of files of more than eight bits, or of floats, become 0 and 1. Absent: such files are refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<[f32; 2]>,
    /// Subtracted, on the scale 0 to 1; one for each channel, 1 or 3.
    pub mean: Vec<f32>,
    /// Divided by; as many.
    pub std: Vec<f32>,
}

impl Thermal {
    /// How the plane is brought to size.
    #[must_use]
    pub const fn frame(&self) -> Image {
        plane_frame((self.width, self.height), self.resize, self.filter, self.antialias, self.centre)
    }

    /// Checks what can be told without the bundle's files.
    ///
    /// # Errors
    /// `BUNDLE_INVALID`, blaming the key.
    pub fn check(&self) -> Result<()> {
        check_plane(&self.frame(), &self.mean, &self.std)?;
        match self.range {
            Some([low, high]) if !(low.is_finite() && high.is_finite() && low < high) => {
                Err(invalid("range", format!("{low} to {high} is no range")))
            }
            _ => Ok(()),
        }
    }
}

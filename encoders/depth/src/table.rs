//! Depth maps to floats.

use onespace_core::Result;
use onespace_family::{
    check::invalid,
    written::{is_default, is_set, set},
};
use onespace_image::table::{Centre, Image, Resize, ResizeFilter, check_plane, plane_frame};
use serde::{Deserialize, Serialize};

/// Depth maps to floats: emits float32 `[channels, height, width]`, as many channels as there are means.
///
/// In this order: values become metres, holes (0, negative, not finite) are filled, metres are encoded, clamped to
/// `min` to `max` and divided by `max`, resized in floats and cut, `(x − mean) / std`. A hole takes the nearest known
/// value of its row, the left one where two are as near; a row without any takes the nearest row that has one, the
/// upper one where two are as near.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Depth {
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
    /// Metres of one step of a file of integers; a file of floats holds metres.
    #[serde(default = "millimetre", skip_serializing_if = "is_millimetre")]
    pub unit_m: f32,
    /// What a distance becomes.
    pub encoding: Encoding,
    /// With [`Encoding::Disparity`]: the baseline in metres times the focal length in pixels of the cameras that the
    /// model was trained on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline_focal: Option<f32>,
    /// The least encoded value: metres, or pixels of disparity.
    pub min: f32,
    /// The largest encoded value, which becomes 1.
    pub max: f32,
    /// Subtracted, on the scale 0 to 1; one for each channel, 1 or 3.
    pub mean: Vec<f32>,
    /// Divided by; as many.
    pub std: Vec<f32>,
}

/// What a distance becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Encoding {
    /// It stays metres (LanguageBind).
    Distance,
    /// `baseline_focal / metres`, pixels of disparity (ImageBind, after Omnivore).
    Disparity,
}

const fn millimetre() -> f32 {
    0.001
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_millimetre(metres: &f32) -> bool {
    *metres == millimetre()
}

impl Depth {
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
        positive("unit_m", self.unit_m)?;
        positive("min", self.min)?;
        if !(self.max.is_finite() && self.max > self.min) {
            return Err(invalid("max", format!("{} is not above min, {}", self.max, self.min)));
        }
        match (self.encoding, self.baseline_focal) {
            (Encoding::Disparity, Some(product)) => positive("baseline_focal", product),
            (Encoding::Disparity, None) => Err(invalid("baseline_focal", "encoding = \"disparity\" needs it")),
            (Encoding::Distance, Some(_)) => Err(invalid("baseline_focal", "is for encoding = \"disparity\" only")),
            (Encoding::Distance, None) => Ok(()),
        }
    }
}

fn positive(field: &str, value: f32) -> Result<()> {
    if value.is_finite() && value > 0.0 { Ok(()) } else { Err(invalid(field, format!("{value} is not above 0"))) }
}

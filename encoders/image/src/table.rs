//! Images to floats.

use onespace_core::Result;
use onespace_family::{
    check::{divisor, invalid, within},
    written::{is_default, set},
};
use serde::{Deserialize, Serialize};

/// The largest side of what a graph takes, pixels.
const SIDE: usize = 4096;
/// The most values of all patches of an image.
const PATCH_VALUES: usize = 1 << 24;

/// Images to floats: emits float32 `[3, height, width]`, `(x / 255 − mean) / std`, channels red, green, blue; or
/// what [`Patches`] says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Image {
    /// Pixels across; left out with [`Resize::MultipleOf`].
    #[serde(default, skip_serializing_if = "is_default")]
    pub width: u32,
    /// Pixels down; left out with [`Resize::MultipleOf`].
    #[serde(default, skip_serializing_if = "is_default")]
    pub height: u32,
    /// How the aspect ratio is treated.
    pub resize: Resize,
    /// The interpolation.
    pub filter: ResizeFilter,
    /// Whether the filter widens when it shrinks (Pillow, torchvision with antialias) or not (plain torch).
    #[serde(default = "set")]
    pub antialias: bool,
    /// What shows through transparent pixels, 0 to 255.
    #[serde(default = "white")]
    pub background: [u8; 3],
    /// Subtracted, on the scale 0 to 1.
    pub mean: [f32; 3],
    /// Divided by.
    pub std: [f32; 3],
    /// What becomes of transparency.
    #[serde(default, skip_serializing_if = "is_default")]
    pub alpha: Alpha,
    /// Whether it is turned as its EXIF or XMP says.
    #[serde(default, skip_serializing_if = "is_default")]
    pub turn: Turn,
    /// What becomes of grey of more than eight bits.
    #[serde(default, skip_serializing_if = "is_default")]
    pub deep_grey: DeepGrey,
    /// With [`Resize::ShortestEdge`]: the shorter edge is brought to this, and `width · height` cut out of the
    /// centre. Absent: the image is scaled until it just covers `width · height`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resize_to: Option<u32>,
    /// Whether embedded colour profiles count.
    #[serde(default, skip_serializing_if = "is_default")]
    pub profile: ProfileUse,
    /// In which numbers is interpolated.
    #[serde(default, skip_serializing_if = "is_default")]
    pub resample: Resample,
    /// Whether is resized or cut first.
    #[serde(default, skip_serializing_if = "is_default")]
    pub order: Order,
    /// Where the centre is when an odd number of pixels is cut off.
    #[serde(default, skip_serializing_if = "is_default")]
    pub centre: Centre,
    /// With [`Resize::MultipleOf`]: the patches that are emitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patches: Option<Patches>,
}

/// How a image's aspect ratio is treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Resize {
    /// The shorter edge is brought to size, the rest cut off around the centre.
    ShortestEdge,
    /// Both edges are brought to size, whatever the aspect ratio was.
    Squash,
    /// The longer edge is brought to size, the rest filled with the background.
    Letterbox,
    /// The aspect ratio is kept as far as sides that are multiples of `patches.size · patches.pool` allow, in as
    /// many patches as there may be (EmbeddingGemma).
    MultipleOf,
}

/// The interpolation of a resize.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ResizeFilter {
    /// Triangle.
    Bilinear,
    /// Cubic convolution with a = −0.5 (Pillow, and torch with antialias), or a = −0.75 (torch without).
    Bicubic,
    /// Windowed sinc of three lobes.
    Lanczos,
    /// The mean of the pixels under it.
    Box,
    /// The nearest pixel.
    Nearest,
}

/// In which numbers images are interpolated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Resample {
    /// Bytes as Pillow has them: each of the two passes is rounded to 8 bits, weights have 22 behind the point.
    #[default]
    U8,
    /// Bytes as torchvision has them on `uint8`: weights have as many bits behind the point as fit into 16.
    U8Torch,
    /// Floats that are never rounded, as `torch.nn.functional.interpolate` does on float tensors.
    F32,
}

/// What becomes of transparency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Alpha {
    /// The background shows through (transformers 5: white).
    #[default]
    Blend,
    /// It is ignored: the colours that were hidden count, as after Pillow's `convert("RGB")`, which
    /// ImageBind begins with.
    Drop,
}

/// Whether embedded colour profiles (ICC, or primaries that a HEIF names) count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ProfileUse {
    /// They do not: numbers are taken as they are, as published models were trained.
    #[default]
    Ignore,
    /// Colours are brought to sRGB, as browsers show them (Pillow's `ImageCms`, perceptual intent).
    Srgb,
}

/// Which way up an image is seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Turn {
    /// As its EXIF or XMP says (`load_image` of transformers).
    #[default]
    Upright,
    /// As Pillow's `open` alone gives it, with which ImageBind and OpenCLIP begin: as its pixels are stored, but for
    /// TIFF, which Pillow turns.
    Stored,
}

/// What becomes of grey of more than eight bits, and of no other colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DeepGrey {
    /// Its highest eight bits are kept.
    #[default]
    High,
    /// What is brighter than 255 is white, as after Pillow's `convert("RGB")`.
    Clip,
}

/// Whether a image is resized or cut first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// Resized, then cut: the filter sees beyond the cut.
    #[default]
    ResizeCrop,
    /// The same region is cut out of the source first (to whole pixels), then resized.
    CropResize,
}

/// Where the centre is when an odd number of pixels has to be cut off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Centre {
    /// Half of them, rounded to the even number, go left and above: Python's `round`, as in torchvision's
    /// `center_crop`.
    #[default]
    Even,
    /// Half of them, rounded down: `//`, as in NumPy-based processors.
    Floor,
    /// Half of them, rounded up (ImageBind's videos).
    Ceil,
}

/// An image in patches: emits float32 `[max_patches, size · size · 3]` (within a patch row by row, pixel by pixel,
/// red, green, blue) and int64 `[max_patches, 2]`, each patch's place (x, y), row by row; what is left over is 0.0 at
/// (−1, −1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Patches {
    /// Pixels of a patch's side.
    pub size: u32,
    /// How many patches there are, padding included.
    pub max_patches: usize,
    /// Patches of a pooled side: both sides are multiples of `size · pool` pixels.
    pub pool: u32,
}

/// What shows through unless a manifest says otherwise.
#[must_use]
pub const fn white() -> [u8; 3] {
    [255; 3]
}

/// How an image of one value a pixel is brought to size: in floats that are never rounded.
#[must_use]
pub const fn plane_frame(
    (width, height): (u32, u32),
    resize: Resize,
    filter: ResizeFilter,
    antialias: bool,
    centre: Centre,
) -> Image {
    Image { antialias, centre, resample: Resample::F32, ..Image::resized(width, height, resize, filter) }
}

/// Checks what the tables of images of one value a pixel have in common: sides, and a mean and a deviation for each of
/// one or three channels.
///
/// # Errors
/// `BUNDLE_INVALID`, blaming the key.
pub fn check_plane(frame: &Image, mean: &[f32], std: &[f32]) -> Result<()> {
    if !matches!(frame.resize, Resize::ShortestEdge | Resize::Squash) {
        return Err(invalid("resize", "is \"shortest-edge\" or \"squash\" for one value a pixel"));
    }
    frame.check()?;
    if !matches!(mean.len(), 1 | 3) || std.len() != mean.len() {
        let found = format!("{} means and {} deviations", mean.len(), std.len());
        return Err(invalid("mean", format!("{found}, there is one of each for 1 or 3 channels")));
    }
    divisor("std", std)?;
    if mean.iter().all(|mean| mean.is_finite()) {
        Ok(())
    } else {
        Err(invalid("mean", format!("{mean:?} must be finite")))
    }
}

impl Patches {
    /// Values of all patches of an image.
    #[must_use]
    pub const fn values(&self) -> usize {
        self.max_patches.saturating_mul(self.length())
    }

    /// Values of one patch.
    #[must_use]
    pub const fn length(&self) -> usize {
        self.size as usize * self.size as usize * 3
    }
}

impl Image {
    /// Resized so, and nothing else done to it.
    #[must_use]
    pub const fn resized(width: u32, height: u32, resize: Resize, filter: ResizeFilter) -> Self {
        Self {
            width,
            height,
            resize,
            filter,
            antialias: true,
            background: white(),
            mean: [0.0; 3],
            std: [1.0; 3],
            alpha: Alpha::Blend,
            turn: Turn::Upright,
            deep_grey: DeepGrey::High,
            resize_to: None,
            profile: ProfileUse::Ignore,
            resample: Resample::U8,
            order: Order::ResizeCrop,
            centre: Centre::Even,
            patches: None,
        }
    }

    /// Checks what can be told without the bundle's files.
    ///
    /// # Errors
    /// `BUNDLE_INVALID`, blaming the key.
    pub fn check(&self) -> Result<()> {
        divisor("std", &self.std)?;
        match (self.resize, self.patches) {
            (Resize::MultipleOf, Some(patches)) => self.check_patches(patches),
            (Resize::MultipleOf, None) => Err(invalid("patches", "must say what \"multiple-of\" counts")),
            (_, Some(_)) => Err(invalid("patches", "are emitted with resize = \"multiple-of\" only")),
            (_, None) => self.check_sides(),
        }
    }

    fn check_sides(&self) -> Result<()> {
        within("width", self.width as usize, 1, SIDE)?;
        within("height", self.height as usize, 1, SIDE)?;
        let cuts = self.resize == Resize::ShortestEdge;
        if let Some(edge) = self.resize_to {
            within("resize_to", edge as usize, self.width.max(self.height) as usize, SIDE)?;
        }
        match (self.resize_to.is_some(), self.order) {
            (true, _) if !cuts => Err(invalid("resize_to", "is for resize = \"shortest-edge\" only")),
            (_, Order::CropResize) if !cuts => {
                Err(invalid("order", "nothing is cut unless resize = \"shortest-edge\""))
            }
            _ => Ok(()),
        }
    }

    fn check_patches(&self, patches: Patches) -> Result<()> {
        if (self.width, self.height) != (0, 0) {
            return Err(invalid("width", "with resize = \"multiple-of\" the image decides its sides"));
        }
        if self.resize_to.is_some() || self.order != Order::default() {
            return Err(invalid("resize_to", "with resize = \"multiple-of\" nothing is cut"));
        }
        within("patches.size", patches.size as usize, 1, 256)?;
        within("patches.pool", patches.pool as usize, 1, 64)?;
        let least = patches.pool as usize * patches.pool as usize;
        within("patches.max_patches", patches.max_patches, least, PATCH_VALUES / patches.length())
    }
}

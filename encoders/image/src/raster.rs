//! What decoders give.

use image::metadata::Orientation;
use onespace_core::HeldRoom;

use crate::profile::Profile;

/// A decoded image, as it lies in the file.
pub struct Raster {
    /// Pixels across and down.
    pub size: (u32, u32),
    /// Red, green, blue, a byte each, over the background.
    pub pixels: Vec<u8>,
    /// How it is meant to be seen.
    pub orientation: Orientation,
    /// What its colours mean, where the file says it.
    pub profile: Option<Profile>,
    /// What all of it takes.
    pub room: Option<HeldRoom>,
}

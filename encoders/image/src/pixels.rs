//! Decoded pixels.

pub use image::metadata::Orientation;
use image::{DynamicImage, RgbImage};
use onespace_core::{Error, Result};

/// An image without transparency: 8 bits a channel, red, green, blue, row by row without gaps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pixels {
    pixels: RgbImage,
}

impl Pixels {
    /// An image of `width · height · 3` bytes.
    ///
    /// # Errors
    /// `INTERNAL` when there are not exactly that many: whoever decoded them is wrong about the size.
    pub fn new(width: u32, height: u32, rgb: Vec<u8>) -> Result<Self> {
        let found = rgb.len();
        RgbImage::from_raw(width, height, rgb)
            .filter(|pixels| pixels.as_raw().len() == found)
            .map(|pixels| Self { pixels })
            .ok_or_else(|| Error::internal(format!("{found} bytes are not {width} x {height} pixels")))
    }

    /// Pixels across.
    #[must_use]
    pub fn width(&self) -> u32 {
        self.pixels.width()
    }

    /// Pixels down.
    #[must_use]
    pub fn height(&self) -> u32 {
        self.pixels.height()
    }

    /// The bytes.
    #[must_use]
    pub fn rgb(&self) -> &[u8] {
        self.pixels.as_raw()
    }

    /// The image as it is meant to be seen: turned and mirrored as its metadata says.
    #[must_use]
    pub fn upright(self, orientation: Orientation) -> Self {
        if orientation == Orientation::NoTransforms {
            return self;
        }
        let mut image = DynamicImage::ImageRgb8(self.pixels);
        image.apply_orientation(orientation);
        Self { pixels: image.into_rgb8() }
    }
}

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

/// A colour of some opacity over another.
pub fn blend(rgb: [u8; 3], alpha: u8, background: [u8; 3]) -> [u8; 3] {
    let (alpha, rest) = (u32::from(alpha), u32::from(255 - alpha));
    let mix = |front: u8, back: u8| ((u32::from(front) * alpha + u32::from(back) * rest + 127) / 255) as u8;
    let ([red, green, blue], [back_red, back_green, back_blue]) = (rgb, background);
    [mix(red, back_red), mix(green, back_green), mix(blue, back_blue)]
}

/// Pixels of one to four channels (grey, grey and opacity, colours, colours and opacity) as colours over a background;
/// without one, opacity is ignored.
pub fn over(samples: &[u8], channels: usize, background: Option<[u8; 3]>) -> Vec<u8> {
    let lay = |rgb, alpha| background.map_or(rgb, |background| blend(rgb, alpha, background));
    let colour = |pixel: &[u8]| match *pixel {
        [grey] => [grey; 3],
        [grey, alpha] => lay([grey; 3], alpha),
        [red, green, blue] => [red, green, blue],
        [red, green, blue, alpha, ..] => lay([red, green, blue], alpha),
        [] => [0; 3],
    };
    samples.chunks_exact(channels.max(1)).map(colour).collect::<Vec<_>>().into_flattened()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transparency_shows_the_background() {
        assert_eq!(blend([10, 20, 30], 0, [255, 0, 7]), [255, 0, 7]);
        assert_eq!(blend([10, 20, 30], 255, [255, 0, 7]), [10, 20, 30]);
        assert_eq!(blend([0, 0, 200], 51, [255, 100, 0]), [204, 80, 40]);
    }
}

//! A picture with its opacity, and what is done to it.

use image::{GrayImage, RgbImage, imageops};

use crate::pixels::blend;

/// Colours, and how opaque each is where any is not.
pub struct Layer {
    pub colours: RgbImage,
    pub opacity: Option<GrayImage>,
}

impl From<RgbImage> for Layer {
    fn from(colours: RgbImage) -> Self {
        Self { colours, opacity: None }
    }
}

impl Layer {
    fn each(self, colours: impl FnOnce(&RgbImage) -> RgbImage, opacity: impl FnOnce(&GrayImage) -> GrayImage) -> Self {
        Self { colours: colours(&self.colours), opacity: self.opacity.as_ref().map(opacity) }
    }

    /// Turned by so many quarters, against the clock.
    pub fn turned(self, quarters: u8) -> Self {
        match quarters % 4 {
            1 => self.each(imageops::rotate270, imageops::rotate270),
            2 => self.each(imageops::rotate180, imageops::rotate180),
            3 => self.each(imageops::rotate90, imageops::rotate90),
            _ => self,
        }
    }

    /// Mirrored: top and bottom change places, or left and right.
    pub fn mirrored(self, top_and_bottom: bool) -> Self {
        if top_and_bottom {
            self.each(imageops::flip_vertical, imageops::flip_vertical)
        } else {
            self.each(imageops::flip_horizontal, imageops::flip_horizontal)
        }
    }

    /// The part of it that begins there and is so large, as far as there is any.
    pub fn cut(self, (left, top): (u32, u32), (width, height): (u32, u32)) -> Self {
        self.each(
            |colours| imageops::crop_imm(colours, left, top, width, height).to_image(),
            |opacity| imageops::crop_imm(opacity, left, top, width, height).to_image(),
        )
    }

    /// Colours that were multiplied by their opacity, as they were before.
    pub fn divided(mut self) -> Self {
        if let Some(opacity) = &self.opacity {
            for (colour, alpha) in self.colours.pixels_mut().zip(opacity.pixels()) {
                let alpha = u32::from(alpha.0[0]);
                let whole = |value: u8| (u32::from(value) * 255 + alpha / 2) / alpha.max(1);
                colour.0 = colour.0.map(|value| whole(value).min(255) as u8);
            }
        }
        self
    }

    /// Its size and its colours over a background; without one, opacity is ignored.
    pub fn over(self, background: Option<[u8; 3]>) -> ((u32, u32), Vec<u8>) {
        let Self { mut colours, opacity } = self;
        if let (Some(opacity), Some(background)) = (opacity, background) {
            for (colour, alpha) in colours.pixels_mut().zip(opacity.pixels()) {
                colour.0 = blend(colour.0, alpha.0[0], background);
            }
        }
        (colours.dimensions(), colours.into_raw())
    }
}

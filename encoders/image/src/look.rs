//! How decoded pixels are looked at.

use crate::{
    pixels::{Orientation, Pixels},
    table::{Alpha, DeepGrey, Image, ProfileUse, Turn},
};

/// What a manifest says of decoded pixels before they are resized.
#[derive(Clone, Copy, Debug, Default)]
pub struct Look {
    /// What shows through transparent pixels; without it transparency is ignored.
    pub background: Option<[u8; 3]>,
    /// Whether they are turned as their metadata say.
    pub turn: Turn,
    /// What becomes of grey of more than eight bits.
    pub deep_grey: DeepGrey,
    /// Whether embedded colour profiles count.
    pub profile: ProfileUse,
}

impl Look {
    /// As a manifest's table says.
    pub fn of(spec: &Image) -> Self {
        let background = match spec.alpha {
            Alpha::Blend => Some(spec.background),
            Alpha::Drop => None,
        };
        Self { background, turn: spec.turn, deep_grey: spec.deep_grey, profile: spec.profile }
    }

    /// The pixels, turned if that is wanted.
    pub fn turned(self, pixels: Pixels, orientation: Orientation) -> Pixels {
        match self.turn {
            Turn::Upright => pixels.upright(orientation),
            Turn::Stored => pixels,
        }
    }

    /// The byte of sixteen bits of grey.
    pub fn grey(self, value: u16) -> u8 {
        match self.deep_grey {
            DeepGrey::High => (value >> 8) as u8,
            DeepGrey::Clip => value.min(255) as u8,
        }
    }
}

//! Embedded colour profiles, by moxcms.

use moxcms::{ColorProfile, DataColorSpace, Layout, RenderingIntent, TransformOptions};
use onespace_core::{Error, Patience, Result};

/// What the colours of a picture mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Profile {
    /// An ICC profile.
    Embedded(Vec<u8>),
    /// The primaries of phones' displays, as HEIF names them by a number.
    DisplayP3,
    /// The primaries of television in ultra high definition, likewise.
    Bt2020,
}

/// Pixels whose transform is looked after at once.
const BLOCK: usize = 1 << 16;

impl Profile {
    /// What numbers of H.273 mean: primaries, and the curve of light. None for sRGB's own, and for the curves of HDR.
    pub const fn of_numbers(primaries: u16, curve: u16) -> Option<Self> {
        match (primaries, curve) {
            (_, 16 | 18) => None,
            (12, _) => Some(Self::DisplayP3),
            (9, _) => Some(Self::Bt2020),
            _ => None,
        }
    }

    /// A profile that can be read; as browsers do it, others are left out of account.
    fn read(&self) -> Option<ColorProfile> {
        match self {
            Self::Embedded(bytes) => ColorProfile::new_from_slice(bytes).ok(),
            Self::DisplayP3 => Some(ColorProfile::new_display_p3()),
            Self::Bt2020 => Some(ColorProfile::new_bt2020()),
        }
    }

    /// Brings colours to sRGB, in place: red, green and blue, or where the profile is one of grey, the same three
    /// times. What a profile of other colours says of them is nothing.
    ///
    /// # Errors
    /// What `patience` says when it is over.
    pub fn to_srgb(&self, rgb: &mut [u8], patience: &Patience) -> Result<()> {
        let Some(profile) = self.read() else { return Ok(()) };
        let grey = match profile.color_space {
            DataColorSpace::Rgb => false,
            DataColorSpace::Gray => true,
            _ => return Ok(()),
        };
        let from = if grey { Layout::Gray } else { Layout::Rgb };
        for pixels in rgb.chunks_mut(3 * BLOCK) {
            patience.check("while colours were brought to sRGB")?;
            let source: Vec<u8> = if grey { pixels.iter().step_by(3).copied().collect() } else { pixels.to_vec() };
            if transform(&profile, from, &source, pixels).is_none() {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Brings inks (0: none) to sRGB; none where the profile is not one of inks.
    ///
    /// # Errors
    /// What `patience` says when it is over.
    pub fn inks_to_srgb(&self, inks: &[u8], patience: &Patience) -> Result<Option<Vec<u8>>> {
        let Some(profile) = self.read().filter(|profile| profile.color_space == DataColorSpace::Cmyk) else {
            return Ok(None);
        };
        let mut rgb = vec![0; inks.len() / 4 * 3];
        for (inks, pixels) in inks.chunks(4 * BLOCK).zip(rgb.chunks_mut(3 * BLOCK)) {
            patience.check("while inks were brought to sRGB")?;
            if transform(&profile, Layout::Rgba, inks, pixels).is_none() {
                return Err(Error::unsupported("bytes", "inks of a profile that cannot be applied"));
            }
        }
        Ok(Some(rgb))
    }
}

fn transform(profile: &ColorProfile, from: Layout, source: &[u8], pixels: &mut [u8]) -> Option<()> {
    let options = TransformOptions { rendering_intent: RenderingIntent::Perceptual, ..TransformOptions::default() };
    let transform = profile.create_transform_8bit(from, &ColorProfile::new_srgb(), Layout::Rgb, options).ok()?;
    transform.transform(source, pixels).ok()
}

//! From samples to red, green and blue.

use onespace_core::{Patience, Result};

use super::{
    bands::Bands,
    kinds::{Colours, Numbers},
    layout::Layout,
    refusal::refuse,
    scale::Scale,
};
use crate::{look::Look, pixels::blend};

/// Refuses what is known before any pixel is read to have no colours of ours.
///
/// # Errors
/// `MEDIA_UNSUPPORTED`.
pub fn check(layout: &Layout) -> Result<()> {
    let bytes = layout.numbers == Numbers::Unsigned && layout.bits <= 16;
    match layout.colours {
        Colours::Palette(_) if layout.numbers != Numbers::Unsigned => Err(refuse("a palette for numbers below zero")),
        Colours::Cmyk if !bytes => Err(refuse("inks in numbers other than 8 or 16 bits")),
        _ => Ok(()),
    }
}

/// Eight bits a channel, red, green, blue, with the background of `look` behind what is transparent; without one,
/// transparency is ignored.
///
/// # Errors
/// `MEDIA_UNSUPPORTED` for numbers that say not what is white; what `patience` says when it is over.
pub fn rgb(layout: &Layout, bands: &Bands, look: Look, patience: &Patience) -> Result<Vec<u8>> {
    let base = layout.colours.samples();
    let used = layout.alpha.map_or(base, |alpha| base.max(alpha.sample + 1));
    let scale = Scale::new(layout, bands, used, look.deep_grey)?;
    let sample = layout.sample_bytes();
    let row = sample * layout.samples * layout.width as usize;
    let mut pixels = Vec::with_capacity(3 * layout.width as usize * layout.height as usize);
    for line in bands.bytes.chunks_exact(row.max(1)) {
        patience.check("while the TIFF's colours were told")?;
        for pixel in line.chunks_exact(sample * layout.samples) {
            let byte = |number: usize| {
                let bytes = pixel.chunks_exact(sample).nth(number).unwrap_or_default();
                scale.byte(bytes, layout.numbers)
            };
            let colour = colour(&layout.colours, pixel, byte);
            let Some(alpha) = layout.alpha else {
                pixels.extend_from_slice(&colour);
                continue;
            };
            let opacity = byte(alpha.sample);
            let colour = if alpha.multiplied { divided(colour, opacity) } else { colour };
            pixels.extend_from_slice(&look.background.map_or(colour, |background| blend(colour, opacity, background)));
        }
    }
    Ok(pixels)
}

/// The colour of a pixel whose samples are these bytes.
fn colour(colours: &Colours, pixel: &[u8], byte: impl Fn(usize) -> u8) -> [u8; 3] {
    match colours {
        Colours::BlackIsZero => [byte(0); 3],
        Colours::WhiteIsZero => [255 - byte(0); 3],
        Colours::Rgb => [byte(0), byte(1), byte(2)],
        Colours::Palette(entries) => {
            let entry = pixel.first().and_then(|number| entries.get(usize::from(*number)));
            entry.copied().unwrap_or_default()
        }
        Colours::Cmyk => inks([byte(0), byte(1), byte(2)], byte(3)),
        Colours::YCbCr(..) => luma_and_chroma(byte(0), byte(1), byte(2)),
    }
}

/// Inks over white paper, as in Pillow's `convert("RGB")`.
fn inks(inks: [u8; 3], black: u8) -> [u8; 3] {
    let light = 255 - u32::from(black);
    inks.map(|ink| {
        let product = u32::from(ink) * light + 128;
        light.saturating_sub(((product >> 8) + product) >> 8) as u8
    })
}

/// Rec. 601 with 16 bits behind the point, as libtiff has it.
fn luma_and_chroma(luma: u8, blue: u8, red: u8) -> [u8; 3] {
    const HALF: i32 = 1 << 15;
    let fixed = |value: f64| (value * 65_536.0 + 0.5) as i32;
    let (luma, blue, red) = (i32::from(luma), i32::from(blue) - 128, i32::from(red) - 128);
    let held = |value: i32| value.clamp(0, 255) as u8;
    let (red_weight, green_weight, blue_weight) = (0.299, 0.587, 0.114);
    let (of_red, of_blue) = (2.0 - 2.0 * red_weight, 2.0 - 2.0 * blue_weight);
    let from_red = fixed(red_weight * of_red / green_weight) * red;
    let from_blue = fixed(blue_weight * of_blue / green_weight) * blue;
    [
        held(luma + ((fixed(of_red) * red + HALF) >> 16)),
        held(luma + ((HALF - from_red - from_blue) >> 16)),
        held(luma + ((fixed(of_blue) * blue + HALF) >> 16)),
    ]
}

/// The colour before it was multiplied by its opacity, as in Pillow: rounded down.
fn divided(colour: [u8; 3], opacity: u8) -> [u8; 3] {
    match opacity {
        0 => [0; 3],
        255 => colour,
        _ => colour.map(|value| (255 * u32::from(value) / u32::from(opacity)).min(255) as u8),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_pillows() {
        assert_eq!(inks([0, 128, 255], 0), [255, 127, 0]);
        assert_eq!(inks([10, 20, 30], 200), [53, 51, 49]);
        assert_eq!(luma_and_chroma(128, 128, 128), [128; 3]);
        assert_eq!(luma_and_chroma(76, 85, 255), [254, 0, 0]);
        assert_eq!(divided([10, 20, 200], 100), [25, 51, 255]);
    }
}

//! Colours from luma and chroma (ITU-T H.273).

use heifer_isobmff::boxes::{ColorInfo, Property};
use image::RgbImage;
use onespace_core::{Error, Result};

use super::refuse;

/// How luma and chroma are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The number of the matrix in H.273.
    pub matrix: u16,
    /// Whether samples use all values, or leave some out at both ends.
    pub full_range: bool,
}

impl Reading {
    /// As a property says it that names colours by numbers.
    pub const fn of(property: &Property) -> Option<Self> {
        match property {
            Property::Color(ColorInfo::Nclx { matrix, full_range, .. }) => {
                Some(Self { matrix: *matrix, full_range: *full_range })
            }
            _ => None,
        }
    }
}

/// A decoded picture: a plane of luma, and two of chroma where there are colours.
pub struct Planes {
    /// Samples of luma across and down.
    pub size: (u32, u32),
    /// Bits of a sample.
    pub depth: u8,
    /// Luma, and the two of chroma.
    pub luma: Vec<u16>,
    pub chroma: Option<Chroma>,
    pub reading: Reading,
}

/// Two planes of chroma, and by how much each is smaller than luma.
pub struct Chroma {
    pub planes: [Vec<u16>; 2],
    /// Whether a sample is that of two pixels across.
    pub halved_across: bool,
    /// Whether it is that of two pixels down.
    pub halved_down: bool,
}

impl Chroma {
    /// Samples of a plane across and down.
    fn size(&self, luma: (u32, u32)) -> (usize, usize) {
        let (width, height) = sides(luma);
        let halved = |side: usize, halved: bool| if halved { side.div_ceil(2) } else { side };
        (halved(width, self.halved_across), halved(height, self.halved_down))
    }
}

fn sides((width, height): (u32, u32)) -> (usize, usize) {
    (width as usize, height as usize)
}

fn upper_left(plane: &[u16], from: (usize, usize), to: (usize, usize)) -> Vec<u16> {
    plane.chunks(from.0.max(1)).take(to.1).flat_map(|row| row.iter().take(to.0).copied()).collect()
}

/// The number of the matrix that leaves green, blue and red as they are.
const IDENTITY: u16 = 0;
/// That of luma, green chroma and orange chroma.
const YCGCO: u16 = 8;

/// What red and blue give to luma.
fn weights(matrix: u16) -> Result<(f32, f32)> {
    Ok(match matrix {
        1 => (0.2126, 0.0722),
        // Where nothing is said, what JPEG has.
        2 | 5 | 6 => (0.299, 0.114),
        4 => (0.30, 0.11),
        7 => (0.212, 0.087),
        9 => (0.2627, 0.0593),
        other => return Err(refuse(&format!("colours of matrix {other}"))),
    })
}

impl Planes {
    /// Its upper left part: coders fill up to whole blocks.
    ///
    /// # Errors
    /// `MEDIA_MALFORMED` where there is less than that.
    pub fn cut(self, size: (u32, u32)) -> Result<Self> {
        if self.size.0 < size.0 || self.size.1 < size.1 {
            return Err(Error::malformed("bytes", "a picture is smaller than the file says"));
        }
        let chroma = self.chroma.map(|chroma| {
            let (from, to) = (chroma.size(self.size), chroma.size(size));
            Chroma { planes: chroma.planes.map(|plane| upper_left(&plane, from, to)), ..chroma }
        });
        Ok(Self { luma: upper_left(&self.luma, sides(self.size), sides(size)), size, chroma, ..self })
    }

    /// The picture, eight bits a channel. Chroma that is shared by pixels is interpolated between their middles.
    ///
    /// # Errors
    /// `MEDIA_UNSUPPORTED` for a matrix that is not known here, `MEDIA_MALFORMED` where samples are missing.
    pub fn rgb(&self) -> Result<RgbImage> {
        let (width, height) = sides(self.size);
        let colour = Colour::new(self)?;
        let mut pixels = vec![0; width * height * 3];
        let mut rows = ChromaRows::new(self);
        for (y, (out, luma)) in pixels.chunks_exact_mut(width * 3).zip(self.luma.chunks_exact(width)).enumerate() {
            let (out, _) = out.as_chunks_mut::<3>();
            let Some([first, second]) = rows.at(y) else {
                for (pixel, luma) in out.iter_mut().zip(luma) {
                    *pixel = [byte(colour.luma(*luma)); 3];
                }
                continue;
            };
            for (pixel, ((luma, first), second)) in out.iter_mut().zip(luma.iter().zip(first).zip(second)) {
                *pixel = colour.rgb(*luma, *first, *second);
            }
        }
        let lacks = || Error::malformed("bytes", "the picture has fewer samples than its size says");
        RgbImage::from_raw(self.size.0, self.size.1, pixels)
            .filter(|_| self.luma.len() >= width * height)
            .ok_or_else(lacks)
    }
}

fn byte(value: f32) -> u8 {
    (value * 255.0 + 0.5) as u8
}

/// Samples to parts of one, and those to colours.
struct Colour {
    luma: (f32, f32),
    chroma: (f32, f32),
    mix: Mix,
}

enum Mix {
    /// What the chromas give to red, to green (two) and to blue.
    Weighted([f32; 4]),
    Identity,
    GreenAndOrange,
}

impl Colour {
    fn new(planes: &Planes) -> Result<Self> {
        let depth = planes.depth.clamp(8, 16);
        let (most, step) = ((1_u32 << depth) - 1, 1_u32 << (depth - 8));
        let (most, step, middle) = (most as f32, step as f32, (1_u32 << (depth - 1)) as f32);
        let full = planes.reading.full_range;
        let mix = match planes.reading.matrix {
            IDENTITY if planes.chroma.is_some() => Mix::Identity,
            YCGCO => Mix::GreenAndOrange,
            _ if planes.chroma.is_none() => Mix::Identity,
            matrix => {
                let (red, blue) = weights(matrix)?;
                let (to_red, to_blue) = (2.0 * (1.0 - red), 2.0 * (1.0 - blue));
                let green = 1.0 - red - blue;
                Mix::Weighted([to_red, red * to_red / green, blue * to_blue / green, to_blue])
            }
        };
        let luma = if full { (0.0, 1.0 / most) } else { (16.0 * step, 1.0 / (219.0 * step)) };
        let chroma = match mix {
            // Blue and red are as green is.
            Mix::Identity => luma,
            _ => (middle, 1.0 / if full { most } else { 224.0 * step }),
        };
        Ok(Self { luma, chroma, mix })
    }

    fn luma(&self, sample: u16) -> f32 {
        (f32::from(sample) - self.luma.0) * self.luma.1
    }

    fn rgb(&self, luma: u16, first: f32, second: f32) -> [u8; 3] {
        let luma = self.luma(luma);
        let (first, second) = ((first - self.chroma.0) * self.chroma.1, (second - self.chroma.0) * self.chroma.1);
        match self.mix {
            Mix::Weighted([red, red_in_green, blue_in_green, blue]) => [
                byte(luma + red * second),
                byte(luma - red_in_green * second - blue_in_green * first),
                byte(luma + blue * first),
            ],
            Mix::Identity => [byte(second), byte(luma), byte(first)],
            Mix::GreenAndOrange => [byte(luma - first + second), byte(luma + first), byte(luma - first - second)],
        }
    }
}

/// Both chromas of a row of pixels, one row after the other.
struct ChromaRows<'a> {
    chroma: Option<&'a Chroma>,
    width: usize,
    /// Of a plane of chroma.
    size: (usize, usize),
    narrow: Vec<f32>,
    rows: [Vec<f32>; 2],
}

impl<'a> ChromaRows<'a> {
    fn new(planes: &'a Planes) -> Self {
        let (width, _) = sides(planes.size);
        let chroma = planes.chroma.as_ref();
        let size = chroma.map_or((0, 0), |chroma| chroma.size(planes.size));
        let wide = || vec![0.0; width];
        Self { chroma, width, size, narrow: vec![0.0; size.0], rows: [wide(), wide()] }
    }

    fn at(&mut self, y: usize) -> Option<[&[f32]; 2]> {
        let chroma = self.chroma?;
        let (own, other) = if chroma.halved_down { neighbours(y, self.size.1) } else { (y, y) };
        for (plane, wide) in chroma.planes.iter().zip(&mut self.rows) {
            let row = |y: usize| plane.get(y * self.size.0..(y + 1) * self.size.0).unwrap_or_default();
            for (value, (own, other)) in self.narrow.iter_mut().zip(row(own).iter().zip(row(other))) {
                *value = near(f32::from(*own), f32::from(*other));
            }
            widen(&self.narrow, chroma.halved_across, wide.get_mut(..self.width)?);
        }
        let [first, second] = &self.rows;
        Some([first, second])
    }
}

/// The sample that a pixel lies in, and the nearest beside it.
fn neighbours(pixel: usize, samples: usize) -> (usize, usize) {
    let own = pixel / 2;
    let other = if pixel.is_multiple_of(2) { own.saturating_sub(1) } else { own + 1 };
    (own, other.min(samples.saturating_sub(1)))
}

/// A pixel's middle lies a quarter of the way to the next sample.
fn near(own: f32, other: f32) -> f32 {
    own * 0.75 + other * 0.25
}

fn widen(narrow: &[f32], halved: bool, wide: &mut [f32]) {
    if !halved {
        let count = wide.len().min(narrow.len());
        if let (Some(wide), Some(narrow)) = (wide.get_mut(..count), narrow.get(..count)) {
            wide.copy_from_slice(narrow);
        }
        return;
    }
    for (x, value) in wide.iter_mut().enumerate() {
        let (own, other) = neighbours(x, narrow.len());
        let sample = |x: usize| narrow.get(x).copied().unwrap_or_default();
        *value = near(sample(own), sample(other));
    }
}

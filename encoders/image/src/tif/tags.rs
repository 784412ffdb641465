//! The entries of a TIFF's directory.
//!
//! All errors are `MEDIA_UNSUPPORTED` for what is not decoded, by name, or `MEDIA_MALFORMED`.

use std::io::{Read, Seek};

use image::metadata::Orientation;
use onespace_core::{Error, Result};
use tiff::{
    decoder::{Decoder, ifd::Value},
    tags::Tag,
};

use super::{
    kinds::{Alpha, Colours, Numbers, Packing, Predictor},
    refusal::{explain, refuse},
};

/// The entries of a directory.
pub struct Tags<R: Read + Seek>(Decoder<R>);

impl<R: Read + Seek> Tags<R> {
    /// Those of a file's first picture.
    pub fn read(file: R) -> Result<Self> {
        Decoder::new(file).map(Self).map_err(|error| explain(&error))
    }

    /// Pixels across and down.
    pub fn size(&mut self) -> Result<(u32, u32)> {
        self.0.dimensions().map_err(|error| explain(&error))
    }

    fn all(&mut self, tag: Tag) -> Result<Vec<u64>> {
        let values = self.0.find_tag_unsigned_vec(tag).map_err(|error| explain(&error))?;
        Ok(values.unwrap_or_default())
    }

    /// The first number of an entry.
    pub fn first(&mut self, tag: Tag) -> Result<Option<u64>> {
        Ok(self.all(tag)?.first().copied())
    }

    /// All bytes of an entry.
    pub fn bytes(&mut self, tag: Tag) -> Result<Vec<u8>> {
        let value = self.0.find_tag(tag).map_err(|error| explain(&error))?;
        value.map_or(Ok(Vec::new()), |value| value.into_u8_vec().map_err(|error| explain(&error)))
    }

    /// How the numbers of a sample of so many bits are written.
    pub fn numbers(&mut self, bits: u32) -> Result<Numbers> {
        let numbers = match self.first(Tag::SampleFormat)?.unwrap_or(1) {
            1 => Numbers::Unsigned,
            2 => Numbers::Signed,
            3 => Numbers::Floats,
            4 => return Err(refuse("samples of no type that is said")),
            _ => return Err(refuse("complex numbers")),
        };
        match (numbers, bits) {
            (Numbers::Unsigned, 1..=16 | 32) | (Numbers::Signed, 8 | 16 | 32) => Ok(numbers),
            (Numbers::Floats, 16 | 32 | 64) => Ok(numbers),
            _ => Err(refuse(&format!("samples of {bits} bits"))),
        }
    }

    /// How strips and tiles are packed.
    pub fn packing(&mut self) -> Result<Packing> {
        Ok(match self.first(Tag::Compression)?.unwrap_or(1) {
            1 => Packing::None,
            4 => Packing::Group4,
            5 => Packing::Lzw,
            7 => Packing::Jpeg,
            8 | 32_946 => Packing::Deflate,
            32_773 => Packing::PackBits,
            2 => return Err(refuse("CCITT modified Huffman compression")),
            3 => return Err(refuse("CCITT Group 3 compression")),
            6 => return Err(refuse("JPEG compression of the old kind")),
            33_003 | 33_005 | 34_712 => return Err(refuse("JPEG 2000 compression")),
            34_887 => return Err(refuse("LERC compression")),
            34_925 => return Err(refuse("LZMA compression")),
            50_000 => return Err(refuse("Zstandard compression")),
            50_001 => return Err(refuse("WebP compression")),
            50_002 | 52_546 => return Err(refuse("JPEG XL compression")),
            other => return Err(refuse(&format!("compression number {other}"))),
        })
    }

    /// What the first samples of a pixel mean.
    pub fn colours(&mut self, bits: u32) -> Result<Colours> {
        Ok(match self.first(Tag::PhotometricInterpretation)?.unwrap_or(1) {
            0 => Colours::WhiteIsZero,
            1 => Colours::BlackIsZero,
            2 => Colours::Rgb,
            3 => Colours::Palette(self.palette(bits)?),
            5 if matches!(self.first(Tag::Unknown(332))?, None | Some(1)) => Colours::Cmyk,
            5 => return Err(refuse("inks other than cyan, magenta, yellow and black")),
            6 => self.ycbcr()?,
            4 => return Err(refuse("a mask in place of a picture")),
            8..=10 => return Err(refuse("colours in Lab")),
            32_803 | 34_892 => return Err(refuse("the raw values of a camera's sensor")),
            32_844 | 32_845 => return Err(refuse("colours in LogLuv")),
            other => return Err(refuse(&format!("colours of kind {other}"))),
        })
    }

    /// All red values, all green, all blue, 16 bits each.
    fn palette(&mut self, bits: u32) -> Result<Vec<[u8; 3]>> {
        let entries = self.all(Tag::ColorMap)?;
        let count = 1_usize << bits.min(16);
        if bits > 8 || entries.len() != 3 * count {
            let found = entries.len();
            return Err(Error::malformed("bytes", format!("a palette of {found} values for samples of {bits} bits")));
        }
        // Some programs write bytes: libtiff tells it by no value needing more.
        let shift = if entries.iter().all(|value| *value < 256) { 0 } else { 8 };
        let value = |place: usize| entries.get(place).map_or(0, |value| (value >> shift) as u8);
        Ok((0..count).map(|entry| [value(entry), value(count + entry), value(2 * count + entry)]).collect())
    }

    /// Only as JPEG has it: Rec. 601, all values of a byte.
    fn ycbcr(&mut self) -> Result<Colours> {
        if !self.are_near(529, &[0.299, 0.587, 0.114], 1e-3)? {
            return Err(refuse("luma of other weights than Rec. 601's"));
        }
        if !self.are_near(532, &[0.0, 255.0, 128.0, 255.0, 128.0, 255.0], 1.0)? {
            return Err(refuse("luma and chroma that leave values of a byte out"));
        }
        match self.all(Tag::ChromaSubsampling)?.as_slice() {
            [] => Ok(Colours::YCbCr(2, 2)),
            [across @ (1 | 2 | 4), down @ (1 | 2 | 4)] => Ok(Colours::YCbCr(*across as usize, *down as usize)),
            other => Err(refuse(&format!("chroma shared by {other:?} pixels"))),
        }
    }

    /// Whether a list of numbers is the usual one, or not there.
    fn are_near(&mut self, tag: u16, usual: &[f64], gap: f64) -> Result<bool> {
        let value = self.0.find_tag(Tag::Unknown(tag)).map_err(|error| explain(&error))?;
        let Some(value) = value else { return Ok(true) };
        let Value::List(found) = value else { return Ok(false) };
        let number = |value: &Value| match value {
            Value::Rational(above, below) => f64::from(*above) / f64::from(*below),
            Value::Unsigned(value) => f64::from(*value),
            Value::Short(value) => f64::from(*value),
            Value::Float(value) => f64::from(*value),
            Value::Double(value) => *value,
            _ => f64::NAN,
        };
        let near = |(found, usual): (&Value, &f64)| (number(found) - usual).abs() <= gap;
        Ok(found.len() == usual.len() && found.iter().zip(usual).all(near))
    }

    /// What the samples beside the colours are.
    pub fn alpha(&mut self, colours: &Colours, samples: usize) -> Result<Option<Alpha>> {
        let base = colours.samples();
        let Some(extra) = samples.checked_sub(base) else {
            return Err(Error::malformed("bytes", format!("{samples} samples a pixel are too few for its colours")));
        };
        let grey = matches!(colours, Colours::WhiteIsZero | Colours::BlackIsZero);
        if grey && extra > 1 {
            return Err(refuse(&format!("{samples} bands of which none is said to be red, green or blue")));
        }
        let kinds = self.all(Tag::ExtraSamples)?;
        // Pillow's reading too: a fourth sample beside red, green and blue of which nothing is said.
        if kinds.is_empty() && extra == 1 && *colours == Colours::Rgb {
            return Ok(Some(Alpha { sample: base, multiplied: false }));
        }
        let found = kinds.iter().take(extra).position(|kind| matches!(kind, 1 | 2 | 999));
        Ok(found.map(|place| Alpha { sample: base + place, multiplied: kinds.get(place) == Some(&1) }))
    }

    /// What stands in place of numbers.
    pub fn predictor(&mut self) -> Result<Predictor> {
        match self.first(Tag::Predictor)?.unwrap_or(1) {
            1 => Ok(Predictor::None),
            2 => Ok(Predictor::Horizontal),
            3 => Ok(Predictor::Floats),
            other => Err(refuse(&format!("predictor number {other}"))),
        }
    }

    /// Whether there are tiles: their sizes may be left over in a file that has strips.
    fn is_tiled(&mut self) -> Result<bool> {
        Ok(self.first(Tag::TileOffsets)?.is_some())
    }

    /// Pixels of a strip or tile across and down.
    pub fn chunk(&mut self, width: u32, height: u32) -> Result<(u32, u32)> {
        let side = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
        if self.is_tiled()? {
            let (across, down) = (self.first(Tag::TileWidth)?, self.first(Tag::TileLength)?);
            let (Some(across), Some(down)) = (across, down) else {
                return Err(Error::malformed("bytes", "the TIFF does not say how large its tiles are"));
            };
            return Ok((side(across).max(1), side(down).max(1)));
        }
        let rows = self.first(Tag::RowsPerStrip)?.map_or(height, side);
        Ok((width, rows.clamp(1, height)))
    }

    /// Where each strip or tile begins, and its bytes.
    pub fn chunks(&mut self) -> Result<Vec<(u64, u64)>> {
        let (offsets, counts) = if self.is_tiled()? {
            (Tag::TileOffsets, Tag::TileByteCounts)
        } else {
            (Tag::StripOffsets, Tag::StripByteCounts)
        };
        let offsets = self.all(offsets)?;
        Ok(offsets.into_iter().zip(self.all(counts)?).collect())
    }

    /// An ICC profile, where there is one that can be read.
    pub fn profile(&mut self) -> Option<Vec<u8>> {
        self.bytes(Tag::Unknown(34_675)).ok().filter(|profile| !profile.is_empty())
    }

    /// How the picture is meant to be seen.
    pub fn orientation(&mut self) -> Orientation {
        // Broken metadata does not make the pixels unreadable.
        let said = self.first(Tag::Orientation).ok().flatten();
        let said = said.and_then(|said| u8::try_from(said).ok()).and_then(Orientation::from_exif);
        said.unwrap_or(Orientation::NoTransforms)
    }
}

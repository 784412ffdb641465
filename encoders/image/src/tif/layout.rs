//! What a TIFF's directory says of its pixels.

use std::io::{Read, Seek};

use image::metadata::Orientation;
use onespace_core::{Error, Patience, Result};
use tiff::{
    decoder::{Decoder, ifd::Value},
    tags::Tag,
};

use super::explain;

/// How the numbers of a sample are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Numbers {
    /// Integers from 0 on.
    Unsigned,
    /// Integers of both signs.
    Signed,
    /// Floats.
    Floats,
}

/// What the first samples of a pixel mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Colours {
    /// Grey, 0 being white.
    WhiteIsZero,
    /// Grey, 0 being black.
    BlackIsZero,
    /// Red, green, blue.
    Rgb,
    /// A number of one of these.
    Palette(Vec<[u8; 3]>),
    /// Inks: cyan, magenta, yellow, black.
    Cmyk,
    /// Luma and two chromas, of which each is shared by so many pixels across and down.
    YCbCr(usize, usize),
}

impl Colours {
    /// How many samples they are.
    pub const fn samples(&self) -> usize {
        match self {
            Self::WhiteIsZero | Self::BlackIsZero | Self::Palette(_) => 1,
            Self::Rgb | Self::YCbCr(..) => 3,
            Self::Cmyk => 4,
        }
    }
}

/// How strips and tiles are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// Not at all.
    None,
    /// CCITT Group 4.
    Group4,
    /// LZW.
    Lzw,
    /// A JPEG each.
    Jpeg,
    /// Zlib.
    Deflate,
    /// Runs of bytes.
    PackBits,
}

/// What stands in the file in place of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Predictor {
    /// The number.
    None,
    /// Its difference from the pixel before it.
    Horizontal,
    /// Differences of the bytes of floats.
    Floats,
}

/// Whether and how a pixel is transparent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alpha {
    /// Which sample says so.
    pub sample: usize,
    /// Whether the colours are multiplied by it.
    pub multiplied: bool,
}

/// The first picture of a file: where its pixels are, and what they mean.
#[derive(Clone, Debug)]
pub struct Layout {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// Bits of a sample: 1 to 16, 32 or 64.
    pub bits: u32,
    /// Samples of a pixel.
    pub samples: usize,
    /// How they are written.
    pub numbers: Numbers,
    /// What the first of them mean.
    pub colours: Colours,
    /// Which one is the transparency.
    pub alpha: Option<Alpha>,
    /// How strips or tiles are packed.
    pub packing: Packing,
    /// What stands in place of numbers.
    pub predictor: Predictor,
    /// Whether each sample has strips or tiles of its own.
    pub planar: bool,
    /// Pixels of a strip or tile across and down.
    pub chunk: (u32, u32),
    /// Where each strip or tile begins, and its bytes.
    pub chunks: Vec<(u64, u64)>,
    /// Whether these bytes' bits are in reverse order.
    pub reversed: bool,
    /// Whether numbers of several bytes begin with the most significant.
    pub big_endian: bool,
    /// Whether JPEGs hold luma and chroma, of which red, green and blue are made.
    pub jpeg_luma: bool,
    /// What the JPEGs have in common.
    pub jpeg_tables: Vec<u8>,
    /// How the picture is meant to be seen.
    pub orientation: Orientation,
}

impl Layout {
    /// Reads the directory of the first picture.
    ///
    /// # Errors
    /// `MEDIA_UNSUPPORTED` for what is not decoded, by name, `MEDIA_MALFORMED`.
    pub fn read(bytes: &[u8], patience: &Patience) -> Result<Self> {
        let decoder = Decoder::new(patience.reading(bytes)).map_err(|error| explain(&error))?;
        let mut tags = Tags(decoder);
        let (width, height) = tags.0.dimensions().map_err(|error| explain(&error))?;
        let bits = tags.first(Tag::BitsPerSample)?.unwrap_or(1) as u32;
        let samples = tags.first(Tag::SamplesPerPixel)?.unwrap_or(1) as usize;
        let numbers = tags.numbers(bits)?;
        let packing = tags.packing()?;
        let mut colours = tags.colours(bits)?;
        let alpha = tags.alpha(&colours, samples)?;
        let planar = samples > 1 && tags.first(Tag::PlanarConfiguration)? == Some(2);
        let jpeg_luma = packing == Packing::Jpeg && !planar && matches!(colours, Colours::YCbCr(..));
        if jpeg_luma {
            colours = Colours::Rgb;
        }
        let layout = Self {
            width,
            height,
            bits,
            samples,
            numbers,
            colours,
            alpha,
            packing,
            predictor: tags.predictor()?,
            planar,
            chunk: tags.chunk(width, height)?,
            chunks: tags.chunks()?,
            reversed: tags.first(Tag::FillOrder)? == Some(2) && packing != Packing::Jpeg,
            big_endian: bytes.starts_with(b"MM"),
            jpeg_luma,
            jpeg_tables: tags.bytes(Tag::JPEGTables)?,
            orientation: tags.orientation(),
        };
        layout.check()?;
        Ok(layout)
    }

    /// What does not go together.
    fn check(&self) -> Result<()> {
        let luma = matches!(self.colours, Colours::YCbCr(..));
        let shared = matches!(self.colours, Colours::YCbCr(across, down) if across * down > 1);
        let problem = match self.packing {
            Packing::Group4 if (self.bits, self.samples) != (1, 1) => Some("Group 4 compression and several bits"),
            Packing::Jpeg if self.bits != 8 || self.numbers != Numbers::Unsigned => {
                Some("JPEG compression and samples that are no bytes")
            }
            Packing::Jpeg if !self.planar && !matches!(self.samples, 1 | 3) => {
                Some("JPEG compression and neither one nor three samples")
            }
            Packing::Jpeg if self.predictor != Predictor::None => Some("JPEG compression and a predictor"),
            Packing::Jpeg if luma => Some("JPEG compression of luma and chroma in planes"),
            _ if luma && (self.samples, self.bits) != (3, 8) => Some("luma and chroma in other than three bytes"),
            _ if shared && (self.planar || self.predictor != Predictor::None) => {
                Some("chroma that pixels share, in planes or behind a predictor")
            }
            _ if self.predictor == Predictor::Horizontal && !matches!(self.bits, 8 | 16 | 32 | 64) => {
                Some("a predictor over samples that are no whole bytes")
            }
            _ if self.predictor == Predictor::Floats && self.numbers != Numbers::Floats => {
                Some("a predictor for floats over integers")
            }
            _ => None,
        };
        problem.map_or(Ok(()), |problem| Err(refuse(problem)))
    }

    /// Bytes of a sample once it is unpacked.
    pub const fn sample_bytes(&self) -> usize {
        self.bits.div_ceil(8).next_power_of_two() as usize
    }

    /// Samples of a pixel of one strip or tile.
    pub const fn chunk_samples(&self) -> usize {
        if self.planar { 1 } else { self.samples }
    }

    /// Bytes of a row of a strip or tile.
    pub const fn row_bytes(&self) -> u64 {
        let bits = (self.chunk.0 as u64).saturating_mul(self.chunk_samples() as u64).saturating_mul(self.bits as u64);
        bits.div_ceil(8)
    }

    /// What unpacking takes: all samples, of the strips or tiles the parts beyond the picture too.
    pub fn decoded_bytes(&self) -> u64 {
        let sample = self.sample_bytes() as u64;
        let pixel = sample.saturating_mul(self.samples as u64);
        let whole = u64::from(self.width).saturating_mul(u64::from(self.height)).saturating_mul(pixel);
        let chunk = u64::from(self.chunk.0).saturating_mul(u64::from(self.chunk.1));
        let chunk = chunk.saturating_mul(sample).saturating_mul(self.chunk_samples() as u64);
        // Each is unpacked by itself, so that they take room one after the other; and time together.
        let together = chunk.saturating_mul(self.chunks.len() as u64);
        whole.saturating_add(chunk).max(together)
    }
}

/// The sentence for what is not decoded.
pub fn refuse(what: &str) -> Error {
    let way_out = "save it as RGB or grey of 8 or 16 bits, with LZW or Deflate compression or none";
    Error::unsupported("bytes", format!("a TIFF with {what} is not decoded here: {way_out}"))
}

/// The entries of a directory.
struct Tags<R: Read + Seek>(Decoder<R>);

impl<R: Read + Seek> Tags<R> {
    fn all(&mut self, tag: Tag) -> Result<Vec<u64>> {
        let values = self.0.find_tag_unsigned_vec(tag).map_err(|error| explain(&error))?;
        Ok(values.unwrap_or_default())
    }

    fn first(&mut self, tag: Tag) -> Result<Option<u64>> {
        Ok(self.all(tag)?.first().copied())
    }

    fn bytes(&mut self, tag: Tag) -> Result<Vec<u8>> {
        let value = self.0.find_tag(tag).map_err(|error| explain(&error))?;
        value.map_or(Ok(Vec::new()), |value| value.into_u8_vec().map_err(|error| explain(&error)))
    }

    fn numbers(&mut self, bits: u32) -> Result<Numbers> {
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

    fn packing(&mut self) -> Result<Packing> {
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

    fn colours(&mut self, bits: u32) -> Result<Colours> {
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
    fn alpha(&mut self, colours: &Colours, samples: usize) -> Result<Option<Alpha>> {
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

    fn predictor(&mut self) -> Result<Predictor> {
        match self.first(Tag::Predictor)?.unwrap_or(1) {
            1 => Ok(Predictor::None),
            2 => Ok(Predictor::Horizontal),
            3 => Ok(Predictor::Floats),
            other => Err(refuse(&format!("predictor number {other}"))),
        }
    }

    fn chunk(&mut self, width: u32, height: u32) -> Result<(u32, u32)> {
        let side = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
        if let (Some(across), Some(down)) = (self.first(Tag::TileWidth)?, self.first(Tag::TileLength)?) {
            return Ok((side(across).max(1), side(down).max(1)));
        }
        let rows = self.first(Tag::RowsPerStrip)?.map_or(height, side);
        Ok((width, rows.clamp(1, height)))
    }

    fn chunks(&mut self) -> Result<Vec<(u64, u64)>> {
        let (offsets, counts) = if self.first(Tag::TileWidth)?.is_some() {
            (Tag::TileOffsets, Tag::TileByteCounts)
        } else {
            (Tag::StripOffsets, Tag::StripByteCounts)
        };
        let offsets = self.all(offsets)?;
        Ok(offsets.into_iter().zip(self.all(counts)?).collect())
    }

    fn orientation(&mut self) -> Orientation {
        // Broken metadata does not make the pixels unreadable.
        let said = self.first(Tag::Orientation).ok().flatten();
        let said = said.and_then(|said| u8::try_from(said).ok()).and_then(Orientation::from_exif);
        said.unwrap_or(Orientation::NoTransforms)
    }
}

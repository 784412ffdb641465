//! What a TIFF's directory says of its pixels.

use image::metadata::Orientation;
use onespace_core::{Error, Patience, Result};
use tiff::tags::Tag;

use super::{
    kinds::{Alpha, Colours, Numbers, Packing, Predictor},
    refusal::refuse,
    tags::Tags,
};

/// Tables that JPEGs have in common: four of each kind are some two thousand bytes.
const JPEG_TABLES: usize = 64 * 1024;

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
    /// An ICC profile.
    pub profile: Option<Vec<u8>>,
}

impl Layout {
    /// Reads the directory of the first picture.
    ///
    /// # Errors
    /// `MEDIA_UNSUPPORTED` for what is not decoded, by name, `MEDIA_MALFORMED`.
    pub fn read(bytes: &[u8], patience: &Patience) -> Result<Self> {
        let mut tags = Tags::read(patience.reading(bytes))?;
        let (width, height) = tags.size()?;
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
            // Elsewhere the tag means nothing, and is left over from a file that was packed anew.
            predictor: match packing {
                Packing::Lzw | Packing::Deflate => tags.predictor()?,
                _ => Predictor::None,
            },
            planar,
            chunk: tags.chunk(width, height)?,
            chunks: tags.chunks()?,
            reversed: tags.first(Tag::FillOrder)? == Some(2) && packing != Packing::Jpeg,
            big_endian: bytes.starts_with(b"MM"),
            jpeg_luma,
            jpeg_tables: tags.bytes(Tag::JPEGTables)?,
            orientation: tags.orientation(),
            profile: tags.profile(),
        };
        layout.check()?;
        layout.check_chunks(bytes.len())?;
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

    /// Whether all strips or tiles are there, and no more of them than the file can hold: many that are the same bytes
    /// would each be gone through.
    fn check_chunks(&self, file: usize) -> Result<()> {
        let across = u64::from(self.width.div_ceil(self.chunk.0.max(1)));
        let down = u64::from(self.height.div_ceil(self.chunk.1.max(1)));
        let planes = if self.planar { self.samples as u64 } else { 1 };
        let (found, needed) = (self.chunks.len() as u64, across.saturating_mul(down).saturating_mul(planes));
        if found < needed {
            return Err(Error::malformed("bytes", format!("the TIFF has {found} strips or tiles of {needed}")));
        }
        let packed = self.chunks.iter().fold(0_u64, |sum, (_, count)| sum.saturating_add(*count));
        if packed > 2 * file as u64 {
            return Err(Error::malformed("bytes", "the TIFF's strips or tiles are together larger than the file"));
        }
        if self.jpeg_tables.len() > JPEG_TABLES {
            return Err(Error::malformed("bytes", "the TIFF's JPEG tables are larger than such tables can be"));
        }
        Ok(())
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
        let blocks = self.block_bytes();
        // Each is unpacked by itself, so that they take room one after the other; and time together.
        let together = chunk.saturating_mul(self.chunks.len() as u64);
        whole.saturating_add(chunk).saturating_add(blocks).max(together)
    }

    /// What a strip or tile takes before pixels that share chroma have their own.
    fn block_bytes(&self) -> u64 {
        let Colours::YCbCr(across, down) = self.colours else { return 0 };
        let (across, down) = (across as u64, down as u64);
        let count = u64::from(self.chunk.0).div_ceil(across).saturating_mul(u64::from(self.chunk.1).div_ceil(down));
        count.saturating_mul(across * down + 2)
    }

    /// What a strip or tile may take beside that where it is a JPEG of several scans, which only its own head says: 16
    /// bits for each coefficient.
    pub fn coefficient_bytes(&self) -> u64 {
        if self.packing != Packing::Jpeg {
            return 0;
        }
        let pixels = u64::from(self.chunk.0).saturating_mul(u64::from(self.chunk.1));
        pixels.saturating_mul(2 * self.chunk_samples() as u64)
    }
}

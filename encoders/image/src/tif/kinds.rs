//! The kinds of TIFF that there are.

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

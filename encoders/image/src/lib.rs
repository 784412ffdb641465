//! Images to samples: decode, orient, lay over the background, resize, normalise.
//!
//! [`ImagePreparer`] does all of it for a file's bytes; [`ImagePreparer::tensor_of`] does the last two steps for
//! pixels that are decoded already, which is how the frames of a video join in.
//!
//! # JPEG
//!
//! Published models were fed pixels that libjpeg-turbo decoded, and a model may care for less than a step of 255: with
//! zune-jpeg, the image crate's own decoder, which differs from them by up to 3, random weights of EmbeddingGemma's
//! shape gave vectors of cosine 0.9985 to the reference's for a grey image. So `libjpeg-turbo-rs` decodes, whose pixels
//! are libjpeg-turbo's to the last bit (`tests/jpeg.rs`, by Pillow 13). Twelve megapixels at half the colours both ways
//! take it 57 ms, progressive 111 ms; zune-jpeg 53 and 194 ms in the same run.

mod bmp;
mod dds;
mod decode;
mod family;
mod fit;
mod gif;
mod heif;
mod jpeg;
mod jpeg2000;
mod jxl;
mod look;
mod orientation;
mod patches;
mod pillow;
mod pixels;
pub mod plane;
mod png;
mod prepare;
mod profile;
mod psd;
mod raster;
mod raw;
mod resize;
mod size;
mod svg;
pub mod table;
mod taps;
mod tif;
mod with_image;

pub use decode::{Decoded, decode};
pub use look::Look;
pub use pixels::{Orientation, Pixels};
pub use prepare::ImagePreparer;

//! Images to samples: decode, orient, lay over the background, resize, normalise.
//!
//! [`ImagePreparer`] does all of it for a file's bytes; [`ImagePreparer::tensor_of`] does the last two steps for
//! pixels that are decoded already, which is how the frames of a film join in.

mod decode;
mod fit;
mod jpeg;
mod patches;
mod picture;
mod prepare;
mod resize;
mod taps;

pub use picture::{Orientation, Picture};
pub use prepare::ImagePreparer;

//! Depth maps to samples: decode, fill holes, encode as distance or disparity, resize, normalise.
//!
//! [`DepthPreparer`] does all of it, as a manifest's [`table::Depth`] says. A depth map is a file of one value a pixel:
//! integers of a stated length (millimetres, unless the manifest says otherwise) or floats in metres.

mod family;
mod holes;
mod prepare;
pub mod table;

pub use prepare::DepthPreparer;

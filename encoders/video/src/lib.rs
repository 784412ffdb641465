//! Videos to samples: open within limits, seek, decode, resize; the audio track to the audio tower.
//!
//! The input is always bytes in memory, never a path, and FFmpeg is never allowed to open anything else. Of a long
//! video only the stretches between a key frame and the wanted frame are decoded.

mod audio;
mod convert;
mod error;
mod ffi;
mod frames;
mod open;
mod plan;
mod prepare;
mod timeline;
mod visual;

pub use audio::decode_audio;
pub use prepare::VideoPreparer;

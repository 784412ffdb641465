//! Films to samples: open within limits, seek, decode, resize; the sound track to the audio tower.
//!
//! The input is always bytes in memory, never a path, and FFmpeg is never allowed to open anything else. Of a long
//! film only the stretches between a key frame and the wanted picture are decoded.

mod convert;
mod error;
mod ffi;
mod frames;
mod open;
mod plan;
mod prepare;
mod sound;
mod timeline;

pub use prepare::VideoPreparer;
pub use sound::decode_audio;

//! Videos to samples: open within limits, seek, decode, resize; the audio track to the audio tower.
//!
//! The input is always bytes in memory, never a path, and FFmpeg is never allowed to open anything else. Of a long
//! video only the stretches between a key frame and the wanted frame are decoded.
//!
//! Without the feature `decode` there is no FFmpeg in it, and only the [`table`] is left: manifests are read, videos
//! are not.

mod family;
pub mod table;

#[cfg(feature = "decode")]
mod audio;
#[cfg(feature = "decode")]
mod convert;
#[cfg(feature = "decode")]
mod error;
#[cfg(feature = "decode")]
mod ffi;
#[cfg(feature = "decode")]
mod file;
#[cfg(feature = "decode")]
mod frames;
#[cfg(feature = "decode")]
mod index;
#[cfg(feature = "decode")]
mod open;
#[cfg(feature = "decode")]
mod packets;
#[cfg(feature = "decode")]
mod pcm;
#[cfg(feature = "decode")]
mod plan;
#[cfg(feature = "decode")]
mod prepare;
#[cfg(feature = "decode")]
mod stream;
#[cfg(feature = "decode")]
mod timeline;
#[cfg(feature = "decode")]
mod visual;

#[cfg(feature = "decode")]
pub use audio::{audio_track, decode_audio};
#[cfg(feature = "decode")]
pub use prepare::VideoPreparer;

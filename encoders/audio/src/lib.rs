//! Audio to samples: decode, resample, cut into windows, front end.
//!
//! [`AudioPreparer`] does all of it for a file's bytes; [`AudioPreparer::samples_of`] does it for audio that has
//! been decoded already, which is how the audio track of a video joins in.

mod decode;
mod edit;
mod family;
mod filters;
mod gemma_mel;
mod intake;
mod kaldi;
mod log_mel;
mod mel;
mod mono;
mod prepare;
mod resample;
mod spectrum;
pub mod table;
mod torchaudio;
mod window;

use std::sync::Arc;

use onespace_core::{Patience, Result};

pub use log_mel::LogMel;
pub use mono::{mono, mono_of};
pub use prepare::AudioPreparer;

/// Decoded audio.
#[derive(Clone, Debug, PartialEq)]
pub struct Pcm {
    /// Sample rate, hertz.
    pub rate: u32,
    /// One vector for each channel, all of one length, values in −1 to 1.
    pub channels: Vec<Vec<f32>>,
}

/// Decodes what this crate cannot (Opus, AC-3, …), while it is waited for: FFmpeg, where it is compiled in.
pub type AudioDecoder = Arc<dyn Fn(&[u8], &Patience) -> Result<Pcm> + Send + Sync>;

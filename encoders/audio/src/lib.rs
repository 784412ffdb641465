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
mod joined;
mod kaldi;
mod log_mel;
mod loudness;
mod mel;
mod mono;
mod part;
mod pcm;
mod prepare;
mod recording;
mod resample;
mod source;
mod spectrum;
pub mod table;
mod torchaudio;
mod window;

pub use log_mel::LogMel;
pub use mono::{mono, mono_of};
pub use prepare::AudioPreparer;
pub use recording::{AudioDecoder, Pcm, Recording};

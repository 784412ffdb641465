//! Decoded audio, and who decodes it.

use std::sync::Arc;

use onespace_core::{Note, NoteReason, Patience, Result};

/// Decoded audio.
#[derive(Clone, Debug, PartialEq)]
pub struct Pcm {
    /// Sample rate, hertz.
    pub rate: u32,
    /// One vector for each channel, all of one length, values in −1 to 1.
    pub channels: Vec<Vec<f32>>,
}

/// What another decoder made of an audio file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recording {
    /// The audio: one stretch after the other, where its rate or its channels change on the way.
    pub stretches: Vec<Pcm>,
    /// Packets that were decoded.
    pub good: usize,
    /// Packets that could not be, and are missing.
    pub lost: usize,
}

/// Decodes what this crate cannot (Opus, AC-3, …), while it is waited for: FFmpeg, where it is compiled in.
pub type AudioDecoder = Arc<dyn Fn(&[u8], &Patience) -> Result<Recording> + Send + Sync>;

impl Recording {
    /// What its owner should know of it, where some of it is missing.
    #[must_use]
    pub fn note(&self) -> Option<Note> {
        incomplete(self.good, self.lost)
    }
}

impl From<Pcm> for Recording {
    fn from(pcm: Pcm) -> Self {
        Self { stretches: vec![pcm], good: 1, lost: 0 }
    }
}

/// A note that packets are missing, where any are.
pub fn incomplete(good: usize, lost: usize) -> Option<Note> {
    let message = format!("{lost} of {} packets of the audio are broken and were left out", good + lost);
    (lost > 0).then(|| Note::new(NoteReason::AudioIncomplete, message))
}

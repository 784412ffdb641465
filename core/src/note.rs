//! What did not fail a media, but should be known of its vectors.

use serde::{Deserialize, Serialize};

/// Why embeddings lack something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum NoteReason {
    /// The video has no audio track.
    NoAudioTrack,
    /// The audio track of the video is in a codec that is not decoded here.
    AudioCodecUnsupported,
    /// Some of the audio is broken, and is missing in what was made of it.
    AudioIncomplete,
    /// A tower makes no vector of one of the tracks: digital silence can have no direction.
    TrackNotEmbedded,
    /// Nobody speaks in it, so that it has no speech track.
    NoSpeech,
    /// The transcript may lack words, or have some that nobody said.
    TranscriptDoubtful,
    /// There was no time to listen to all of it. Ingesting it again listens again.
    TranscriptIncomplete,
}

impl NoteReason {
    /// Every reason.
    pub const ALL: [Self; 7] = [
        Self::NoAudioTrack,
        Self::AudioCodecUnsupported,
        Self::AudioIncomplete,
        Self::TrackNotEmbedded,
        Self::NoSpeech,
        Self::TranscriptDoubtful,
        Self::TranscriptIncomplete,
    ];

    /// The name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NoAudioTrack => "NO_AUDIO_TRACK",
            Self::AudioCodecUnsupported => "AUDIO_CODEC_UNSUPPORTED",
            Self::AudioIncomplete => "AUDIO_INCOMPLETE",
            Self::TrackNotEmbedded => "TRACK_NOT_EMBEDDED",
            Self::NoSpeech => "NO_SPEECH",
            Self::TranscriptDoubtful => "TRANSCRIPT_DOUBTFUL",
            Self::TranscriptIncomplete => "TRANSCRIPT_INCOMPLETE",
        }
    }
}

/// Something that the owner of a media should know of its embeddings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// For programs.
    pub reason: NoteReason,
    /// For people.
    pub message: String,
}

impl Note {
    /// A note for `reason`, explained by `message`.
    pub fn new(reason: NoteReason, message: impl Into<String>) -> Self {
        Self { reason, message: message.into() }
    }
}

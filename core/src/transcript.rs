//! What was said in a sound, and the boundary between the gateway and whatever writes it down.

use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;

use crate::{
    embedding::Span,
    encoder::{Deadline, Timings},
    error::Result,
    language::Language,
    license::License,
    modality::Modality,
    space::Fingerprint,
};

/// A media whose speech is to be written down.
#[derive(Clone, Debug)]
pub struct TranscribeRequest {
    /// One that [can hold speech](Modality::has_speech).
    pub modality: Modality,
    /// The file's bytes.
    pub bytes: Bytes,
    /// The language that is spoken, where it is known; otherwise it is told from the first window.
    pub language: Option<Language>,
    /// How much of it is listened to, milliseconds; all of it where that is not said.
    pub first_ms: Option<u64>,
}

/// What a media says, and where the time went.
#[derive(Clone, Debug, PartialEq)]
pub struct TranscribeReply {
    /// Empty where nobody speaks.
    pub transcript: Transcript,
    /// The transcriber's: what it says depends on it.
    pub fingerprint: Fingerprint,
    /// Where the time went.
    pub timings: Timings,
}

/// What a transcriber says of itself.
#[derive(Clone, Debug, PartialEq)]
pub struct TranscriberInfo {
    /// Its name and version.
    pub name: String,
    /// The digest of what its transcripts depend on: another one may hear other words.
    pub fingerprint: Fingerprint,
    /// The terms of its weights.
    pub license: License,
    /// The languages that it may hear.
    pub languages: Vec<String>,
}

/// Speech in, text out; in this process or far away, the caller cannot tell.
#[async_trait]
pub trait Transcribe: Send + Sync {
    /// Writes down what is said in a media.
    ///
    /// # Errors
    /// `MEDIA_*` for bad bytes, `FIELD_INVALID` for a language that is not heard here, `QUEUE_FULL`,
    /// `DEADLINE_EXCEEDED`, `ENCODER_UNAVAILABLE`, `MODEL_FAILED`.
    async fn transcribe(&self, request: TranscribeRequest, deadline: Deadline) -> Result<TranscribeReply>;

    /// What it is.
    ///
    /// # Errors
    /// `ENCODER_UNAVAILABLE` when it does not answer.
    async fn describe(&self) -> Result<TranscriberInfo>;
}

/// What was said in a sound. One without speech has no text and no segments.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Transcript {
    /// All of it, without white space around it.
    pub text: String,
    /// The language, as the manifest names it.
    pub language: String,
    /// How probable it is among those that may be heard; 1 where the caller said it.
    pub language_probability: f32,
    /// The same text in the stretches that the model made of it, in order.
    pub segments: Vec<TranscriptSegment>,
    /// What should be known of the text.
    pub remarks: Vec<Remark>,
}

impl Transcript {
    /// Whether nothing was said.
    #[must_use]
    pub fn no_speech(&self) -> bool {
        self.segments.is_empty()
    }
}

/// A stretch of speech.
#[derive(Clone, Debug, PartialEq)]
pub struct TranscriptSegment {
    /// When; the model tells 20 ms apart.
    pub span: Span,
    /// What, without white space around it.
    pub text: String,
}

/// Something that should be known of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remark {
    /// What it is.
    pub kind: RemarkKind,
    /// The window that it was noticed in.
    pub span: Span,
}

/// What can be remarked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RemarkKind {
    /// The model went round in a circle; what it repeated is left out.
    RepetitionCut,
    /// The text can be compressed so far that much of it is likely a repetition that nobody said.
    Repetitive,
    /// The model was unsure of what it heard.
    Unsure,
    /// The window held more tokens than are written down; speech may be missing.
    WindowFull,
    /// The time was over; speech from here on is missing, and may be heard another time.
    TimeOver,
    /// Speech from here on is missing: there is more of the sound than is decoded or asked for.
    Cut,
}

impl RemarkKind {
    /// Every kind.
    pub const ALL: [Self; 6] =
        [Self::RepetitionCut, Self::Repetitive, Self::Unsure, Self::WindowFull, Self::TimeOver, Self::Cut];

    /// The name for programs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::RepetitionCut => "REPETITION_CUT",
            Self::Repetitive => "REPETITIVE",
            Self::Unsure => "UNSURE",
            Self::WindowFull => "WINDOW_FULL",
            Self::TimeOver => "TIME_OVER",
            Self::Cut => "CUT",
        }
    }

    /// What it says, for people.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::RepetitionCut => "the model repeated itself, the repetition is left out",
            Self::Repetitive => "the text repeats itself, maybe more than the speaker did",
            Self::Unsure => "the model was unsure of what it heard",
            Self::WindowFull => "there were more words than fit, some may be missing",
            Self::TimeOver => "there was no time left to listen to it",
            Self::Cut => "it was not listened to, the recording is longer than that",
        }
    }
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = |ms: u64| ms as f64 / 1000.0;
        let (from, to) = (seconds(self.span.start_ms), seconds(self.span.end_ms));
        write!(f, "{from:.1} to {to:.1} s: {}", self.kind.sentence())
    }
}

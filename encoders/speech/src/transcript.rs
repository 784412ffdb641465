//! What was heard.

use std::fmt;

use onespace_core::Span;

/// What a caller may say of a sound.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ask {
    /// The language that is spoken, where it is known; otherwise it is told from the first window.
    pub language: Option<String>,
}

/// What was said in a sound. One without speech has no text and no segments.
#[derive(Clone, Debug, PartialEq)]
pub struct Transcript {
    /// All of it, without white space around it.
    pub text: String,
    /// The language, as the manifest names it.
    pub language: String,
    /// How probable it is among those that may be heard; 1 where the caller said it.
    pub language_probability: f32,
    /// The same text in the stretches that the model made of it, in order.
    pub segments: Vec<Segment>,
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
pub struct Segment {
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
}

impl RemarkKind {
    /// The name for programs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::RepetitionCut => "REPETITION_CUT",
            Self::Repetitive => "REPETITIVE",
            Self::Unsure => "UNSURE",
            Self::WindowFull => "WINDOW_FULL",
        }
    }

    const fn sentence(self) -> &'static str {
        match self {
            Self::RepetitionCut => "the model repeated itself, the repetition is left out",
            Self::Repetitive => "the text repeats itself, maybe more than the speaker did",
            Self::Unsure => "the model was unsure of what it heard",
            Self::WindowFull => "there were more words than fit, some may be missing",
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

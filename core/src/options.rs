//! What a caller may choose about the vectors of a media.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    embedding::WeightedModality,
    error::{Error, Reason, Result},
    language::Language,
    limits::SEGMENT_MS_MIN,
    modality::Modality,
};

/// What a media is embedded for. Some models word a question otherwise than what is to be found by it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Purpose {
    /// It asks.
    #[default]
    Query,
    /// It is stored, to be found.
    Document,
}

/// Whether a long media is also embedded segment by segment, and how it is divided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Segments {
    /// The whole only.
    #[default]
    Off,
    /// Segments of the length that the tower takes at once.
    Tower,
    /// Segments of the caller's choice.
    Window(SegmentWindow),
}

impl Segments {
    /// The window of the caller's choice on media with a time axis.
    #[must_use]
    pub const fn time(self) -> Option<Window> {
        match self {
            Self::Window(SegmentWindow { milliseconds, .. }) => milliseconds,
            Self::Off | Self::Tower => None,
        }
    }

    /// The window of the caller's choice on texts.
    #[must_use]
    pub const fn tokens(self) -> Option<Window> {
        match self {
            Self::Window(SegmentWindow { tokens, .. }) => tokens,
            Self::Off | Self::Tower => None,
        }
    }
}

/// Windows of the caller's choice. A kind of media that has none is divided as its tower does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SegmentWindow {
    /// On audio and videos, in milliseconds.
    pub milliseconds: Option<Window>,
    /// On texts, in tokens.
    pub tokens: Option<Window>,
}

/// Segments of one length, each beginning before the one before it ends where they overlap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "(u32, u32)", try_from = "(u32, u32)")]
pub struct Window {
    length: u32,
    overlap: u32,
}

impl Window {
    /// A window of milliseconds.
    ///
    /// # Errors
    /// `FIELD_INVALID` for one that is too short, or an overlap that leaves no step forward.
    pub fn of_milliseconds(length: u32, overlap: u32) -> Result<Self> {
        if (length as usize) < SEGMENT_MS_MIN {
            let message = format!("{length} ms, at least {SEGMENT_MS_MIN} are needed (SEGMENT_MS_MIN)");
            return Err(Error::new(Reason::FieldInvalid, "window_ms", message));
        }
        Self::new(length, overlap, "overlap_ms")
    }

    /// A window of tokens.
    ///
    /// # Errors
    /// As [`Window::of_milliseconds`].
    pub fn of_tokens(length: u32, overlap: u32) -> Result<Self> {
        Self::new(length, overlap, "overlap_tokens")
    }

    fn new(length: u32, overlap: u32, field: &str) -> Result<Self> {
        if overlap < length {
            return Ok(Self { length, overlap });
        }
        let message = format!("{overlap}, which is not less than the window of {length}");
        Err(Error::new(Reason::FieldInvalid, field, message))
    }

    /// How long a segment is.
    #[must_use]
    pub const fn length(self) -> usize {
        self.length as usize
    }

    /// From the start of a segment to the start of the next; at least 1.
    #[must_use]
    pub const fn hop(self) -> usize {
        (self.length - self.overlap) as usize
    }

    /// How many segments cover `total`: the last one may be shorter.
    #[must_use]
    pub const fn count(self, total: usize) -> usize {
        1 + total.saturating_sub(self.length()).div_ceil(self.hop())
    }

    /// The segments that cover `total`, as starts and ends, the last one cut where the media ends.
    ///
    /// # Errors
    /// `FIELD_INVALID` where more than `most` are needed, naming the least window that fits.
    pub fn segments(self, total: usize, most: usize, unit: &str) -> Result<Vec<(usize, usize)>> {
        let count = self.count(total);
        if count > most {
            let enough = total.saturating_sub(self.length()).div_ceil(most.saturating_sub(1).max(1));
            let message = format!(
                "a window of {} {unit} every {} makes {count} segments of this media, the limit is {most}: a window \
                 each {enough} {unit} fits",
                self.length(),
                self.hop(),
            );
            return Err(Error::new(Reason::FieldInvalid, "options.segments", message));
        }
        let start = |index: usize| index * self.hop();
        Ok((0..count).map(|index| (start(index), (start(index) + self.length()).min(total))).collect())
    }
}

impl From<Window> for (u32, u32) {
    fn from(window: Window) -> Self {
        (window.length, window.overlap)
    }
}

impl TryFrom<(u32, u32)> for Window {
    type Error = Error;

    fn try_from((length, overlap): (u32, u32)) -> Result<Self> {
        Self::new(length, overlap, "overlap")
    }
}

/// The weights of a video's tracks in the one vector that stands for both.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fusion {
    /// Of its pictures.
    pub visual: f32,
    /// Of its audio track.
    pub audio: f32,
}

impl Fusion {
    /// The summands, by their towers.
    #[must_use]
    pub const fn parts(self) -> [WeightedModality; 2] {
        [(Modality::Video, self.visual), (Modality::Audio, self.audio)]
    }
}

/// Whether what people say in a media is written down and embedded, where a transcriber is at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Speech {
    /// It is not listened to.
    Off,
    /// Where this server has a transcriber, and in this language where that is known.
    Auto(Option<Language>),
    /// As [`Speech::Auto`]; a server without a transcriber refuses.
    On(Option<Language>),
}

impl Default for Speech {
    fn default() -> Self {
        Self::AUTO
    }
}

impl Speech {
    /// In whatever language it is, where that can be done.
    pub const AUTO: Self = Self::Auto(None);

    /// The language that is spoken, where it is known.
    #[must_use]
    pub const fn language(self) -> Option<Language> {
        match self {
            Self::Off => None,
            Self::Auto(language) | Self::On(language) => language,
        }
    }
}

/// How the vectors of a media are made.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct EmbedOptions {
    /// What they are for.
    pub purpose: Purpose,
    /// What they will be compared with, where that is known: it chooses among the heads of a tower that has several.
    pub target: Option<Modality>,
    /// Segments beside the whole.
    pub segments: Segments,
    /// Of a video also both tracks as one vector.
    pub fusion: Option<Fusion>,
    /// What is said, beside what is seen and heard.
    pub speech: Speech,
}

impl EmbedOptions {
    /// What an ingest does unless it is told otherwise.
    pub const INGEST: Self = Self {
        purpose: Purpose::Document,
        target: None,
        segments: Segments::Tower,
        fusion: None,
        speech: Speech::AUTO,
    };
}

/// What tells vectors made with these options from those made as an ingest does by default, which have an empty one.
/// What speech adds depends on the transcriber, which [`ContentHash::heard_by`](crate::ContentHash::heard_by) names.
impl fmt::Display for EmbedOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.purpose != Self::INGEST.purpose {
            f.write_str("q")?;
        }
        if let Some(target) = self.target {
            write!(f, "t{target}")?;
        }
        let window = |f: &mut fmt::Formatter<'_>, unit: &str, window: Option<Window>| match window {
            Some(Window { length, overlap }) => write!(f, "{unit}{length},{overlap}"),
            None => Ok(()),
        };
        match self.segments {
            Segments::Tower => {}
            Segments::Off => f.write_str("s0")?,
            Segments::Window(windows) => {
                window(f, "m", windows.milliseconds)?;
                window(f, "k", windows.tokens)?;
            }
        }
        match self.fusion {
            Some(Fusion { visual, audio }) => write!(f, "f{visual},{audio}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_cover_a_media_and_name_what_would_fit() {
        let window = Window::of_milliseconds(1000, 500).unwrap();
        assert_eq!(window.segments(400, 64, "ms").unwrap(), [(0, 400)]);
        assert_eq!(window.segments(1000, 64, "ms").unwrap(), [(0, 1000)]);
        assert_eq!(window.segments(1600, 64, "ms").unwrap(), [(0, 1000), (500, 1500), (1000, 1600)]);
        let error = window.segments(60_000, 64, "ms").unwrap_err();
        assert!(error.message.contains("119 segments") && error.message.contains("each 937 ms"), "{error}");
        assert_eq!(Window::of_milliseconds(10, 0).unwrap_err().field, "window_ms");
        assert_eq!(Window::of_milliseconds(1000, 1000).unwrap_err().field, "overlap_ms");
        assert_eq!(Window::of_tokens(4, 5).unwrap_err().field, "overlap_tokens");
    }

    #[test]
    fn options_are_told_apart_and_the_default_has_no_mark() {
        assert_eq!(EmbedOptions::INGEST.to_string(), "");
        let milliseconds = Some(Window::of_milliseconds(1000, 500).unwrap());
        let windows = Segments::Window(SegmentWindow { milliseconds, tokens: None });
        let fusion = Some(Fusion { visual: 1.0, audio: 0.5 });
        let options = EmbedOptions { segments: windows, fusion, target: Some(Modality::Image), ..Default::default() };
        assert_eq!(options.to_string(), "qtimagem1000,500f1,0.5");
        assert_eq!(EmbedOptions { segments: Segments::Off, ..EmbedOptions::INGEST }.to_string(), "s0");
    }
}

//! A transcript in stretches that have vectors of their own.

use onespace_core::{Segments, Span, Transcript, Window, limits::SPEECH_PASSAGES};

/// How long a passage is where the caller chose nothing else: what a transcriber takes in at once.
const PASSAGE_MS: u64 = 30_000;

/// A stretch of a transcript.
#[derive(Debug, PartialEq)]
pub struct Passage {
    /// When it is said; none for all of it.
    pub span: Option<Span>,
    /// What is said.
    pub text: String,
}

/// The passages of a transcript, each of the sentences that begin within a window: windows of the caller's choice, or
/// of 30 s; longer ones where there would be too many. One passage is the whole, and is not listed.
#[must_use]
pub fn passages(transcript: &Transcript, segments: Segments) -> Vec<Passage> {
    let last = transcript.segments.last().map_or(0, |segment| segment.span.end_ms);
    let (length, hop) = match segments {
        Segments::Off => return Vec::new(),
        Segments::Tower => (PASSAGE_MS, PASSAGE_MS),
        Segments::Window(_) => segments.time().map_or((PASSAGE_MS, PASSAGE_MS), lengths),
    };
    let fitting = last.div_ceil(SPEECH_PASSAGES as u64).max(1);
    let (length, hop) = if hop < fitting { (fitting.max(length), fitting) } else { (length, hop) };
    let window = |start: u64| {
        let within = |ms: u64| (start..start + length).contains(&ms);
        let spoken = transcript.segments.iter().filter(|segment| within(segment.span.start_ms));
        let span =
            spoken.clone().map(|segment| segment.span).reduce(|first, one| Span { end_ms: one.end_ms, ..first })?;
        let text = spoken.map(|segment| segment.text.as_str()).collect::<Vec<_>>().join(" ");
        Some(Passage { span: Some(span), text })
    };
    let mut passages: Vec<Passage> =
        (0..last).step_by(usize::try_from(hop).unwrap_or(usize::MAX)).filter_map(window).collect();
    // Windows that overlap may hold the same sentences.
    passages.dedup();
    if passages.len() < 2 { Vec::new() } else { passages }
}

const fn lengths(window: Window) -> (u64, u64) {
    (window.length() as u64, window.hop() as u64)
}

#[cfg(test)]
mod tests {
    use onespace_core::{SegmentWindow, TranscriptSegment};

    use super::*;

    fn transcript(starts: impl IntoIterator<Item = u64>) -> Transcript {
        let segment = |start_ms| TranscriptSegment {
            span: Span { start_ms, end_ms: start_ms + 4_000 },
            text: format!("at {start_ms}"),
        };
        Transcript { segments: starts.into_iter().map(segment).collect(), ..Transcript::default() }
    }

    fn shown(passages: &[Passage]) -> Vec<(u64, u64, &str)> {
        let one = |passage: &'_ Passage| passage.span.map(|span| (span.start_ms, span.end_ms)).unwrap_or_default();
        passages.iter().map(|passage| (one(passage).0, one(passage).1, passage.text.as_str())).collect()
    }

    #[test]
    fn sentences_are_joined_to_passages() {
        let spoken = transcript([0, 10_000, 29_000, 31_000, 95_000]);
        let found = passages(&spoken, Segments::Tower);
        let expected =
            [(0, 33_000, "at 0 at 10000 at 29000"), (31_000, 35_000, "at 31000"), (95_000, 99_000, "at 95000")];
        assert_eq!(shown(&found), expected);
        assert_eq!(passages(&spoken, Segments::Off), []);
        assert_eq!(passages(&transcript([0, 1_000]), Segments::Tower), [], "one passage is the whole");
        assert_eq!(passages(&Transcript::default(), Segments::Tower), []);

        let milliseconds = Some(Window::of_milliseconds(20_000, 10_000).unwrap());
        let chosen = Segments::Window(SegmentWindow { milliseconds, tokens: None });
        let found = passages(&transcript([0, 12_000, 41_000]), chosen);
        let expected = [(0, 16_000, "at 0 at 12000"), (12_000, 16_000, "at 12000"), (41_000, 45_000, "at 41000")];
        assert_eq!(shown(&found), expected);
    }

    #[test]
    fn a_long_recording_has_no_more_passages_than_there_may_be() {
        let long = transcript((0..3_600).map(|second| second * 1_000));
        let milliseconds = Some(Window::of_milliseconds(100, 0).unwrap());
        let chosen = Segments::Window(SegmentWindow { milliseconds, tokens: None });
        for segments in [Segments::Tower, chosen] {
            let found = passages(&long, segments);
            assert_eq!(found.len(), SPEECH_PASSAGES);
            let words: usize = found.iter().map(|passage| passage.text.split(' ').count()).sum();
            assert_eq!(words, 2 * 3_600, "every sentence is in one of them");
        }
    }
}

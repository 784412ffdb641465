//! The tokens of a window as segments, and where the next window begins (section 4.5 of the paper; `transcribe.py` of
//! its code).

use crate::vocabulary::Vocabulary;

/// A time is two frames.
const FRAMES_PER_TIME: usize = 2;

/// Tokens between two times, in frames from the start of the window.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Piece<'a> {
    pub start: usize,
    pub end: usize,
    pub tokens: &'a [u32],
}

/// What opens and closes a remark of whoever wrote subtitles, "[Music]" or "♪ La la ♪": nobody says that.
const REMARKS: [(char, char); 6] = [('[', ']'), ('(', ')'), ('（', '）'), ('【', '】'), ('♪', '♪'), ('*', '*')];

/// Whether a text, without white space around it, has words in it that somebody may have said.
pub(crate) fn is_speech(text: &str) -> bool {
    let remark = REMARKS.iter().find(|(open, _)| text.starts_with(*open));
    let after = match remark {
        None => text,
        // What is not closed is all remark.
        Some((open, close)) => text.trim_start_matches(*open).split_once(*close).map_or("", |(_, after)| after),
    };
    after.chars().any(char::is_alphanumeric)
}

/// The segments of a window with `frames` frames of sound, and how many frames on the next window begins.
///
/// A segment that is not finished, because the window ended in it, is left to the next window, which begins with it.
pub(crate) fn split<'a>(vocabulary: &Vocabulary, tokens: &'a [u32], frames: usize) -> (Vec<Piece<'a>>, usize) {
    let is_time = |token: &u32| vocabulary.is_time(*token);
    let at = |token: Option<&u32>| {
        token.map_or(0, |token| FRAMES_PER_TIME * token.saturating_sub(vocabulary.time()) as usize)
    };
    let mut ends: Vec<usize> =
        tokens.windows(2).zip(1..).filter(|(pair, _)| pair.iter().all(is_time)).map(|(_, second)| second).collect();
    if ends.is_empty() {
        let last = tokens.iter().rev().find(|token| is_time(token)).map(|token| at(Some(token)));
        let end = last.filter(|end| *end > 0).unwrap_or(frames);
        return (vec![Piece { start: 0, end, tokens }], frames);
    }
    // A single time at the end: nothing was said after it.
    let silent = matches!(tokens, [.., word, time] if !is_time(word) && is_time(time));
    if silent {
        ends.push(tokens.len());
    }
    let mut from = 0;
    let mut pieces = Vec::with_capacity(ends.len());
    for end in ends {
        let piece = tokens.get(from..end).unwrap_or_default();
        pieces.push(Piece { start: at(piece.first()), end: at(piece.last()), tokens: piece });
        from = end;
    }
    let moved = if silent { frames } else { pieces.last().map_or(frames, |piece| piece.end) };
    (pieces, moved)
}

#[cfg(test)]
mod tests {
    use super::is_speech;

    #[test]
    fn what_nobody_says_is_no_speech() {
        for said in ["Guten Morgen", "8", "水", "[Applause] Thank you.", "(c) what", "5 * 4 * 3"] {
            assert!(is_speech(said), "{said}");
        }
        for noise in
            ["", "____", "♪ La la ♪", "♪♪", "[♪ Music playing in background,", "【音楽】", "(laughs)", "*sighs*"]
        {
            assert!(!is_speech(noise), "{noise}");
        }
    }
}

//! Segments of the caller's choice: windows of a text's own tokens.

use std::{borrow::Cow, ops::Range};

use crate::table::{TEXT_PLACE, Text};
use onespace_core::{Error, Reason, Result, Window, limits::SAMPLES_PER_MEDIA};
use tokenizers::{Encoding, Token};

use crate::clean::clean;

/// The field that asks for segments.
const FIELD: &str = "options.segments";

/// A text with a prompt around it, cleaned, and where the text itself lies in it.
#[derive(Debug)]
pub struct Worded<'t> {
    /// Prompt and text, as the tokenizer gets them.
    pub text: Cow<'t, str>,
    /// The bytes of it that are not the prompt's.
    own: Range<usize>,
}

impl<'t> Worded<'t> {
    /// `text` within `prompt`.
    pub fn new(text: &'t str, prompt: &str, spec: &Text) -> Self {
        if prompt == TEXT_PLACE {
            let text = clean(Cow::Borrowed(text), &spec.clean);
            return Self { own: 0..text.len(), text };
        }
        let cleaned = |part: &str| clean(Cow::Borrowed(part), &spec.clean).into_owned();
        let text = cleaned(&prompt.replacen(TEXT_PLACE, text, 1));
        let (before, after) = prompt.split_once(TEXT_PLACE).unwrap_or((prompt, ""));
        // White space where they meet may go, or belong to a token of the text.
        let before = common(text.chars(), cleaned(before).trim_end().chars());
        let after = common(text.chars().rev(), cleaned(after).trim_start().chars().rev());
        Self { own: before..text.len().saturating_sub(after).max(before), text: text.into() }
    }

    /// Whether there is nothing but the text.
    pub fn is_bare(&self) -> bool {
        self.own == (0..self.text.len())
    }

    /// Which tokens are the text's own. They are the first and the last that reach into it, and all between.
    pub fn own_tokens(&self, tokens: &Encoding) -> Range<usize> {
        if self.is_bare() {
            return 0..tokens.len();
        }
        let offsets = tokens.get_offsets();
        let from = offsets.iter().take_while(|(_, end)| *end <= self.own.start).count();
        let after = offsets.iter().rev().take_while(|(start, _)| *start >= self.own.end).count();
        from..offsets.len().saturating_sub(after).max(from)
    }
}

/// How many bytes two texts have in common at their beginning.
fn common(a: impl Iterator<Item = char>, b: impl Iterator<Item = char>) -> usize {
    a.zip(b).take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum()
}

/// The windows of a text of so many tokens of its own; `room` is what a sample has for them.
///
/// # Errors
/// `FIELD_INVALID` for a window that is longer than the room, and for too many of them.
pub fn segments(window: Window, total: usize, room: usize) -> Result<Vec<(usize, usize)>> {
    let refused = |message| Err(Error::new(Reason::FieldInvalid, FIELD, message));
    if window.length() > room {
        let length = window.length();
        return refused(format!(
            "a window of {length} tokens, this model takes at most {room} beside special ones and its prompt"
        ));
    }
    let most = SAMPLES_PER_MEDIA.saturating_mul(room);
    if total > most {
        return refused(format!(
            "this text has about {total} tokens, {SAMPLES_PER_MEDIA} segments of at most {room} cover {most} \
             (SAMPLES_PER_MEDIA)"
        ));
    }
    window.segments(total, SAMPLES_PER_MEDIA, "tokens")
}

/// The tokens of one window with those of the prompt around it.
pub fn around(tokens: &Encoding, own: &Range<usize>, (start, end): (usize, usize)) -> Encoding {
    let window = own.start + start..own.start + end;
    let parts = [0..own.start, window, own.end..tokens.len()];
    let token = |at: usize| {
        let id = *tokens.get_ids().get(at)?;
        Some(Token { id, value: tokens.get_tokens().get(at)?.clone(), offsets: *tokens.get_offsets().get(at)? })
    };
    Encoding::from_tokens(parts.into_iter().flatten().filter_map(token).collect(), 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(clean: &[&str]) -> Text {
        serde_json::from_value(serde_json::json!({ "tokenizer": "t.json", "context": 16, "clean": clean })).unwrap()
    }

    fn own(text: &str, prompt: &str, clean: &[&str]) -> String {
        let worded = Worded::new(text, prompt, &spec(clean));
        worded.text[worded.own.clone()].to_owned()
    }

    #[test]
    fn the_text_is_found_within_its_prompt() {
        assert_eq!(own("a cat", "{text}", &[]), "a cat");
        assert_eq!(own("a cat", "query: {text}", &[]), " a cat");
        assert_eq!(own("a cat", "a photo of {text}, really.", &["strip"]), " a cat");
        assert_eq!(own("  A  Cat ", "Say {text} !", &["lowercase", "collapse-whitespace"]), " a cat ");
        assert_eq!(own("a cat", "query: {text}", &["canonicalize"]), " a cat");
        // A text of the prompt's own words is as long as it is.
        assert_eq!(own("query: query:", "query: {text}", &[]), " query: query:");
    }

    #[test]
    fn a_window_has_to_fit_its_sample() {
        let window = |length| Window::of_tokens(length, 2).unwrap();
        assert_eq!(segments(window(4), 7, 4).unwrap(), [(0, 4), (2, 6), (4, 7)]);
        let error = segments(window(5), 7, 4).unwrap_err();
        assert_eq!((error.reason, error.field.as_str()), (Reason::FieldInvalid, FIELD));
        assert!(error.message.contains("at most 4"), "{error}");
        assert!(segments(window(4), 250, 4).unwrap_err().message.contains("a window each 4 tokens fits"));
        assert!(segments(window(4), 257, 4).unwrap_err().message.contains("cover 256"));
    }
}

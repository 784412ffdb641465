//! The tokens of the model: text, times, and those that tell it what to do (section 2.3 of the paper).

use onespace_core::{Error, Reason, Result};
use onespace_family::check::invalid;
use tokenizers::Tokenizer;

use crate::table::Speech;

/// What a special token is called; a model has one name of each row.
const END: &[&str] = &["<|endoftext|>"];
const START: &[&str] = &["<|startoftranscript|>"];
const TRANSCRIBE: &[&str] = &["<|transcribe|>"];
const NO_SPEECH: &[&str] = &["<|nospeech|>", "<|nocaptions|>"];
const NO_TIMESTAMPS: &[&str] = &["<|notimestamps|>"];

/// The tokens of a model.
pub(crate) struct Vocabulary {
    tokenizer: Tokenizer,
    /// Ends a window; those below are text.
    pub end: u32,
    /// Begins every window.
    pub start: u32,
    /// Asks for the words in the language in which they are spoken.
    pub transcribe: u32,
    /// Its probability after `start` is that of there being no speech.
    pub no_speech: u32,
    /// Asks for no times; the token after it is the first time, 0.00 s.
    pub no_timestamps: u32,
    /// The languages that may be heard, by name.
    pub languages: Vec<(String, u32)>,
}

impl Vocabulary {
    /// The tokens that a tokenizer's file and the table name.
    ///
    /// # Errors
    /// `BUNDLE_INVALID` when the file cannot be read or lacks one of them.
    pub fn new(table: &Speech, tokenizer_json: &[u8]) -> Result<Self> {
        let tokenizer =
            Tokenizer::from_bytes(tokenizer_json).map_err(|error| invalid("tokenizer", error.to_string()))?;
        let find = |names: &[&str]| {
            let found = names.iter().find_map(|name| tokenizer.token_to_id(name));
            found.ok_or_else(|| invalid("tokenizer", format!("has no token {}", names.join(" or "))))
        };
        let language = |name: &String| {
            let id = tokenizer.token_to_id(&format!("<|{name}|>"));
            let absent = || invalid("languages", format!("the tokenizer has no token <|{name}|>"));
            Ok((name.clone(), id.ok_or_else(absent)?))
        };
        Ok(Self {
            end: find(END)?,
            start: find(START)?,
            transcribe: find(TRANSCRIBE)?,
            no_speech: find(NO_SPEECH)?,
            no_timestamps: find(NO_TIMESTAMPS)?,
            languages: table.languages.iter().map(language).collect::<Result<_>>()?,
            tokenizer,
        })
    }

    /// The first time, 0.00 s; each that follows is 20 ms later.
    pub const fn time(&self) -> u32 {
        self.no_timestamps + 1
    }

    /// Whether a token is a time.
    pub const fn is_time(&self, token: u32) -> bool {
        token >= self.time()
    }

    /// The token of a language.
    ///
    /// # Errors
    /// `FIELD_INVALID` naming those that may be heard.
    pub fn language(&self, name: &str) -> Result<u32> {
        let found = self.languages.iter().find(|(known, _)| known == name);
        found.map(|(_, id)| *id).ok_or_else(|| {
            let known: Vec<&str> = self.languages.iter().map(|(known, _)| known.as_str()).collect();
            let message = format!("\"{name}\" is not understood here, {} are", known.join(", "));
            Error::new(Reason::FieldInvalid, "language", message)
        })
    }

    /// The words of tokens, times and special ones left out.
    ///
    /// # Errors
    /// `INTERNAL` where the tokenizer refuses.
    pub fn text(&self, tokens: &[u32]) -> Result<String> {
        let words: Vec<u32> = tokens.iter().copied().filter(|token| *token < self.end).collect();
        self.tokenizer.decode(&words, true).map_err(|error| Error::internal(format!("tokens are no text: {error}")))
    }
}

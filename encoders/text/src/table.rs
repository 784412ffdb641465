//! Text to token ids.

use onespace_core::Result;
use onespace_family::{
    check::{invalid, within},
    written::{is_default, is_set, set},
};
use serde::{Deserialize, Serialize};

/// What stands in a prompt for the text.
pub const TEXT_PLACE: &str = "{text}";
/// What stands in a template for the label.
pub const LABEL_PLACE: &str = "{label}";

/// The longest prompt or template, bytes: it is tokenised with every text.
const PROMPT_BYTES: usize = 4096;
/// The most templates: each is a text to be embedded for every label.
const TEMPLATES: usize = 256;

/// Text to token ids: emits `input_ids` int64 `[T]` and, if the graph takes two inputs, `attention_mask` int64
/// `[T]`, padded on the right as [`pad`](Self::pad) says.
///
/// In this order: the prompt is put around the text, the whole is cleaned, tokenised, cut, given its special tokens
/// and padded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Text {
    /// A `tokenizer.json` of the `tokenizers` library, a path within the bundle.
    pub tokenizer: String,
    /// The most tokens of a sample, special ones included.
    pub context: usize,
    /// The id that fills up.
    #[serde(default)]
    pub pad_id: i64,
    /// What becomes of a text longer than the context.
    #[serde(default)]
    pub overflow: Overflow,
    /// What is done to the characters before the tokenizer sees them, in this order. What the tokenizer's own
    /// normaliser does is not repeated here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clean: Vec<Clean>,
    /// Whether letters become lower case one by one (a sigma that ends a word as any other), once the special tokens
    /// that a text spells have been found: what `Siglip2Tokenizer` does, whatever class a checkpoint's `tokenizer.json`
    /// was written by. Twice is as good as once.
    #[serde(default, skip_serializing_if = "is_default")]
    pub lowercase: bool,
    /// How far is padded.
    #[serde(default, skip_serializing_if = "is_default")]
    pub pad: Pad,
    /// Whether the special tokens at the end of a text that is cut stay (CLIP's graph pools at the end-of-text
    /// token), or are cut off with the rest.
    #[serde(default = "set", skip_serializing_if = "is_set")]
    pub keep_last: bool,
    /// What is put around every text, `{text}` standing for it.
    #[serde(default = "prompt", skip_serializing_if = "is_prompt")]
    pub prompt: String,
    /// What is put around a text that is stored, where that differs from one that asks (EmbeddingGemma).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document_prompt: Option<String>,
    /// What a label is made into for classification, `{label}` standing for it; the label is the mean of all. A
    /// caller's own templates go before these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub templates: Vec<String>,
}

/// What becomes of a text longer than the context.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Overflow {
    /// The rest is dropped, as most published models do.
    #[default]
    Truncate,
    /// Consecutive windows, each a sample; the whole is their mean.
    Windows,
}

/// How far token ids are padded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Pad {
    /// To the next multiple of eight: texts of similar length share a batch.
    #[default]
    Bucket,
    /// To the whole context: models that saw nothing else (SigLIP pools at the last position; CLIP as OpenAI and
    /// ImageBind run it).
    Context,
    /// Not at all: models that read padding and have no mask against it (CLAP as transformers.js has it). Texts of
    /// one length share a batch.
    None,
}

/// A step of cleaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Clean {
    /// What `fix_text` of the Python package ftfy 6 does: character references and mojibake (of Latin-1 and
    /// Windows-1252, where ftfy knows eight more code pages) are decoded, ligatures, wide and curly characters become
    /// plain ones, control characters go, the rest is composed (NFC).
    Ftfy,
    /// Character references (`&amp;`, `&#38;`) become characters, once, as Python's `html.unescape` does.
    HtmlUnescape,
    /// White space goes from both ends.
    Strip,
    /// Each run of white space becomes one space.
    CollapseWhitespace,
    /// Lower case, as Unicode has it.
    Lowercase,
    /// ASCII punctuation goes, then runs of white space become one space and go from the ends (SigLIP).
    Canonicalize,
}

fn prompt() -> String {
    TEXT_PLACE.to_owned()
}

fn is_prompt(prompt: &str) -> bool {
    prompt == TEXT_PLACE
}

impl Text {
    /// Checks what can be told without the bundle's files; `is_listed` says whether its manifest lists one.
    ///
    /// # Errors
    /// `BUNDLE_INVALID`, blaming the key.
    pub fn check(&self, is_listed: &dyn Fn(&str) -> bool) -> Result<()> {
        within("context", self.context, 1, 65_536)?;
        within("clean", self.clean.len(), 0, 16)?;
        placed("prompt", &self.prompt, TEXT_PLACE)?;
        self.document_prompt.iter().try_for_each(|prompt| placed("document_prompt", prompt, TEXT_PLACE))?;
        within("templates", self.templates.len(), 0, TEMPLATES)?;
        self.templates.iter().try_for_each(|template| placed("templates", template, LABEL_PLACE))?;
        if !self.keep_last && self.overflow == Overflow::Windows {
            return Err(invalid("keep_last", "windows cut nothing off"));
        }
        if is_listed(&self.tokenizer) {
            return Ok(());
        }
        Err(invalid("tokenizer", format!("\"{}\" is not listed in [files]", self.tokenizer)))
    }
}

/// A prompt that holds its place exactly once.
fn placed(field: &str, prompt: &str, place: &str) -> Result<()> {
    match prompt.matches(place).count() {
        1 => within(field, prompt.len(), 1, PROMPT_BYTES),
        found => Err(invalid(field, format!("\"{prompt}\" holds {place} {found} times, not once"))),
    }
}

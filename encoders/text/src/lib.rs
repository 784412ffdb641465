//! Text to samples: check, cut, tokenise, pad.

use onespace_bundle::preprocess::{Overflow, Text};
use onespace_core::{Error, Modality, Prepare, Reason, Result, Sample, Tensor, Track, limits};
use tokenizers::{Encoding, Tokenizer, TruncationParams};

/// Token counts are rounded up to a multiple of this, so that texts of similar length share a batch.
const BUCKET: usize = 8;

/// How many bytes of a text are tokenised at first, for each token of the context. Words of natural language
/// take four to eight bytes a token; a prefix that turns out too short is doubled.
const BYTES_PER_TOKEN: usize = 32;

/// Text to token ids, as a bundle's tokenizer says.
pub struct TextPreparer {
    tokenizer: Tokenizer,
    spec: Text,
    masked: bool,
}

impl TextPreparer {
    /// A preparer for a graph of `inputs` inputs: the token ids, and a mask if there are two.
    ///
    /// # Errors
    /// `BUNDLE_INVALID` when the tokenizer cannot be read, the context has no room beside its special tokens, or
    /// the graph takes another number of inputs.
    pub fn new(spec: &Text, tokenizer_json: &[u8], inputs: usize) -> Result<Self> {
        let mut tokenizer =
            Tokenizer::from_bytes(tokenizer_json).map_err(|error| invalid("preprocess.tokenizer", error))?;
        let truncation = TruncationParams { max_length: spec.context, ..TruncationParams::default() };
        tokenizer.with_truncation(Some(truncation)).map_err(|error| invalid("preprocess.context", error))?;
        tokenizer.with_padding(None);
        if !(1..=2).contains(&inputs) {
            return Err(invalid("inputs", format!("{inputs} inputs; token ids and a mask are emitted")));
        }
        let preparer = Self { tokenizer, spec: spec.clone(), masked: inputs == 2 };
        let special = preparer.tokenize("")?.get_ids().len();
        if special >= spec.context {
            let message = format!("{} tokens hold no text beside {special} special ones", spec.context);
            return Err(invalid("preprocess.context", message));
        }
        Ok(preparer)
    }

    /// The tokens of `text`, at most a context of them with the special ones in place; what did not fit follows as
    /// further windows, of which at least those that are needed are there.
    ///
    /// Tokenising takes time in proportion to the text, and a truncated text needs little of it. So a prefix is
    /// tokenised first, and a longer one only while the prefix does not fill the context. The tokens are those
    /// of the whole text because the prefix ends before white space, where tokenizers divide anyway, and because
    /// it must give a full window more than is used: a token at its end that would have been another one lies
    /// there, far from what is used. In all, less than twice the text is tokenised.
    fn encode(&self, text: &str) -> Result<Encoding> {
        if self.spec.overflow == Overflow::Windows {
            return self.tokenize(text);
        }
        let mut bytes = self.spec.context * BYTES_PER_TOKEN;
        while bytes < text.len() {
            let encoding = self.tokenize(prefix(text, bytes))?;
            if encoding.get_overflowing().len() > 1 {
                return Ok(encoding);
            }
            bytes *= 2;
        }
        self.tokenize(text)
    }

    fn tokenize(&self, text: &str) -> Result<Encoding> {
        self.tokenizer
            .encode_fast(text, true)
            .map_err(|error| Error::malformed("bytes", format!("the text cannot be tokenised: {error}")))
    }

    fn sample(&self, encoding: &Encoding) -> Sample {
        let ids = encoding.get_ids();
        let length = ids.len().next_multiple_of(BUCKET).min(self.spec.context);
        let padded = |values: &mut dyn Iterator<Item = i64>, fill: i64| -> Vec<i64> {
            values.chain(std::iter::repeat(fill)).take(length).collect()
        };
        let ids_padded = padded(&mut ids.iter().map(|id| i64::from(*id)), self.spec.pad_id);
        let mut tensors = vec![Tensor::i64([length], ids_padded)];
        if self.masked {
            tensors.push(Tensor::i64([length], padded(&mut ids.iter().map(|_| 1), 0)));
        }
        Sample { tower: Modality::Text, tensors, track: Track::Whole, span: None }
    }
}

impl Prepare for TextPreparer {
    fn prepare(&self, bytes: &[u8], _media_type: Option<&str>) -> Result<Vec<Sample>> {
        let text = decode(bytes)?;
        let first = self.encode(text)?;
        if first.get_ids().is_empty() {
            return Err(Error::new(Reason::MediaEmpty, "bytes", "the text has no tokens"));
        }
        let rest = match self.spec.overflow {
            Overflow::Truncate => &[],
            Overflow::Windows => first.get_overflowing().as_slice(),
        };
        let windows = 1 + rest.len();
        let kept = windows.min(limits::SAMPLES_PER_MEDIA);
        // A text of more windows than one media may have is heard at even distances, first window included.
        let chosen = (0..kept).map(|index| index * windows / kept);
        Ok(chosen
            .filter_map(|window| window.checked_sub(1).map_or(Some(&first), |later| rest.get(later)))
            .map(|window| self.sample(window))
            .collect())
    }
}

/// The text of a file: UTF-8, with or without a byte order mark.
fn decode(bytes: &[u8]) -> Result<&str> {
    if bytes.is_empty() {
        return Err(Error::new(Reason::MediaEmpty, "bytes", "the text has no bytes"));
    }
    if bytes.len() > limits::TEXT_BYTES {
        return Err(Error::too_large(
            "bytes",
            "the text's length",
            bytes.len(),
            format!("{} bytes", limits::TEXT_BYTES),
        ));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        Error::malformed(
            "bytes",
            format!("the text is not UTF-8: the byte at offset {} does not belong there", error.valid_up_to()),
        )
    })?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

/// At most `bytes` bytes of `text`, up to its last white space where there is some.
fn prefix(text: &str, bytes: usize) -> &str {
    let cut = text.get(..text.floor_char_boundary(bytes)).unwrap_or(text);
    cut.rfind(char::is_whitespace).filter(|end| *end > 0).and_then(|end| cut.get(..end)).unwrap_or(cut)
}

fn invalid(key: &str, why: impl std::fmt::Display) -> Error {
    Error::new(Reason::BundleInvalid, format!("towers.text.{key}"), why.to_string())
}

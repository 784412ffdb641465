//! From bytes to samples.

use onespace_core::{
    Error, Modality, Patience, Prepare, PrepareRequest, Prepared, Purpose, Reason, Result, Sample, SampleUse, Tensor,
    Window, limits,
};
use tokenizers::{
    Encoding, ModelWrapper, PostProcessor, Tokenizer, TruncationDirection,
    normalizers::{Lowercase, NormalizerWrapper, Sequence},
};

use crate::{
    documents,
    table::{Overflow, Pad, Text},
    windows::{self, Worded},
};

/// Token counts are rounded up to a multiple of this, so that texts of similar length share a batch.
const BUCKET: usize = 8;

/// How many bytes of a text are tokenised for each token of the context: at first, and at most. Natural language
/// takes three to eight bytes a token. What takes thousands is no text: a word without end, or nothing but white
/// space, and it could go on for a megabyte at a microsecond a byte.
const BYTES_PER_TOKEN: (usize, usize) = (32, 2048);

/// Text to token ids, as a bundle's tokenizer says.
pub struct TextPreparer {
    tokenizer: Tokenizer,
    spec: Text,
    /// Tokens of a window that are the text's own.
    room: usize,
    masked: bool,
}

/// Has a tokenizer keep no words that it has met. Each thread would keep the first ten thousand of them for good, five
/// megabytes of what strangers wrote, to spare a microsecond for each that comes again.
fn keep_no_words(tokenizer: &mut Tokenizer) {
    if matches!(tokenizer.get_model(), ModelWrapper::BPE(_) | ModelWrapper::Unigram(_)) {
        let mut model = tokenizer.get_model().clone();
        model.resize_cache(0);
        tokenizer.with_model(model);
    }
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
        // Cutting and padding are done here: the file may come with settings of its own.
        tokenizer.with_truncation(None).map_err(|error| invalid("preprocess.tokenizer", error))?;
        tokenizer.with_padding(None);
        keep_no_words(&mut tokenizer);
        if spec.lowercase {
            let own = tokenizer.get_normalizer().cloned();
            let all = [Some(NormalizerWrapper::from(Lowercase)), own].into_iter().flatten().collect();
            let all = Some(Sequence::new(all));
            tokenizer.with_normalizer(all).map_err(|error| invalid("preprocess.lowercase", error))?;
        }
        if !(1..=2).contains(&inputs) {
            return Err(invalid("inputs", format!("{inputs} inputs; token ids and a mask are emitted")));
        }
        let special = tokenizer.get_post_processor().map_or(0, |processor| processor.added_tokens(false));
        let Some(room) = spec.context.checked_sub(special).filter(|room| *room > 0) else {
            let message = format!("{} tokens hold no text beside {special} special ones", spec.context);
            return Err(invalid("preprocess.context", message));
        };
        Ok(Self { tokenizer, spec: spec.clone(), room, masked: inputs == 2 })
    }

    /// The tokens of `text`, without special ones: all of them, or, where the rest is dropped, enough.
    ///
    /// Tokenising takes time in proportion to the text, and a truncated text needs little of it. So a prefix is
    /// tokenised first, and a longer one only while the prefix does not give enough tokens. Those that are used are
    /// the ones of the whole text, because a prefix ends before white space, where tokenizers divide anyway, and
    /// because it must give twice as many as are used: a token at its end that would have been another one lies
    /// far behind.
    fn tokens(&self, text: &str, patience: &Patience) -> Result<Encoding> {
        let (first, most) = BYTES_PER_TOKEN;
        let (mut bytes, most) = (self.spec.context * first, self.spec.context * most);
        while self.spec.overflow == Overflow::Truncate && bytes < text.len() {
            let tokens = self.tokenise(prefix(text, bytes), patience)?;
            if tokens.len() >= 2 * self.spec.context || bytes >= most {
                return Ok(tokens);
            }
            bytes *= 2;
        }
        self.tokenise(text, patience)
    }

    /// The one step that cannot be interrupted: a megabyte takes a second or two.
    fn tokenise(&self, text: &str, patience: &Patience) -> Result<Encoding> {
        patience.check("before the text was tokenised")?;
        self.tokenizer.encode_fast(text, false).map_err(failed)
    }

    /// At most a context of tokens, special ones in place; the further windows are in its overflow.
    fn windows(&self, text: &str, patience: &Patience) -> Result<Encoding> {
        let mut tokens = self.tokens(text, patience)?;
        patience.check("when the text was tokenised")?;
        let room = if self.spec.keep_last { self.room } else { self.spec.context };
        tokens.truncate(room, 0, TruncationDirection::Right);
        if self.spec.overflow == Overflow::Truncate {
            tokens.take_overflowing();
        }
        let mut tokens = self.tokenizer.post_process(tokens, None, true).map_err(failed)?;
        if !self.spec.keep_last {
            tokens.truncate(self.spec.context, 0, TruncationDirection::Right);
            tokens.take_overflowing();
        }
        Ok(tokens)
    }

    /// As much of a text as is looked at where the rest is dropped: what lies behind the most that is tokenised need
    /// not be cleaned either.
    fn looked_at<'t>(&self, text: &'t str) -> &'t str {
        match self.spec.overflow {
            Overflow::Truncate => prefix(text, self.spec.context * BYTES_PER_TOKEN.1),
            Overflow::Windows => text,
        }
    }

    fn sample(&self, encoding: &Encoding, used_for: SampleUse) -> Sample {
        let ids = encoding.get_ids();
        let length = match self.spec.pad {
            Pad::Bucket => ids.len().next_multiple_of(BUCKET).min(self.spec.context),
            Pad::Context => self.spec.context,
            Pad::None => ids.len(),
        };
        let padded = |values: &mut dyn Iterator<Item = i64>, fill: i64| -> Vec<i64> {
            values.chain(std::iter::repeat(fill)).take(length).collect()
        };
        let ids_padded = padded(&mut ids.iter().map(|id| i64::from(*id)), self.spec.pad_id);
        let mut tensors = vec![Tensor::i64([length], ids_padded)];
        if self.masked {
            tensors.push(Tensor::i64([length], padded(&mut ids.iter().map(|_| 1), 0)));
        }
        Sample { used_for, ..Sample::whole(Modality::Text, tensors) }
    }

    /// The whole, cut as the tower does.
    fn whole(&self, text: &str, prompt: &str, patience: &Patience) -> Result<Vec<Sample>> {
        let worded = Worded::new(self.looked_at(text), prompt, &self.spec);
        let first = self.windows(&worded.text, patience)?;
        if first.get_ids().is_empty() {
            return Err(Error::new(Reason::MediaEmpty, "bytes", "the text has no tokens"));
        }
        let rest = first.get_overflowing();
        let windows = 1 + rest.len();
        let kept = windows.min(limits::SAMPLES_PER_MEDIA);
        // A text of more windows than one media may have is heard at even distances, first window included.
        let chosen = (0..kept).map(|index| index * windows / kept);
        Ok(chosen
            .filter_map(|window| window.checked_sub(1).map_or(Some(&first), |later| rest.get(later)))
            .map(|window| self.sample(window, SampleUse::Both))
            .collect())
    }

    /// The segments of the caller's choice, over all of the text; none where one covers it.
    fn segments(&self, text: &str, prompt: &str, window: Window, patience: &Patience) -> Result<Vec<Sample>> {
        let worded = Worded::new(text, prompt, &self.spec);
        let tokens = self.all_tokens(&worded, window, patience)?;
        patience.check("when the text was tokenised")?;
        let own = worded.own_tokens(&tokens);
        let room = self.room.saturating_sub(tokens.len() - own.len());
        let segments = windows::segments(window, own.len(), room)?;
        if segments.len() < 2 {
            return Ok(Vec::new());
        }
        let sample = |segment| {
            let window = windows::around(&tokens, &own, segment);
            let window = self.tokenizer.post_process(window, None, true).map_err(failed)?;
            Ok(self.sample(&window, SampleUse::Segment))
        };
        segments.into_iter().map(sample).collect()
    }

    /// The tokens of all of a text. Where a part of it has more than the segments may cover, the rest is not tokenised.
    fn all_tokens(&self, worded: &Worded<'_>, window: Window, patience: &Patience) -> Result<Encoding> {
        let (text, covered) = (&worded.text, window.length() + (limits::SAMPLES_PER_MEDIA - 1) * window.hop());
        let part = prefix(text, covered.saturating_mul(BYTES_PER_TOKEN.0));
        if part.len() < text.len() {
            let found = self.tokenise(part, patience)?.len();
            if found > covered + self.spec.context {
                let about = found * text.len() / part.len().max(1);
                windows::segments(window, about, self.room)?;
            }
        }
        if worded.is_bare() {
            return self.tokenise(text, patience);
        }
        patience.check("before the text was tokenised")?;
        self.tokenizer.encode(text.as_ref(), false).map_err(failed)
    }
}

impl Prepare for TextPreparer {
    fn modality(&self) -> Modality {
        Modality::Text
    }

    fn is_light(&self, bytes: usize) -> bool {
        bytes <= limits::TEXT_LIGHT_BYTES
    }

    fn prepare_unguarded(&self, request: &PrepareRequest<'_>) -> Result<Prepared> {
        let PrepareRequest { bytes, purpose, segments, patience, .. } = request;
        let document = self.spec.document_prompt.as_ref().filter(|_| *purpose == Purpose::Document);
        let prompt = document.unwrap_or(&self.spec.prompt);
        patience.check("before the text was read")?;
        let decoded = documents::read(bytes, patience)?;
        let text = decoded.as_ref();
        let mut samples = self.whole(text, prompt, patience)?;
        if let Some(window) = segments.tokens() {
            samples.iter_mut().for_each(|sample| sample.used_for = SampleUse::Whole);
            samples.extend(self.segments(text, prompt, window, patience)?);
        }
        Ok(samples.into())
    }
}

/// At most `bytes` bytes of `text`, up to its last white space where there is some.
fn prefix(text: &str, bytes: usize) -> &str {
    if text.len() <= bytes {
        return text;
    }
    let cut = text.get(..text.floor_char_boundary(bytes)).unwrap_or(text);
    cut.rfind(char::is_whitespace).filter(|end| *end > 0).and_then(|end| cut.get(..end)).unwrap_or(cut)
}

fn failed(error: tokenizers::Error) -> Error {
    Error::malformed("bytes", format!("the text cannot be tokenised: {error}"))
}

fn invalid(key: &str, why: impl std::fmt::Display) -> Error {
    Error::new(Reason::BundleInvalid, format!("towers.text.{key}"), why.to_string())
}

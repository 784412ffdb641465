//! How large an answer may be: what every gRPC client takes by default, unless the caller says that it takes more.

use onespace_core::{
    Error, Reason, Result,
    limits::{ANSWER_BYTES, ANSWER_BYTES_MAX},
};
use prost::Message;
use tonic::metadata::MetadataMap;

/// Where a caller says how many bytes it takes.
pub const MAX_ANSWER_BYTES: &str = "onespace-max-answer-bytes";

/// What an answer needs beside its list: timings, tokens, fingerprints.
const FRAME: usize = 1024;
/// What an entry of a list takes beside its message: the field's number and the length.
const ENTRY: usize = 6;

/// The room that is left in an answer.
#[derive(Clone, Copy, Debug)]
pub struct AnswerRoom {
    limit: usize,
    left: usize,
}

impl AnswerRoom {
    /// As the caller says.
    ///
    /// # Errors
    /// `FIELD_INVALID` for what is no number of bytes, or too large a one.
    pub fn of(metadata: &MetadataMap) -> Result<Self> {
        let limit = match metadata.get(MAX_ANSWER_BYTES) {
            None => ANSWER_BYTES,
            Some(value) => value
                .to_str()
                .ok()
                .and_then(|text| text.parse().ok())
                .filter(|bytes| (1..=ANSWER_BYTES_MAX).contains(bytes))
                .ok_or_else(|| {
                    let message = format!("{value:?} is no number of bytes from 1 to {ANSWER_BYTES_MAX}");
                    Error::new(Reason::FieldInvalid, MAX_ANSWER_BYTES, message)
                })?,
        };
        Ok(Self { limit, left: limit.saturating_sub(FRAME) })
    }

    /// Takes the room of one entry; false where it is not there.
    pub fn take(&mut self, entry: &impl Message) -> bool {
        let left = self.left.checked_sub(entry.encoded_len() + ENTRY);
        self.left = left.unwrap_or(self.left);
        left.is_some()
    }

    /// How many of the first entries fit.
    pub fn fitting<M: Message>(&mut self, entries: &[M]) -> usize {
        entries.iter().take_while(|entry| self.take(*entry)).count()
    }

    /// That something does not fit, and the ways out.
    #[must_use]
    pub fn too_large(&self, what: &str) -> Error {
        let message = format!(
            "{what} would make the answer larger than {} bytes: ask for less in one call, without segments or vectors, \
             or as VECTOR_ENCODING_FLOAT16; a client that takes larger messages says so in the metadata key \
             {MAX_ANSWER_BYTES} (at most {ANSWER_BYTES_MAX})",
            self.limit
        );
        Error::new(Reason::AnswerTooLarge, "", message)
    }
}

//! How large an answer may be: what every gRPC client takes by default, unless the caller says that it takes more. And
//! what accounts for it, from before it is made until it is read.

use std::sync::{Arc, Mutex, PoisonError};

use onespace_core::{
    Error, Reason, Result,
    limits::{ANSWER_BYTES, ANSWER_BYTES_MAX},
};
use onespace_kit::{
    admission::{Admission, Admitted},
    answers::HeldAnswer,
};
use prost::Message;
use tonic::{Response, metadata::MetadataMap};

/// Where a caller says how many bytes it takes.
pub const MAX_ANSWER_BYTES: &str = "onespace-max-answer-bytes";

/// What an answer needs beside its list: timings, tokens, fingerprints.
const FRAME: usize = 1024;
/// What an entry of a list takes beside its message: the field's number and the length.
const ENTRY: usize = 6;

/// What is held for an item before it is read: more than most have, and what is read at once is no more than a few.
const EXPECTED_ITEM: usize = 4 * 1024;

/// What accounts for the answer of one call.
#[derive(Clone, Debug, Default)]
pub struct AnswerHold {
    /// None where nobody counts.
    budget: Option<Admission>,
    held: Arc<Mutex<Option<Admitted>>>,
}

impl AnswerHold {
    /// Of what all answers may hold.
    #[must_use]
    pub fn of(budget: Admission) -> Self {
        Self { budget: Some(budget), held: Arc::default() }
    }

    /// Waits until there is room for an answer that is about to be read from the store, and holds it.
    ///
    /// # Errors
    /// `QUEUE_FULL` where there is none in time.
    pub async fn reserve(&self, bytes: usize) -> Result<()> {
        let Some(budget) = &self.budget else { return Ok(()) };
        let admitted = budget.wait_for_room(bytes).await?;
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = Some(admitted);
        Ok(())
    }

    /// An answer that is made: what it takes is held until it is read.
    ///
    /// # Errors
    /// `QUEUE_FULL` where answers that others have not read yet leave no room.
    pub async fn hand_over<A: Message>(self, answer: A) -> Result<Response<A>> {
        let mut response = Response::new(answer);
        let Some(budget) = self.budget else { return Ok(response) };
        let bytes = response.get_ref().encoded_len();
        let expected = self.held.lock().unwrap_or_else(PoisonError::into_inner).take();
        let held = match expected {
            Some(mut held) => {
                held.keep_bytes(bytes);
                held
            }
            None => budget.wait_for_room(bytes).await?,
        };
        response.extensions_mut().insert(HeldAnswer::new(held));
        Ok(response)
    }
}

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

    /// What an answer of so many items, with what their owners say of them, is expected to take at most.
    #[must_use]
    pub fn expected(&self, items: usize) -> usize {
        items.saturating_mul(EXPECTED_ITEM).clamp(EXPECTED_ITEM, self.limit.max(EXPECTED_ITEM))
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

//! Embedding a list of items.

use std::time::Instant;

use futures::future::join_all;
use onespace_core::{Deadline, EmbedOptions, EncodeReply, Error, Reason, Result, Timings, limits::ITEMS_PER_REQUEST};
use onespace_proto::{
    convert, options,
    status::item_error,
    v1,
    vector::{Encoding, encoding_in},
};

use crate::{
    Gateway,
    answer::AnswerRoom,
    gateway::timed,
    item::{Embedder, Item, Waits},
    turns,
};

/// What a caller wants of its items.
#[derive(Clone, Copy)]
pub struct Wanted {
    options: EmbedOptions,
    /// The length of the vectors.
    dimension: usize,
    encoding: Encoding,
}

impl Wanted {
    /// As a request says; what it leaves out is as `default` has it.
    ///
    /// # Errors
    /// `FIELD_INVALID` naming the option.
    pub fn read(
        gateway: &Gateway,
        options: Option<&v1::EmbedOptions>,
        encoding: i32,
        default: EmbedOptions,
    ) -> Result<Self> {
        let dimension = options.map_or(0, |options| options.dimension as usize);
        Ok(Self {
            options: options::embed_options_in(options, default)?,
            dimension: gateway.space().length(dimension).map_err(|error| error.under("options"))?,
            encoding: encoding_in(encoding)?,
        })
    }

    /// Embeds one item. What came in many messages should wait where queues are full: it is not sent again for that.
    ///
    /// # Errors
    /// As [`Embedder::embed`].
    pub async fn embed(&self, gateway: &Gateway, item: &Item, deadline: Deadline, waits: Waits) -> Result<EncodeReply> {
        let mut reply = Embedder { gateway, options: self.options, deadline, waits }.embed(item).await?;
        reply.shorten(self.dimension)?;
        Ok(reply)
    }

    /// One embedding as the caller wants it written.
    #[must_use]
    pub fn embedding_out(&self, gateway: &Gateway, embedding: onespace_core::Embedding) -> v1::Embedding {
        convert::embedding_out(embedding, gateway.space(), self.encoding)
    }

    /// What became of one item, its timings merged into those of the call.
    pub fn result_out(
        &self,
        gateway: &Gateway,
        outcome: Result<EncodeReply>,
        timings: &mut Timings,
    ) -> v1::EmbedResult {
        use v1::embed_result::Outcome;
        let outcome = match outcome {
            Ok(reply) => {
                timings.merge(&reply.timings);
                let tokens = reply.tokens;
                let embeddings = reply.embeddings.into_iter();
                Outcome::Embeddings(v1::Embeddings {
                    embeddings: embeddings.map(|embedding| self.embedding_out(gateway, embedding)).collect(),
                    notes: convert::notes_out(reply.notes),
                    tokens,
                })
            }
            Err(error) => Outcome::Error(item_error(&error)),
        };
        v1::EmbedResult { outcome: Some(outcome) }
    }
}

/// Embeds a list; each item has its own outcome.
///
/// # Errors
/// `FIELD_REQUIRED` for an empty list, `TOO_MANY` for a long one, `FIELD_INVALID` for an option.
pub async fn embed(
    gateway: &Gateway,
    request: v1::EmbedRequest,
    deadline: Deadline,
    mut room: AnswerRoom,
) -> Result<v1::EmbedResponse> {
    let started = Instant::now();
    let found = request.items.len();
    if found == 0 {
        return Err(Error::new(Reason::FieldRequired, "items", "at least one item is needed"));
    }
    if found > ITEMS_PER_REQUEST {
        return Err(Error::new(Reason::TooMany, "items", format!("{found} items, the limit is {ITEMS_PER_REQUEST}")));
    }
    let wanted = Wanted::read(gateway, request.options.as_ref(), request.encoding, EmbedOptions::default())?;
    let items = turns::asked(gateway, request.items.into_iter().map(Item::read).collect(), deadline);
    // A list of which nothing is taken on is turned away as a whole: that costs the least where there is least to give.
    if let Some(error) = turns::all_refused(&items) {
        return Err(error);
    }
    let outcomes = join_all(items.into_iter().map(|item| async move {
        let item = item?;
        wanted.embed(gateway, &item, deadline, Waits::Never).await
    }))
    .await;
    let mut timings = Timings::default();
    let result = |(index, outcome): (usize, Result<EncodeReply>)| {
        let outcome = outcome.map_err(|error| error.under(&format!("items[{index}]")));
        let result = wanted.result_out(gateway, outcome, &mut timings);
        if room.take(&result) {
            return result;
        }
        let error = room.too_large("what this item was embedded to").under(&format!("items[{index}]"));
        wanted.result_out(gateway, Err(error), &mut timings)
    };
    let results = outcomes.into_iter().enumerate().map(result).collect();
    Ok(v1::EmbedResponse { results, timings: Some(convert::timings_out(&timed(started, timings))) })
}

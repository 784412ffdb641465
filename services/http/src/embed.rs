//! Inputs into vectors: lists as long as a call of the gateway takes, each of which asks for its turn as such a call
//! does. What is turned away for a moment waits and asks again while there is time.

use bytes::Bytes;
use onespace_core::{Error, Reason, Result, bytes::le_floats, limits::ITEMS_PER_REQUEST};
use onespace_proto::{
    status::{error, item_error_in},
    v1::{self, embed_result::Outcome, embedding_service_server::EmbeddingService as _},
};

use crate::{call::Call, input::Input};

/// What one input became.
#[derive(Clone, Debug)]
pub struct Vector {
    /// Its values, little-endian binary32.
    pub bytes: Bytes,
    /// The tokens that it was read as, if it is a text.
    pub tokens: u64,
}

impl Vector {
    /// Its values.
    #[must_use]
    pub fn values(&self) -> Vec<f32> {
        le_floats(&self.bytes).unwrap_or_default()
    }
}

/// What became of each input, in order.
pub type Outcomes = Vec<Result<Vector>>;

/// The vector of every input; the first that fails fails them all.
///
/// # Errors
/// That of the input, blaming its path.
pub async fn all(call: &Call, inputs: &[Input], options: &v1::EmbedOptions) -> Result<Vec<Vector>> {
    each(call, inputs, options).await?.into_iter().collect()
}

/// The vector of each input, or its own error.
///
/// # Errors
/// What fails all of them: options that are wrong, no room within the deadline.
pub async fn each(call: &Call, inputs: &[Input], options: &v1::EmbedOptions) -> Result<Outcomes> {
    let mut outcomes = Vec::with_capacity(inputs.len());
    for list in inputs.chunks(ITEMS_PER_REQUEST) {
        outcomes.extend(embed_list(call, list, options).await?);
    }
    Ok(outcomes)
}

async fn embed_list(call: &Call, inputs: &[Input], options: &v1::EmbedOptions) -> Result<Outcomes> {
    let mut outcomes: Vec<(&Input, Option<Result<Vector>>)> = inputs.iter().map(|input| (input, None)).collect();
    loop {
        let left = outcomes.iter().filter(|(_, outcome)| outcome.is_none());
        let items = left.map(|(input, _)| input.media.clone()).collect();
        let refused = match embed_once(call, items, options).await {
            Ok(results) => {
                let left = outcomes.iter_mut().filter(|(_, outcome)| outcome.is_none());
                let mut refused = None;
                for ((input, outcome), result) in left.zip(results) {
                    match result {
                        Err(error) if passes(&error) => refused = Some(error),
                        result => *outcome = Some(result.map_err(|error| blamed(input, error))),
                    }
                }
                refused
            }
            Err(error) if passes(&error) => Some(error),
            Err(error) => return Err(error),
        };
        let Some(error) = refused else { break };
        let pause = error.retry_after.unwrap_or_default();
        if call.deadline.remaining() <= pause {
            return Err(error);
        }
        tokio::time::sleep(pause).await;
    }
    let missing = || Err(Error::internal("an input without an outcome"));
    Ok(outcomes.into_iter().map(|(_, outcome)| outcome.unwrap_or_else(missing)).collect())
}

/// One call of the gateway.
async fn embed_once(call: &Call, items: Vec<v1::Media>, options: &v1::EmbedOptions) -> Result<Outcomes> {
    let encoding = v1::VectorEncoding::Float32.into();
    let request = call.request(v1::EmbedRequest { items, options: Some(options.clone()), encoding });
    let answered = call.app.services.embed(request).await;
    let response = answered.map_err(|status| error(&status, Reason::Internal))?.into_inner();
    Ok(response.results.into_iter().map(outcome).collect())
}

fn outcome(result: v1::EmbedResult) -> Result<Vector> {
    match result.outcome {
        Some(Outcome::Embeddings(v1::Embeddings { embeddings, tokens, .. })) => {
            let whole = embeddings.into_iter().find(|embedding| embedding.segment == 0);
            let whole = whole.ok_or_else(|| Error::internal("an input without a vector"))?;
            Ok(Vector { bytes: whole.vector_float32, tokens })
        }
        Some(Outcome::Error(error)) => Err(item_error_in(&error)),
        None => Err(Error::internal("an input without an outcome")),
    }
}

/// Whether an error passes by itself.
fn passes(error: &Error) -> bool {
    error.reason == Reason::QueueFull && error.retry_after.is_some()
}

/// An input's error, blaming the input as the request has it: what the gateway calls its fields is not in the request,
/// but for the part of several.
fn blamed(input: &Input, error: Error) -> Error {
    let message = if error.field.starts_with("parts[") { error.to_string() } else { error.message };
    Error { field: input.path.clone(), message, ..error }
}

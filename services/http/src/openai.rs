//! `POST /v1/embeddings`: OpenAI's shape, and what else is sent there: Jina's objects, content parts, data URIs,
//! conversations, infinity's `modality`. The answer is always OpenAI's.

use axum::response::Response;
use onespace_core::{Error, Reason, Result};
use onespace_proto::v1;
use serde::Serialize;

use crate::{
    answer::{self, Format, Written},
    body,
    call::Call,
    embed::{self, Outcomes, Vector},
    input::{self, Input},
    json::{Object, invalid},
    purpose,
    refusal::Told,
};

/// The length of vectors, as OpenAI calls it; Voyage says `output_dimension`.
const DIMENSIONS: &str = "dimensions";

/// A request that was read.
struct Request {
    model: String,
    inputs: Vec<Input>,
    options: v1::EmbedOptions,
    /// What it calls the length of vectors.
    dimension: &'static str,
    format: Format,
    /// Whether an input that fails fails alone.
    each_alone: bool,
}

/// Answers.
///
/// # Errors
/// `FIELD_*`, `TOO_MANY`, `MODEL_NOT_FOUND`, and those of the first input that fails.
pub async fn embeddings(mut call: Call) -> Result<Response> {
    let (body, _made) = body::json(&mut call).await?;
    let request = read(&call, body.parse()?.object("")?)?;
    drop(body);
    let outcomes = embed::each(&call, &request.inputs, &request.options).await;
    let outcomes = outcomes.map_err(|error| purpose::renamed(error, request.dimension))?;
    let outcomes: Outcomes = if request.each_alone {
        outcomes
    } else {
        outcomes.into_iter().map(|one| one.map(Ok)).collect::<Result<_>>()?
    };
    write(&call, &request.model, request.format, &outcomes).await
}

fn read(call: &Call, request: &Object<'_>) -> Result<Request> {
    refuse_what_is_not_done(request)?;
    let hint = request.text("modality")?.map(purpose::modality).transpose().map_err(|error| error.under("modality"))?;
    let inputs = match (request.get("input"), request.get("messages")) {
        (Some(value), None) => input::inputs(value, "input", hint)?,
        (None, Some(messages)) => vec![input::messages(messages)?],
        (None, None) => return Err(Error::new(Reason::FieldRequired, "input", "it must be there")),
        (Some(_), Some(_)) => return Err(invalid("messages", "a request has input or messages, not both")),
    };
    let each_alone = match request.text("on_error")? {
        None | Some("request") => false,
        Some("item") => true,
        Some(other) => return Err(invalid("on_error", format!("{other:.40?} is neither \"request\" nor \"item\""))),
    };
    let dimension = request.first(&[DIMENSIONS, "output_dimension"]).map_or(DIMENSIONS, |(name, _)| name);
    Ok(Request {
        model: call.model(request.text("model")?)?,
        inputs,
        options: purpose::sized(request, dimension)?,
        dimension,
        format: Format::read(request)?,
        each_alone,
    })
}

/// Refuses what would be answered otherwise than it was asked for.
///
/// # Errors
/// `FIELD_INVALID` naming the field.
pub fn refuse_what_is_not_done(request: &Object<'_>) -> Result<()> {
    if request.flag("stream", false)? {
        return Err(invalid("stream", "vectors come in one answer: leave it out"));
    }
    for field in ["normalized", "normalize"] {
        if !request.flag(field, true)? {
            return Err(invalid(field, "every vector of this space has length 1: leave it out"));
        }
    }
    if request.flag("late_chunking", false)? {
        return Err(invalid("late_chunking", "it is not done here: send each chunk as an input"));
    }
    Ok(())
}

/// OpenAI's answer.
#[derive(Serialize)]
struct Embeddings<'a> {
    object: &'static str,
    data: Vec<Entry<'a>>,
    model: &'a str,
    usage: Usage,
}

#[derive(Serialize)]
struct Entry<'a> {
    object: &'static str,
    index: usize,
    embedding: Option<Written<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Told<'a>>,
}

/// What was read.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Usage {
    prompt_tokens: u64,
    total_tokens: u64,
}

impl Usage {
    /// Of these vectors: the tokens of their texts.
    #[must_use]
    pub fn of<'a>(vectors: impl Iterator<Item = &'a Vector>) -> Self {
        let tokens = vectors.map(|vector| vector.tokens).sum();
        Self { prompt_tokens: tokens, total_tokens: tokens }
    }

    /// All of them.
    #[must_use]
    pub const fn tokens(self) -> u64 {
        self.total_tokens
    }
}

/// Writes OpenAI's answer.
///
/// # Errors
/// As [`answer::json`].
pub async fn write(call: &Call, model: &str, format: Format, outcomes: &Outcomes) -> Result<Response> {
    let entry = |(index, outcome): (usize, &Result<Vector>)| Entry {
        object: "embedding",
        index,
        embedding: outcome.as_ref().ok().map(|vector| Written(vector, format)),
        error: outcome.as_ref().err().map(Told::new),
    };
    let vectors = || outcomes.iter().flatten();
    let usage = Usage::of(vectors());
    let data = outcomes.iter().enumerate().map(entry).collect();
    let answer = Embeddings { object: "list", data, model, usage };
    answer::json(call, answer::expected(vectors(), format) + 256 * outcomes.len(), &answer).await
}

//! Vectors in answers: as numbers or in base64, and what accounts for an answer until it is read.

use axum::{
    body::Body,
    http::{HeaderValue, header::CONTENT_TYPE},
    response::Response,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use onespace_core::{Error, Result};
use onespace_kit::answers::HeldAnswer;
use serde::{Serialize, Serializer};

use crate::{
    call::Call,
    embed::Vector,
    json::{Json, Object, invalid},
};

/// How vectors are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// A list of numbers.
    #[default]
    Float,
    /// Little-endian binary32 in base64: what clients of OpenAI ask for.
    Base64,
}

impl Format {
    /// As a request says: OpenAI's name for it, Jina's, Cohere's; alone or in a list.
    ///
    /// # Errors
    /// `FIELD_INVALID` naming the field.
    pub fn read(request: &Object<'_>) -> Result<Self> {
        let Some((field, value)) = request.first(&["encoding_format", "embedding_type", "embedding_types"]) else {
            return Ok(Self::default());
        };
        let name = match value {
            Json::List(list) if list.len() == 1 => list.first().and_then(Json::as_text),
            value => value.as_text(),
        };
        match name {
            Some("float") => Ok(Self::Float),
            Some("base64") => Ok(Self::Base64),
            _ => Err(invalid(field, "vectors are written as \"float\" or \"base64\", one of them in one request")),
        }
    }
}

/// A vector as it is written.
#[derive(Clone, Copy, Debug)]
pub struct Written<'a>(pub &'a Vector, pub Format);

impl Serialize for Written<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.1 {
            Format::Float => self.0.values().serialize(serializer),
            Format::Base64 => serializer.serialize_str(&STANDARD.encode(&self.0.bytes)),
        }
    }
}

/// Letters that a value takes at most as a number, such as `-0.012345678,`.
const LETTERS: usize = 14;

/// What an answer of these vectors takes at most.
#[must_use]
pub fn expected<'a>(vectors: impl Iterator<Item = &'a Vector>, format: Format) -> usize {
    let each = |vector: &Vector| match format {
        Format::Float => vector.bytes.len() / 4 * LETTERS,
        Format::Base64 => vector.bytes.len() * 3 / 2,
    };
    vectors.map(|vector| each(vector) + 256).sum()
}

/// An answer in JSON, accounted for from before it is made until its reader has it. `expected`: what it takes at most.
///
/// # Errors
/// `QUEUE_FULL` where answers that others have not read leave no room.
pub async fn json(call: &Call, expected: usize, answer: &impl Serialize) -> Result<Response> {
    json_with(call, expected, || serde_json::to_vec(answer).map_err(|error| Error::internal(error.to_string()))).await
}

/// The same, of JSON that is made once there is room for it.
///
/// # Errors
/// As [`json`], and those of making it.
pub async fn json_with(
    call: &Call,
    expected: usize,
    make: impl FnOnce() -> Result<Vec<u8>> + Send,
) -> Result<Response> {
    let mut held = call.gateway()?.answers(call.client()).wait_for_room(expected).await?;
    let bytes = make()?;
    held.keep_bytes(bytes.len());
    let mut response = Response::new(Body::from(bytes));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.extensions_mut().insert(HeldAnswer::new(held));
    Ok(response)
}

//! `POST /embed`: the shape of Text Embeddings Inference.

use axum::response::Response;
use onespace_core::Result;

use crate::{
    answer::{self, Format, Written},
    body,
    call::Call,
    embed, input, openai, purpose,
};

/// Answers.
///
/// # Errors
/// `FIELD_*`, `TOO_MANY`, and those of the first input that fails.
pub async fn embed(mut call: Call) -> Result<Response> {
    let (body, _made) = body::json(&mut call).await?;
    let json = body.parse()?;
    let request = json.object("")?;
    openai::refuse_what_is_not_done(request)?;
    let inputs = input::inputs(request.required("inputs")?, "inputs", None)?;
    let options = purpose::sized(request, "dimensions")?;
    let vectors = embed::all(&call, &inputs, &options).await.map_err(|error| purpose::renamed(error, "dimensions"))?;
    let answer: Vec<Written<'_>> = vectors.iter().map(|vector| Written(vector, Format::Float)).collect();
    answer::json(&call, answer::expected(vectors.iter(), Format::Float), &answer).await
}

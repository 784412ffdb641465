//! `POST /v1/multimodalembeddings`: Voyage's shape.

use axum::response::Response;
use onespace_core::Result;

use crate::{answer::Format, body, call::Call, embed, input, json::Object, openai, purpose};

/// Answers.
///
/// # Errors
/// `FIELD_*`, `TOO_MANY`, `MODEL_NOT_FOUND`, and those of the first input that fails.
pub async fn embed(mut call: Call) -> Result<Response> {
    let (body, _made) = body::json(&mut call).await?;
    let json = body.parse()?;
    let request: &Object<'_> = json.object("")?;
    let model = call.model(request.text("model")?)?;
    let format = match request.first(&["encoding_format", "output_encoding"]) {
        Some(_) => Format::read(request)?,
        None => Format::Float,
    };
    let inputs = input::inputs(request.required("inputs")?, "inputs", None)?;
    let options = purpose::sized(request, "output_dimension")?;
    let outcomes =
        embed::each(&call, &inputs, &options).await.map_err(|error| purpose::renamed(error, "output_dimension"))?;
    let outcomes = outcomes.into_iter().map(|one| one.map(Ok)).collect::<Result<_>>()?;
    openai::write(&call, &model, format, &outcomes).await
}

//! `POST /api/embed`: Ollama's shape, and the lists that its clients ask for.

use axum::{
    Json,
    response::{IntoResponse as _, Response},
};
use onespace_core::Result;
use serde::Serialize;
use serde_json::json;

use crate::{
    answer::{self, Format, Written},
    body,
    call::{Call, model_id},
    embed, input,
    openai::Usage,
    purpose,
};

/// Answers.
///
/// # Errors
/// `FIELD_*`, `TOO_MANY`, `MODEL_NOT_FOUND`, and those of the first input that fails.
pub async fn embed(mut call: Call) -> Result<Response> {
    let (body, _made) = body::json(&mut call).await?;
    let json = body.parse()?;
    let request = json.object("")?;
    let model = call.model(request.text("model")?)?;
    let inputs = input::inputs(request.required("input")?, "input", None)?;
    let options = purpose::sized(request, "dimensions")?;
    let vectors = embed::all(&call, &inputs, &options).await.map_err(|error| purpose::renamed(error, "dimensions"))?;
    let answer = Embeddings {
        model,
        embeddings: vectors.iter().map(|vector| Written(vector, Format::Float)).collect(),
        total_duration: u64::try_from(call.began.elapsed().as_nanos()).unwrap_or(u64::MAX),
        load_duration: 0,
        prompt_eval_count: Usage::of(vectors.iter()).tokens(),
    };
    answer::json(&call, answer::expected(vectors.iter(), Format::Float), &answer).await
}

#[derive(Serialize)]
struct Embeddings<'a> {
    model: String,
    embeddings: Vec<Written<'a>>,
    total_duration: u64,
    load_duration: u64,
    prompt_eval_count: u64,
}

/// `GET /api/tags`.
///
/// # Errors
/// `NOT_READY`.
pub async fn tags(call: Call) -> Result<Response> {
    let gateway = call.gateway()?;
    let (name, digest) = (model_id(&gateway), gateway.space().fingerprint.to_string());
    let details = json!({"format": "onnx", "family": "onespace", "families": ["onespace"]});
    let model = json!({
        "name": name, "model": name, "modified_at": "1970-01-01T00:00:00Z", "size": 0, "digest": digest,
        "details": details,
    });
    Ok(Json(json!({"models": [model]})).into_response())
}

/// `GET /api/version`: the version of Ollama whose shapes these are.
///
/// # Errors
/// None.
pub async fn version(_: Call) -> Result<Response> {
    Ok(Json(json!({"version": "0.12.0"})).into_response())
}

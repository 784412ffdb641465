//! `POST /v2/embed`: Cohere's shape.

use std::collections::BTreeMap;

use axum::response::Response;
use onespace_core::{Error, Modality, Reason, Result};
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    answer::{self, Format, Written},
    body,
    call::Call,
    embed,
    input::{self, Input},
    json::{Json, Object, invalid},
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
    call.model(request.text("model")?)?;
    let inputs = inputs(request)?;
    let formats = formats(request)?;
    let options = purpose::sized(request, "output_dimension")?;
    let vectors =
        embed::all(&call, &inputs, &options).await.map_err(|error| purpose::renamed(error, "output_dimension"))?;
    let embeddings = formats
        .iter()
        .map(|(name, format)| (*name, vectors.iter().map(|vector| Written(vector, *format)).collect()))
        .collect();
    let tokens = Usage::of(vectors.iter()).tokens();
    let images = if request.get("images").is_some() { inputs.len() } else { 0 };
    let expected = formats.iter().map(|(_, format)| answer::expected(vectors.iter(), *format)).sum();
    let answer = Embeddings {
        id: call.id(),
        response_type: "embeddings_by_type",
        embeddings,
        texts: texts(request),
        meta: json!({
            "api_version": {"version": "2"},
            "billed_units": {"input_tokens": tokens, "images": images},
            "tokens": {"input_tokens": tokens},
        }),
    };
    answer::json(&call, expected, &answer).await
}

#[derive(Serialize)]
struct Embeddings<'a> {
    id: String,
    response_type: &'static str,
    embeddings: BTreeMap<&'static str, Vec<Written<'a>>>,
    texts: Vec<&'a str>,
    meta: Value,
}

/// One of three fields holds the inputs.
fn inputs(request: &Object<'_>) -> Result<Vec<Input>> {
    match (request.get("texts"), request.get("images"), request.get("inputs")) {
        (Some(texts), None, None) => input::all_of(texts, "texts", Modality::Text),
        (None, Some(images), None) => input::all_of(images, "images", Modality::Image),
        (None, None, Some(inputs)) => input::inputs(inputs, "inputs", None),
        (None, None, None) => {
            Err(Error::new(Reason::FieldRequired, "inputs", "one of texts, images and inputs must be there"))
        }
        _ => Err(invalid("inputs", "a request has one of texts, images and inputs")),
    }
}

fn texts<'j>(request: &'j Object<'_>) -> Vec<&'j str> {
    match request.get("texts") {
        Some(Json::List(texts)) => texts.iter().filter_map(Json::as_text).collect(),
        _ => Vec::new(),
    }
}

fn formats(request: &Object<'_>) -> Result<Vec<(&'static str, Format)>> {
    let Some(types) = request.get("embedding_types") else { return Ok(vec![("float", Format::Float)]) };
    let format = |name: &Json<'_>| match name.as_text() {
        Some("float") => Ok(("float", Format::Float)),
        Some("base64") => Ok(("base64", Format::Base64)),
        _ => Err(invalid("embedding_types", "float and base64 are what there is")),
    };
    types.list("embedding_types")?.iter().map(format).collect()
}

//! `POST /vectorize`: the shape of Weaviate's multi2vec-bind, and what that module asks of a container before it.

use std::collections::BTreeMap;

use axum::{
    Json as Answer,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use onespace_core::{Modality, Result};
use onespace_proto::v1;
use serde::Serialize;
use serde_json::json;

use crate::{
    answer::{self, Format, Written},
    body,
    call::{Call, model_id},
    embed,
    input::{self, Input},
    json::{Json, Object, invalid},
    purpose,
};

/// Its fields, the modality of each, and what its answer calls them.
const FIELDS: [(&str, Modality, &str); 7] = [
    ("texts", Modality::Text, "textVectors"),
    ("images", Modality::Image, "imageVectors"),
    ("audio", Modality::Audio, "audioVectors"),
    ("video", Modality::Video, "videoVectors"),
    ("imu", Modality::Imu, "imuVectors"),
    ("thermal", Modality::Thermal, "thermalVectors"),
    ("depth", Modality::Depth, "depthVectors"),
];

/// Answers.
///
/// # Errors
/// `FIELD_*`, `TOO_MANY`, `MODALITY_NOT_SERVED`, and those of the first input that fails.
pub async fn vectorize(mut call: Call) -> Result<Response> {
    let (body, _made) = body::json(&mut call).await?;
    let json = body.parse()?;
    let inputs = inputs(json.object("")?)?;
    let flat: Vec<Input> = inputs.iter().flat_map(|(_, inputs)| inputs.iter().cloned()).collect();
    if flat.is_empty() {
        return Err(invalid("texts", "at least one of its lists needs an entry"));
    }
    let options = v1::EmbedOptions { purpose: v1::Purpose::Document.into(), ..purpose::silent() };
    let vectors = embed::all(&call, &flat, &options).await?;
    let mut rest = vectors.iter().map(|vector| Written(vector, Format::Float));
    let lists = inputs.iter().map(|(name, inputs)| (*name, rest.by_ref().take(inputs.len()).collect())).collect();
    let answer = Vectors { lists, error: "" };
    answer::json(&call, answer::expected(vectors.iter(), Format::Float), &answer).await
}

#[derive(Serialize)]
struct Vectors<'a> {
    #[serde(flatten)]
    lists: BTreeMap<&'static str, Vec<Written<'a>>>,
    error: &'static str,
}

fn inputs(request: &Object<'_>) -> Result<Vec<(&'static str, Vec<Input>)>> {
    let list = |(field, modality, name): (&str, Modality, &'static str)| {
        let inputs = match request.get(field) {
            None => Vec::new(),
            Some(Json::List(list)) if list.is_empty() => Vec::new(),
            Some(list) => input::all_of(list, field, modality)?,
        };
        Ok((name, inputs))
    };
    FIELDS.into_iter().map(list).collect()
}

/// `GET /.well-known/ready` and `/.well-known/live`: no content, once it serves.
///
/// # Errors
/// `NOT_READY`.
pub async fn ready(call: Call) -> Result<Response> {
    call.gateway().map(|_| StatusCode::NO_CONTENT.into_response())
}

/// `GET /meta`.
///
/// # Errors
/// `NOT_READY`.
pub async fn meta(call: Call) -> Result<Response> {
    let gateway = call.gateway()?;
    let modalities: Vec<&str> = gateway.modalities().map(Modality::name).collect();
    Ok(Answer(json!({"model": model_id(&gateway), "modalities": modalities})).into_response())
}

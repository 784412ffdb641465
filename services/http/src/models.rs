//! The one model of a server, in the lists that UIs ask for first.

use axum::{
    Json,
    response::{IntoResponse as _, Response},
};
use onespace_core::{Error, Modality, Reason, Result, limits};
use serde_json::{Value, json};

use crate::call::{Call, model_id};

/// `GET /v1/models`.
///
/// # Errors
/// `NOT_READY`.
pub async fn list(call: Call) -> Result<Response> {
    Ok(Json(json!({"object": "list", "data": [model(&call)?]})).into_response())
}

/// `GET /v1/models/{id}`.
///
/// # Errors
/// `MODEL_NOT_FOUND`, `NOT_READY`.
pub async fn get(call: Call) -> Result<Response> {
    let (served, named) = (model_id(&call.gateway()?), call.param("id"));
    if named == served {
        return Ok(Json(model(&call)?).into_response());
    }
    let message = format!("the model {named:.80?} is not served here, only {served:?}");
    Err(Error::new(Reason::ModelNotFound, "id", message))
}

fn model(call: &Call) -> Result<Value> {
    let gateway = call.gateway()?;
    let modalities: Vec<&str> = gateway.modalities().map(Modality::name).collect();
    Ok(json!({
        "id": model_id(&gateway),
        "object": "model",
        "created": 0,
        "owned_by": "onespace",
        "modalities": modalities,
        "dimension": gateway.space().dimension,
        "dimensions": dimensions(&gateway),
    }))
}

fn dimensions(gateway: &onespace_gateway::Gateway) -> Vec<usize> {
    let space = gateway.space();
    [space.dimension].into_iter().chain(space.matryoshka.iter().copied()).collect()
}

/// `GET /info`, as TEI answers it, with what it does not know left out.
///
/// # Errors
/// `NOT_READY`.
pub async fn info(call: Call) -> Result<Response> {
    let gateway = call.gateway()?;
    Ok(Json(json!({
        "model_id": model_id(&gateway),
        "model_sha": gateway.space().fingerprint.to_string(),
        "model_dtype": "float32",
        "model_type": {"embedding": {"pooling": "mean"}},
        "max_client_batch_size": limits::HTTP_INPUTS,
        "max_batch_requests": limits::BATCH_SAMPLES,
        "max_concurrent_requests": limits::GATEWAY_IN_FLIGHT,
        "version": env!("CARGO_PKG_VERSION"),
        "dimensions": dimensions(&gateway),
        "modalities": gateway.modalities().map(Modality::name).collect::<Vec<_>>(),
    }))
    .into_response())
}

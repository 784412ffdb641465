//! Health, metrics, the space: for probes, for Prometheus, for people with a browser or curl.

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use onespace_core::{Error, Result};
use onespace_gateway::{Gateway, services};
use onespace_kit::{ready::Ready, telemetry};
use onespace_proto::report::SpaceReport;

use crate::call::{App, Call};

/// `GET /metrics`.
///
/// # Errors
/// None.
pub async fn metrics(_: Call) -> Result<Response> {
    Ok(telemetry::render_metrics().into_response())
}

/// `GET /v1/space`.
///
/// # Errors
/// `NOT_READY`.
pub async fn space(call: Call) -> Result<Response> {
    Ok(Json(SpaceReport::from(services::space(&call.gateway()?))).into_response())
}

/// Whether it should be asked at all: a probe that a full disk or an encoder that is gone fails would take everything
/// else away too, so that is said in words, and health of CollectionService and of the modality says it to programs.
pub async fn ready(State(app): State<App>) -> Response {
    match lacks(&app.gateway).await {
        Ok(lacks) if lacks.is_empty() => "ready\n".into_response(),
        Ok(lacks) => format!("ready, but {}\n", lacks.join("; ")).into_response(),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, format!("{}\n", told(&error))).into_response(),
    }
}

/// What a server that is ready cannot do now.
async fn lacks(gateway: &Ready<Gateway>) -> Result<Vec<String>> {
    let gateway = gateway.get()?;
    gateway.store().ready().await?;
    let mut lacks = Vec::new();
    if let Err(error) = gateway.store().writable().await {
        lacks.push(format!("takes no writes: {}", told(&error)));
    }
    for modality in gateway.modalities() {
        if let Err(error) = gateway.encoder_ready(modality).await {
            lacks.push(format!("embeds no {modality}: {}", told(&error)));
        }
    }
    Ok(lacks)
}

/// What anybody may know of an error: its reason and what that means. Its own words may name hosts and folders, which
/// belong to the log.
fn told(error: &Error) -> String {
    format!("{}: {}", error.reason.name(), error.reason.meaning())
}

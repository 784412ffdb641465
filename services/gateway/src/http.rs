//! HTTP beside gRPC: health, metrics, and the space for people with a browser or curl.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc};

use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use onespace_kit::{ready::Ready, telemetry};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::Gateway;

/// A bound HTTP listener.
#[derive(Debug)]
pub struct Http {
    listener: TcpListener,
    address: SocketAddr,
}

impl Http {
    /// Binds the address; port 0 takes a free one.
    ///
    /// # Errors
    /// When the address is taken or not ours.
    pub async fn bind(address: SocketAddr) -> std::io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        Ok(Self { address: listener.local_addr()?, listener })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `shutdown`.
    ///
    /// # Errors
    /// When the listener fails.
    pub async fn run(self, gateway: Ready<Gateway>, shutdown: CancellationToken) -> std::io::Result<()> {
        let router = Router::new()
            .route("/healthz", get(|| async { "ok\n" }))
            .route("/readyz", get(readyz))
            .route("/metrics", get(|| async { telemetry::render_metrics() }))
            .route("/v1/space", get(space))
            .with_state(gateway);
        // Dropping the server at the signal cuts no request short that matters: all of these answer at once.
        tokio::select! {
            result = axum::serve(self.listener, router) => result,
            () = shutdown.cancelled() => Ok(()),
        }
    }
}

/// Whether it should be asked at all: a probe that a full disk fails would take searching away too, so that is said in
/// words, and health of CollectionService says it to programs.
async fn readyz(State(gateway): State<Ready<Gateway>>) -> Response {
    let ready: onespace_core::Result<_> = async {
        let gateway = gateway.get()?;
        gateway.store().ready().await?;
        Ok(gateway.store().writable().await)
    }
    .await;
    match ready {
        Ok(Ok(())) => "ready\n".into_response(),
        Ok(Err(error)) => format!("ready, but takes no writes: {}: {error}\n", error.reason.name()).into_response(),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")).into_response(),
    }
}

async fn space(State(gateway): State<Ready<Gateway>>) -> Response {
    match gateway.get() {
        Ok(gateway) => Json(space_json(&gateway)).into_response(),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")).into_response(),
    }
}

fn space_json(gateway: &Arc<Gateway>) -> Value {
    let (space, terms) = (gateway.space(), gateway.terms());
    json!({
        "space_fingerprint": space.fingerprint,
        "dimension": space.dimension,
        "name": space.name,
        "license": { "name": terms.licence, "restriction": terms.usage.name(), "notice": terms.notice },
        "version": env!("CARGO_PKG_VERSION"),
        "dimensions": space.matryoshka,
        "calibration": space.calibration.iter().map(|(query, item, scale)| json!({
            "query": query.name(), "item": item.name(), "mean": scale.mean(), "std": scale.std(),
        })).collect::<Vec<_>>(),
        "towers": gateway.towers().iter().map(|tower| json!({
            "modality": tower.modality.name(),
            "model": tower.model,
            "logit_scale": tower.logit_scale,
            "heads": tower.heads.iter().map(|(target, head)| (target.name(), head)).collect::<BTreeMap<_, _>>(),
            "golden_cosine": tower.golden_cosine,
            "space_fingerprint": space.of_tower(tower.modality),
        })).collect::<Vec<_>>(),
        "limits": onespace_core::limits::ALL.iter().map(|limit| json!({
            "name": limit.name, "value": limit.value, "unit": limit.unit, "about": limit.about,
        })).collect::<Vec<_>>(),
        "formats": onespace_core::sniff::FORMATS.iter().filter(|format| format.decoded).map(|format| json!({
            "name": format.name, "media_type": format.media_type, "modality": format.modality.name(),
        })).collect::<Vec<_>>(),
    })
}

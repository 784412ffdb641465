//! HTTP beside gRPC: health, metrics, and the space for people with a browser or curl.

use std::net::SocketAddr;

use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use onespace_kit::{ready::Ready, telemetry};
use onespace_proto::report::SpaceReport;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{Gateway, services};

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
        Ok(gateway) => Json(SpaceReport::from(services::space(&gateway))).into_response(),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")).into_response(),
    }
}

//! HTTP beside gRPC: health, metrics, and the space for people with a browser or curl.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Extension, Json, Router,
    extract::{ConnectInfo, Request, State},
    http::{HeaderValue, StatusCode, header::RETRY_AFTER},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::{MethodRouter, get},
};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use onespace_access::{
    access::Access,
    enter::{Asked, Refused},
    grant::Scope,
};
use onespace_core::{Code, Error, limits::CONNECTION_OPENING_MS};
use onespace_kit::{
    connections::{ACCEPT_PAUSE, Bounds, Connection},
    ready::Ready,
    secured::secure,
    telemetry,
    tls::Tls,
};
use onespace_proto::report::SpaceReport;
use tokio::{net::TcpListener, task::JoinSet};
use tokio_util::sync::CancellationToken;
use tonic::{Status, transport::server::Connected};

use crate::{Gateway, services};

/// A bound HTTP listener.
#[derive(Debug)]
pub struct Http {
    listener: TcpListener,
    address: SocketAddr,
    tls: Option<Arc<Tls>>,
}

impl Http {
    /// Binds the address; port 0 takes a free one.
    ///
    /// # Errors
    /// When the address is taken or not ours.
    pub async fn bind(address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        Ok(Self { address: listener.local_addr()?, listener, tls: None })
    }

    /// The same, over TLS.
    #[must_use]
    pub fn with_tls(self, tls: Option<Arc<Tls>>) -> Self {
        Self { tls, ..self }
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `shutdown`. Probes are answered to anybody, the rest to whom `access` lets in.
    ///
    /// # Errors
    /// When the listener fails.
    pub async fn run(
        self,
        gateway: Ready<Gateway>,
        access: Arc<Access>,
        shutdown: CancellationToken,
    ) -> io::Result<()> {
        let page = |path: &'static str, scope: Scope, page: MethodRouter<Ready<Gateway>>| {
            let door = (access.clone(), path, scope);
            Router::new().route(path, page.layer(from_fn_with_state(door, let_in)))
        };
        let metrics = page("/metrics", Scope::Metrics, get(|| async { telemetry::render_metrics() }));
        let router = Router::new()
            .route("/healthz", get(|| async { "ok\n" }))
            .route("/readyz", get(readyz))
            .merge(metrics)
            .merge(page("/v1/space", Scope::Read, get(space)))
            .with_state(gateway);
        // Dropping the connections at the signal cuts no request short that matters: all of these answer at once.
        tokio::select! {
            () = accept(self.listener, router, self.tls.clone()) => {}
            () = Tls::keep_any_current(self.tls.as_deref()) => {}
            () = shutdown.cancelled() => {}
        }
        Ok(())
    }
}

/// Serves whoever comes, as far as there is room.
async fn accept(listener: TcpListener, router: Router, tls: Option<Arc<Tls>>) {
    let (bounds, mut open) = (Bounds::default(), JoinSet::new());
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        while open.try_join_next().is_some() {}
        if let Some(connection) = bounds.admit(stream) {
            open.spawn(converse(connection, router.clone(), tls.clone()));
        }
    }
}

/// Answers one connection, and hangs up on who does not get to the point.
async fn converse(connection: Connection, router: Router, tls: Option<Arc<Tls>>) {
    let peer = Peer(connection.connect_info().address());
    let Some(connection) = secure(connection, tls).await else { return };
    let service = TowerToHyperService::new(router.layer(Extension(ConnectInfo(peer))));
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_millis(CONNECTION_OPENING_MS as u64))
        .serve_connection(TokioIo::new(connection), service);
    // Whoever breaks off has nothing to be told.
    let _ = serving.await;
}

/// Who is at the other end of a connection.
#[derive(Clone, Copy, Debug)]
struct Peer(Option<SocketAddr>);

/// Answers only whom the server knows, where it asks at all, and who may see this page.
async fn let_in(
    State((access, path, needed)): State<(Arc<Access>, &'static str, Scope)>,
    ConnectInfo(Peer(peer)): ConnectInfo<Peer>,
    request: Request,
    next: Next,
) -> Response {
    match access.enter(&Asked { headers: request.headers(), path, needed, peer }) {
        Ok(entered) => {
            let response = next.run(request).await;
            entered.caller.visit().ended(&Status::ok(""));
            response
        }
        Err(Refused { error, .. }) => refused(&error),
    }
}

fn refused(error: &Error) -> Response {
    let status = match error.code() {
        Code::PermissionDenied => StatusCode::FORBIDDEN,
        Code::ResourceExhausted => StatusCode::TOO_MANY_REQUESTS,
        _ => StatusCode::UNAUTHORIZED,
    };
    let mut response = (status, format!("{}: {error}\n", error.reason.name())).into_response();
    if let Some(pause) = error.retry_after {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(pause.as_secs().max(1)));
    }
    response
}

/// Whether it should be asked at all: a probe that a full disk or an encoder that is gone fails would take everything
/// else away too, so that is said in words, and health of CollectionService and of the modality says it to programs.
async fn readyz(State(gateway): State<Ready<Gateway>>) -> Response {
    match lacks(&gateway).await {
        Ok(lacks) if lacks.is_empty() => "ready\n".into_response(),
        Ok(lacks) => format!("ready, but {}\n", lacks.join("; ")).into_response(),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, format!("{}\n", told(&error))).into_response(),
    }
}

/// What a server that is ready cannot do now.
async fn lacks(gateway: &Ready<Gateway>) -> onespace_core::Result<Vec<String>> {
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

async fn space(State(gateway): State<Ready<Gateway>>) -> Response {
    match gateway.get() {
        Ok(gateway) => Json(SpaceReport::from(services::space(&gateway))).into_response(),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")).into_response(),
    }
}

//! HTTP beside gRPC: health, metrics, and the space for people with a browser or curl.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Json, Router,
    extract::{ConnectInfo, Request, State, connect_info::Connected},
    http::{HeaderValue, StatusCode, header::RETRY_AFTER},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::{MethodRouter, get},
    serve::{IncomingStream, Listener},
};
use futures::{StreamExt, stream::BoxStream};
use onespace_access::{
    access::Access,
    enter::{Asked, Refused},
    grant::Scope,
};
use onespace_core::{Code, Error, limits::CONNECTIONS};
use onespace_kit::{
    connections::{Connection, bounded},
    ready::Ready,
    telemetry,
    tls::Tls,
};
use onespace_proto::report::SpaceReport;
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tokio_util::sync::CancellationToken;
use tonic::Status;

use crate::{Gateway, services};

/// How long to wait after a connection could not be accepted, which is when the process has no more files to open.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

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
        let keeping = self.tls.clone();
        let keeping = async {
            match keeping {
                Some(tls) => tls.keep_current().await,
                None => std::future::pending().await,
            }
        };
        let listener = Accepted {
            incoming: bounded(TcpListenerStream::new(self.listener), CONNECTIONS, self.tls).boxed(),
            address: self.address,
        };
        // Dropping the server at the signal cuts no request short that matters: all of these answer at once.
        tokio::select! {
            result = axum::serve(listener, router.into_make_service_with_connect_info::<Peer>()) => result,
            () = keeping => Ok(()),
            () = shutdown.cancelled() => Ok(()),
        }
    }
}

/// Connections as they are accepted, bounded and over TLS where there is to be any.
struct Accepted {
    incoming: BoxStream<'static, io::Result<Connection>>,
    address: SocketAddr,
}

impl Listener for Accepted {
    type Io = Connection;
    type Addr = Option<SocketAddr>;

    async fn accept(&mut self) -> (Connection, Option<SocketAddr>) {
        loop {
            match self.incoming.next().await {
                Some(Ok(connection)) => {
                    let peer = connection.peer();
                    return (connection, peer);
                }
                Some(Err(error)) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_AGAIN).await;
                }
                None => std::future::pending().await,
            }
        }
    }

    fn local_addr(&self) -> io::Result<Option<SocketAddr>> {
        Ok(Some(self.address))
    }
}

/// Who is at the other end of a connection.
#[derive(Clone, Copy, Debug)]
struct Peer(Option<SocketAddr>);

impl Connected<IncomingStream<'_, Accepted>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Accepted>) -> Self {
        Self(*stream.remote_addr())
    }
}

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
        Ok(Err(error)) => format!("ready, but takes no writes: {}\n", told(&error)).into_response(),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, format!("{}\n", told(&error))).into_response(),
    }
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

//! The listener: connections within bounds, each answered until it ends or the server does.

use std::{io, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use onespace_access::access::Access;
use onespace_core::limits::{CONNECTION_OPENING_MS, DRAIN_GRACE_MS};
use onespace_gateway::Gateway;
use onespace_kit::{
    admission::Admission,
    connections::{ACCEPT_PAUSE, Bounds, Connection},
    ready::Ready,
    secured::secure,
    tls::Tls,
};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tonic::transport::server::Connected;

use crate::{
    call::{App, Settings},
    doors,
};

/// A bound HTTP listener.
#[derive(Debug)]
pub struct Http {
    listener: TcpListener,
    address: SocketAddr,
    tls: Option<Arc<Tls>>,
    settings: Settings,
}

impl Http {
    /// Binds the address; port 0 takes a free one.
    ///
    /// # Errors
    /// When the address is taken or not ours.
    pub async fn bind(address: SocketAddr, settings: Settings) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        Ok(Self { address: listener.local_addr()?, listener, tls: None, settings })
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

    /// Serves until `shutdown`; requests in hand are finished within the grace. Probes are answered to anybody, the
    /// rest to whom `access` lets in; bytes wait for room in `arrival`, which gRPC shares.
    ///
    /// # Errors
    /// When the listener fails.
    pub async fn run(
        self,
        gateway: Ready<Gateway>,
        (access, arrival): (Arc<Access>, Admission),
        shutdown: CancellationToken,
    ) -> io::Result<()> {
        let Self { listener, tls, settings, .. } = self;
        let app = App::new(gateway, arrival.clone(), settings);
        let router = doors::router(app, &access, &arrival);
        let serving = async {
            let mut open = accept(&listener, &router, tls.as_ref(), &shutdown).await;
            let ended = async { while open.join_next().await.is_some() {} };
            // What is still open then is cut, as it is over gRPC.
            let _ = timeout(Duration::from_millis(DRAIN_GRACE_MS as u64), ended).await;
        };
        tokio::select! {
            () = serving => {}
            () = Tls::keep_any_current(tls.as_deref()) => {}
        }
        Ok(())
    }
}

/// Serves whoever comes, as far as there is room, until the server stops; gives the connections that are open then.
async fn accept(
    listener: &TcpListener,
    router: &Router,
    tls: Option<&Arc<Tls>>,
    shutdown: &CancellationToken,
) -> JoinSet<()> {
    let (bounds, mut open) = (Bounds::default(), JoinSet::new());
    while let Some(accepted) = shutdown.run_until_cancelled(listener.accept()).await {
        // Without it an answer in two writes waits 40 ms for the client's delayed acknowledgement.
        let stream: io::Result<TcpStream> = accepted.and_then(|(stream, _)| stream.set_nodelay(true).map(|()| stream));
        let stream = match stream {
            Ok(stream) => stream,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        while open.try_join_next().is_some() {}
        if let Some(connection) = bounds.admit(stream) {
            open.spawn(converse(connection, router.clone(), tls.cloned(), shutdown.clone()));
        }
    }
    open
}

/// Answers one connection, and hangs up on who does not get to the point.
async fn converse(connection: Connection, router: Router, tls: Option<Arc<Tls>>, shutdown: CancellationToken) {
    let peer = connection.connect_info();
    let Some(connection) = secure(connection, tls).await else { return };
    let service = TowerToHyperService::new(router.layer(Extension(peer)));
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_millis(CONNECTION_OPENING_MS as u64))
        .serve_connection(TokioIo::new(connection), service);
    let mut serving = pin!(serving);
    // Whoever breaks off has nothing to be told.
    if shutdown.run_until_cancelled(serving.as_mut()).await.is_none() {
        serving.as_mut().graceful_shutdown();
        let _ = serving.await;
    }
}

//! Listening, health, reflection, and ending in good order.

use std::{
    hash::{BuildHasher, RandomState},
    io,
    net::SocketAddr,
    sync::Arc,
    time::Duration,
};

use onespace_access::{access::Access, caller::Caller, layer::AccessLayer};
use onespace_core::limits::{
    CONNECTION_AGE_MS, CONNECTION_PING_MS, CONNECTION_PONG_MS, CONNECTION_STREAMS, DRAIN_GRACE_MS,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::{body::Body, codegen::http, service::Routes, transport::server::TcpIncoming};
use tonic_health::{ServingStatus, server::HealthReporter};
use tower::util::MapRequestLayer;

use crate::{
    admission::Admission,
    answers::AnswerLayer,
    arrival::ArrivalLayer,
    connections::{self, Bounds},
    deadline::DeadlineLayer,
    peer::PeerLayer,
    secured,
    shares::Client,
    tls::Tls,
    transport,
};

/// How long a server that was told to stop still accepts: until everybody has seen NOT_SERVING.
const LINGER: Duration = Duration::from_millis(200);

/// The health name that says only that the process answers: a server that loads or drains must not be restarted
/// for it.
pub const LIVENESS: &str = "liveness";

/// Health of the services of one server.
#[derive(Clone, Debug)]
pub struct Health {
    reporter: HealthReporter,
    services: &'static [&'static str],
}

impl Health {
    async fn set(&self, status: ServingStatus) {
        // The empty name is the whole server; tonic-health would start it as SERVING.
        for name in self.services.iter().copied().chain([""]) {
            self.reporter.set_service_status(name, status).await;
        }
    }

    /// Everything is loaded and checked.
    pub async fn serving(&self) {
        self.set(ServingStatus::Serving).await;
    }

    /// One service can, or cannot, do its work for now; the others are not touched.
    pub async fn service(&self, name: &'static str, serving: bool) {
        let status = if serving { ServingStatus::Serving } else { ServingStatus::NotServing };
        self.reporter.set_service_status(name, status).await;
    }
}

/// A bound gRPC server that says NOT_SERVING until told otherwise.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    health: Health,
    routes: Routes,
    arrival: Option<Admission>,
    access: Option<Arc<Access>>,
    tls: Option<Arc<Tls>>,
}

impl Server {
    /// Binds the address (port 0 takes a free one) and prepares health and reflection for `services`.
    ///
    /// # Errors
    /// When the address is taken or not ours.
    pub async fn bind(address: SocketAddr, services: &'static [&'static str], mut routes: Routes) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let (reporter, health_service) = tonic_health::server::health_reporter();
        let health = Health { reporter, services };
        health.set(ServingStatus::NotServing).await;
        health.service(LIVENESS, true).await;
        let describe = || {
            tonic_reflection::server::Builder::configure()
                .register_encoded_file_descriptor_set(onespace_proto::DESCRIPTOR)
                .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        };
        // Many clients still ask the older version.
        let reflection = describe().build_v1().map_err(io::Error::other)?;
        let older_reflection = describe().build_v1alpha().map_err(io::Error::other)?;
        routes = routes.add_service(health_service).add_service(reflection).add_service(older_reflection);
        Ok(Self { address: listener.local_addr()?, listener, health, routes, arrival: None, access: None, tls: None })
    }

    /// The same server, whose calls' bytes wait for room in a budget as they arrive.
    #[must_use]
    pub fn with_arrival(self, budget: Admission) -> Self {
        Self { arrival: Some(budget), ..self }
    }

    /// The same server, which lets in whom `access` knows.
    #[must_use]
    pub fn with_access(self, access: Arc<Access>) -> Self {
        Self { access: Some(access), ..self }
    }

    /// The same server, over TLS.
    #[must_use]
    pub fn with_tls(self, tls: Option<Arc<Tls>>) -> Self {
        Self { tls, ..self }
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its health, to be turned to SERVING when loading is done.
    #[must_use]
    pub fn health(&self) -> Health {
        self.health.clone()
    }

    /// Serves until `shutdown`, then: NOT_SERVING, a moment for everybody to see it, no new connections, work in
    /// hand finished within the grace, and with it what `finish` waits for: work that outlives its connection. The
    /// server future always stands under that limit, because it can hang.
    ///
    /// # Errors
    /// When the transport fails.
    pub async fn run(
        self,
        shutdown: CancellationToken,
        finish: impl Future<Output = ()>,
    ) -> Result<(), tonic::transport::Error> {
        let (health, stop) = (self.health.clone(), CancellationToken::new());
        let stopping = stop.clone();
        let server = transport::server()
            .max_concurrent_streams(u32::try_from(CONNECTION_STREAMS).ok())
            .http2_keepalive_interval(Some(milliseconds(CONNECTION_PING_MS)))
            .http2_keepalive_timeout(Some(milliseconds(CONNECTION_PONG_MS)))
            .max_connection_age(connection_age())
            .layer(PeerLayer)
            .layer(AnswerLayer)
            .layer(tower::util::option_layer(self.access.map(AccessLayer)))
            .layer(MapRequestLayer::new(shared_by_caller))
            .layer(DeadlineLayer)
            .layer(tower::util::option_layer(self.arrival.map(ArrivalLayer)))
            .add_routes(self.routes)
            .serve_with_incoming_shutdown(
                // Set on the listener: the builder's own option does not reach sockets it did not open, and an
                // answer of two small frames then waits 40 ms for the client's delayed acknowledgement.
                secured::secured(
                    connections::bounded(TcpIncoming::from(self.listener).with_nodelay(Some(true)), Bounds::default()),
                    self.tls.clone(),
                ),
                async move { stopping.cancelled().await },
            );
        let ending = async {
            shutdown.cancelled().await;
            health.set(ServingStatus::NotServing).await;
            tokio::time::sleep(LINGER).await;
            stop.cancel();
            tokio::time::sleep(milliseconds(DRAIN_GRACE_MS)).await;
        };
        let serving = async {
            server.await?;
            finish.await;
            Ok(())
        };
        tokio::select! {
            result = serving => result,
            () = Tls::keep_any_current(self.tls.as_deref()) => Ok(()),
            () = ending => {
                tracing::warn!(grace_ms = DRAIN_GRACE_MS, "requests were still open at the end of the grace");
                Ok(())
            }
        }
    }
}

const fn milliseconds(limit: usize) -> Duration {
    Duration::from_millis(limit as u64)
}

/// How old connections get here: CONNECTION_AGE_MS give or take a tenth, another for each process, so that replicas
/// that were started together are not left by everybody together.
fn connection_age() -> Duration {
    let drawn = RandomState::new().hash_one("the age of connections") % 1_000;
    milliseconds(CONNECTION_AGE_MS).mul_f64(0.9 + 0.2 * drawn as f64 / 1_000.0)
}

/// Whoever shows a key takes its share by it, not by an address that many may have.
pub fn shared_by_caller(mut request: http::Request<Body>) -> http::Request<Body> {
    let known = request.extensions().get::<Caller>().map(|caller| caller.id().to_owned());
    if let Some(id) = known.filter(|id| !id.is_empty()) {
        request.extensions_mut().insert(Client::named(id));
    }
    request
}

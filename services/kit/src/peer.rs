//! The other end of a connection, as calls that come over it know it.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use futures::task::AtomicWaker;
use onespace_core::limits::UNREAD_ANSWERS;
use tonic::{codegen::http, transport::server::TcpConnectInfo};
use tower::{Layer, Service};

use crate::shares::Client;

/// The other end of a connection.
#[derive(Clone, Debug)]
pub struct Peer {
    tcp: TcpConnectInfo,
    unread: Arc<Unread>,
}

/// Answers of one connection that nobody read in time.
#[derive(Debug, Default)]
struct Unread {
    answers: AtomicUsize,
    connection: AtomicWaker,
}

impl Peer {
    /// The other end of a connection between these addresses.
    #[must_use]
    pub fn new(tcp: TcpConnectInfo) -> Self {
        Self { tcp, unread: Arc::default() }
    }

    /// Where it is.
    #[must_use]
    pub const fn address(&self) -> Option<SocketAddr> {
        self.tcp.remote_addr
    }

    /// One answer was given up because nobody read it. A client that leaves many so is not worth its connection.
    pub(crate) fn left_unread(&self) {
        if self.unread.answers.fetch_add(1, Ordering::Relaxed) + 1 >= UNREAD_ANSWERS {
            self.unread.connection.wake();
        }
    }

    /// Whether its connection goes on; whoever asks is woken when it no longer does.
    pub(crate) fn poll_patience(&self, context: &Context<'_>) -> io::Result<()> {
        self.unread.connection.register(context.waker());
        if self.unread.answers.load(Ordering::Relaxed) < UNREAD_ANSWERS {
            return Ok(());
        }
        Err(io::Error::new(io::ErrorKind::TimedOut, "too many answers were left unread (UNREAD_ANSWERS)"))
    }
}

/// Tells every call who is at the other end: its address, and, where nobody knows better, the client whose share it
/// takes.
#[derive(Clone, Copy, Debug)]
pub struct PeerLayer;

/// A service whose calls know their peer.
#[derive(Clone, Debug)]
pub struct PeerService<S>(S);

impl<S> Layer<S> for PeerLayer {
    type Service = PeerService<S>;

    fn layer(&self, inner: S) -> PeerService<S> {
        PeerService(inner)
    }
}

impl<S: Service<http::Request<B>>, B> Service<http::Request<B>> for PeerService<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, mut request: http::Request<B>) -> S::Future {
        let extensions = request.extensions_mut();
        if let Some(peer) = extensions.get::<Peer>().cloned() {
            if let (None, Some(address)) = (extensions.get::<Client>(), peer.address()) {
                extensions.insert(Client::at(address.ip()));
            }
            // Where tonic looks for it.
            extensions.insert(peer.tcp);
        }
        self.0.call(request)
    }
}

//! For tests: a server that speaks Qdrant's published protos, keeps everything in memory, and can be away in every way
//! that a server can: gone, silent, late, half done, or with its answers lost.
//!
//! It does what the vector store asks for, and nothing else: other calls are `UNIMPLEMENTED`. It is no Qdrant, whose
//! indexes, segments and consensus are tested against a real one.

mod collections;
mod faults;
mod matching;
mod points;
mod state;

use std::{
    net::{SocketAddr, TcpListener},
    pin::Pin,
    sync::Arc,
    thread::sleep,
    time::Duration,
};

use qdrant_client::qdrant::{collections_server::CollectionsServer, points_server::PointsServer};
use tokio::runtime::{Builder, Runtime};
use tonic::transport::{Server, server::TcpIncoming};

pub use faults::Fault;
use faults::Faults;
use state::State;

/// One node. Several may keep the same vectors.
#[derive(Debug)]
pub struct StandIn {
    state: Arc<State>,
    faults: Arc<Faults>,
    address: SocketAddr,
    /// Nothing while it is away. What it accepted goes with it, as with a process that is killed.
    life: Option<Runtime>,
}

/// What answers the calls.
#[derive(Clone, Debug)]
struct Node {
    state: Arc<State>,
    faults: Arc<Faults>,
}

impl StandIn {
    /// A node on a free port, with nothing in it.
    #[must_use]
    pub fn start() -> Self {
        Self::of(Arc::default())
    }

    /// Another node that keeps the same vectors.
    #[must_use]
    pub fn beside(&self) -> Self {
        Self::of(self.state.clone())
    }

    fn of(state: Arc<State>) -> Self {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut node = Self { state, faults: Arc::default(), address, life: None };
        node.come_back();
        node
    }

    /// Where it is, or was.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Ends, with every connection: what is asked of it from now on is refused.
    pub fn leave(&mut self) {
        if let Some(life) = self.life.take() {
            life.shutdown_background();
        }
    }

    /// Is there again, at the same address.
    pub fn come_back(&mut self) {
        assert!(self.life.is_none(), "it is there");
        // The one before it closes its sockets on threads of its own.
        let listener = (0..500).find_map(|_| {
            let bound = TcpListener::bind(self.address).ok();
            bound.or_else(|| {
                sleep(Duration::from_millis(10));
                None
            })
        });
        let listener = listener.expect("its port is free");
        listener.set_nonblocking(true).unwrap();
        let life = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let node = Node { state: self.state.clone(), faults: self.faults.clone() };
        life.spawn(async move {
            let incoming = TcpIncoming::from(tokio::net::TcpListener::from_std(listener).unwrap());
            let served = Server::builder()
                .add_service(CollectionsServer::new(node.clone()).max_decoding_message_size(usize::MAX))
                .add_service(PointsServer::new(node).max_decoding_message_size(usize::MAX))
                .serve_with_incoming(incoming);
            served.await.unwrap();
        });
        self.life = Some(life);
    }

    /// From now on, what is wrong with it.
    pub fn set(&self, fault: Fault) {
        self.faults.set(fault);
    }

    /// How many points there are in all.
    #[must_use]
    pub fn points(&self) -> usize {
        self.state.points()
    }

    /// How many calls it was asked to answer, those that are only about whether it is there included.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.faults.calls()
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.leave();
    }
}

/// Answers the rest of a service. The attribute on an implementation sees no macro in it, so this writes what the
/// attribute would.
macro_rules! unanswered {
    ($($method:ident: $request:ident => $answer:ident;)+) => {$(
        fn $method<'life0, 'async_trait>(
            &'life0 self,
            _: tonic::Request<qdrant_client::qdrant::$request>,
        ) -> $crate::Answered<'async_trait, qdrant_client::qdrant::$answer>
        where
            'life0: 'async_trait,
            Self: 'async_trait,
        {
            Box::pin(std::future::ready(Err(tonic::Status::unimplemented(stringify!($method)))))
        }
    )+};
}
pub(crate) use unanswered;

/// What a method of a service gives.
type Answered<'a, T> = Pin<Box<dyn Future<Output = Result<tonic::Response<T>, tonic::Status>> + Send + 'a>>;

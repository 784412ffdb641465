//! Connections over TLS, where there is to be any.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use futures::{Stream, StreamExt};
use onespace_core::limits::CONNECTIONS;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::server::TlsStream;
use tokio_util::either::Either;
use tonic::transport::server::Connected;

use crate::{connections::Connection, peer::Peer, tls::Tls};

/// A connection, in the clear or over TLS.
#[derive(Debug)]
pub struct Secured {
    stream: Either<Connection, Box<TlsStream<Connection>>>,
    peer: Peer,
}

/// The connections that agree on TLS, where there is to be any. Agreeing takes round trips and work, so new ones do it
/// side by side, each on a task of its own.
pub fn secured(
    incoming: impl Stream<Item = io::Result<Connection>>,
    tls: Option<Arc<Tls>>,
) -> impl Stream<Item = io::Result<Secured>> {
    let agreed = incoming.map(move |accepted| {
        let tls = tls.clone();
        async move {
            match (accepted, tls) {
                (Err(error), _) => Some(Err(error)),
                (Ok(connection), None) => Some(Ok(Secured::plain(connection))),
                (Ok(connection), tls) => tokio::spawn(secure(connection, tls)).await.ok().flatten().map(Ok),
            }
        }
    });
    agreed.buffer_unordered(CONNECTIONS).filter_map(std::future::ready)
}

/// Agrees on TLS, where there is to be any, with who is at the other end; none where that fails.
pub async fn secure(connection: Connection, tls: Option<Arc<Tls>>) -> Option<Secured> {
    let Some(tls) = tls else { return Some(Secured::plain(connection)) };
    let peer = connection.connect_info();
    match tls.accept(connection).await {
        Ok(stream) => Some(Secured { stream: Either::Right(Box::new(stream)), peer }),
        Err(error) => {
            metrics::counter!("onespace_tls_failed_total").increment(1);
            tracing::debug!(peer = ?peer.address(), %error, "no TLS was agreed on");
            None
        }
    }
}

impl Secured {
    fn plain(connection: Connection) -> Self {
        let peer = connection.connect_info();
        Self { stream: Either::Left(connection), peer }
    }
}

impl Connected for Secured {
    type ConnectInfo = Peer;

    fn connect_info(&self) -> Peer {
        self.peer.clone()
    }
}

impl AsyncRead for Secured {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(context, into)
    }
}

impl AsyncWrite for Secured {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}

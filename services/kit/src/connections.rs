//! The connections of a server, bounded in their number. One more is closed at once: its client tries another replica,
//! and those that are open are not made to wait.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll},
};

use futures::{Stream, StreamExt};
use onespace_core::limits::CONNECTIONS;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};
use tonic::transport::server::{Connected, TcpConnectInfo};

use crate::admission::{Admission, Admitted};

/// A connection that counts until it is closed.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    _counted: Admitted,
}

/// Those of some connections that are within the limit.
pub fn bounded(incoming: impl Stream<Item = io::Result<TcpStream>>) -> impl Stream<Item = io::Result<Connection>> {
    let open = Admission::requests("connections (CONNECTIONS)", CONNECTIONS);
    incoming.filter_map(move |accepted| {
        let counted = accepted.map(|stream| open.enter().ok().map(|counted| Connection { stream, _counted: counted }));
        std::future::ready(counted.transpose())
    })
}

impl Connected for Connection {
    type ConnectInfo = TcpConnectInfo;

    fn connect_info(&self) -> TcpConnectInfo {
        self.stream.connect_info()
    }
}

impl AsyncRead for Connection {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(context, into)
    }
}

impl AsyncWrite for Connection {
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

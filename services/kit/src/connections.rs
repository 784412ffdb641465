//! The connections of a server, bounded in their number. One more is closed at once: its client tries another replica,
//! and those that are open are not made to wait.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll},
};

use futures::{Stream, StreamExt};
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

/// Those of some connections that are within the limit: at most `most` at once.
pub fn bounded(
    incoming: impl Stream<Item = io::Result<TcpStream>>,
    most: usize,
) -> impl Stream<Item = io::Result<Connection>> {
    let open = Admission::requests("connections (CONNECTIONS)", most);
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::{io::AsyncReadExt, net::TcpListener, time::timeout};
    use tokio_stream::wrappers::TcpListenerStream;

    use super::*;

    /// Whether the server has closed a connection.
    async fn is_closed(stream: &mut TcpStream) -> bool {
        let read = timeout(Duration::from_millis(200), stream.read(&mut [0])).await;
        matches!(read, Ok(Ok(0) | Err(_)))
    }

    #[tokio::test]
    async fn one_more_is_closed_and_room_comes_back() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut accepted = Box::pin(bounded(TcpListenerStream::new(listener), 2));
        let connect = || async move { TcpStream::connect(address).await.unwrap() };
        let (mut first, mut second, mut third) = (connect().await, connect().await, connect().await);
        let one = accepted.next().await.unwrap().unwrap();
        let _two = accepted.next().await.unwrap().unwrap();
        // The third is taken from the listener and closed, so nothing comes of it here.
        assert!(timeout(Duration::from_millis(100), accepted.next()).await.is_err());
        assert!(is_closed(&mut third).await, "one more than there may be is closed");
        assert!(!is_closed(&mut first).await && !is_closed(&mut second).await, "those that are open stay open");
        drop(one);
        let _fourth = connect().await;
        assert!(timeout(Duration::from_secs(5), accepted.next()).await.unwrap().unwrap().is_ok());
    }
}

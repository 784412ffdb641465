//! The connections of a server, bounded in their number. One more is closed at once: its client tries another replica,
//! and those that are open are not made to wait.

use std::{
    io::{self, IoSlice},
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use futures::{Stream, StreamExt};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};
use tokio_rustls::server::TlsStream;
use tokio_util::either::Either;
use tonic::transport::server::{Connected, TcpConnectInfo};

use crate::{
    admission::{Admission, Admitted},
    tls::Tls,
};

/// A connection that counts until it is closed.
#[derive(Debug)]
pub struct Connection {
    stream: Either<TcpStream, Box<TlsStream<TcpStream>>>,
    _counted: Admitted,
}

/// Those of some connections that are within the limit, at most `most` at once, and that agree on TLS where there is to
/// be any. Agreeing takes round trips, so all new ones do it side by side.
pub fn bounded(
    incoming: impl Stream<Item = io::Result<TcpStream>>,
    most: usize,
    tls: Option<Arc<Tls>>,
) -> impl Stream<Item = io::Result<Connection>> {
    let open = Admission::requests("connections (CONNECTIONS)", most);
    let counted = incoming.filter_map(move |accepted| {
        let counted = accepted.map(|stream| open.enter().ok().map(|counted| (stream, counted)));
        std::future::ready(counted.transpose())
    });
    let agreed = counted.map(move |accepted| {
        let tls = tls.clone();
        async move {
            match tls {
                // On a task of its own: agreeing is work, and must not keep others from being accepted.
                Some(tls) => tokio::spawn(agree(accepted, tls)).await.ok().flatten(),
                None => Some(accepted.map(|(stream, counted)| Connection::plain(stream, counted))),
            }
        }
    });
    agreed.buffer_unordered(most).filter_map(std::future::ready)
}

async fn agree(accepted: io::Result<(TcpStream, Admitted)>, tls: Arc<Tls>) -> Option<io::Result<Connection>> {
    let (stream, counted) = match accepted {
        Ok(accepted) => accepted,
        Err(error) => return Some(Err(error)),
    };
    let peer = stream.peer_addr().ok();
    match tls.accept(stream).await {
        Ok(stream) => Some(Ok(Connection { stream: Either::Right(Box::new(stream)), _counted: counted })),
        Err(error) => {
            metrics::counter!("onespace_tls_failed_total").increment(1);
            tracing::debug!(?peer, %error, "no TLS was agreed on");
            None
        }
    }
}

impl Connection {
    const fn plain(stream: TcpStream, counted: Admitted) -> Self {
        Self { stream: Either::Left(stream), _counted: counted }
    }

    fn tcp(&self) -> &TcpStream {
        match &self.stream {
            Either::Left(stream) => stream,
            Either::Right(stream) => stream.get_ref().0,
        }
    }

    /// Who is at the other end.
    #[must_use]
    pub fn peer(&self) -> Option<SocketAddr> {
        self.tcp().peer_addr().ok()
    }
}

impl Connected for Connection {
    type ConnectInfo = TcpConnectInfo;

    fn connect_info(&self) -> TcpConnectInfo {
        self.tcp().connect_info()
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
        let mut accepted = Box::pin(bounded(TcpListenerStream::new(listener), 2, None));
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

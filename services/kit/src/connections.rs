//! The connections of a server, bounded in their number, in all and for each address. One more is closed at once: its
//! client tries another replica, and those that are open are not made to wait. One that does not begin to speak, or
//! does not take what is written to it, is closed too.

use std::{
    collections::HashMap,
    future::Future,
    io::{self, IoSlice},
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use futures::{Stream, StreamExt};
use onespace_core::limits::{CONNECTION_OPENING_MS, CONNECTIONS, CONNECTIONS_PER_ADDRESS, UNREAD_MS};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::Sleep,
};
use tonic::transport::server::Connected;

use crate::{
    admission::{Admission, Admitted},
    peer::Peer,
    shares::Client,
};

/// The shortest thing that is said first: HTTP/2's preface has 24 bytes, and a request of HTTP/1 hardly fewer.
const FIRST_BYTES: usize = 16;

/// How long nobody is accepted after that has failed.
pub const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How many connections there may be, and how patient a server is with each.
#[derive(Clone, Debug)]
pub struct Bounds {
    open: Admission,
    of_each: usize,
    addresses: Arc<Addresses>,
    opening: Duration,
    sending: Duration,
}

/// How many connections each address has.
type Addresses = Mutex<HashMap<Client, usize>>;

impl Default for Bounds {
    fn default() -> Self {
        let time = |milliseconds: usize| Duration::from_millis(milliseconds as u64);
        Self::new((CONNECTIONS, CONNECTIONS_PER_ADDRESS), (time(CONNECTION_OPENING_MS), time(UNREAD_MS)))
    }
}

impl Bounds {
    /// So many in all and of each address; so long until the first bytes come, and until what is written is taken.
    fn new((most, of_each): (usize, usize), (opening, sending): (Duration, Duration)) -> Self {
        let open = Admission::requests("connections (CONNECTIONS)", most);
        Self { open, of_each, addresses: Arc::default(), opening, sending }
    }

    /// A connection that counts until it is closed; none where there are as many as may be.
    #[must_use]
    pub fn admit(&self, stream: TcpStream) -> Option<Connection> {
        let peer = Peer::new(stream.connect_info());
        let client = peer.address().map(|address| Client::at(address.ip()));
        let counted = (self.open.enter().ok()?, self.of_address(client)?);
        let opening = Some(Box::pin(tokio::time::sleep(self.opening)));
        Some(Connection { stream, peer, opening, read: 0, sending: None, patience: self.sending, _counted: counted })
    }

    fn of_address(&self, client: Option<Client>) -> Option<OfAddress> {
        let client = client?;
        let mut addresses = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        let open = addresses.entry(client.clone()).or_default();
        if *open >= self.of_each {
            metrics::counter!("onespace_rejected_total", "bound" => "CONNECTIONS_PER_ADDRESS").increment(1);
            return None;
        }
        *open += 1;
        Some(OfAddress { client, addresses: self.addresses.clone() })
    }
}

/// Counts for an address until it is dropped.
#[derive(Debug)]
struct OfAddress {
    client: Client,
    addresses: Arc<Addresses>,
}

impl Drop for OfAddress {
    fn drop(&mut self) {
        let mut addresses = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(open) = addresses.get_mut(&self.client) {
            *open = open.saturating_sub(1);
            if *open == 0 {
                addresses.remove(&self.client);
            }
        }
    }
}

/// A connection that counts until it is closed.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    peer: Peer,
    /// Until its first bytes are here.
    opening: Option<Pin<Box<Sleep>>>,
    read: usize,
    /// While what is written is not taken.
    sending: Option<Pin<Box<Sleep>>>,
    patience: Duration,
    _counted: (Admitted, OfAddress),
}

/// Those of some connections that are within the bounds.
pub fn bounded(
    incoming: impl Stream<Item = io::Result<TcpStream>>,
    bounds: Bounds,
) -> impl Stream<Item = io::Result<Connection>> {
    incoming.filter_map(move |accepted| {
        let accepted = accepted.map(|stream| bounds.admit(stream)).transpose();
        async move {
            if let Some(Err(error)) = &accepted {
                // Descriptors have run out, most likely: asking again at once would only burn a core.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
            accepted
        }
    })
}

fn too_late(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, what)
}

impl Connection {
    /// A write that nobody takes ends the connection after a while; one that is taken begins anew.
    fn taken<T>(&mut self, written: Poll<io::Result<T>>, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.sending = None;
            return written;
        }
        let patience = self.patience;
        let sending = self.sending.get_or_insert_with(|| Box::pin(tokio::time::sleep(patience)));
        match sending.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Err(too_late("nothing of what is sent is taken (UNREAD_MS)"))),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl Connected for Connection {
    type ConnectInfo = Peer;

    fn connect_info(&self) -> Peer {
        self.peer.clone()
    }
}

impl AsyncRead for Connection {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.peer.poll_patience(context)?;
        let before = into.filled().len();
        let read = Pin::new(&mut this.stream).poll_read(context, into);
        let Some(opening) = &mut this.opening else { return read };
        this.read += into.filled().len() - before;
        if this.read >= FIRST_BYTES {
            this.opening = None;
        } else if opening.as_mut().poll(context).is_ready() {
            return Poll::Ready(Err(too_late("nothing was said for too long (CONNECTION_OPENING_MS)")));
        }
        read
    }
}

impl AsyncWrite for Connection {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write(context, bytes);
        this.taken(written, context)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write_vectored(context, slices);
        this.taken(written, context)
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
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
        time::timeout,
    };
    use tokio_stream::wrappers::TcpListenerStream;

    use super::*;

    const LONG: Duration = Duration::from_secs(60);
    const SHORT: Duration = Duration::from_millis(200);

    /// Whether the server has closed a connection.
    async fn is_closed(stream: &mut TcpStream) -> bool {
        let read = timeout(Duration::from_millis(200), stream.read(&mut [0])).await;
        matches!(read, Ok(Ok(0) | Err(_)))
    }

    /// Both ends of a connection.
    async fn pair(bounds: &Bounds) -> (Connection, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (other, accepted) = tokio::join!(TcpStream::connect(listener.local_addr().unwrap()), listener.accept());
        (bounds.admit(accepted.unwrap().0).unwrap(), other.unwrap())
    }

    #[tokio::test]
    async fn one_more_is_closed_and_room_comes_back() {
        for (most, of_each) in [(2, 9), (9, 2)] {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let bounds = Bounds::new((most, of_each), (LONG, LONG));
            let mut accepted = Box::pin(bounded(TcpListenerStream::new(listener), bounds));
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

    #[tokio::test]
    async fn whoever_says_nothing_is_hung_up_on() {
        let bounds = Bounds::new((2, 2), (SHORT, LONG));
        let (mut silent, mut other) = pair(&bounds).await;
        other.write_all(b"PRI").await.unwrap();
        let mut said = Vec::new();
        let ended = timeout(LONG, silent.read_to_end(&mut said)).await.expect("it is not waited for").unwrap_err();
        assert_eq!((ended.kind(), said.as_slice()), (io::ErrorKind::TimedOut, b"PRI".as_slice()));
        let (mut talking, mut other) = pair(&bounds).await;
        other.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
        talking.read_exact(&mut [0; 24]).await.unwrap();
        assert!(timeout(SHORT * 3, talking.read(&mut [0])).await.is_err(), "it has begun to speak and may be silent");
    }

    #[tokio::test]
    async fn whoever_takes_nothing_is_hung_up_on() {
        let (mut connection, _deaf) = pair(&Bounds::new((1, 1), (LONG, SHORT))).await;
        let bytes = vec![0; 1024 * 1024];
        let sending = async {
            loop {
                if let Err(error) = connection.write_all(&bytes).await {
                    return error;
                }
            }
        };
        assert_eq!(timeout(LONG, sending).await.expect("it is not waited for").kind(), io::ErrorKind::TimedOut);
    }
}

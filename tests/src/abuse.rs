//! A client that does what none does: leaves its messages half sent and its answers unread.

use std::net::SocketAddr;

use bytes::{BufMut, Bytes, BytesMut};
use h2::{
    RecvStream, SendStream,
    client::{ResponseFuture, SendRequest},
};
use prost::Message;
use tokio::{net::TcpSocket, task::JoinHandle};
use tonic::{
    codegen::http::{HeaderMap, Request},
    transport::{Channel, Endpoint},
};

use crate::{Client, Server};

/// A connection of HTTP/2, closed when it is dropped. What is not read keeps the window closed.
#[derive(Debug)]
pub struct Line {
    sender: SendRequest<Bytes>,
    connection: JoinHandle<()>,
}

/// A call on it.
#[derive(Debug)]
pub struct Call {
    /// What is sent.
    pub body: SendStream<Bytes>,
    /// What comes back.
    pub answer: ResponseFuture,
}

impl Drop for Line {
    fn drop(&mut self) {
        self.connection.abort();
    }
}

impl Line {
    /// Connects to a server from an address of this machine.
    pub async fn connect(server: &Server, from: &str) -> Self {
        let address: SocketAddr = server.endpoint().trim_start_matches("http://").parse().unwrap();
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(format!("{from}:0").parse().unwrap()).unwrap();
        let stream = socket.connect(address).await.unwrap();
        let (sender, connection) = h2::client::handshake(stream).await.unwrap();
        let connection = tokio::spawn(async move {
            let _ = connection.await;
        });
        Self { sender, connection }
    }

    /// Begins a call.
    ///
    /// # Errors
    /// When the connection is no longer there.
    pub async fn call(&mut self, method: &str) -> Result<Call, h2::Error> {
        let request = Request::post(format!("http://server/onespace.v1.{method}"))
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .body(())
            .unwrap();
        let mut sender = self.sender.clone().ready().await?;
        let (answer, body) = sender.send_request(request, false)?;
        Ok(Call { body, answer })
    }
}

impl Call {
    /// Sends bytes as the window lets them through.
    ///
    /// # Errors
    /// When the server does not want them.
    pub async fn send(&mut self, mut bytes: Bytes, last: bool) -> Result<(), h2::Error> {
        while !bytes.is_empty() {
            self.body.reserve_capacity(bytes.len());
            let room = std::future::poll_fn(|context| self.body.poll_capacity(context)).await;
            let room = room.unwrap_or(Ok(0))?;
            if room == 0 {
                return Err(h2::Reason::CANCEL.into());
            }
            let piece = bytes.split_to(room.min(bytes.len()));
            self.body.send_data(piece, last && bytes.is_empty())?;
        }
        Ok(())
    }
}

/// The status that a call ends with: of trailers, or of an answer that is nothing else.
///
/// # Errors
/// When the call is cut without one.
pub async fn status(answer: ResponseFuture) -> Result<String, h2::Error> {
    let of =
        |headers: &HeaderMap| headers.get("grpc-status").map(|status| status.to_str().unwrap_or_default().to_owned());
    let answer = answer.await?;
    if let Some(status) = of(answer.headers()) {
        return Ok(status);
    }
    let mut body: RecvStream = answer.into_body();
    while let Some(piece) = body.data().await {
        let _ = body.flow_control().release_capacity(piece?.len());
    }
    Ok(body.trailers().await?.as_ref().and_then(of).unwrap_or_default())
}

/// A message as gRPC frames it.
#[must_use]
pub fn framed(message: &impl Message) -> Bytes {
    let bytes = message.encode_to_vec();
    let mut frame = BytesMut::with_capacity(bytes.len() + 5);
    frame.put_u8(0);
    frame.put_u32(u32::try_from(bytes.len()).unwrap());
    frame.extend_from_slice(&bytes);
    frame.freeze()
}

/// An honest client at another address of this machine.
pub async fn neighbour(server: &Server, from: &str) -> Client {
    let endpoint = Endpoint::from_shared(server.endpoint()).unwrap().local_address(Some(from.parse().unwrap()));
    let channel: Channel = endpoint.connect().await.unwrap();
    Client::over(channel)
}

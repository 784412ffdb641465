//! Calls made of bytes, for what no well-behaved client sends.

use bytes::{Buf, BufMut, Bytes};
use futures::stream;
use hyper_util::{
    client::legacy::{Client as Http, connect::HttpConnector},
    rt::TokioExecutor,
};
use tonic::{
    Request, Status,
    body::Body,
    client::Grpc,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
    codegen::http::{Uri, uri::PathAndQuery},
    transport::Channel,
};

/// A connection that enforces nothing by itself: no deadline but the server's.
pub type Unbound = Http<HttpConnector, Body>;

/// A connection whose deadlines only the server keeps. tonic's own channel would answer for it.
#[must_use]
pub fn unbound(endpoint: &str) -> (Unbound, Uri) {
    let client = Http::builder(TokioExecutor::new()).http2_only(true).http2_adaptive_window(true).build_http();
    (client, endpoint.parse().unwrap())
}

/// Messages as the bytes they are.
#[derive(Clone, Copy, Debug, Default)]
struct Raw;

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(buffer.copy_to_bytes(buffer.remaining())))
    }
}

/// Calls a method with these messages and gives the status it ends with, and how many messages were answered.
pub async fn call(channel: Channel, path: &str, messages: Vec<Bytes>) -> (Status, usize) {
    let (status, answers) = answers(channel, path, messages).await;
    (status, answers.len())
}

/// Calls a method with these messages and gives the status it ends with, and what was answered before.
pub async fn answers(channel: Channel, path: &str, messages: Vec<Bytes>) -> (Status, Vec<Bytes>) {
    let mut grpc = Grpc::new(channel);
    grpc.ready().await.unwrap();
    let path: PathAndQuery = path.parse().unwrap();
    let mut answers = match grpc.streaming(Request::new(stream::iter(messages)), path, Raw).await {
        Ok(answers) => answers.into_inner(),
        Err(status) => return (status, Vec::new()),
    };
    let mut all = Vec::new();
    loop {
        match answers.message().await {
            Ok(Some(answer)) => all.push(answer),
            Ok(None) => return (Status::ok(""), all),
            Err(status) => return (status, all),
        }
    }
}

//! Our own calls in JSON: the same messages, in the canonical JSON of Protocol Buffers, through the same services.

use std::sync::LazyLock;

use axum::{
    http::{Method, Uri},
    response::Response,
};
use bytes::{BufMut as _, Bytes, BytesMut};
use http_body_util::{BodyExt as _, Full};
use onespace_core::{Error, Reason, Result};
use onespace_proto::status::error;
use prost_reflect::{
    DescriptorPool, DeserializeOptions, DynamicMessage, MessageDescriptor, MethodDescriptor, SerializeOptions, Value,
    prost::Message as _,
};
use tonic::{Status, body::Body, codegen::http, service::Routes};
use tower::ServiceExt as _;

use crate::{answer, body, call::Call, json::invalid};

/// What a message of an answer may take as JSON and on the way there, a byte of it: a number of four bytes is a value
/// of forty and then some fourteen letters.
pub const BYTES_OF_A_BYTE: usize = 12;

/// Before each message of gRPC: a flag, and the length.
pub const FRAME: usize = 5;

static POOL: LazyLock<Option<DescriptorPool>> =
    LazyLock::new(|| DescriptorPool::decode(onespace_proto::DESCRIPTOR).ok());

/// A method by its service and name, such as `onespace.v1.SearchService` and `Search`.
#[must_use]
pub fn method(path: &str) -> Option<MethodDescriptor> {
    let (service, method) = path.split_once('/')?;
    POOL.as_ref()?.get_service_by_name(service)?.methods().find(|other| other.name() == method)
}

/// A message by its full name.
///
/// # Errors
/// `INTERNAL` where there is none.
pub fn message(name: &str) -> Result<MessageDescriptor> {
    let found = POOL.as_ref().and_then(|pool| pool.get_message_by_name(name));
    found.ok_or_else(|| Error::internal(format!("there is no message {name}")))
}

/// Answers a call of one message: what the body says, or the query of a GET, and the parameters of the path.
///
/// # Errors
/// `FIELD_INVALID` for what is no such message; those of the call.
pub async fn unary(mut call: Call, rpc: &'static str) -> Result<Response> {
    let method = method(rpc).ok_or_else(|| Error::internal(format!("there is no method {rpc}")))?;
    let (mut message, made) = if [Method::GET, Method::DELETE].contains(call.method()) {
        (from_query(&call, method.input())?, None)
    } else {
        let (body, made) = body::json(&mut call).await?;
        (from_json(body.bytes(), method.input())?, Some(made))
    };
    for (name, value) in call.params() {
        message
            .try_set_field_by_name(name, Value::String(value.clone()))
            .map_err(|error| Error::internal(error.to_string()))?;
    }
    let request = framed(&message.encode_to_vec());
    drop(message);
    let answered = send(&call, rpc, call.request(Body::new(Full::new(request)))).await?;
    drop(made);
    let bytes = one_message(answered).await?;
    let expected = bytes.len() * BYTES_OF_A_BYTE + 4096;
    answer::json_with(&call, expected, || to_json(&bytes, method.output())).await
}

/// A call of the services, past the layers that this request has passed already.
///
/// # Errors
/// Those of the call that come before its answer.
pub async fn send(call: &Call, rpc: &str, request: tonic::Request<Body>) -> Result<http::Response<Body>> {
    let uri: Uri = format!("/{rpc}").parse().map_err(|_| Error::internal("a method that is no path"))?;
    let (metadata, extensions, body) = request.into_parts();
    let mut request = http::Request::new(body);
    *request.method_mut() = http::Method::POST;
    *request.uri_mut() = uri;
    *request.headers_mut() = metadata.into_headers();
    *request.extensions_mut() = extensions;
    request.headers_mut().insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/grpc"));
    request.headers_mut().remove(http::header::CONTENT_LENGTH);
    // Answers are read here, and are no larger than every client takes.
    request.headers_mut().remove("onespace-max-answer-bytes");
    request.headers_mut().remove("grpc-encoding");
    request.headers_mut().remove("grpc-accept-encoding");
    let routes: Routes = call.app.services.clone().routes();
    let answered = routes.oneshot(request).await.map_err(|never| Error::internal(never.to_string()))?;
    match Status::from_header_map(answered.headers()) {
        Some(status) if status.code() != tonic::Code::Ok => Err(error(&status, Reason::Internal)),
        _ => Ok(answered),
    }
}

/// A message as gRPC frames it.
#[must_use]
pub fn framed(message: &[u8]) -> Bytes {
    let mut frame = BytesMut::with_capacity(FRAME + message.len());
    frame.put_u8(0);
    frame.put_u32(u32::try_from(message.len()).unwrap_or(u32::MAX));
    frame.put_slice(message);
    frame.freeze()
}

async fn one_message(answered: http::Response<Body>) -> Result<Bytes> {
    let broken = |status: Status| error(&status, Reason::Internal);
    let collected = answered.into_body().collect().await.map_err(broken)?;
    if let Some(status) = collected.trailers().and_then(Status::from_header_map)
        && status.code() != tonic::Code::Ok
    {
        return Err(error(&status, Reason::Internal));
    }
    let bytes = collected.to_bytes();
    if bytes.len() < FRAME {
        return Err(Error::internal("an answer without a message"));
    }
    Ok(bytes.slice(FRAME..))
}

/// A message from its canonical JSON.
///
/// # Errors
/// `FIELD_INVALID`.
fn from_json(json: &[u8], message: MessageDescriptor) -> Result<DynamicMessage> {
    let mut reader = serde_json::Deserializer::from_slice(json);
    let name = message.name().to_owned();
    let wrong = |error: serde_json::Error| invalid("", format!("the body is no {name}: {error}"));
    let read =
        DynamicMessage::deserialize_with_options(message, &mut reader, &DeserializeOptions::new()).map_err(wrong)?;
    reader.end().map_err(wrong)?;
    Ok(read)
}

/// A message of what a query says: `page_size=10`.
fn from_query(call: &Call, message: MessageDescriptor) -> Result<DynamicMessage> {
    let mut fields = serde_json::Map::new();
    for (name, value) in call.query() {
        let value = match value.as_str() {
            "true" => true.into(),
            "false" => false.into(),
            _ => value.into(),
        };
        fields.insert(name, value);
    }
    let json = serde_json::to_vec(&fields).map_err(|error| Error::internal(error.to_string()))?;
    from_json(&json, message)
}

/// Canonical JSON with every field named as the .proto files name it, those that are not set left out.
///
/// # Errors
/// `INTERNAL` for bytes that are no such message.
pub fn to_json(bytes: &[u8], message: MessageDescriptor) -> Result<Vec<u8>> {
    let read = DynamicMessage::decode(message, bytes).map_err(|error| Error::internal(error.to_string()))?;
    let mut json = Vec::with_capacity(2 * bytes.len());
    let options = SerializeOptions::new().use_proto_field_name(true);
    read.serialize_with_options(&mut serde_json::Serializer::new(&mut json), &options)
        .map_err(|error| Error::internal(error.to_string()))?;
    Ok(json)
}

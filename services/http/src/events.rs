//! The messages that a call answers one after the other: as server-sent events, or as one answer.

use axum::{
    body::Body,
    http::{HeaderValue, header},
    response::Response,
};
use bytes::{Buf as _, Bytes, BytesMut};
use futures::{Stream, StreamExt as _, stream};
use http_body_util::BodyExt as _;
use onespace_core::{Error, Reason, Result};
use onespace_proto::status::error;
use serde_json::json;
use tonic::{Status, body::Body as GrpcBody};

use crate::{
    answer,
    call::Call,
    own::{BYTES_OF_A_BYTE, FRAME, message, to_json},
    refusal::Told,
};

/// One message, encoded.
pub type Event = Bytes;

/// The messages in the body of a call's answer; the error that ends it, if one does.
pub fn messages(body: GrpcBody) -> impl Stream<Item = Result<Event>> + Send + use<> {
    stream::try_unfold((body, BytesMut::new()), |(mut body, mut held)| async move {
        loop {
            if let Some(event) = take(&mut held) {
                return Ok(Some((event, (body, held))));
            }
            let Some(frame) = body.frame().await else { return Ok(None) };
            match frame.map_err(|status| failed(&status))?.into_data() {
                Ok(data) => held.extend_from_slice(&data),
                Err(trailers) => {
                    let ended = trailers.into_trailers().ok().and_then(|trailers| Status::from_header_map(&trailers));
                    if let Some(status) = ended.filter(|status| status.code() != tonic::Code::Ok) {
                        return Err(failed(&status));
                    }
                }
            }
        }
    })
}

fn failed(status: &Status) -> Error {
    error(status, Reason::Internal)
}

/// The message at the front, if all of it is here.
fn take(held: &mut BytesMut) -> Option<Event> {
    let length: [u8; 4] = held.get(1..FRAME)?.try_into().ok()?;
    let length = u32::from_be_bytes(length) as usize;
    if held.len() < FRAME + length {
        return None;
    }
    held.advance(FRAME);
    Some(held.split_to(length).freeze())
}

/// Messages as server-sent events, each its JSON; an error is an event of that name, and the last.
pub fn stream(events: impl Stream<Item = Result<Event>> + Send + 'static, name: &'static str) -> Response {
    let written = events.map(move |event| {
        let json = event.and_then(|event| to_json(&event, message(name)?));
        let text = match json {
            Ok(json) => [b"data: ".as_slice(), &json, b"\n\n"].concat(),
            Err(error) => format!("event: error\ndata: {}\n\n", json!({"error": Told::new(&error)})).into_bytes(),
        };
        Ok::<_, std::convert::Infallible>(Bytes::from(text))
    });
    let mut response = Response::new(Body::from_stream(written));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

/// One message as an answer.
///
/// # Errors
/// As [`answer::json`].
pub async fn answer(call: &Call, bytes: &[u8], name: &str) -> Result<Response> {
    let expected = bytes.len() * BYTES_OF_A_BYTE + 4096;
    answer::json_with(call, expected, || to_json(bytes, message(name)?)).await
}

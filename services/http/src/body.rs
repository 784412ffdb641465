//! The JSON body of a request: bounded in its bytes, its depth and its elements before any of it is read.

use axum::{
    body::Body,
    http::header::{CONTENT_LENGTH, CONTENT_TYPE},
};
use bytes::{Bytes, BytesMut};
use futures::StreamExt as _;
use onespace_core::{
    Error, Reason, Result,
    limits::{HTTP_BODY_BYTES, JSON_DEPTH, MESSAGE_ELEMENTS},
};
use onespace_kit::{admission::Admitted, arrival::Arrived};
use onespace_proto::status;
use tonic::Status;

use crate::{call::Call, json::Json};

/// A JSON body that is here.
#[derive(Debug)]
pub struct JsonBody {
    bytes: Bytes,
    _arrived: Option<Admitted>,
}

/// Reads the body of a request, and takes room for what will be made of it: its texts and bytes are no more than it.
///
/// # Errors
/// `BODY_UNSUPPORTED` for another type, `MEDIA_TOO_LARGE`, `QUEUE_FULL`, `STREAM_STALLED`; `FIELD_INVALID` and
/// `TOO_MANY` for JSON that is broken, too deep or of too many elements.
pub async fn json(call: &mut Call) -> Result<(JsonBody, Admitted)> {
    let is_json = |media_type: &str| media_type == "application/json" || media_type.ends_with("+json");
    let media_type = call.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    // A page of another site can send any other type without asking this server first.
    if !is_json(media_type.split(';').next().unwrap_or_default().trim()) {
        let message = format!("{media_type:.80?} is not taken here: send content-type: application/json");
        return Err(Error::new(Reason::BodyUnsupported, "", message));
    }
    let bytes = read(call).await?;
    let _arrived = call.extension::<Arrived>().and_then(|arrived| arrived.take());
    check(&bytes)?;
    let made = call.app.arrival.shared_by(call.client()).wait_bytes(bytes.len()).await?;
    Ok((JsonBody { bytes, _arrived }, made))
}

impl JsonBody {
    /// As it came.
    #[must_use]
    pub const fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// What it says.
    ///
    /// # Errors
    /// `FIELD_INVALID` for what is no JSON.
    pub fn parse(&self) -> Result<Json<'_>> {
        serde_json::from_slice(&self.bytes)
            .map_err(|error| Error::new(Reason::FieldInvalid, "", format!("the body is no JSON: {error}")))
    }
}

/// The bytes of a body, as long as there are no more than may be.
///
/// # Errors
/// `MEDIA_TOO_LARGE`; what counted them, or kept its time.
pub async fn read(call: &mut Call) -> Result<Bytes> {
    let announced = call.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    let arrived: Arrived = call.extension().unwrap_or_default();
    let mut frames = call.take_body()?.into_data_stream();
    let (mut bytes, mut came) = (BytesMut::new(), 0);
    while let Some(frame) = frames.next().await {
        let frame = frame.map_err(broken)?;
        came += frame.len();
        if came.max(announced.unwrap_or_default()) <= HTTP_BODY_BYTES {
            bytes.extend_from_slice(&frame);
            continue;
        }
        // Most clients read no answer before they have sent everything, so for a while what comes is let go of.
        bytes = BytesMut::new();
        drop(arrived.take());
        if came > LET_GO * HTTP_BODY_BYTES {
            break;
        }
    }
    if came > HTTP_BODY_BYTES { Err(too_large()) } else { Ok(bytes.freeze()) }
}

/// How much of a body that is too large is read all the same, in bodies of the size that is taken.
const LET_GO: usize = 8;

fn too_large() -> Error {
    let limit = format!("{HTTP_BODY_BYTES} bytes (HTTP_BODY_BYTES)");
    Error::too_large("", "the body", "larger", limit)
}

/// Why a body ended: what counted it says so by a status, the connection by breaking.
pub fn broken(error: axum::Error) -> Error {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&error);
    while let Some(error) = cause {
        if let Some(status) = error.downcast_ref::<Status>() {
            return status::error(status, Reason::Cancelled);
        }
        cause = error.source();
    }
    Error::new(Reason::Cancelled, "", "the body broke off")
}

/// Refuses JSON that would take more than its bytes to hold: two bytes of it can be a hundred in memory.
fn check(bytes: &[u8]) -> Result<()> {
    let (mut depth, mut elements, mut in_text, mut escaped) = (0_usize, 0_usize, false, false);
    for byte in bytes {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            _ if in_text => {}
            b'[' | b'{' => (depth, elements) = (depth + 1, elements + 1),
            b']' | b'}' => depth = depth.saturating_sub(1),
            b',' => elements += 1,
            _ => {}
        }
        if depth > JSON_DEPTH {
            let message = format!("lists and objects lie deeper than {JSON_DEPTH} in each other (JSON_DEPTH)");
            return Err(Error::new(Reason::FieldInvalid, "", message));
        }
        if elements > MESSAGE_ELEMENTS {
            let message = format!(
                "the body has more than {MESSAGE_ELEMENTS} elements (MESSAGE_ELEMENTS); if they are token ids, send \
                 texts: {SWITCH}"
            );
            return Err(Error::new(Reason::TooMany, "", message));
        }
    }
    Ok(())
}

/// What turns token ids off in the client that sends them.
pub const SWITCH: &str = "OpenAIEmbeddings of LangChain does so with check_embedding_ctx_length=False";

/// A body that is read as it comes.
///
/// # Errors
/// As [`Call::take_body`].
pub fn stream(call: &mut Call) -> Result<impl futures::Stream<Item = Result<Bytes>> + use<>> {
    let body: Body = call.take_body()?;
    Ok(body.into_data_stream().map(|frame| frame.map_err(broken)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_deep_or_has_too_many_elements_is_refused_before_it_is_read() {
        let reason = |text: &str| check(text.as_bytes()).unwrap_err().reason;
        assert_eq!(reason(&"[".repeat(JSON_DEPTH + 1)), Reason::FieldInvalid);
        assert_eq!(reason(&format!("[{}0]", "0,".repeat(MESSAGE_ELEMENTS + 1))), Reason::TooMany);
        assert!(check("[".repeat(JSON_DEPTH).as_bytes()).is_ok());
        let text = format!("\"{}\\\"{}\"", "[,".repeat(MESSAGE_ELEMENTS), "[,".repeat(9));
        assert!(check(text.as_bytes()).is_ok(), "in a text they are letters");
    }
}

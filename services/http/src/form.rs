//! Forms: the parts of a multipart body, each read as it comes and no further than it may be long.

use std::{mem, task::Poll};

use axum::http::header::CONTENT_TYPE;
use bytes::{Bytes, BytesMut};
use futures::{Stream, stream};
use multer::{Field, Multipart};
use onespace_core::{Error, Reason, Result};

use crate::{body, call::Call, json::invalid};

/// Whether a request's body is a form.
#[must_use]
pub fn is_form(call: &Call) -> bool {
    media_type(call).starts_with("multipart/form-data")
}

/// What a request says its body is.
#[must_use]
pub fn media_type(call: &Call) -> &str {
    call.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// The parts of a form.
///
/// # Errors
/// `BODY_UNSUPPORTED` for what is none.
pub fn parts(call: &mut Call) -> Result<Multipart<'static>> {
    let boundary = multer::parse_boundary(media_type(call)).map_err(|error| {
        Error::new(Reason::BodyUnsupported, "", format!("send a form as multipart/form-data: {error}"))
    })?;
    Ok(Multipart::new(one_by_one(body::stream(call)?), boundary))
}

/// The reader of forms takes what there is until nothing is there at once, a whole file if it comes fast. So after each
/// piece nothing is.
fn one_by_one(pieces: impl Stream<Item = Result<Bytes>> + Send + 'static) -> impl Stream<Item = Result<Bytes>> + Send {
    let (mut pieces, mut given) = (Box::pin(pieces), false);
    stream::poll_fn(move |context| {
        if mem::take(&mut given) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let next = pieces.as_mut().poll_next(context);
        given = next.is_ready();
        next
    })
}

/// A part as bytes.
///
/// # Errors
/// `MEDIA_TOO_LARGE`; what broke the form off.
pub async fn bytes(mut field: Field<'static>, name: &str, most: usize) -> Result<Bytes> {
    let mut bytes = BytesMut::new();
    while let Some(chunk) = field.chunk().await.map_err(broken)? {
        if bytes.len() + chunk.len() > most {
            return Err(Error::too_large(name, "its size", "more", format!("{most} bytes")));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes.freeze())
}

/// A part as a text.
///
/// # Errors
/// As [`bytes`]; `FIELD_INVALID` for what is no UTF-8.
pub async fn text(field: Field<'static>, name: &str, most: usize) -> Result<String> {
    String::from_utf8(bytes(field, name, most).await?.into()).map_err(|_| invalid(name, "it is no UTF-8"))
}

/// Why a form broke off: its body may say so itself.
#[must_use]
pub fn broken(error: multer::Error) -> Error {
    match error {
        multer::Error::StreamReadFailed(cause) => match cause.downcast::<Error>() {
            Ok(error) => *error,
            Err(other) => invalid("", format!("the form broke off: {other}")),
        },
        other => invalid("", format!("the form cannot be read: {other}")),
    }
}

//! Errors over HTTP: the body that OpenAI's clients read, with a status from the one table of reasons.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header::RETRY_AFTER},
    response::{IntoResponse as _, Response},
};
use onespace_core::{Code, Error};
use serde::Serialize;

/// `{"error": {…}}`.
#[derive(Debug, Serialize)]
pub struct Envelope<'a> {
    error: Told<'a>,
    /// Where Cohere's clients look.
    message: &'a str,
}

/// What is told of an error: in the body of an answer, and beside an input that failed alone.
#[derive(Clone, Debug, Serialize)]
pub struct Told<'a> {
    message: &'a str,
    r#type: &'static str,
    /// The part of the request to blame, as a path such as `input[3]`.
    param: Option<&'a str>,
    /// The name of the reason.
    code: &'static str,
}

impl<'a> Told<'a> {
    /// What is told of an error.
    #[must_use]
    pub fn new(error: &'a Error) -> Self {
        Self {
            message: &error.message,
            r#type: kind(error.code()),
            param: Some(error.field.as_str()).filter(|field| !field.is_empty()),
            code: error.reason.name(),
        }
    }
}

/// The kinds that OpenAI tells apart.
const fn kind(code: Code) -> &'static str {
    match code {
        Code::Unauthenticated => "authentication_error",
        Code::PermissionDenied => "permission_error",
        Code::NotFound => "not_found_error",
        Code::ResourceExhausted => "rate_limit_error",
        Code::Internal | Code::Unavailable | Code::DeadlineExceeded | Code::Unimplemented => "server_error",
        Code::Cancelled | Code::InvalidArgument | Code::AlreadyExists | Code::FailedPrecondition => {
            "invalid_request_error"
        }
    }
}

/// An error as an answer. Whoever should come again is told when: at once is a second to HTTP.
#[must_use]
pub fn refusal(error: &Error) -> Response {
    let status = StatusCode::from_u16(error.reason.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, Json(Envelope { error: Told::new(error), message: &error.message })).into_response();
    let pause = error.retry_after.map(|pause| pause.as_millis().div_ceil(1000).max(1));
    let pause = pause.or_else(|| (status == StatusCode::SERVICE_UNAVAILABLE).then_some(1));
    if let Some(seconds) = pause.and_then(|pause| HeaderValue::try_from(pause.to_string()).ok()) {
        response.headers_mut().insert(RETRY_AFTER, seconds);
    }
    response
}

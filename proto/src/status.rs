//! The one place where errors meet status codes.

use std::time::Duration;

use onespace_core::{Code, Error, Reason};
use tonic::Status;
use tonic_types::{ErrorDetails, StatusExt};

use crate::v1;

/// The domain of `google.rpc.ErrorInfo`.
pub const DOMAIN: &str = "onespace.v1";

/// The canonical number of a code.
#[must_use]
pub const fn grpc_code(code: Code) -> tonic::Code {
    match code {
        Code::Cancelled => tonic::Code::Cancelled,
        Code::InvalidArgument => tonic::Code::InvalidArgument,
        Code::DeadlineExceeded => tonic::Code::DeadlineExceeded,
        Code::NotFound => tonic::Code::NotFound,
        Code::AlreadyExists => tonic::Code::AlreadyExists,
        Code::PermissionDenied => tonic::Code::PermissionDenied,
        Code::ResourceExhausted => tonic::Code::ResourceExhausted,
        Code::FailedPrecondition => tonic::Code::FailedPrecondition,
        Code::Unimplemented => tonic::Code::Unimplemented,
        Code::Internal => tonic::Code::Internal,
        Code::Unavailable => tonic::Code::Unavailable,
        Code::Unauthenticated => tonic::Code::Unauthenticated,
    }
}

/// A request's failure: code, message, and ErrorInfo, BadRequest and RetryInfo where they apply. A pause also goes
/// into the metadata `grpc-retry-pushback-ms`, which gRPC clients honour by themselves.
#[must_use]
pub fn status(error: &Error) -> Status {
    let mut details = ErrorDetails::new();
    details.set_error_info(error.reason.name(), DOMAIN, [("field".to_owned(), error.field.clone())]);
    if error.code() == Code::InvalidArgument && !error.field.is_empty() {
        details.add_bad_request_violation(&error.field, &error.message);
    }
    if let Some(pause) = error.retry_after {
        details.set_retry_info(Some(pause));
    }
    let mut status = Status::with_error_details(grpc_code(error.code()), error.to_string(), details);
    if let Some(pause) = error.retry_after
        && let Ok(value) = pause.as_millis().to_string().parse()
    {
        status.metadata_mut().insert("grpc-retry-pushback-ms", value);
    }
    status
}

/// What a status of another onespace process says; what a stranger's status says becomes `otherwise`.
#[must_use]
pub fn error(status: &Status, otherwise: Reason) -> Error {
    let details = status.get_error_details();
    let reason = details.error_info().and_then(|info| {
        Reason::ALL.iter().copied().find(|reason| info.domain == DOMAIN && reason.name() == info.reason)
    });
    let Some(reason) = reason else {
        let reason = match status.code() {
            tonic::Code::DeadlineExceeded => Reason::DeadlineExceeded,
            // tonic answers an expired deadline with CANCELLED and this message.
            tonic::Code::Cancelled if status.message().contains("Timeout expired") => Reason::DeadlineExceeded,
            tonic::Code::Cancelled => Reason::Cancelled,
            _ => otherwise,
        };
        return Error::new(reason, "", format!("{}: {}", status.code(), status.message()));
    };
    let field = details.error_info().and_then(|info| info.metadata.get("field").cloned()).unwrap_or_default();
    let message = status.message().strip_prefix(&format!("{field}: ")).unwrap_or(status.message());
    let mut error = Error::new(reason, field, message);
    error.retry_after = details.retry_info().and_then(|info| info.retry_delay);
    error
}

/// One item's failure within a request that did not fail.
#[must_use]
pub fn item_error(error: &Error) -> v1::ItemError {
    v1::ItemError {
        code: grpc_code(error.code()) as i32,
        reason: error.reason.name().to_owned(),
        field: error.field.clone(),
        message: error.message.clone(),
        retry_after_ms: error.retry_after.as_ref().map_or(0, Duration::as_millis).try_into().unwrap_or(u64::MAX),
    }
}

/// What one item's failure says; a reason that this version does not know is a defect of whoever gave it.
#[must_use]
pub fn item_error_in(error: &v1::ItemError) -> Error {
    let reason = Reason::ALL.iter().copied().find(|reason| reason.name() == error.reason);
    let pause = (error.retry_after_ms > 0).then(|| Duration::from_millis(error.retry_after_ms));
    let (field, message) = (error.field.clone(), error.message.clone());
    Error { reason: reason.unwrap_or(Reason::Internal), field, message, retry_after: pause }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_survive_the_wire() {
        for &reason in Reason::ALL {
            let sent = Error::new(reason, "items[1].bytes", "because").retry_after(Duration::from_millis(250));
            assert_eq!(error(&status(&sent), Reason::Internal), sent);
            assert_eq!(item_error_in(&item_error(&sent)), sent);
        }
        let foreign = Status::unavailable("connection refused");
        assert_eq!(error(&foreign, Reason::EncoderUnavailable).reason, Reason::EncoderUnavailable);
        assert_eq!(error(&Status::cancelled("Timeout expired"), Reason::Internal).reason, Reason::DeadlineExceeded);
    }
}

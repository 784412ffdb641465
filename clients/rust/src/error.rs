//! Why a call failed, or one item of it.

use std::{fmt, time::Duration};

use onespace_core::Reason;
use onespace_proto::{status, v1};
use tonic::{Code, Status};

use crate::patience::Refusal;

/// What everything here returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The reason where no server answers.
pub const UNREACHABLE: &str = "UNREACHABLE";

/// The reason where the server ended an answer before it said what became of an item.
pub const UNANSWERED: &str = "UNANSWERED";

/// The reason where an item could not be loaded on this side.
pub const UNREADABLE: &str = "UNREADABLE";

/// What failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// There is no connection.
    Connection,
    /// A call as a whole.
    Call,
    /// One item; others of the same call may have gone well.
    Item,
}

/// Why something failed: the reason, the field that is to blame, a sentence that names cause and limit.
#[derive(Debug)]
pub struct Error {
    /// What failed.
    pub scope: Scope,
    /// The status code.
    pub code: Code,
    /// The name of the reason: that of a [`Reason`], or one that a later server knows, or one of this crate's own.
    pub reason: String,
    /// The field to blame, as a path (`items[3].bytes`), empty when no field is.
    pub field: String,
    /// A sentence for people.
    pub message: String,
    /// The pause that the server asked for.
    pub retry_after: Option<Duration>,
    /// How long to wait before the next try, if trying again can help.
    pause: Option<Duration>,
    /// Boxed twice: an error is moved with every result, and few have one.
    cause: Option<Box<Cause>>,
}

type Cause = Box<dyn std::error::Error + Send + Sync>;

impl Error {
    /// An error of this side about one item.
    pub fn of_item(reason: impl Into<String>, message: impl Into<String>) -> Self {
        Self::local(Scope::Item, Code::Unknown, reason.into(), message.into())
    }

    /// An error of the configuration: the field says of what.
    pub(crate) fn config(field: &str, message: String, cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        let error = Self::local(Scope::Connection, Code::InvalidArgument, Reason::FieldInvalid.name().into(), message);
        Self { field: field.to_owned(), cause: Some(Box::new(Box::new(cause))), ..error }
    }

    pub(crate) fn unreachable(endpoint: &str, cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        let message = format!("no server answers at {endpoint}");
        let error = Self::local(Scope::Connection, Code::Unavailable, UNREACHABLE.to_owned(), message);
        Self { cause: Some(Box::new(Box::new(cause))), ..error }
    }

    pub(crate) fn unanswered() -> Self {
        let message = "the server answered nothing".to_owned();
        Self::local(Scope::Call, Code::Unknown, UNANSWERED.to_owned(), message)
    }

    fn local(scope: Scope, code: Code, reason: String, message: String) -> Self {
        Self { scope, code, reason, field: String::new(), message, retry_after: None, pause: None, cause: None }
    }

    /// The reason as this version knows it.
    #[must_use]
    pub fn known_reason(&self) -> Option<Reason> {
        Reason::ALL.iter().copied().find(|reason| reason.name() == self.reason)
    }
}

impl From<Status> for Error {
    fn from(status: Status) -> Self {
        let error = status::error(&status, Reason::Internal);
        Self {
            scope: Scope::Call,
            code: status.code(),
            reason: error.reason.name().to_owned(),
            field: error.field,
            message: error.message,
            retry_after: error.retry_after,
            pause: status.pause(),
            cause: None,
        }
    }
}

impl From<v1::ItemError> for Error {
    fn from(error: v1::ItemError) -> Self {
        Self {
            scope: Scope::Item,
            code: Code::from_i32(error.code),
            pause: error.pause(),
            retry_after: (error.retry_after_ms > 0).then(|| Duration::from_millis(error.retry_after_ms)),
            reason: error.reason,
            field: error.field,
            message: error.message,
            cause: None,
        }
    }
}

impl Refusal for Error {
    fn pause(&self) -> Option<Duration> {
        self.pause
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.field.is_empty() {
            write!(f, "{}", self.message)
        } else {
            write!(f, "{}: {}", self.field, self.message)
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(self.cause.as_ref()?.as_ref().as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_says_is_kept() {
        let pause = Duration::from_millis(250);
        let sent = onespace_core::Error::new(Reason::QueueFull, "items[1]", "because").retry_after(pause);
        for (error, scope) in
            [(Error::from(status::status(&sent)), Scope::Call), (Error::from(status::item_error(&sent)), Scope::Item)]
        {
            assert_eq!((error.scope, error.code), (scope, Code::ResourceExhausted));
            assert_eq!((error.known_reason(), error.retry_after), (Some(Reason::QueueFull), Some(pause)));
            assert_eq!((error.to_string().as_str(), error.pause()), ("items[1]: because", Some(pause)));
        }
        let later = v1::ItemError { reason: "TOO_BRIGHT".to_owned(), ..Default::default() };
        let later = Error::from(later);
        assert_eq!((later.reason.as_str(), later.known_reason(), later.pause()), ("TOO_BRIGHT", None, None));
    }
}

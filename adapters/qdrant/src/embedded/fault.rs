//! What is said when the embedded store fails.

use onespace_core::{Error, Reason};

/// What it was to do, and what came of it.
pub(super) fn failed(what: &str, error: impl std::fmt::Display) -> Error {
    Error::new(Reason::StoreFailed, "", format!("the embedded store could not {what}: {error}"))
}

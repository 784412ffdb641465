//! What is said of a field that is wrong, and how deep fields may nest.

use onespace_core::{Error, Reason};

/// How deep a filter may nest, and metadata: recursion follows what a stranger sent.
pub(crate) const DEPTH_MAX: usize = 8;

pub(crate) fn invalid(field: &str, message: impl Into<String>) -> Error {
    Error::new(Reason::FieldInvalid, field, message)
}

pub(crate) fn required(field: &str) -> Error {
    Error::new(Reason::FieldRequired, field, "must be set")
}

//! What tables are checked for, and what is said of those that are wrong.

use onespace_core::{Error, Reason, Result};

/// The largest tensor side or count that a manifest may ask for: a wrong zero must not exhaust the memory.
pub const COUNT_MAX: usize = 1 << 20;

/// A fault of a bundle, at a key or file.
pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> Error {
    Error::new(Reason::BundleInvalid, field, message)
}

/// Refuses an empty name.
///
/// # Errors
/// `BUNDLE_INVALID`.
pub fn named(key: &str, name: &str) -> Result<()> {
    if name.is_empty() { Err(invalid(key, "must not be empty")) } else { Ok(()) }
}

/// Refuses a number outside its range, whose ends are in it.
///
/// # Errors
/// `BUNDLE_INVALID`.
pub fn within(field: &str, value: usize, least: usize, most: usize) -> Result<()> {
    if (least..=most).contains(&value) {
        Ok(())
    } else {
        Err(invalid(field, format!("{value} is not between {least} and {most}")))
    }
}

/// Refuses numbers that cannot be divided by.
///
/// # Errors
/// `BUNDLE_INVALID`.
pub fn divisor(field: &str, values: &[f32]) -> Result<()> {
    if values.iter().all(|value| value.is_finite() && *value != 0.0) {
        return Ok(());
    }
    Err(invalid(field, format!("{values:?} must be finite and not zero")))
}

//! Which keys are written down: for the attributes of serde.

/// Whether a key has its default and is not written down.
pub fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// A flag that is set unless the manifest says otherwise.
#[must_use]
pub const fn set() -> bool {
    true
}

/// Whether such a flag has its default.
#[must_use]
pub const fn is_set(value: &bool) -> bool {
    *value
}

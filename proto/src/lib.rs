//! The wire: onespace.v1, generated code, and total conversions between wire and core.

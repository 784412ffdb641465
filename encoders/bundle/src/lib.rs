//! What a model bundle is.
//!
//! A bundle is a directory that defines a space: `bundle.toml`, ONNX graphs, a tokenizer, alignments, golden
//! vectors, a licence. The manifest says how bytes become tensors, as data: [`preprocess`] holds those types,
//! and the encoders read them. The [`Bundle`] a program holds has been verified: every file is there and has
//! the digest that the manifest states, so its fingerprint speaks for the bytes.

pub mod manifest;
pub mod preprocess;
mod reading;
mod verify;

pub use manifest::{Golden, Manifest, Tower};
pub use reading::PairScale;
pub use verify::{Bundle, MANIFEST_FILE, file_digest};

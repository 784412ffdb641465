//! What a model bundle is.
//!
//! A bundle is a directory that defines a space: `bundle.toml`, ONNX graphs, a tokenizer, alignments, golden
//! vectors, a license. The manifest says how bytes become tensors, as data: the types are those of the
//! encoders' crates, one [family](onespace_family::Family) for each modality, and [`towers`] lists them. The
//! [`Bundle`] a program holds has been verified: every file is there and has the digest that the manifest states, so
//! its fingerprint speaks for the bytes.

pub mod compose;
mod entry;
mod expected;
mod format;
pub mod graph;
pub mod manifest;
mod reading;
pub mod recipe;
mod schema;
mod sound;
pub mod tower;
pub mod towers;
pub mod transcriber;
mod verify;

pub use entry::{FileEntry, file_digest};
pub use expected::{Expected, Met, Score};
pub use format::FORMATS;
pub use graph::Precision;
pub use manifest::{Manifest, Provenance};
pub use reading::{PairScale, Talk};
pub use recipe::Recipe;
pub use schema::manifest_schema;
pub use sound::{Sound, listeners};
pub use tower::{Golden, Tower, TowerHead};
pub use verify::{Bundle, MANIFEST_FILE};

//! The wire: `onespace.v1` and the internal `onespace.encoder.v1`.
//!
//! Generated code lives in `OUT_DIR` only. [`convert`] holds the conversions between wire and core, all of them
//! total: an unknown enum value or an empty oneof is an error that names its field, never a panic.
//! [`codec`] counts what comes before it is decoded.
//! [`space`] holds those of what a server says of its space.
//! [`status`] turns a core error into a `tonic::Status` with its `google.rpc` details, and back.

pub mod codec;
pub mod convert;
mod elements;
pub mod filter;
pub mod space;
pub mod status;

/// The public contract.
#[allow(missing_docs, clippy::all, clippy::pedantic)]
pub mod v1 {
    tonic::include_proto!("onespace.v1");
}

/// What a gateway asks of an encoder.
pub mod encoder {
    /// Version 1.
    #[allow(missing_docs, clippy::all, clippy::pedantic)]
    pub mod v1 {
        tonic::include_proto!("onespace.encoder.v1");
    }
}

/// The descriptor of every service here, as reflection serves it.
pub const DESCRIPTOR: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/onespace.binpb"));

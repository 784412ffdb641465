//! The wire: `onespace.v1` and the internal `onespace.encoder.v1`.
//!
//! Generated code lives in `OUT_DIR` only. [`convert`] holds the conversions between wire and core, all of them
//! total: an unknown enum value or an empty oneof is an error that names its field, never a panic.
//! [`codec`] counts what comes before it is decoded.
//! [`space`] holds those of what a server says of its space.
//! [`transcript`] holds those of what a transcriber hears.
//! [`status`] turns a core error into a `tonic::Status` with its `google.rpc` details, and back.

use std::collections::BTreeSet;

use prost::Message as _;
use prost_types::{FileDescriptorSet, MethodDescriptorProto, method_options::IdempotencyLevel};

pub mod codec;
pub mod convert;
mod elements;
mod fields;
pub mod filter;
pub mod metadata;
pub mod options;
pub mod report;
pub mod space;
pub mod status;
pub mod transcript;
pub mod vector;
pub mod view;

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

/// The paths of the methods whose clients send a stream of messages.
#[must_use]
pub fn client_streaming_methods() -> BTreeSet<String> {
    methods(MethodDescriptorProto::client_streaming)
}

/// The paths of all methods, and of those that every server has beside them.
#[must_use]
pub fn all_methods() -> BTreeSet<String> {
    let reflection =
        ["v1", "v1alpha"].map(|version| format!("/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo"));
    methods(|_| true).into_iter().chain(reflection).collect()
}

/// The paths of the methods that change nothing.
#[must_use]
pub fn methods_without_effects() -> BTreeSet<String> {
    methods(|method| {
        let options = method.options.as_ref();
        options.is_some_and(|options| options.idempotency_level() == IdempotencyLevel::NoSideEffects)
    })
}

fn methods(which: impl Fn(&MethodDescriptorProto) -> bool) -> BTreeSet<String> {
    // It was written by the compiler of this very crate; a test reads it.
    let files = FileDescriptorSet::decode(DESCRIPTOR).unwrap_or_default();
    let services = files.file.iter().flat_map(|file| file.service.iter().map(move |service| (file, service)));
    let methods = services.flat_map(|(file, service)| service.method.iter().map(move |method| (file, service, method)));
    methods
        .filter(|(_, _, method)| which(method))
        .map(|(file, service, method)| format!("/{}.{}/{}", file.package(), service.name(), method.name()))
        .collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_methods_that_take_streams_are_known() {
        let methods: Vec<_> = super::client_streaming_methods().into_iter().collect();
        let expected = [
            "/onespace.encoder.v1.EncoderService/Encode",
            "/onespace.encoder.v1.TranscriberService/Transcribe",
            "/onespace.v1.CollectionService/Ingest",
            "/onespace.v1.EmbeddingService/EmbedFile",
            "/onespace.v1.EmbeddingService/EmbedStream",
        ];
        assert_eq!(methods, expected);
    }

    #[test]
    fn the_methods_that_change_something_are_told_from_the_others() {
        let reading = super::methods_without_effects();
        assert!(reading.contains("/onespace.v1.SearchService/Search"));
        assert!(reading.contains("/onespace.v1.EmbeddingService/EmbedStream"));
        for writing in ["CreateCollection", "DeleteCollection", "IndexFields", "Ingest", "UpdateItem", "DeleteItems"] {
            assert!(!reading.contains(&format!("/onespace.v1.CollectionService/{writing}")), "{writing}");
        }
    }
}

//! The wire: `onespace.v1` and the internal `onespace.encoder.v1`.
//!
//! Generated code lives in `OUT_DIR` only. [`convert`] holds the conversions between wire and core, all of them
//! total: an unknown enum value or an empty oneof is an error that names its field, never a panic.
//! [`codec`] counts what comes before it is decoded.
//! [`space`] holds those of what a server says of its space.
//! [`transcript`] holds those of what a transcriber hears.
//! [`status`] turns a core error into a `tonic::Status` with its `google.rpc` details, and back.

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
pub fn client_streaming_methods() -> std::collections::BTreeSet<String> {
    use prost::Message as _;
    // It was written by the compiler of this very crate; a test reads it.
    let files = prost_types::FileDescriptorSet::decode(DESCRIPTOR).unwrap_or_default();
    let services = files.file.iter().flat_map(|file| file.service.iter().map(move |service| (file, service)));
    let methods = services.flat_map(|(file, service)| service.method.iter().map(move |method| (file, service, method)));
    methods
        .filter(|(_, _, method)| method.client_streaming())
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
}

//! Generates the wire's types and services into `OUT_DIR`, with the descriptor that reflection serves.

use std::{env, path::PathBuf};

const FILES: [&str; 7] = [
    "onespace/v1/types.proto",
    "onespace/v1/embedding.proto",
    "onespace/v1/search.proto",
    "onespace/v1/collection.proto",
    "onespace/v1/space.proto",
    "onespace/encoder/v1/encoder.proto",
    "onespace/encoder/v1/transcriber.proto",
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let descriptor = PathBuf::from(env::var("OUT_DIR")?).join("onespace.binpb");
    let mut config = tonic_prost_build::Config::new();
    // The codec has to know which message it decodes.
    config.enable_type_names();
    tonic_prost_build::configure()
        .file_descriptor_set_path(descriptor)
        // Media are shared, not copied, on their way from the socket to the decoder.
        .bytes(".onespace")
        .codec_path("crate::codec::BoundedCodec")
        .compile_with_config(config, &FILES, &["."])?;
    Ok(())
}

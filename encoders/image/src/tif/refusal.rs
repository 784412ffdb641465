//! Sentences for what is not decoded.

use onespace_core::{Error, limits};
use tiff::TiffError;

/// A TIFF of a kind that is not decoded, by its name.
pub fn refuse(what: &str) -> Error {
    let way_out = "save it as RGB or grey of 8 or 16 bits, with LZW or Deflate compression or none";
    Error::unsupported("bytes", format!("a TIFF with {what} is not decoded here: {way_out}"))
}

/// What the reader of directories found wrong.
pub fn explain(error: &TiffError) -> Error {
    match error {
        TiffError::UnsupportedError(_) => {
            let way_out = "save it as RGB or grey of 8 or 16 bits";
            Error::unsupported("bytes", format!("the TIFF cannot be decoded: {error}; {way_out}"))
        }
        TiffError::LimitsExceeded => Error::too_large(
            "bytes",
            "the memory that decoding takes",
            "more than allowed",
            format_args!("{} bytes", limits::IMAGE_DECODED_BYTES),
        ),
        _ => Error::malformed("bytes", format!("the TIFF cannot be decoded: {error}")),
    }
}

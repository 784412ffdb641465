//! The bytes of a glTF: what is around the JSON, and what it names.

use std::borrow::Cow;

use base64::{Engine, alphabet, engine::GeneralPurpose, engine::general_purpose::GeneralPurposeConfig};
use onespace_core::{Error, Patience, Result};

use super::document::{Buffer, Document, Index, broken, entry, without};

/// Base64 as programs write it, with or without padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(base64::engine::DecodePaddingMode::Indifferent),
);

/// What the parts of a GLB are called.
const JSON: &[u8] = b"JSON";
const BINARY: &[u8] = b"BIN\0";

/// The JSON of a file, and the bytes that stand beside it where it is a GLB.
///
/// # Errors
/// `MEDIA_MALFORMED`; `MEDIA_UNSUPPORTED` for version 1.
pub fn parts(bytes: &[u8]) -> Result<(&[u8], Option<&[u8]>)> {
    let Some(rest) = bytes.strip_prefix(b"glTF") else { return Ok((bytes, None)) };
    let (version, rest) = number(rest).ok_or_else(|| broken("ends within its head"))?;
    if version != 2 {
        return Err(Error::unsupported("bytes", format!("GLB {version} is not read here: save it as glTF 2.0")));
    }
    let (length, _) = number(rest).ok_or_else(|| broken("ends within its head"))?;
    if length as usize > bytes.len() {
        return Err(broken(&format!("says that it has {length} bytes, there are {}", bytes.len())));
    }
    let rest = bytes.get(12..length as usize).ok_or_else(|| broken("ends within its head"))?;
    let (kind, json, rest) = chunk(rest).ok_or_else(|| broken("ends within its JSON"))?;
    if kind != JSON {
        return Err(broken("does not begin with its JSON"));
    }
    let binary = chunk(rest).filter(|(kind, ..)| *kind == BINARY).map(|(_, binary, _)| binary);
    Ok((json, binary))
}

/// The kind of a part, what is in it, and what stands behind.
fn chunk(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let (length, rest) = number(bytes)?;
    let (kind, rest) = rest.split_at_checked(4)?;
    let (content, rest) = rest.split_at_checked(length as usize)?;
    Some((kind, content, rest))
}

fn number(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (number, rest) = bytes.split_first_chunk::<4>()?;
    Some((u32::from_le_bytes(*number), rest))
}

/// How many bytes it takes to unpack what is written in the JSON itself.
pub fn unpacked_bytes(document: &Document<'_>) -> usize {
    let uris = document.buffers.iter().map(|buffer| &buffer.uri).chain(document.images.iter().map(|image| &image.uri));
    uris.flatten().map(|uri| uri.len() / 4 * 3).sum()
}

/// All buffers, unpacked.
#[derive(Debug)]
pub struct Buffers<'a> {
    buffers: Vec<Cow<'a, [u8]>>,
}

impl<'a> Buffers<'a> {
    /// Those of a document.
    ///
    /// # Errors
    /// `MEDIA_MALFORMED`; `MEDIA_UNSUPPORTED` for a file beside this one, by its name; what `patience` says when it is
    /// over.
    pub fn new(document: &Document<'_>, binary: Option<&'a [u8]>, patience: &Patience) -> Result<Self> {
        let bytes = |(number, buffer): (usize, &Buffer<'_>)| {
            patience.check("while the buffers were unpacked")?;
            match (&buffer.uri, binary) {
                (Some(uri), _) => embedded(uri).map(Cow::from),
                (None, Some(binary)) if number == 0 => Ok(Cow::from(binary)),
                _ => Err(broken(&format!("has no bytes for buffer {number}"))),
            }
        };
        let buffers = document.buffers.iter().enumerate().map(bytes).collect::<Result<_>>()?;
        Ok(Self { buffers })
    }

    /// The bytes of a view, and how far apart its elements are where it says so.
    ///
    /// # Errors
    /// `MEDIA_MALFORMED` where there are none; `MEDIA_UNSUPPORTED` where they are compressed.
    pub fn view(&self, document: &Document<'_>, index: Index) -> Result<(&[u8], Option<usize>)> {
        let view = entry(&document.buffer_views, index, "buffer view")?;
        if view.extensions.meshopt.is_some() {
            return Err(without("EXT_meshopt_compression"));
        }
        let buffer = entry(&self.buffers, view.buffer, "buffer")?;
        let end = view.byte_offset.checked_add(view.byte_length);
        let bytes = end.and_then(|end| buffer.get(view.byte_offset..end));
        let bytes = bytes.ok_or_else(|| broken(&format!("has a buffer view {index} beyond its buffer")))?;
        Ok((bytes, view.byte_stride))
    }
}

/// The bytes that a URI holds.
///
/// # Errors
/// `MEDIA_UNSUPPORTED` for a file beside this one, by its name; `MEDIA_MALFORMED`.
pub fn embedded(uri: &str) -> Result<Vec<u8>> {
    let Some(data) = uri.strip_prefix("data:") else {
        let name: String = uri.chars().take(80).collect();
        let message = format!("the glTF needs the file \"{name}\" beside it: save it as GLB, which holds everything");
        return Err(Error::unsupported("bytes", message));
    };
    let text = data.split_once(',').filter(|(kind, _)| kind.ends_with(";base64")).map(|(_, text)| text);
    let text = text.ok_or_else(|| broken("has a data URI that is not base64"))?;
    BASE64.decode(text).map_err(|error| broken(&format!("has a data URI that cannot be read: {error}")))
}

//! Media, and questions of them, in a word.

use bytes::Bytes;
use onespace_core::{Content, ContentHash, Modality};
use onespace_proto::{
    convert::{media_in, media_out},
    v1::{Media, QueryPart, media::Content as WireContent, query_part::Part},
};

/// A text.
pub fn text(text: impl Into<String>) -> Media {
    media_out(Content::Text(text.into()), None)
}

/// The bytes of a file, whose modality the content tells.
pub fn bytes(bytes: impl Into<Bytes>) -> Media {
    media_out(Content::Bytes(bytes.into()), None)
}

/// The modality of a media of one file, and the hash that a server knows its content by; nothing where it would refuse
/// the media.
#[must_use]
pub fn hashed(media: &Media) -> Option<(Modality, ContentHash)> {
    let [(media, _)] = <[_; 1]>::try_from(media_in(media.clone()).ok()?).ok()?;
    let (bytes, modality) = media.resolve().ok()?;
    Some((modality, ContentHash::of(modality, &bytes)))
}

/// A part of a question.
#[must_use]
pub fn query_part(media: Media) -> QueryPart {
    QueryPart { part: Some(Part::Media(media)), ..Default::default() }
}

/// How many bytes of content a message with this media holds.
pub(crate) fn content_bytes(media: &Media) -> usize {
    match &media.content {
        Some(WireContent::Data(bytes)) => bytes.len(),
        Some(WireContent::Text(text) | WireContent::Uri(text)) => text.len(),
        Some(WireContent::Parts(parts)) => {
            parts.parts.iter().filter_map(|part| part.media.as_ref()).map(content_bytes).sum()
        }
        None => 0,
    }
}

/// The content, if it has to be sent in chunks.
pub(crate) fn chunked(media: &Media) -> Option<&Bytes> {
    match &media.content {
        Some(WireContent::Data(bytes)) if bytes.len() > onespace_core::limits::CHUNK_BYTES => Some(bytes),
        _ => None,
    }
}

//! Wire to core and back. Everything that comes in is checked here; what goes out cannot fail.

use std::collections::BTreeMap;

use bytes::Bytes;
use onespace_core::{
    Content, Embedding, Error, Media, Modality, Point, Purpose, Reason, Result, Space, Span, Timings, Track,
    limits::{MEDIA_TYPE_BYTES, METADATA_BYTES, METADATA_FIELDS, check_text},
};
use prost_types::{ListValue, Struct, Value, value::Kind};
use serde_json::{Map, Number, Value as Json};

use crate::{encoder, v1};

pub(crate) fn invalid(field: &str, message: impl Into<String>) -> Error {
    Error::new(Reason::FieldInvalid, field, message)
}

pub(crate) fn required(field: &str) -> Error {
    Error::new(Reason::FieldRequired, field, "must be set")
}

/// A modality, `None` where it was left to the content.
///
/// # Errors
/// `FIELD_INVALID` for a number that this version does not know.
pub fn modality_in(number: i32) -> Result<Option<Modality>> {
    match v1::Modality::try_from(number) {
        Ok(v1::Modality::Unspecified) => Ok(None),
        Ok(v1::Modality::Text) => Ok(Some(Modality::Text)),
        Ok(v1::Modality::Image) => Ok(Some(Modality::Image)),
        Ok(v1::Modality::Audio) => Ok(Some(Modality::Audio)),
        Ok(v1::Modality::Video) => Ok(Some(Modality::Video)),
        Ok(v1::Modality::PointCloud) => Ok(Some(Modality::PointCloud)),
        Err(_) => Err(invalid("modality", format!("{number} is no modality of this version"))),
    }
}

/// A modality that must be named.
///
/// # Errors
/// `FIELD_REQUIRED` when it is unspecified, `FIELD_INVALID` when unknown.
pub fn modality_named(number: i32) -> Result<Modality> {
    modality_in(number)?.ok_or_else(|| required("modality"))
}

/// The number of a modality.
#[must_use]
pub fn modality_out(modality: Modality) -> i32 {
    let wire = match modality {
        Modality::Text => v1::Modality::Text,
        Modality::Image => v1::Modality::Image,
        Modality::Audio => v1::Modality::Audio,
        Modality::Video => v1::Modality::Video,
        Modality::PointCloud => v1::Modality::PointCloud,
        _ => v1::Modality::Unspecified,
    };
    wire.into()
}

/// What a media is embedded for; what is not said asks.
///
/// # Errors
/// `FIELD_INVALID` for a number that this version does not know.
pub fn purpose_in(number: i32) -> Result<Purpose> {
    match encoder::v1::Purpose::try_from(number) {
        Ok(encoder::v1::Purpose::Unspecified | encoder::v1::Purpose::Query) => Ok(Purpose::Query),
        Ok(encoder::v1::Purpose::Document) => Ok(Purpose::Document),
        Err(_) => Err(invalid("purpose", format!("{number} is no purpose of this version"))),
    }
}

/// The number of a purpose.
#[must_use]
pub fn purpose_out(purpose: Purpose) -> i32 {
    let wire = match purpose {
        Purpose::Query => encoder::v1::Purpose::Query,
        Purpose::Document => encoder::v1::Purpose::Document,
    };
    wire.into()
}

/// The number of a track.
#[must_use]
pub fn track_out(track: Track) -> i32 {
    let wire = match track {
        Track::Whole => v1::Track::Whole,
        Track::Visual => v1::Track::Visual,
        Track::Audio => v1::Track::Audio,
    };
    wire.into()
}

fn track_in(number: i32) -> Result<Track> {
    match v1::Track::try_from(number) {
        Ok(v1::Track::Unspecified | v1::Track::Whole) => Ok(Track::Whole),
        Ok(v1::Track::Visual) => Ok(Track::Visual),
        Ok(v1::Track::Audio) => Ok(Track::Audio),
        Err(_) => Err(invalid("track", format!("{number} is no track of this version"))),
    }
}

/// One media.
///
/// # Errors
/// `FIELD_REQUIRED` without content, `FIELD_INVALID` for an unknown modality.
pub fn media_in(media: v1::Media) -> Result<Media> {
    let content = match media.content.ok_or_else(|| required("content"))? {
        v1::media::Content::Text(text) => Content::Text(text),
        v1::media::Content::Data(bytes) => Content::Bytes(bytes),
        v1::media::Content::Uri(uri) => Content::Uri(uri),
    };
    Ok(Media { content, modality: modality_in(media.modality)?, media_type: media_type_in(media.media_type)? })
}

/// A media type, `None` where none is named.
///
/// # Errors
/// `FIELD_INVALID` for a long one.
pub fn media_type_in(media_type: String) -> Result<Option<String>> {
    check_text("media_type", &media_type, MEDIA_TYPE_BYTES)?;
    Ok(some(media_type))
}

/// A media that was read from a file or typed.
#[must_use]
pub fn media_out(content: Content, modality: Option<Modality>) -> v1::Media {
    let content = match content {
        Content::Text(text) => v1::media::Content::Text(text),
        Content::Bytes(bytes) => v1::media::Content::Data(bytes),
        Content::Uri(uri) => v1::media::Content::Uri(uri),
    };
    let modality = modality.map_or(v1::Modality::Unspecified.into(), modality_out);
    v1::Media { content: Some(content), modality, media_type: String::new() }
}

/// A text that may be empty, as an option.
#[must_use]
pub fn some(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

/// An embedding of a space, with the fingerprint that it carries.
#[must_use]
pub fn embedding_out(embedding: Embedding, space: &Space) -> v1::Embedding {
    v1::Embedding {
        space: space.carried_by(embedding.modality, embedding.track).to_string(),
        vector: embedding.vector,
        modality: modality_out(embedding.modality),
        track: track_out(embedding.track),
        segment: embedding.segment,
        span: embedding.span.map(span_out),
    }
}

/// An embedding from an encoder.
///
/// # Errors
/// `FIELD_*` when it is not one of this version.
pub fn embedding_in(embedding: v1::Embedding) -> Result<Embedding> {
    Ok(Embedding {
        vector: embedding.vector,
        modality: modality_named(embedding.modality)?,
        track: track_in(embedding.track)?,
        segment: embedding.segment,
        span: embedding.span.map(|span| Span { start_ms: span.start_ms, end_ms: span.end_ms }),
    })
}

/// A span.
#[must_use]
pub fn span_out(span: Span) -> v1::Span {
    v1::Span { start_ms: span.start_ms, end_ms: span.end_ms }
}

/// Timings.
#[must_use]
pub fn timings_out(timings: &Timings) -> v1::Timings {
    v1::Timings {
        queue_us: timings.queue_us,
        prepare_us: timings.prepare_us,
        inference_us: timings.inference_us,
        store_us: timings.store_us,
        total_us: timings.total_us,
    }
}

/// Timings from an encoder.
#[must_use]
pub fn timings_in(timings: &v1::Timings) -> Timings {
    Timings {
        queue_us: timings.queue_us,
        prepare_us: timings.prepare_us,
        inference_us: timings.inference_us,
        store_us: timings.store_us,
        total_us: timings.total_us,
    }
}

/// How deep a filter may nest, and JSON metadata: recursion follows what a stranger sent.
pub(crate) const DEPTH_MAX: usize = 8;

/// An item's metadata.
///
/// # Errors
/// `TOO_MANY` fields or bytes, `FIELD_INVALID` for nesting too deep or a number that JSON cannot hold.
pub fn metadata_in(metadata: Option<Struct>) -> Result<BTreeMap<String, Json>> {
    let Some(metadata) = metadata else { return Ok(BTreeMap::new()) };
    if metadata.fields.len() > METADATA_FIELDS {
        let message = format!("{} fields, the limit is {METADATA_FIELDS}", metadata.fields.len());
        return Err(Error::new(Reason::TooMany, "metadata", message));
    }
    let fields = metadata.fields.into_iter();
    let fields: BTreeMap<_, _> =
        fields.map(|(name, value)| Ok((name, json_in(value, DEPTH_MAX)?))).collect::<Result<_>>()?;
    let bytes = serde_json::to_vec(&fields).map_err(|error| invalid("metadata", error.to_string()))?.len();
    if bytes > METADATA_BYTES {
        return Err(Error::new(
            Reason::TooMany,
            "metadata",
            format!("{bytes} bytes as JSON, the limit is {METADATA_BYTES}"),
        ));
    }
    Ok(fields)
}

fn json_in(value: Value, depth: usize) -> Result<Json> {
    if depth == 0 {
        return Err(invalid("metadata", format!("values nest at most {DEPTH_MAX} deep")));
    }
    Ok(match value.kind {
        None | Some(Kind::NullValue(_)) => Json::Null,
        Some(Kind::BoolValue(boolean)) => Json::Bool(boolean),
        Some(Kind::StringValue(text)) => Json::String(text),
        Some(Kind::NumberValue(number)) => Json::Number(number_in(number)?),
        Some(Kind::ListValue(list)) => {
            Json::Array(list.values.into_iter().map(|value| json_in(value, depth - 1)).collect::<Result<_>>()?)
        }
        Some(Kind::StructValue(inner)) => {
            let fields = inner.fields.into_iter();
            Json::Object(
                fields.map(|(name, value)| Ok((name, json_in(value, depth - 1)?))).collect::<Result<Map<_, _>>>()?,
            )
        }
    })
}

/// The wire knows doubles only; whole ones become integers again, so that they match integer conditions.
fn number_in(number: f64) -> Result<Number> {
    const EXACT: f64 = 9_007_199_254_740_992.0; // 2^53
    if number.fract() == 0.0 && number.abs() <= EXACT {
        #[expect(clippy::cast_possible_truncation, reason = "whole and within ±2^53")]
        return Ok(Number::from(number as i64));
    }
    Number::from_f64(number).ok_or_else(|| invalid("metadata", format!("{number} is not a finite number")))
}

/// Metadata as the wire shows it.
#[must_use]
pub fn metadata_out(metadata: BTreeMap<String, Json>) -> Option<Struct> {
    (!metadata.is_empty())
        .then(|| Struct { fields: metadata.into_iter().map(|(name, value)| (name, json_out(value))).collect() })
}

fn json_out(value: Json) -> Value {
    let kind = match value {
        Json::Null => Kind::NullValue(0),
        Json::Bool(boolean) => Kind::BoolValue(boolean),
        Json::Number(number) => Kind::NumberValue(number.as_f64().unwrap_or_default()),
        Json::String(text) => Kind::StringValue(text),
        Json::Array(values) => Kind::ListValue(ListValue { values: values.into_iter().map(json_out).collect() }),
        Json::Object(fields) => Kind::StructValue(Struct {
            fields: fields.into_iter().map(|(name, value)| (name, json_out(value))).collect(),
        }),
    };
    Value { kind: Some(kind) }
}

/// A stored item, told by one of its points.
#[must_use]
pub fn item_out(point: Point) -> v1::Item {
    v1::Item {
        space: point.carried().to_string(),
        item: point.item.to_string(),
        modality: modality_out(point.modality),
        uri: point.uri.unwrap_or_default(),
        title: point.title.unwrap_or_default(),
        metadata: metadata_out(point.metadata),
        content_hash: point.content_hash,
    }
}

/// A file cut into chunks no larger than the limit.
pub fn chunks(bytes: &Bytes) -> impl Iterator<Item = Bytes> + Send + use<> {
    let (bytes, size) = (bytes.clone(), onespace_core::limits::CHUNK_BYTES);
    (0..bytes.len().div_ceil(size)).map(move |index| bytes.slice(index * size..bytes.len().min((index + 1) * size)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_numbers_are_errors() {
        assert!(modality_in(99).is_err() && modality_in(-1).is_err() && track_in(77).is_err());
        for modality in Modality::ALL {
            assert_eq!(modality_in(modality_out(modality)).unwrap(), Some(modality));
        }
        for purpose in [Purpose::Query, Purpose::Document] {
            assert_eq!(purpose_in(purpose_out(purpose)).unwrap(), purpose);
        }
        assert_eq!(purpose_in(0).unwrap(), Purpose::Query, "a gateway of before asks");
        assert_eq!(purpose_in(7).unwrap_err().field, "purpose");
    }

    #[test]
    fn metadata_survives_and_is_bounded() {
        let mut metadata = BTreeMap::new();
        metadata.insert("year".to_owned(), Json::from(1999));
        metadata.insert("tags".to_owned(), serde_json::json!(["a", {"b": null, "c": 1.5}]));
        assert_eq!(metadata_in(metadata_out(metadata.clone())).unwrap(), metadata);
        let many = (0..=METADATA_FIELDS).map(|index| (format!("f{index}"), Json::Null)).collect();
        assert_eq!(metadata_in(metadata_out(many)).unwrap_err().reason, Reason::TooMany);
        let mut deep = Json::Null;
        for _ in 0..=DEPTH_MAX {
            deep = Json::Array(vec![deep]);
        }
        assert!(metadata_in(metadata_out(BTreeMap::from([("deep".to_owned(), deep)]))).is_err());
    }

    #[test]
    fn chunks_add_up() {
        let bytes = Bytes::from(vec![7; onespace_core::limits::CHUNK_BYTES * 2 + 5]);
        let sizes: Vec<_> = chunks(&bytes).map(|chunk| chunk.len()).collect();
        assert_eq!(sizes.len(), 3);
        assert_eq!(sizes.iter().sum::<usize>(), bytes.len());
        assert_eq!(chunks(&Bytes::new()).count(), 0);
    }
}

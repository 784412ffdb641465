//! Wire to core and back. Everything that comes in is checked here; what goes out cannot fail.

use bytes::Bytes;
use onespace_core::{
    Content, Embedding, Error, Media, Modality, Note, NoteReason, Reason, Result, Space, Span, Timings, Track,
    WeightedModality,
    limits::{MEDIA_TYPE_BYTES, QUERY_PARTS, check_text},
};

use crate::{
    fields::{invalid, required},
    v1,
    vector::{self, Encoding},
};

/// A modality, `None` where it was left to the content.
///
/// # Errors
/// `FIELD_INVALID` for a number that this version does not know.
pub fn modality_in(number: i32) -> Result<Option<Modality>> {
    if number == v1::Modality::Unspecified as i32 {
        return Ok(None);
    }
    let place = usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
    let known = place.and_then(|place| Modality::ALL.get(place).copied());
    known.map(Some).ok_or_else(|| invalid("modality", format!("{number} is no modality of this version")))
}

/// A modality that must be named.
///
/// # Errors
/// `FIELD_REQUIRED` when it is unspecified, `FIELD_INVALID` when unknown.
pub fn modality_named(number: i32) -> Result<Modality> {
    modality_in(number)?.ok_or_else(|| required("modality"))
}

/// The number of a modality: its place in the table of [`Modality::ALL`], from 1.
#[must_use]
pub const fn modality_out(modality: Modality) -> i32 {
    modality as i32 + 1
}

/// The name of a modality's number.
#[must_use]
pub fn modality_name(number: i32) -> &'static str {
    modality_in(number).ok().flatten().map_or("unknown", Modality::name)
}

/// The number of a track.
#[must_use]
pub fn track_out(track: Track) -> i32 {
    let wire = match track {
        Track::Whole => v1::Track::Whole,
        Track::Visual => v1::Track::Visual,
        Track::Audio => v1::Track::Audio,
        Track::Speech => v1::Track::Speech,
        Track::Fused => v1::Track::Fused,
        Track::Parts => v1::Track::Parts,
    };
    wire.into()
}

/// The track of a number from the wire; the whole where none is named.
///
/// # Errors
/// `FIELD_INVALID` for a number that is no track of this version.
pub fn track_in(number: i32) -> Result<Track> {
    match v1::Track::try_from(number) {
        Ok(v1::Track::Unspecified | v1::Track::Whole) => Ok(Track::Whole),
        Ok(v1::Track::Visual) => Ok(Track::Visual),
        Ok(v1::Track::Audio) => Ok(Track::Audio),
        Ok(v1::Track::Speech) => Ok(Track::Speech),
        Ok(v1::Track::Fused) => Ok(Track::Fused),
        Ok(v1::Track::Parts) => Ok(Track::Parts),
        Err(_) => Err(invalid("track", format!("{number} is no track of this version"))),
    }
}

/// The media of an item, each with its weight: one, unless it was sent in several parts.
///
/// # Errors
/// `FIELD_REQUIRED` without content, `TOO_MANY` parts; `FIELD_INVALID` for an unknown modality, a weight that is not
/// finite, and parts within parts.
pub fn media_in(media: v1::Media) -> Result<Vec<(Media, f32)>> {
    let Some(v1::media::Content::Parts(v1::MediaParts { parts })) = media.content else {
        return Ok(vec![(one_media_in(media)?, 1.0)]);
    };
    if modality_in(media.modality)?.is_some() {
        return Err(invalid("modality", "an item of several parts has none of its own: each part says its own"));
    }
    if parts.is_empty() {
        return Err(required("parts"));
    }
    if parts.len() > QUERY_PARTS {
        let message = format!("{} parts, the limit is {QUERY_PARTS}", parts.len());
        return Err(Error::new(Reason::TooMany, "parts", message));
    }
    let part = |(index, part): (usize, v1::WeightedMedia)| {
        let read = || {
            let weight = part.weight.unwrap_or(1.0);
            if !weight.is_finite() {
                return Err(invalid("weight", format!("{weight} is not a finite number")));
            }
            let media = part.media.ok_or_else(|| required("media"))?;
            Ok((one_media_in(media).map_err(|error| error.under("media"))?, weight))
        };
        read().map_err(|error: Error| error.under(&format!("parts[{index}]")))
    };
    parts.into_iter().enumerate().map(part).collect()
}

fn one_media_in(media: v1::Media) -> Result<Media> {
    let content = match media.content.ok_or_else(|| required("content"))? {
        v1::media::Content::Text(text) => Content::Text(text),
        v1::media::Content::Data(bytes) => Content::Bytes(bytes),
        v1::media::Content::Uri(uri) => Content::Uri(uri),
        v1::media::Content::Parts(_) => return Err(invalid("parts", "a part has no parts of its own")),
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
pub fn embedding_out(embedding: Embedding, space: &Space, encoding: Encoding) -> v1::Embedding {
    let mut wire = v1::Embedding {
        space_fingerprint: space.carried_by(&embedding.towers()).to_string(),
        modality: modality_out(embedding.modality),
        track: track_out(embedding.track),
        segment: embedding.segment,
        span: embedding.span.map(span_out),
        parts: weighted_out(&embedding.parts),
        transcript: embedding.transcript.unwrap_or_default(),
        ..Default::default()
    };
    vector::put(&mut wire, embedding.vector, encoding);
    wire
}

/// An embedding from an encoder.
///
/// # Errors
/// `FIELD_*` when it is not one of this version.
pub fn embedding_in(mut embedding: v1::Embedding) -> Result<Embedding> {
    let part = |part: &v1::WeightedModality| Ok((modality_named(part.modality)?, part.weight));
    Ok(Embedding {
        vector: vector::vector_in(&mut embedding)?,
        modality: modality_named(embedding.modality)?,
        track: track_in(embedding.track)?,
        segment: embedding.segment,
        span: embedding.span.map(|span| Span { start_ms: span.start_ms, end_ms: span.end_ms }),
        parts: embedding.parts.iter().map(part).collect::<Result<_>>()?,
        transcript: some(embedding.transcript),
    })
}

/// The summands of a vector.
#[must_use]
pub fn weighted_out(parts: &[WeightedModality]) -> Vec<v1::WeightedModality> {
    let part = |(modality, weight): &WeightedModality| v1::WeightedModality {
        modality: modality_out(*modality),
        weight: *weight,
    };
    parts.iter().map(part).collect()
}

/// What embeddings lack.
#[must_use]
pub fn notes_out(notes: Vec<Note>) -> Vec<v1::Note> {
    let note = |note: Note| v1::Note { reason: note.reason.name().to_owned(), message: note.message };
    notes.into_iter().map(note).collect()
}

/// What embeddings lack, as an encoder says it. A reason that this version does not know is left out.
#[must_use]
pub fn notes_in(notes: Vec<v1::Note>) -> Vec<Note> {
    let known = |name: &str| NoteReason::ALL.into_iter().find(|reason| reason.name() == name);
    notes.into_iter().filter_map(|note| Some(Note::new(known(&note.reason)?, note.message))).collect()
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

/// A file cut into chunks no larger than the limit, the last of which says so. An empty file is one empty chunk.
pub fn chunks(bytes: &Bytes) -> impl Iterator<Item = v1::Chunk> + Send + use<> {
    let (bytes, size) = (bytes.clone(), onespace_core::limits::CHUNK_BYTES);
    let count = bytes.len().div_ceil(size).max(1);
    (0..count).map(move |index| v1::Chunk {
        data: bytes.slice(index * size..bytes.len().min((index + 1) * size)),
        last: index + 1 == count,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_numbers_are_errors() {
        assert!(modality_in(99).is_err() && modality_in(-1).is_err() && track_in(77).is_err());
        assert!(modality_in(Modality::ALL.len() as i32 + 1).is_err());
        for modality in Modality::ALL {
            let number = modality_out(modality);
            assert_eq!(modality_in(number).unwrap(), Some(modality));
            let wire = v1::Modality::try_from(number).unwrap().as_str_name();
            assert_eq!(wire, format!("MODALITY_{}", modality.name().to_uppercase()), "the .proto lists them alike");
        }
        for track in Track::ALL {
            assert_eq!(track_in(track_out(track)).unwrap(), track);
        }
    }

    #[test]
    fn chunks_add_up_and_the_last_says_so() {
        let bytes = Bytes::from(vec![7; onespace_core::limits::CHUNK_BYTES * 2 + 5]);
        let sizes: Vec<_> = chunks(&bytes).map(|chunk| (chunk.data.len(), chunk.last)).collect();
        assert_eq!(sizes.len(), 3);
        assert_eq!(sizes.iter().map(|(size, _)| size).sum::<usize>(), bytes.len());
        assert_eq!(sizes.iter().map(|(_, last)| *last).collect::<Vec<_>>(), [false, false, true]);
        assert_eq!(chunks(&Bytes::new()).map(|chunk| chunk.last).collect::<Vec<_>>(), [true]);
    }

    #[test]
    fn parts_are_named_where_they_are_wrong() {
        let text =
            |text: &str| v1::Media { content: Some(v1::media::Content::Text(text.to_owned())), ..Default::default() };
        let of = |parts: Vec<(Option<v1::Media>, f32)>| {
            let weighted = |(media, weight)| v1::WeightedMedia { media, weight: Some(weight) };
            let parts = v1::MediaParts { parts: parts.into_iter().map(weighted).collect() };
            v1::Media { content: Some(v1::media::Content::Parts(parts)), ..Default::default() }
        };
        let typed = |text: &str| Media { modality: None, ..Media::text(text) };
        let two = media_in(of(vec![(Some(text("a")), 1.0), (Some(text("b")), -0.5)])).unwrap();
        assert_eq!(two, [(typed("a"), 1.0), (typed("b"), -0.5)]);
        assert_eq!(media_in(text("a")).unwrap(), [(typed("a"), 1.0)]);
        let within = of(vec![(Some(of(vec![(Some(text("a")), 1.0)])), 1.0)]);
        for (media, field) in [
            (of(vec![]), "parts"),
            (of(vec![(None, 1.0)]), "parts[0].media"),
            (of(vec![(Some(text("a")), f32::NAN)]), "parts[0].weight"),
            (of(vec![(Some(v1::Media::default()), 1.0)]), "parts[0].media.content"),
            (within, "parts[0].media.parts"),
            (of(vec![(Some(text("a")), 1.0); QUERY_PARTS + 1]), "parts"),
            (v1::Media { modality: 1, ..of(vec![(Some(text("a")), 1.0)]) }, "modality"),
        ] {
            assert_eq!(media_in(media).unwrap_err().field, field);
        }
    }
}

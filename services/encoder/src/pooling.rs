//! From the vectors of samples to the embeddings of a media.

use onespace_core::{Embedding, Error, Modality, Reason, Result, SampleUse, Segments, Span, Track, vector};

/// One sample's unit vector and what it stands for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Part {
    pub track: Track,
    pub span: Option<Span>,
    pub used_for: SampleUse,
    pub vector: Vec<f32>,
}

/// The whole of each track in order of appearance, then, if asked for, the segments of every track that has more than
/// one, numbered from 1. Parts in a row that cover the same time are views of one segment: it is their mean. Parts
/// without a time are a segment each.
///
/// # Errors
/// `MODEL_FAILED` when the parts of a track cancel out, or a vector is not a unit vector.
pub(crate) fn embeddings(modality: Modality, parts: &[Part], segments: Segments) -> Result<Vec<Embedding>> {
    let mut tracks: Vec<Track> = Vec::new();
    for part in parts {
        if !tracks.contains(&part.track) {
            tracks.push(part.track);
        }
    }
    let listed = segments != Segments::Off;
    let except =
        |track: Track, other: SampleUse| parts.iter().filter(move |part| part.track == track && part.used_for != other);
    let mut all = Vec::with_capacity(tracks.len() + if listed { parts.len() } else { 0 });
    for &track in &tracks {
        all.push(embedding(modality, (track, 0), || except(track, SampleUse::Segment))?);
    }
    for &track in tracks.iter().filter(|_| listed) {
        let parts: Vec<&Part> = except(track, SampleUse::Whole).collect();
        let segments: Vec<&[&Part]> = parts.chunk_by(|a, b| a.span.is_some() && a.span == b.span).collect();
        for (views, number) in segments.iter().zip(1..).filter(|_| segments.len() > 1) {
            all.push(embedding(modality, (track, number), || views.iter().copied())?);
        }
    }
    parts.iter().try_for_each(|part| check_unit(&part.vector))?;
    all.iter().try_for_each(|embedding| check_unit(&embedding.vector))?;
    Ok(all)
}

/// The mean of some parts.
fn embedding<'a, Parts: Iterator<Item = &'a Part>>(
    modality: Modality,
    (track, segment): (Track, u32),
    parts: impl Fn() -> Parts,
) -> Result<Embedding> {
    Ok(Embedding {
        vector: whole(parts())?,
        modality,
        track,
        segment,
        span: extent(parts()),
        parts: Vec::new(),
        transcript: None,
    })
}

fn whole<'a>(parts: impl Iterator<Item = &'a Part>) -> Result<Vec<f32>> {
    vector::mean(parts.map(|part| part.vector.as_slice()))
        .map_err(|error| Error::new(Reason::ModelFailed, "", format!("the mean of the samples: {}", error.message)))
}

/// From the first start to the last end.
fn extent<'a>(parts: impl Iterator<Item = &'a Part>) -> Option<Span> {
    parts
        .filter_map(|part| part.span)
        .reduce(|all, span| Span { start_ms: all.start_ms.min(span.start_ms), end_ms: all.end_ms.max(span.end_ms) })
}

/// The last gate: no vector leaves an encoder that is not finite and of unit length.
fn check_unit(vector: &[f32]) -> Result<()> {
    let length = vector::norm(vector);
    // A value that is not finite makes the norm not finite, and the comparison false.
    if (length - 1.0).abs() <= vector::UNIT_TOLERANCE {
        return Ok(());
    }
    Err(Error::new(Reason::ModelFailed, "", format!("a vector of norm {length} was about to leave")))
}

#[cfg(test)]
mod tests {
    use onespace_core::SegmentWindow;

    use super::*;

    fn part(track: Track, from: u64, vector: [f32; 2]) -> Part {
        let span = Some(Span { start_ms: from, end_ms: from + 1000 });
        Part { track, span, used_for: SampleUse::Both, vector: vector.to_vec() }
    }

    #[test]
    fn wholes_come_first_and_span_everything() {
        let parts = [
            part(Track::Visual, 0, [1.0, 0.0]),
            part(Track::Visual, 1000, [0.0, 1.0]),
            part(Track::Audio, 0, [0.0, 1.0]),
        ];
        let all = embeddings(Modality::Video, &parts, Segments::Tower).unwrap();
        let shape: Vec<_> = all
            .iter()
            .map(|one| (one.track, one.segment, one.span.unwrap().start_ms, one.span.unwrap().end_ms))
            .collect();
        assert_eq!(
            shape,
            [
                (Track::Visual, 0, 0, 2000),
                (Track::Audio, 0, 0, 1000),
                (Track::Visual, 1, 0, 1000),
                (Track::Visual, 2, 1000, 2000)
            ]
        );
        assert!(all[0].vector.iter().all(|value| (value - 0.5_f32.sqrt()).abs() < 1e-6));
        assert_eq!(embeddings(Modality::Video, &parts, Segments::Off).unwrap(), all[..2]);
    }

    #[test]
    fn views_of_one_segment_become_one() {
        let views = |from| [part(Track::Visual, from, [1.0, 0.0]), part(Track::Visual, from, [0.0, 1.0])];
        assert_eq!(embeddings(Modality::Video, &views(0), Segments::Tower).unwrap().len(), 1);
        let all = embeddings(Modality::Video, &[views(0), views(1000)].concat(), Segments::Tower).unwrap();
        let segments: Vec<_> = all.iter().map(|one| (one.segment, one.span.unwrap().start_ms)).collect();
        assert_eq!(segments, [(0, 0), (1, 0), (2, 1000)]);
        assert!(all.iter().all(|one| (one.vector[0] - 0.5_f32.sqrt()).abs() < 1e-6));
    }

    /// Windows of the caller's choice that overlap, each of two views, beside the tower's own two samples.
    #[test]
    fn segments_of_the_callers_choice_are_not_in_the_whole() {
        let chosen = |from, vector| Part { used_for: SampleUse::Segment, ..part(Track::Whole, from, vector) };
        let whole = |from, vector| Part { used_for: SampleUse::Whole, ..part(Track::Whole, from, vector) };
        let wholes = [whole(0, [1.0, 0.0]), whole(1000, [1.0, 0.0])];
        let views = |from| [chosen(from, [1.0, 0.0]), chosen(from, [0.0, 1.0])];
        let windows = Segments::Window(SegmentWindow::default());
        let all = embeddings(Modality::Audio, &[&wholes[..], &views(0), &views(500)].concat(), windows).unwrap();
        let shape: Vec<_> = all.iter().map(|one| (one.segment, one.span.unwrap().start_ms)).collect();
        assert_eq!(shape, [(0, 0), (1, 0), (2, 500)]);
        assert_eq!((all[0].span.unwrap().end_ms, all[0].vector.as_slice()), (2000, [1.0, 0.0].as_slice()));
        assert!(all[1..].iter().all(|one| (one.vector[1] - 0.5_f32.sqrt()).abs() < 1e-6));
        // A text has no time: neighbours stay apart, whatever they are.
        let timeless = |used_for| Part { span: None, used_for, ..part(Track::Whole, 0, [1.0, 0.0]) };
        let text = [SampleUse::Whole, SampleUse::Segment, SampleUse::Segment].map(timeless);
        let numbers = |parts| embeddings(Modality::Text, parts, windows).unwrap().iter().map(|one| one.segment).max();
        assert_eq!(numbers(&text), Some(2));
        assert_eq!(numbers(&text[..2]), Some(0), "one segment is the whole");
        assert_eq!(numbers(&text[..1]), Some(0));
    }

    #[test]
    fn what_is_no_unit_vector_does_not_leave() {
        for vector in [[0.5, 0.5], [f32::NAN, 0.0], [f32::INFINITY, 0.0]] {
            let parts = [part(Track::Whole, 0, [1.0, 0.0]), part(Track::Whole, 0, vector)];
            assert_eq!(embeddings(Modality::Audio, &parts, Segments::Tower).unwrap_err().reason, Reason::ModelFailed);
        }
        let opposite = [part(Track::Whole, 0, [1.0, 0.0]), part(Track::Whole, 0, [-1.0, 0.0])];
        assert_eq!(embeddings(Modality::Audio, &opposite, Segments::Off).unwrap_err().reason, Reason::ModelFailed);
    }
}

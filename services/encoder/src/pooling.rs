//! From the vectors of samples to the embeddings of a media.

use onespace_core::{Embedding, Error, Modality, Reason, Result, Span, Track, vector};

/// One sample's unit vector and what it stands for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Part {
    pub track: Track,
    pub span: Option<Span>,
    pub vector: Vec<f32>,
}

/// The whole of each track in order of appearance, then, if asked for, the stretches of every track that has more
/// than one, numbered from 1. Parts in a row that cover the same time are views of one stretch: it is their mean.
///
/// # Errors
/// `MODEL_FAILED` when the parts of a track cancel out, or a vector is not a unit vector.
pub(crate) fn embeddings(modality: Modality, parts: &[Part], segments: bool) -> Result<Vec<Embedding>> {
    let mut tracks: Vec<Track> = Vec::new();
    for part in parts {
        if !tracks.contains(&part.track) {
            tracks.push(part.track);
        }
    }
    let of = |track: Track| parts.iter().filter(move |part| part.track == track);
    let mut all = Vec::with_capacity(tracks.len() + if segments { parts.len() } else { 0 });
    for &track in &tracks {
        all.push(Embedding { vector: whole(of(track))?, modality, track, segment: 0, span: extent(of(track)) });
    }
    for &track in tracks.iter().filter(|_| segments) {
        let parts: Vec<&Part> = of(track).collect();
        let stretches: Vec<&[&Part]> = parts.chunk_by(|a, b| a.span.is_some() && a.span == b.span).collect();
        for (views, segment) in stretches.iter().zip(1..).filter(|_| stretches.len() > 1) {
            let views = || views.iter().copied();
            all.push(Embedding { vector: whole(views())?, modality, track, segment, span: extent(views()) });
        }
    }
    parts.iter().try_for_each(|part| check_unit(&part.vector))?;
    all.iter().try_for_each(|embedding| check_unit(&embedding.vector))?;
    Ok(all)
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
    use super::*;

    fn part(track: Track, from: u64, vector: [f32; 2]) -> Part {
        Part { track, span: Some(Span { start_ms: from, end_ms: from + 1000 }), vector: vector.to_vec() }
    }

    #[test]
    fn wholes_come_first_and_span_everything() {
        let parts = [
            part(Track::Visual, 0, [1.0, 0.0]),
            part(Track::Visual, 1000, [0.0, 1.0]),
            part(Track::Audio, 0, [0.0, 1.0]),
        ];
        let all = embeddings(Modality::Video, &parts, true).unwrap();
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
        assert_eq!(embeddings(Modality::Video, &parts, false).unwrap(), all[..2]);
    }

    #[test]
    fn views_of_one_stretch_become_one() {
        let views = |from| [part(Track::Visual, from, [1.0, 0.0]), part(Track::Visual, from, [0.0, 1.0])];
        assert_eq!(embeddings(Modality::Video, &views(0), true).unwrap().len(), 1);
        let all = embeddings(Modality::Video, &[views(0), views(1000)].concat(), true).unwrap();
        let segments: Vec<_> = all.iter().map(|one| (one.segment, one.span.unwrap().start_ms)).collect();
        assert_eq!(segments, [(0, 0), (1, 0), (2, 1000)]);
        assert!(all.iter().all(|one| (one.vector[0] - 0.5_f32.sqrt()).abs() < 1e-6));
    }

    #[test]
    fn what_is_no_unit_vector_does_not_leave() {
        for vector in [[0.5, 0.5], [f32::NAN, 0.0], [f32::INFINITY, 0.0]] {
            let parts = [part(Track::Whole, 0, [1.0, 0.0]), part(Track::Whole, 0, vector)];
            assert_eq!(embeddings(Modality::Audio, &parts, true).unwrap_err().reason, Reason::ModelFailed);
        }
        let opposite = [part(Track::Whole, 0, [1.0, 0.0]), part(Track::Whole, 0, [-1.0, 0.0])];
        assert_eq!(embeddings(Modality::Audio, &opposite, false).unwrap_err().reason, Reason::ModelFailed);
    }
}

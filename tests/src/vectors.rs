//! What is true of every vector.

use onespace_proto::v1::{Embedding, Modality, Track};

/// How far a norm may lie from one.
const TOLERANCE: f32 = 1e-3;

/// The cosine of two unit vectors.
#[must_use]
pub fn cosine(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Asserts that an embedding is a unit vector of the space, of this modality, of a track that it can have.
pub fn assert_sound(embedding: &Embedding, modality: Modality, space: &str, dimension: usize) {
    assert_eq!(embedding.vector.len(), dimension);
    let norm = cosine(&embedding.vector, &embedding.vector).sqrt();
    assert!((norm - 1.0).abs() <= TOLERANCE, "the norm is {norm}");
    assert_eq!(embedding.modality(), modality);
    assert_eq!(embedding.space_fingerprint, space);
    let film = modality == Modality::Video;
    assert_eq!(matches!(embedding.track(), Track::Visual | Track::Audio), film, "{:?}", embedding.track());
    let timed = matches!(modality, Modality::Audio | Modality::Video);
    assert_eq!(embedding.span.is_some(), timed, "{modality:?} with span {:?}", embedding.span);
    assert!(embedding.span.is_none_or(|span| span.start_ms < span.end_ms), "{:?}", embedding.span);
}

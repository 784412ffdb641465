//! Segments of the caller's choice, and what is told of a video without audio.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)] // A test may fail.

mod common;

use bytes::Bytes;
use common::{RATE, encoder, request, rising, tone, wav};
use onespace_core::{
    Deadline, EncodeReply, EncodeRequest, Encoder, Modality, Reason, Result, SegmentWindow, Segments, Window, vector,
};
use onespace_encoder::LocalEncoder;

fn windows(length: u32, overlap: u32) -> Segments {
    let milliseconds = Some(Window::of_milliseconds(length, overlap).unwrap());
    let tokens = Some(Window::of_tokens(length.div_ceil(100), overlap.div_ceil(100)).unwrap());
    Segments::Window(SegmentWindow { milliseconds, tokens })
}

async fn embed(
    encoder: &LocalEncoder,
    modality: Modality,
    bytes: impl Into<Bytes>,
    segments: Segments,
) -> Result<EncodeReply> {
    encoder.encode(EncodeRequest { segments, ..request(modality, bytes) }, Deadline::default()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn segments_of_a_recording_are_what_their_stretches_are_alone() {
    let encoder = encoder(&[Modality::Audio]).await;
    let all = embed(&encoder, Modality::Audio, tone(4), windows(1000, 500)).await.unwrap();
    assert!(all.notes.is_empty());
    let (whole, segments) = all.embeddings.split_first().unwrap();
    for other in [Segments::Off, Segments::Tower] {
        let other = embed(&encoder, Modality::Audio, tone(4), other).await.unwrap();
        assert!(vector::dot(&whole.vector, &other.embeddings[0].vector) > 0.99999);
        assert_eq!(whole.span, other.embeddings[0].span);
    }
    let spans: Vec<_> = segments.iter().map(|one| (one.segment, one.span.unwrap())).collect();
    assert_eq!(spans.len(), 7);
    for (number, (segment, span)) in (0..).zip(spans) {
        assert_eq!(
            (segment, span.start_ms, span.end_ms),
            (number + 1, 500 * u64::from(number), 500 * u64::from(number) + 1000)
        );
        let cut = &rising(4)[span.start_ms as usize * RATE / 1000..span.end_ms as usize * RATE / 1000];
        let alone = embed(&encoder, Modality::Audio, wav(cut), Segments::Off).await.unwrap();
        let cosine = vector::dot(&alone.embeddings[0].vector, &segments[number as usize].vector);
        assert!(cosine >= 0.9999, "segment {segment}: {cosine}");
    }
    let one = embed(&encoder, Modality::Audio, tone(1), windows(1000, 500)).await.unwrap();
    assert_eq!(one.embeddings.len(), 1, "one segment is the whole");
    let error = embed(&encoder, Modality::Audio, tone(60), windows(1000, 500)).await.unwrap_err();
    assert_eq!((error.reason, error.field.as_str()), (Reason::FieldInvalid, "options.segments"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn segments_of_a_text_stay_apart() {
    let encoder = encoder(&[Modality::Text]).await;
    // Neighbours that are the same are segments all the same.
    let text = "a red cup ".repeat(20);
    let all = embed(&encoder, Modality::Text, text, windows(600, 0)).await.unwrap().embeddings;
    assert!(all.len() > 5, "{}", all.len());
    let numbers: Vec<u32> = all.iter().map(|one| one.segment).collect();
    assert!(numbers.iter().zip(0..).all(|(number, at)| *number == at), "{numbers:?}");
    assert!(vector::dot(&all[1].vector, &all[2].vector) > 0.9999);
    let alone = embed(&encoder, Modality::Text, "a red cup a red cup", Segments::Off).await.unwrap().embeddings;
    assert!(vector::dot(&all[1].vector, &alone[0].vector) > 0.9999);
    let error = embed(&encoder, Modality::Text, "a red cup", windows(6000, 0)).await.unwrap_err();
    assert_eq!((error.reason, error.field.as_str()), (Reason::FieldInvalid, "options.segments"), "{error}");
}

#[cfg(feature = "video")]
mod video {
    use std::fs;

    use common::shipped;
    use onespace_core::{NoteReason, Track};

    use super::*;

    fn video(name: &str) -> Vec<u8> {
        fs::read(shipped().join("../../encoders/video/tests/golden").join(name)).unwrap()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn both_tracks_of_a_video_have_their_segments() {
        let encoder = encoder(&[Modality::Video]).await;
        let bytes = video("h264.mp4");
        let all = embed(&encoder, Modality::Video, bytes.clone(), windows(1000, 500)).await.unwrap();
        assert!(all.notes.is_empty());
        let wholes = embed(&encoder, Modality::Video, bytes, Segments::Off).await.unwrap();
        let of = |track: Track| all.embeddings.iter().filter(move |one| one.track == track);
        for whole in &wholes.embeddings {
            let same = of(whole.track).next().unwrap();
            assert!(vector::dot(&whole.vector, &same.vector) > 0.99999 && whole.span == same.span);
        }
        for track in [Track::Visual, Track::Audio] {
            let starts: Vec<u64> = of(track).skip(1).map(|one| one.span.unwrap().start_ms).collect();
            assert_eq!(starts[..7], [0, 500, 1000, 1500, 2000, 2500, 3000], "{track}");
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_video_without_audio_says_so() {
        let encoder = encoder(&[Modality::Video]).await;
        let silent = embed(&encoder, Modality::Video, video("vp9.webm"), Segments::Off).await.unwrap();
        assert_eq!(silent.notes.iter().map(|note| note.reason).collect::<Vec<_>>(), [NoteReason::NoAudioTrack]);
        assert!(silent.embeddings.iter().all(|one| one.track == Track::Visual));
        let mut other = video("opus.mkv");
        let codec = other.windows(6).position(|window| window == b"A_OPUS").unwrap();
        other[codec..codec + 6].copy_from_slice(b"A_MLP\0");
        let silent = embed(&encoder, Modality::Video, other, Segments::Off).await.unwrap();
        assert_eq!(silent.notes[0].reason, NoteReason::AudioCodecUnsupported);
        assert!(silent.notes[0].message.contains("mlp"), "{:?}", silent.notes);
    }
}

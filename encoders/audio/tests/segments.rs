//! Segments of the caller's choice: where they lie, what they hold, and that the whole does not depend on them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)] // A test may fail.

mod common;

use common::{golden, spec, values};
use onespace_audio::table::{Audio, Clips, FrontEnd, KaldiFbank, KaldiWindow, Short, Spread};
use onespace_audio::{AudioPreparer, Pcm};
use onespace_core::{
    Patience, Prepare, PrepareRequest, Reason, Result, Sample, SampleBudget, SampleUse, SegmentWindow, Segments, Window,
};

fn windows(length: u32, overlap: u32) -> Segments {
    let milliseconds = Some(Window::of_milliseconds(length, overlap).unwrap());
    Segments::Window(SegmentWindow { milliseconds, tokens: None })
}

/// Noise: no two stretches are alike.
fn noise(milliseconds: usize) -> Pcm {
    let mut state = 9_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    Pcm { rate: 16_000, channels: vec![(0..milliseconds * 16).map(|_| next()).collect()] }
}

fn prepare(spec: &Audio, pcm: &Pcm, segments: Segments) -> Result<Vec<Sample>> {
    let preparer = AudioPreparer::new(spec, None).unwrap();
    preparer.samples_of(std::slice::from_ref(pcm), segments, SampleBudget::default(), &Patience::endless())
}

fn kaldi() -> FrontEnd {
    FrontEnd::KaldiFbank(KaldiFbank {
        n_mels: 32,
        frames: 198,
        window: KaldiWindow::Hanning,
        subtract_mean: true,
        pad_value: 0.0,
        mean: -4.0,
        std: 4.0,
    })
}

fn specs() -> Vec<(&'static str, Audio)> {
    let clips = Clips { count: 3, spread: Spread::Even, per_window_over_ms: None };
    vec![
        ("longer windows", spec(2000, FrontEnd::Waveform)),
        ("shorter windows", spec(300, FrontEnd::Waveform)),
        ("repeated", Audio { short: Short::RepeatPad, ..spec(2000, FrontEnd::Waveform) }),
        ("of any length", Audio { short: Short::Keep, ..spec(2000, FrontEnd::Waveform) }),
        ("in 16 bits", Audio { quantise_i16: true, ..spec(700, FrontEnd::Waveform) }),
        ("clips", Audio { clips: Some(clips), max_windows: 8, ..spec(400, FrontEnd::Waveform) }),
        ("Kaldi", spec(2000, kaldi())),
    ]
}

fn of_use(samples: &[Sample], used_for: SampleUse) -> Vec<&Sample> {
    samples.iter().filter(|sample| sample.used_for == used_for).collect()
}

#[test]
fn the_whole_does_not_depend_on_the_segments() {
    let asked = [windows(1000, 500), windows(100, 0), windows(60_000, 0)];
    for file in ["sound.wav", "stereo.wav", "high.wav", "sound.mp3", "sound.m4a", "pcm_s16le.wav"] {
        let bytes = golden(file);
        for (name, spec) in specs() {
            let preparer = AudioPreparer::new(&spec, None).unwrap();
            let prepare = |segments| {
                preparer.prepare(&PrepareRequest { segments, ..PrepareRequest::of(&bytes) }).unwrap().samples
            };
            let whole = prepare(Segments::Off);
            assert_eq!(whole, prepare(Segments::Tower), "{file}, {name}");
            assert_eq!(whole, prepare(Segments::Window(SegmentWindow::default())), "{file}, {name}");
            assert!(whole.iter().all(|sample| sample.used_for == SampleUse::Both), "{file}, {name}");
            for segments in asked {
                let samples = prepare(segments);
                let same: Vec<Sample> = of_use(&samples, SampleUse::Whole)
                    .into_iter()
                    .map(|sample| Sample { used_for: SampleUse::Both, ..sample.clone() })
                    .collect();
                assert_eq!(whole, same, "{file}, {name}");
                assert!(of_use(&samples, SampleUse::Both).is_empty(), "{file}, {name}");
                assert_eq!(samples[..whole.len()].len(), same.len(), "the whole comes first");
            }
        }
    }
}

#[test]
fn segments_hold_what_their_stretch_holds_alone() {
    let pcm = noise(3250);
    let expected = [(0, 1000), (500, 1500), (1000, 2000), (1500, 2500), (2000, 3000), (2500, 3250)];
    for (name, spec) in specs() {
        let samples = prepare(&spec, &pcm, windows(1000, 500)).unwrap();
        let segments = of_use(&samples, SampleUse::Segment);
        let mut spans: Vec<(u64, u64)> =
            segments.iter().map(|sample| sample.span.unwrap()).map(|span| (span.start_ms, span.end_ms)).collect();
        spans.dedup();
        assert_eq!(spans, expected, "{name}");
        for (start, end) in expected {
            let cut = pcm.channels[0][start as usize * 16..end as usize * 16].to_vec();
            let alone = prepare(&spec, &Pcm { rate: 16_000, channels: vec![cut] }, Segments::Off).unwrap();
            let of_segment = segments.iter().filter(|sample| sample.span.unwrap().start_ms == start);
            let tensors: Vec<_> = of_segment.map(|sample| &sample.tensors).collect();
            assert_eq!(tensors, alone.iter().map(|sample| &sample.tensors).collect::<Vec<_>>(), "{name} at {start}");
        }
    }
}

#[test]
fn one_segment_is_the_whole() {
    for length in [2000, 60_000] {
        let samples = prepare(&spec(1000, FrontEnd::Waveform), &noise(2000), windows(length, 0)).unwrap();
        assert!(samples.len() == 2 && of_use(&samples, SampleUse::Segment).is_empty());
    }
    // What is left over after the last full window is a segment, however short.
    let samples = prepare(&spec(1000, FrontEnd::Waveform), &noise(2001), windows(1000, 0)).unwrap();
    let last = of_use(&samples, SampleUse::Segment).pop().unwrap();
    assert_eq!((last.span.unwrap().start_ms, last.span.unwrap().end_ms, values(last).len()), (2000, 2001, 16_000));
    assert!(
        values(last)[..16].iter().all(|value| *value != 0.0) && values(last)[16..].iter().all(|value| *value == 0.0)
    );
}

#[test]
fn too_many_segments_are_refused_with_what_would_fit() {
    let refused = |spec: &Audio, milliseconds, segments| {
        let error = prepare(spec, &noise(milliseconds), segments).unwrap_err();
        assert_eq!((error.reason, error.field.as_str()), (Reason::FieldInvalid, "options.segments"), "{error}");
        error.message
    };
    let one_second = spec(1000, FrontEnd::Waveform);
    let message = refused(&one_second, 60_000, windows(1000, 500));
    assert!(message.contains("119 segments") && message.contains("each 937 ms fits"), "{message}");
    assert!(prepare(&one_second, &noise(60_000), windows(1000, 63)).is_ok());
    // 60 segments of 100 windows each, beside 64 windows of the whole.
    let dense = Audio { hop_ms: 10, ..spec(10, FrontEnd::Waveform) };
    let message = refused(&dense, 60_000, windows(1000, 0));
    assert!(message.contains("BATCH_QUEUE") && message.contains("256"), "{message}");
    // A tower that takes no more than two windows of each segment has room for all of them.
    assert!(prepare(&Audio { max_windows: 2, ..dense }, &noise(60_000), windows(1000, 0)).is_ok());
}

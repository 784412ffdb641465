//! Segments of the caller's choice: where they lie, what they show, and that the whole does not depend on them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "this is how a test fails")]

mod common;

use common::read;
use onespace_audio::AudioPreparer;
use onespace_audio::table::Audio;
use onespace_core::{
    Prepare, PrepareRequest, Reason, Result, Sample, SampleUse, SegmentWindow, Segments, Track, Window,
};
use onespace_video::VideoPreparer;
use onespace_video::table::Video;

fn windows(length: u32, overlap: u32) -> Segments {
    let milliseconds = Some(Window::of_milliseconds(length, overlap).unwrap());
    Segments::Window(SegmentWindow { milliseconds, tokens: None })
}

fn preparer(table: serde_json::Value) -> VideoPreparer {
    let mut spec = serde_json::json!({
        "frames": 4, "segment_ms": 2_000, "max_segments": 8, "width": 8, "height": 8,
        "resize": "squash", "filter": "bilinear", "mean": [0, 0, 0], "std": [1, 1, 1],
    });
    spec.as_object_mut().unwrap().extend(table.as_object().unwrap().clone());
    let spec: Video = serde_json::from_value(spec).unwrap();
    let audio: Audio = serde_json::from_value(serde_json::json!({
        "sample_rate": 16_000, "window_ms": 300, "hop_ms": 300, "max_windows": 16,
        "front_end": { "kind": "waveform" },
    }))
    .unwrap();
    VideoPreparer::new(&spec, Some(AudioPreparer::new(&audio, None).unwrap()))
}

fn prepare(preparer: &VideoPreparer, bytes: &[u8], segments: Segments) -> Result<Vec<Sample>> {
    preparer.prepare(&PrepareRequest { segments, ..PrepareRequest::of(bytes) }).map(|prepared| prepared.samples)
}

fn of_use(samples: &[Sample], track: Track, used_for: SampleUse) -> Vec<Sample> {
    let chosen = samples.iter().filter(|sample| sample.track == track && sample.used_for == used_for);
    chosen.map(|sample| Sample { used_for: SampleUse::Both, ..sample.clone() }).collect()
}

fn spans(samples: &[Sample]) -> Vec<(u64, u64)> {
    let mut spans: Vec<_> = samples.iter().map(|s| s.span.unwrap()).map(|s| (s.start_ms, s.end_ms)).collect();
    spans.dedup();
    spans
}

#[test]
fn the_whole_does_not_depend_on_the_segments() {
    let clips = serde_json::json!({ "pick": "clips", "clips": { "count": 3, "clip_ms": 600 } });
    let tables = [serde_json::json!({}), serde_json::json!({ "pick": "linspace" }), clips];
    for file in ["h264.mp4", "opus.mkv", "vp8.webm", "irregular.mp4", "streamed.webm"] {
        let bytes = read(file);
        for preparer in tables.iter().cloned().map(preparer) {
            let whole = prepare(&preparer, &bytes, Segments::Off).unwrap();
            assert_eq!(whole, prepare(&preparer, &bytes, Segments::Tower).unwrap(), "{file}");
            for segments in [windows(1_000, 500), windows(300, 0), windows(60_000, 0)] {
                let samples = prepare(&preparer, &bytes, segments).unwrap();
                let [visual, audio] =
                    [Track::Visual, Track::Audio].map(|track| of_use(&samples, track, SampleUse::Whole));
                assert_eq!(whole, [visual, audio].concat(), "{file}");
                let first = samples.iter().position(|sample| sample.used_for == SampleUse::Segment);
                let one = segments == windows(60_000, 0);
                assert_eq!(first, (!one).then_some(whole.len()), "{file}: segments come after the whole");
            }
        }
    }
}

#[test]
fn segments_show_and_sound_what_is_in_them() {
    let bytes = read("h264.mp4");
    let samples = prepare(&preparer(serde_json::json!({})), &bytes, windows(1_000, 500)).unwrap();
    let expected = [(0, 1000), (500, 1500), (1000, 2000), (1500, 2500), (2000, 3000), (2500, 3500), (3000, 4000)];
    let visual = of_use(&samples, Track::Visual, SampleUse::Segment);
    assert_eq!((spans(&visual).as_slice(), visual.len()), (expected.as_slice(), expected.len()));
    let audio = of_use(&samples, Track::Audio, SampleUse::Segment);
    assert_eq!(spans(&audio)[..6], expected[..6], "the last one ends with the audio");
    // A second takes four of the tower's windows, the last of them moved back.
    assert!(audio.iter().filter(|sample| sample.span.unwrap().start_ms == 500).count() == 4);
    // Divided as the tower does, the segments are those of the tower.
    for table in [serde_json::json!({}), serde_json::json!({ "pick": "linspace" })] {
        let preparer = preparer(table);
        let tower = prepare(&preparer, &bytes, Segments::Tower).unwrap();
        let chosen = prepare(&preparer, &bytes, windows(2_000, 0)).unwrap();
        let tower: Vec<Sample> = tower.into_iter().filter(|sample| sample.track == Track::Visual).collect();
        assert_eq!(tower, of_use(&chosen, Track::Visual, SampleUse::Segment));
    }
}

/// Clips that are longer than a segment end with it.
#[test]
fn clips_stay_within_their_segment() {
    let clips = |count: usize| serde_json::json!({ "pick": "clips", "clips": { "count": count, "clip_ms": 2_000 } });
    let samples = prepare(&preparer(clips(3)), &read("h264.mp4"), windows(500, 0)).unwrap();
    let visual = of_use(&samples, Track::Visual, SampleUse::Segment);
    let linspace = prepare(&preparer(serde_json::json!({ "pick": "linspace" })), &read("h264.mp4"), windows(500, 0));
    let linspace = of_use(&linspace.unwrap(), Track::Visual, SampleUse::Segment);
    assert_eq!((visual.len(), linspace.len()), (24, 8));
    for (clips, alone) in visual.chunks(3).zip(&linspace) {
        assert!(clips.iter().all(|clip| clip == alone), "{:?}", alone.span);
    }
}

#[test]
fn too_many_segments_are_refused_with_what_would_fit() {
    let refused = |table, segments| {
        let error = prepare(&preparer(table), &read("h264.mp4"), segments).unwrap_err();
        assert_eq!((error.reason, error.field.as_str()), (Reason::FieldInvalid, "options.segments"), "{error}");
        error.message
    };
    let message = refused(serde_json::json!({}), windows(100, 50));
    assert!(message.contains("79 segments") && message.contains("each 62 ms fits"), "{message}");
    // 40 segments of eight frames each.
    let frames = serde_json::json!({ "image_tower": true, "frames": 8 });
    let message = refused(frames.clone(), windows(100, 0));
    assert!(message.contains("BATCH_QUEUE") && message.contains("the limit is 30"), "{message}");
    assert!(message.contains("a window each 135 ms fits"), "{message}");
    // The audio track counts as well: as many windows of it leave no room.
    assert!(prepare(&preparer(frames), &read("vp9.webm"), windows(100, 0)).is_ok(), "two seconds without audio");
    // A megapixel a frame: what is decoded would not fit the memory that all requests share.
    let large = serde_json::json!({ "frames": 16, "width": 1_024, "height": 1_024 });
    let message = refused(large, windows(1_000, 500));
    assert!(message.contains("BATCH_QUEUE_VALUES"), "{message}");
}

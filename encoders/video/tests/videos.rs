//! The right frame at the right time, in the right colours, the right way up: compared with the command-line FFmpeg.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "this is how a test fails")]

mod common;

use std::io::Read;

use common::{Expected, read};
use onespace_core::{Modality, Prepare, PrepareRequest, Sample, Span, TensorData, Track};
use onespace_video::VideoPreparer;
use onespace_video::table::Video;

#[derive(serde::Deserialize)]
struct Case {
    video: String,
    seconds: f64,
}

fn video(name: &str) -> Vec<u8> {
    if name != "long.mp4" {
        return read(name);
    }
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(read("long.mp4.gz").as_slice()).read_to_end(&mut bytes).unwrap();
    bytes
}

fn spec(segment_ms: u32) -> Video {
    serde_json::from_value(serde_json::json!({
        "frames": 8, "segment_ms": segment_ms, "max_segments": 64, "width": 12, "height": 10,
        "resize": "squash", "filter": "bilinear", "mean": [0, 0, 0], "std": [1, 1, 1],
    }))
    .unwrap()
}

fn values(sample: &Sample) -> &[f32] {
    let [tensor] = sample.tensors.as_slice() else { panic!("not one tensor") };
    assert_eq!(tensor.shape, [8, 3, 10, 12]);
    match &tensor.data {
        TensorData::F32(values) => values,
        TensorData::I64(_) => panic!("not floats"),
    }
}

fn look(bytes: &[u8], segment_ms: u32) -> Vec<Sample> {
    VideoPreparer::new(&spec(segment_ms), None).prepare(&PrepareRequest::of(bytes)).unwrap().samples
}

#[test]
fn every_codec_and_container_gives_the_reference_frames() {
    let cases: Vec<Case> = serde_json::from_slice(&read("cases.json")).unwrap();
    let expected = Expected::open("expected.safetensors");
    assert!(cases.len() >= 15);
    let mut wrong = Vec::new();
    for case in &cases {
        let samples = look(&video(&case.video), 10_000_000);
        let [sample] = samples.as_slice() else { panic!("{}: {} samples", case.video, samples.len()) };
        assert_eq!((sample.tower, sample.track), (Modality::Video, Track::Visual), "{}", case.video);
        let span = Span { start_ms: 0, end_ms: (case.seconds * 1000.0).round() as u64 };
        assert_eq!(sample.span, Some(span), "{}", case.video);
        let theirs = expected.floats(&case.video, &[8, 3, 10, 12]);
        let gaps: Vec<f32> = values(sample).iter().zip(&theirs).map(|(a, b)| (a - b).abs() * 255.0).collect();
        let frames: Vec<f32> = gaps.chunks(360).map(|frame| frame.iter().sum::<f32>() / 360.0).collect();
        println!("{:<14} mean difference of each frame, in 255ths: {frames:.2?}", case.video);
        if frames.iter().any(|gap| *gap > 1.0) {
            wrong.push(&case.video);
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn a_longer_video_becomes_segments() {
    let samples = look(&read("h264.mp4"), 1_500);
    let spans: Vec<(u64, u64)> = samples.iter().filter_map(|s| s.span).map(|s| (s.start_ms, s.end_ms)).collect();
    assert_eq!(spans, [(0, 1_500), (1_500, 3_000), (2_500, 4_000)]);
    // Two halves with eight frames each show what the whole shows with sixteen.
    let halves = look(&read("h264.mp4"), 2_000);
    let whole = VideoPreparer::new(&Video { frames: 16, ..spec(4_000) }, None)
        .prepare(&PrepareRequest::of(&read("h264.mp4")))
        .unwrap()
        .samples;
    let both: Vec<f32> = halves.iter().flat_map(values).copied().collect();
    assert_eq!(TensorData::F32(both), whole[0].tensors[0].data);
    let few = VideoPreparer::new(&Video { max_segments: 2, ..spec(500) }, None)
        .prepare(&PrepareRequest::of(&read("h264.mp4")))
        .unwrap()
        .samples;
    let spans: Vec<(u64, u64)> = few.iter().filter_map(|s| s.span).map(|s| (s.start_ms, s.end_ms)).collect();
    assert_eq!(spans, [(0, 500), (3_500, 4_000)]);
}

//! Sound that only FFmpeg decodes, and the audio tracks of videos.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "this is how a test fails")]

mod common;

use common::read;
use onespace_audio::table::Audio;
use onespace_audio::{AudioPreparer, Pcm};
use onespace_core::{Modality, Patience, Prepare, PrepareRequest, Reason, Sample, Track};
use onespace_video::table::Video;
use onespace_video::{VideoPreparer, decode_audio};

fn prepare(name: &str) -> Vec<Sample> {
    let audio: Audio = serde_json::from_value(serde_json::json!({
        "sample_rate": 16_000, "window_ms": 1_000, "hop_ms": 1_000, "max_windows": 16,
        "front_end": { "kind": "waveform" },
    }))
    .unwrap();
    let video: Video = serde_json::from_value(serde_json::json!({
        "frames": 2, "segment_ms": 60_000, "max_segments": 4, "width": 8, "height": 8,
        "resize": "squash", "filter": "bilinear", "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5],
    }))
    .unwrap();
    VideoPreparer::new(&video, Some(AudioPreparer::new(&audio, None).unwrap()))
        .prepare(&PrepareRequest::of(&read(name)))
        .unwrap()
        .samples
}

/// How often the sound crosses zero upwards in a second, and how loud it is, leaving out the codec's onset.
fn pitch(pcm: &Pcm, channel: usize) -> (f32, f32) {
    let middle = &pcm.channels[channel][pcm.rate as usize / 4..][..pcm.rate as usize / 2];
    let rises = middle.windows(2).filter(|pair| pair[0] < 0.0 && pair[1] >= 0.0).count();
    let power = middle.iter().map(|value| value * value).sum::<f32>() / middle.len() as f32;
    (rises as f32 * 2.0, power.sqrt())
}

#[test]
fn recordings_are_decoded_to_what_was_encoded() {
    for file in ["opus.ogg", "ac3.mka", "tone.m4a"] {
        let pcm = decode_audio(&read(file), &Patience::endless()).unwrap();
        assert_eq!((pcm.rate, pcm.channels.len()), (48_000, 2), "{file}");
        let length = pcm.channels[0].len();
        assert!((46_000..51_000).contains(&length), "{file}: {length} samples");
        assert_eq!(pcm.channels[1].len(), length, "{file}");
        for channel in 0..2 {
            let (hertz, loud) = pitch(&pcm, channel);
            assert!((437.0..443.0).contains(&hertz), "{file}: {hertz} hertz");
            // FFmpeg's sine has an amplitude of one eighth.
            assert!((0.06..0.12).contains(&loud), "{file}: {loud}");
        }
    }
}

#[test]
fn a_recording_without_sound_is_refused() {
    let error = decode_audio(&read("vp9.webm"), &Patience::endless()).unwrap_err();
    assert_eq!((error.reason, error.field.as_str()), (Reason::MediaUnsupported, "bytes"), "{error}");
    assert_eq!(decode_audio(b"", &Patience::endless()).unwrap_err().reason, Reason::MediaEmpty);
}

#[test]
fn a_video_is_seen_and_heard() {
    for (file, seconds) in [("h264.mp4", 4), ("vp8.webm", 3), ("opus.mkv", 3), ("ac3.mkv", 3)] {
        let samples = prepare(file);
        let seen: Vec<_> = samples.iter().filter(|s| s.track == Track::Visual).collect();
        let heard: Vec<_> = samples.iter().filter(|s| s.track == Track::Audio).collect();
        assert_eq!((seen.len(), seen.len() + heard.len()), (1, samples.len()), "{file}");
        assert!(seen.iter().all(|sample| sample.tower == Modality::Video), "{file}");
        assert!(heard.iter().all(|sample| sample.tower == Modality::Audio), "{file}");
        assert!((seconds..=seconds + 1).contains(&heard.len()), "{file}: {} windows of a second", heard.len());
        assert_eq!(heard[1].span.unwrap().start_ms, 1_000, "{file}");
        assert_eq!(heard[0].tensors[0].shape, [16_000], "{file}");
    }
    assert!(prepare("vp9.webm").iter().all(|sample| sample.track == Track::Visual));
}

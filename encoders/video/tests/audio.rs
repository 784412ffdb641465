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
        let [pcm] = &decode_audio(&read(file), &Patience::endless()).unwrap().stretches[..] else { panic!("{file}") };
        assert_eq!((pcm.rate, pcm.channels.len()), (48_000, 2), "{file}");
        let length = pcm.channels[0].len();
        assert!((46_000..51_000).contains(&length), "{file}: {length} samples");
        assert_eq!(pcm.channels[1].len(), length, "{file}");
        for channel in 0..2 {
            let (hertz, loud) = pitch(pcm, channel);
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

/// What audio files go through: this crate's decoder stands behind that of the audio crate.
fn listen(bytes: &[u8]) -> onespace_core::Result<onespace_core::Prepared> {
    let audio: Audio = serde_json::from_value(serde_json::json!({
        "sample_rate": 16_000, "window_ms": 10_000, "hop_ms": 10_000, "max_windows": 1,
        "front_end": { "kind": "waveform" },
    }))
    .unwrap();
    let decoder: onespace_audio::AudioDecoder = std::sync::Arc::new(decode_audio);
    AudioPreparer::new(&audio, Some(decoder)).unwrap().prepare(&PrepareRequest::of(bytes))
}

/// How long it is in milliseconds, and how often it crosses zero upwards in a second.
fn heard(bytes: &[u8]) -> (u64, f32) {
    let prepared = listen(bytes).unwrap_or_else(|error| panic!("{error}"));
    assert!(prepared.notes.is_empty(), "{:?}", prepared.notes);
    let sample = &prepared.samples[0];
    let onespace_core::TensorData::F32(values) = &sample.tensors[0].data else { panic!("no floats") };
    let milliseconds = sample.span.unwrap().end_ms;
    // Without the codec's onset.
    let middle = &values[1600..milliseconds as usize * 16 - 1600];
    let rises = middle.windows(2).filter(|pair| pair[0] < 0.0 && pair[1] >= 0.0).count();
    (milliseconds, rises as f32 * 16_000.0 / middle.len() as f32)
}

#[test]
fn formats_that_only_ffmpeg_decodes_are_heard() {
    for name in ["ac3", "eac3", "wv", "tta", "wma", "amr", "au", "mp2"] {
        let (milliseconds, hertz) = heard(&read(&format!("sound/tone.{name}")));
        assert!((380..520).contains(&milliseconds), "{name}: {milliseconds} ms");
        assert!((425.0..455.0).contains(&hertz), "{name}: {hertz} hertz");
        let (twice, _) = heard(&read(&format!("sound/tone.{name}")).repeat(2));
        assert!(twice.abs_diff(2 * milliseconds) <= 1, "{name}: {twice} ms, joined");
    }
}

#[test]
fn streams_that_follow_each_other_are_all_heard() {
    let opus = read("opus.ogg");
    let once = heard(&opus).0;
    let (twice, hertz) = heard(&[&opus[..], &opus].concat());
    assert_eq!(twice, 2 * once);
    assert!((437.0..443.0).contains(&hertz), "{hertz} hertz");
}

#[test]
fn a_sound_that_no_decoder_reads_is_named() {
    for (bytes, name) in [
        (&b"MAC \x96\x0f\0\0rest"[..], "Monkey's Audio"),
        (b"DSD \x1c\0\0\0\0\0\0\0 ", "DSD"),
        (b"MThd\0\0\0\x06\0\x01", "MIDI"),
        (b"OFR \0\0", "OptimFROG"),
    ] {
        let error = listen(bytes).unwrap_err();
        assert!(error.reason.name().starts_with("MEDIA_"), "{error}");
        assert!(error.reason == Reason::MediaMalformed || error.message.contains(name), "{error}");
    }
}

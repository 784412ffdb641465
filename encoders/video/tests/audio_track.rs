//! A video whose audio track is missing, of a codec that is not decoded here, damaged or broken.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "this is how a test fails")]

mod common;

use std::ops::Range;

use common::read;
use onespace_audio::AudioPreparer;
use onespace_audio::table::Audio;
use onespace_core::{NoteReason, Prepare, PrepareRequest, Prepared, Reason, Result, Track};
use onespace_video::VideoPreparer;
use onespace_video::table::Video;

fn audio() -> AudioPreparer {
    let audio: Audio = serde_json::from_value(serde_json::json!({
        "sample_rate": 16_000, "window_ms": 1_000, "hop_ms": 1_000, "max_windows": 16,
        "front_end": { "kind": "waveform" },
    }))
    .unwrap();
    AudioPreparer::new(&audio, None).unwrap()
}

fn prepare_with(bytes: &[u8], audio: Option<AudioPreparer>) -> Result<Prepared> {
    let video: Video = serde_json::from_value(serde_json::json!({
        "frames": 2, "segment_ms": 60_000, "max_segments": 4, "width": 8, "height": 8,
        "resize": "squash", "filter": "bilinear", "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5],
    }))
    .unwrap();
    VideoPreparer::new(&video, audio).prepare(&PrepareRequest::of(bytes))
}

fn prepare(bytes: &[u8]) -> Result<Prepared> {
    prepare_with(bytes, Some(audio()))
}

fn heard(prepared: &Prepared) -> usize {
    prepared.samples.iter().filter(|sample| sample.track == Track::Audio).count()
}

/// The reason and the message of a video's only note.
fn note(bytes: &[u8]) -> (NoteReason, String) {
    let prepared = prepare(bytes).unwrap();
    assert!(heard(&prepared) == 0 && !prepared.samples.is_empty(), "it is seen and not heard");
    let [note] = prepared.notes.as_slice() else { panic!("{:?}", prepared.notes) };
    let unheard = prepare_with(bytes, None).unwrap();
    assert!(unheard.notes.is_empty(), "without an audio tower there is nothing to be missed");
    assert_eq!(unheard.samples, prepared.samples);
    (note.reason, note.message.clone())
}

fn find(bytes: &[u8], what: &[u8]) -> usize {
    bytes.windows(what.len()).position(|window| window == what).unwrap()
}

/// The same file with `what` replaced where it first occurs.
fn replaced(bytes: &[u8], what: &[u8], by: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let at = find(&bytes, what);
    bytes[at..at + by.len()].copy_from_slice(by);
    bytes
}

/// An MP4 with the box `name` of its audio track changed.
fn changed(bytes: &[u8], name: &[u8], change: impl Fn(&mut [u8])) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let track = find(&bytes, b"soun");
    let body = track + find(&bytes[track..], name) + 4;
    let size = u32::from_be_bytes(bytes[body - 8..body - 4].try_into().unwrap()) as usize;
    change(&mut bytes[body..body - 8 + size]);
    bytes
}

/// Where the numbers of a table of four bytes each lie, after version, flags and count.
const ENTRIES: usize = 8;

#[test]
fn a_video_without_audio_says_so() {
    assert_eq!(note(&read("vp9.webm")), (NoteReason::NoAudioTrack, "the video has no audio track".to_owned()));
    // A screen recorder's: the track is there, its tables are empty.
    let mut empty = read("h264.mp4");
    for table in [b"stts", b"stsc", b"stco"] {
        empty = changed(&empty, table, |body| body[4..8].fill(0));
    }
    empty = changed(&empty, b"stsz", |body| body[8..12].fill(0));
    let (reason, message) = note(&empty);
    assert_eq!(reason, NoteReason::NoAudioTrack);
    assert!(message.contains("nothing in"), "{message}");
}

#[test]
fn a_codec_that_is_not_decoded_here_is_named() {
    let (opus, aac) = (read("opus.mkv"), read("h264.mp4"));
    for (bytes, codec) in [
        (replaced(&opus, b"A_OPUS", b"A_MLP\0"), "mlp"),
        (replaced(&opus, b"A_OPUS", b"A_XYZW"), "something unknown"),
        // The kind of the track's packets: 0xe1 is QCELP.
        (changed(&aac, b"esds", |body| body[find(body, &[4, 0x80, 0x80, 0x80]) + 5] = 0xe1), "qcelp"),
        (replaced(&replaced(&aac, b"mp4a", b"xyzw"), b"esds", b"free"), "xyzw"),
        // AAC of the scalable profile.
        (with_aac_config(&aac, [0b0011_0000 | 0b001, 0b1000_1000]), "aac"),
    ] {
        println!("{codec}");
        let (reason, message) = note(&bytes);
        assert_eq!(reason, NoteReason::AudioCodecUnsupported, "{message}");
        assert!(message.contains(codec), "{message}");
    }
}

/// The file with other parameters of its AAC: five bits of profile, four of sample rate, four of channels.
fn with_aac_config(bytes: &[u8], config: [u8; 2]) -> Vec<u8> {
    changed(bytes, b"esds", |body| {
        // The descriptor of the decoder's own parameters: its tag, then its length in up to four bytes.
        let at = find(body, &[5, 0x80, 0x80, 0x80]) + 5;
        body[at..at + 2].copy_from_slice(&config);
    })
}

#[test]
fn an_audio_track_that_cannot_be_read_fails_the_video() {
    let aac = read("h264.mp4");
    assert_eq!(heard(&prepare(&aac).unwrap()), 5);
    let nowhere = changed(&aac, b"stco", |body| body[ENTRIES..].fill(0xf0));
    let garbage = changed(&aac, b"stco", |body| {
        let offset = find(&aac, b"moov") as u32;
        body[ENTRIES..].chunks_exact_mut(4).for_each(|chunk| chunk.copy_from_slice(&offset.to_be_bytes()));
    });
    for (what, bytes) in [
        ("no such sample rate", with_aac_config(&aac, [0b0001_0110, 0b1000_1000])),
        ("packets beyond the end of the file", nowhere),
        ("packets of something else", garbage),
    ] {
        let seen = prepare_with(&bytes, None).unwrap();
        assert_eq!(seen.samples.len(), 1, "{what}: the pictures are whole");
        let error = prepare(&bytes).unwrap_err();
        assert_eq!((error.reason, error.field.as_str()), (Reason::MediaMalformed, "bytes"), "{what}: {error}");
        assert!(error.message.contains("audio"), "{what}: {error}");
    }
}

/// Overwrites a part of the file's audio packets, which are all but the largest blocks of this file.
fn spoilt(bytes: &[u8], range: Range<usize>) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    // A SimpleBlock of track 2: its id, a length of two bytes at most, the track's number.
    let block = |at: &usize| bytes[*at] == 0xa3 && (bytes[*at + 2] == 0x82 || bytes[*at + 3] == 0x82);
    let blocks: Vec<usize> = (0..bytes.len() - 16).filter(block).collect();
    assert!(blocks.len() > 50, "{} packets", blocks.len());
    let from = blocks.len() * range.start / 100;
    let to = blocks.len() * range.end / 100;
    for at in &blocks[from..to] {
        // Behind the track's number, a time and flags: what says how the packet is coded.
        let data = at + if bytes[at + 2] == 0x82 { 6 } else { 7 };
        bytes[data..data + 3].fill(0xff);
    }
    bytes
}

#[test]
fn an_audio_track_that_is_damaged_in_part_is_heard_for_the_rest() {
    let opus = read("opus.mkv");
    let all = heard(&prepare(&opus).unwrap());
    let some = prepare(&spoilt(&opus, 30..60)).unwrap();
    assert!((1..=all).contains(&heard(&some)), "{} of {all}", heard(&some));
    assert!(some.notes.iter().all(|note| note.reason == NoteReason::AudioIncomplete), "{:?}", some.notes);
    // Cut off, it is seen and heard as far as it goes.
    let begun = prepare(&opus[..opus.len() * 2 / 3]).unwrap();
    assert!(begun.notes.is_empty() && (1..all).contains(&heard(&begun)), "{} of {all}", heard(&begun));
}

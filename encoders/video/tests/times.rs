//! A film is the same film wherever its time stamps begin, and whatever its container says of its length.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "this is how a test fails")]

mod common;

use common::film::{Film, MP4};
use common::look::{assert_like, difference, length, look};
use onespace_audio::AudioPreparer;
use onespace_audio::table::Audio;
use onespace_core::{Prepare, PrepareRequest, Sample, Track};
use onespace_video::VideoPreparer;
use onespace_video::table::Video;

/// As good as the same, in 255ths: the codecs are the same, but not where key frames lie.
const SAME: f32 = 1.0;

const MKV: Film<'static> = Film { container: "matroska", ..MP4 };

fn assert_same(what: &str, bytes: &[u8], reference: &Sample) {
    assert_like(what, bytes, reference, (40, SAME));
}

#[test]
fn films_that_do_not_begin_at_zero_are_those_that_do() {
    let reference = look(&MP4.make()).unwrap();
    assert_eq!(length(&reference), 2_800);
    for hours in [1.0, 10.0, 30.0] {
        let begins = hours * 3600.0;
        assert_same(&format!("Matroska from {hours} hours on"), &Film { begins, ..MKV }.make(), &reference);
        assert_same(
            &format!("MPEG-TS from {hours} hours on"),
            &Film { begins, container: "mpegts", ..MP4 }.make(),
            &reference,
        );
        assert_same(
            &format!("FLV from {hours} hours on"),
            &Film { begins, container: "flv", ..MP4 }.make(),
            &reference,
        );
        let fragments = [("movflags", "frag_keyframe+empty_moov+default_base_moof")];
        let file = Film { container_options: &fragments, ..MP4 }.make();
        assert_same(&format!("fragments from {hours} hours on"), &later(&file, begins), &reference);
    }
    let early = [("avoid_negative_ts", "disabled"), ("movflags", "frag_keyframe+empty_moov")];
    assert_same(
        "fragments from before zero on",
        &Film { begins: -0.5, container_options: &early, ..MP4 }.make(),
        &reference,
    );
    assert_same("MPEG-TS from its usual beginning on", &Film { container: "mpegts", ..MP4 }.make(), &reference);
}

/// Fragments whose decode times are later by so many seconds.
fn later(bytes: &[u8], seconds: f64) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let scale = u32_at(&bytes, find(&bytes, b"mdhd") + 16);
    let boxes: Vec<usize> = (0..bytes.len() - 4).filter(|at| &bytes[*at..*at + 4] == b"tfdt").collect();
    assert!(boxes.len() > 1);
    for at in boxes {
        assert_eq!(bytes[at + 4], 1, "64 bits");
        let time = u64::from_be_bytes(bytes[at + 8..at + 16].try_into().unwrap());
        let time = time + (seconds * f64::from(scale)) as u64;
        bytes[at + 8..at + 16].copy_from_slice(&time.to_be_bytes());
    }
    bytes
}

fn find(bytes: &[u8], what: &[u8]) -> usize {
    bytes.windows(what.len()).position(|window| window == what).unwrap()
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap())
}

#[test]
fn a_length_in_a_header_is_not_believed() {
    let reference = look(&MP4.make()).unwrap();
    let mkv = MKV.make();
    // Duration: two bytes of name, a length of one byte, a double in milliseconds.
    let at = find(&mkv, &[0x44, 0x89, 0x88]) + 3;
    for (what, stated) in
        [("ten times as long", 28_000.0_f64), ("an hour", 3_600_000.0), ("half", 1_400.0), ("none", 0.0)]
    {
        let mut bytes = mkv.clone();
        bytes[at..at + 8].copy_from_slice(&stated.to_be_bytes());
        assert_same(&format!("Matroska that states {what}"), &bytes, &reference);
    }
    let fragments = [("movflags", "frag_keyframe+empty_moov")];
    let mp4 = Film { container_options: &fragments, ..MP4 }.make();
    for (what, stated) in [("nothing", 0_u32), ("much more", 0x00ff_ffff), ("less", 500)] {
        let mut bytes = mp4.clone();
        // Version 0: made, changed, the scale, the length; of the film behind the version, of the track too.
        for name in [b"mvhd", b"mdhd"] {
            let at = find(&bytes, name) + 20;
            bytes[at..at + 4].copy_from_slice(&stated.to_be_bytes());
        }
        assert_same(&format!("fragments that state {what}"), &bytes, &reference);
    }
    let live = [("live", "1")];
    assert_same("Matroska that was streamed", &Film { container_options: &live, ..MKV }.make(), &reference);
}

#[test]
fn pieces_that_were_joined_are_one_film() {
    let half = |from: usize| {
        let piece = Film { container: "mpegts", frames: 35, between: 0, ..MP4 };
        piece.make_of(|number, size| common::film::scene(number + from, size))
    };
    let joined = [half(0), half(35)].concat();
    assert_same("two pieces of MPEG-TS", &joined, &look(&MP4.make()).unwrap());
}

/// A camera that takes half a second to hear, in a film that begins at an hour: its sound is where it is heard.
#[test]
fn the_sound_is_where_it_is_heard() {
    let sounds = |tone, begins| {
        let audio: Audio = serde_json::from_value(serde_json::json!({
            "sample_rate": 16_000, "window_ms": 1_000, "hop_ms": 1_000, "max_windows": 4,
            "front_end": { "kind": "waveform" },
        }))
        .unwrap();
        let video: Video = serde_json::from_value(serde_json::json!({
            "frames": 2, "segment_ms": 60_000, "max_segments": 4, "width": 8, "height": 8,
            "resize": "squash", "filter": "bilinear", "mean": [0, 0, 0], "std": [1, 1, 1],
        }))
        .unwrap();
        let bytes = Film { tone: Some(tone), begins, ..MKV }.make();
        let preparer = VideoPreparer::new(&video, Some(AudioPreparer::new(&audio, None).unwrap()));
        let samples = preparer.prepare(&PrepareRequest::of(&bytes)).unwrap().samples;
        let heard = samples.into_iter().filter(|sample| sample.track == Track::Audio);
        let heard: Vec<_> = heard.map(|sample| (sample.span.unwrap().start_ms, sample.tensors)).collect();
        assert_eq!(heard.len(), 3);
        heard
    };
    let together = sounds(0.0, 0.0);
    assert_eq!(together, sounds(0.0, 3600.0));
    assert_eq!(together[0].0, 0);
    let later: Vec<_> = together.iter().map(|(start, tensors)| (start + 500, tensors.clone())).collect();
    assert_eq!(later, sounds(0.5, 3600.0));
}

/// The first frames of a film that an editor cut off without coding it anew are decoded and not shown.
#[test]
fn an_edit_list_cuts_off_what_it_says() {
    let whole = MP4.make();
    // Its media time is where showing begins: a count, then a length and a time in 32 bits each.
    let at = find(&whole, b"elst") + 16;
    let scale = u32_at(&whole, find(&whole, b"mdhd") + 16);
    let mut cut = whole.clone();
    let begins = u32_at(&whole, at) + scale * 20 / 25;
    cut[at..at + 4].copy_from_slice(&begins.to_be_bytes());
    let film = Film { frames: 50, ..MP4 };
    let shown = look(&cut).unwrap();
    let expected = look(&film.make_of(|number, size| common::film::scene(number + 20, size))).unwrap();
    println!("{} ms, {}", length(&shown), difference(&shown, &expected));
    assert_eq!(length(&shown), 2_000);
    assert!(difference(&shown, &expected) < SAME);
}

//! What a video may cost, and what is said of one that costs more.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "this is how a test fails")]

mod common;

use common::film::{Film, MP4};
use common::look::{length, look};

const QUICK: &[(&str, &str)] =
    &[("preset", "ultrafast"), ("crf", "30"), ("threads", "1"), ("x264-params", "scenecut=0")];

/// A recording of a screen, or of a camera that nobody seeks in, has one key frame and tens of thousands of others.
#[test]
fn a_long_video_behind_one_key_frame_is_decoded() {
    let film =
        Film { size: (32, 32), rate: 60, frames: 21_000, group: 1_000_000, between: 0, codec_options: QUICK, ..MP4 };
    let sample = look(&film.make()).unwrap();
    assert_eq!(length(&sample), 350_000);
}

/// Pictures that become whole little by little have frames that only look like key frames.
#[test]
fn frames_that_are_no_beginning_are_not_begun_with() {
    let refreshed =
        [("preset", "veryfast"), ("crf", "12"), ("threads", "1"), ("x264-params", "intra-refresh=1:keyint=20")];
    let film = Film { codec_options: &refreshed, between: 0, ..MP4 };
    for container in ["mp4", "matroska", "mpegts"] {
        let sample = look(&Film { container, ..film.clone() }.make()).unwrap();
        let gap = common::look::difference(&sample, &look(&MP4.make()).unwrap());
        println!("{container}: {gap:.2}");
        assert!(gap < 2.0, "{container}: {gap}");
    }
}

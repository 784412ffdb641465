//! A video is decoded while somebody waits for it and no longer: its caller's deadline, or its going away, ends the
//! work within a frame.
#![allow(clippy::unwrap_used, clippy::panic, reason = "this is how a test fails")]

use std::{
    fs,
    io::Read,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use onespace_core::{Deadline, Patience, Prepare, PrepareRequest, Reason};
use onespace_video::table::Video;
use onespace_video::{VideoPreparer, decode_audio};

/// Far more than a frame takes, far less than the video, which takes tens of seconds.
const SOON: Duration = Duration::from_secs(10);

/// Half an hour at a frame a second, 4096 pixels a side, all of it behind one key frame.
fn slow_video() -> Vec<u8> {
    let packed = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/slow.mp4.gz")).unwrap();
    let mut video = Vec::new();
    flate2::read::GzDecoder::new(packed.as_slice()).read_to_end(&mut video).unwrap();
    video
}

/// A preparer of four stretches, whose frames are found as `pick` says.
fn preparer(pick: &str) -> VideoPreparer {
    let spec: Video = serde_json::from_value(serde_json::json!({
        "frames": 2, "segment_ms": 10_000, "max_segments": 4, "width": 8, "height": 8, "pick": pick,
        "resize": "squash", "filter": "bilinear", "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5],
    }))
    .unwrap();
    VideoPreparer::new(&spec, None)
}

/// What becomes of the slow video, and when.
fn end(pick: &str, patience: &Patience) -> (Reason, Duration) {
    let video = slow_video();
    let begun = Instant::now();
    let outcome = preparer(pick).prepare(&PrepareRequest::of(&video).within(patience));
    (outcome.map(drop).unwrap_err().reason, begun.elapsed())
}

#[test]
fn a_deadline_ends_the_decoding() {
    for pick in ["middle", "linspace"] {
        let (reason, took) = end(pick, &Patience::until(Deadline::after(Duration::from_millis(200))));
        println!("{pick}: {took:?}");
        assert_eq!(reason, Reason::DeadlineExceeded, "{pick}");
        assert!(took < SOON, "{pick}: {took:?}");
    }
}

#[test]
fn a_caller_that_goes_away_ends_the_decoding() {
    let patience = Patience::until(Deadline::default());
    let caller = patience.clone();
    let leaving = thread::spawn(move || {
        thread::sleep(Duration::from_millis(200));
        caller.leave();
    });
    let (reason, took) = end("middle", &patience);
    leaving.join().unwrap();
    println!("{took:?}");
    assert_eq!(reason, Reason::Cancelled);
    assert!(took < SOON, "{took:?}");
}

#[test]
fn a_recording_that_nobody_waits_for_is_not_opened() {
    let sound = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/opus.ogg")).unwrap();
    let gone = Patience::endless();
    gone.leave();
    assert_eq!(decode_audio(&sound, &gone).map(drop).unwrap_err().reason, Reason::Cancelled);
    let late = Patience::until(Deadline::after(Duration::ZERO));
    assert_eq!(decode_audio(&sound, &late).map(drop).unwrap_err().reason, Reason::DeadlineExceeded);
}

//! Bytes are never trusted: whatever they are, the answer is samples or a `MEDIA_*` error that blames `bytes`, and
//! nothing else is opened on their behalf.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "this is how a test fails")]

mod common;

use std::{
    net::TcpListener,
    path::Path,
    time::{Duration, Instant},
};

use common::film::{Film, MP4};
use common::read;
use ffmpeg_next::format::Pixel;
use onespace_core::{Error, Patience, Prepare, PrepareRequest, Reason, Result, Sample, limits};
use onespace_video::table::Video;
use onespace_video::{VideoPreparer, decode_audio};

const VIDEOS: [&str; 9] = [
    "h264.mp4",
    "hevc.mp4",
    "vp8.webm",
    "vp9.webm",
    "av1.mp4",
    "turned90.mov",
    "irregular.mp4",
    "opus.mkv",
    "streamed.webm",
];

/// Containers and codecs that the files above leave out, with as many frames as all of it takes.
const MADE: [(&str, &str); 7] = [
    ("avi", "mpeg4"),
    ("mpeg", "mpeg2video"),
    ("mpegts", "libx264"),
    ("asf", "wmv2"),
    ("flv", "flv"),
    ("ogg", "libtheora"),
    ("avi", "mjpeg"),
];

/// Every kind of video, with its name.
fn videos() -> Vec<(String, Vec<u8>)> {
    let made = MADE.iter().map(|&(container, codec)| {
        let pixels = if codec == "mjpeg" { Pixel::YUVJ420P } else { Pixel::YUV420P };
        let options = if codec == "libx264" { MP4.codec_options } else { &[] };
        let film = Film { container, codec, pixels, frames: 20, between: 0, codec_options: options, ..MP4 };
        (format!("{codec} in {container}"), film.make())
    });
    VIDEOS.iter().map(|file| (file.to_string(), read(file))).chain(made).collect()
}

const RECORDINGS: [&str; 3] = ["opus.ogg", "ac3.mka", "tone.m4a"];

fn prepare(bytes: &[u8]) -> Result<Vec<Sample>> {
    let spec: Video = serde_json::from_value(serde_json::json!({
        "frames": 2, "segment_ms": 10_000, "max_segments": 4, "width": 8, "height": 8,
        "resize": "squash", "filter": "bilinear", "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5],
    }))
    .unwrap();
    VideoPreparer::new(&spec, None).prepare(&PrepareRequest::of(bytes)).map(|prepared| prepared.samples)
}

fn assert_blames_the_media(error: &Error, what: &str) {
    assert_eq!(error.field, "bytes", "{what}: {error}");
    assert!(error.reason.name().starts_with("MEDIA_"), "{what}: {:?} {error}", error.reason);
    assert!(!error.message.is_empty(), "{what}");
}

/// A small, fast, seeded source of numbers (xorshift).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }
}

#[test]
fn playlists_in_disguise_are_refused_and_open_nothing() {
    let bait = TcpListener::bind("127.0.0.1:0").unwrap();
    bait.set_nonblocking(true).unwrap();
    let url = format!("http://{}/x.ts", bait.local_addr().unwrap());
    let local = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/h264.mp4");
    let local = local.display();
    let hls = |target: &str| {
        format!("#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:4\n#EXTINF:4.0,\n{target}\n#EXT-X-ENDLIST\n")
    };
    let dash = [
        r#"<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period>"#,
        r#"<AdaptationSet mimeType="video/mp4"><Representation id="0" bandwidth="1">"#,
        &format!("<BaseURL>{url}</BaseURL></Representation></AdaptationSet></Period></MPD>"),
    ];
    let dash = dash.concat();
    let disguises = [
        ("HLS to a server", hls(&url)),
        ("HLS to a file", hls(&format!("file://{local}"))),
        ("HLS to a path", hls(&local.to_string())),
        ("concat", format!("ffconcat version 1.0\nfile {local}\n")),
        ("DASH", dash),
        ("SDP", "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n".to_owned()),
    ];
    for (what, playlist) in disguises {
        for answer in
            [prepare(playlist.as_bytes()).map(drop), decode_audio(playlist.as_bytes(), &Patience::endless()).map(drop)]
        {
            let error = answer.unwrap_err();
            assert_eq!(error.reason, Reason::MediaUnsupported, "{what}: {error}");
            assert_blames_the_media(&error, what);
        }
    }
    assert!(bait.accept().is_err(), "a playlist made a connection");
}

#[test]
fn what_is_no_video_says_so() {
    let zeros = vec![0; 100_000];
    for (what, bytes, reason) in [
        ("nothing", b"".as_slice(), Reason::MediaEmpty),
        ("text", b"a red mug on a table", Reason::MediaUnsupported),
        ("zeros", zeros.as_slice(), Reason::MediaUnsupported),
        ("a PNG", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0", Reason::MediaUnsupported),
        ("an MP4 without anything", b"\0\0\0\x18ftypisom\0\0\0\0isomiso2", Reason::MediaMalformed),
    ] {
        let error = prepare(bytes).unwrap_err();
        assert_eq!(error.reason, reason, "{what}: {error}");
        assert_blames_the_media(&error, what);
    }
    for (file, reason) in [
        ("cover.m4a", Reason::MediaUnsupported),
        ("sound-only.mp4", Reason::MediaUnsupported),
        ("wide.mp4", Reason::MediaTooLarge),
        ("four-hours.mkv", Reason::MediaTooLarge),
        ("many-streams.mkv", Reason::MediaTooLarge),
    ] {
        let error = prepare(&read(file)).unwrap_err();
        assert_eq!(error.reason, reason, "{file}: {error}");
        assert_blames_the_media(&error, file);
        // The fastest of several: the machine may be busy.
        let took = (0..5).map(|_| {
            let begun = Instant::now();
            let _ = prepare(&read(file));
            begun.elapsed()
        });
        let fastest = took.min().unwrap();
        assert!(fastest < Duration::from_millis(100), "{file}: {fastest:?}");
    }
    let error = prepare(&vec![0; limits::VIDEO_BYTES + 1]).unwrap_err();
    assert_eq!((error.reason, error.field.as_str()), (Reason::MediaTooLarge, "bytes"));
}

#[test]
fn truncated_videos_end_in_samples_or_an_error() {
    for (file, bytes) in videos() {
        let mut refused = 0;
        for length in
            (1..bytes.len()).filter(|length| *length % 211 == 0 || [1, 4, 8, 16, 32, 64, 128].contains(length))
        {
            if let Err(error) = prepare(&bytes[..length]) {
                refused += 1;
                assert_blames_the_media(&error, &format!("{file} cut to {length}"));
            }
        }
        assert!(refused > 5, "{file}: {refused} lengths refused");
    }
}

/// Changes bytes of `original`, more often in its first and last kilobyte, where containers keep their tables.
fn damaged(original: &[u8], numbers: &mut Numbers) -> Vec<u8> {
    let mut bytes = original.to_vec();
    let reach = bytes.len().min(1024);
    for _ in 0..=numbers.below(8) {
        let at = match numbers.below(3) {
            0 => numbers.below(reach),
            1 => bytes.len() - 1 - numbers.below(reach),
            _ => numbers.below(bytes.len()),
        };
        bytes[at] = numbers.below(256) as u8;
    }
    bytes
}

#[test]
fn flipped_bytes_end_in_samples_or_an_error() {
    for (file, original) in videos() {
        let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15 ^ original.len() as u64);
        let (mut refused, mut slowest) = (0, Duration::ZERO);
        for round in 0..200 {
            let bytes = damaged(&original, &mut numbers);
            let begun = Instant::now();
            if let Err(error) = prepare(&bytes) {
                refused += 1;
                assert_blames_the_media(&error, &format!("{file}, round {round}"));
            }
            slowest = slowest.max(begun.elapsed());
        }
        println!("{file}: {refused} of 200 refused, the slowest took {slowest:?}");
        assert!(refused > 0, "{file}: no change was ever noticed");
        assert!(slowest < Duration::from_secs(10), "{file}: {slowest:?}");
    }
}

#[test]
fn damaged_recordings_end_in_sound_or_an_error() {
    for file in RECORDINGS {
        let original = read(file);
        let mut numbers = Numbers(77 ^ original.len() as u64);
        for round in 0..200 {
            match decode_audio(&damaged(&original, &mut numbers), &Patience::endless()) {
                Ok(pcm) => {
                    assert!(
                        pcm.stretches.iter().flat_map(|pcm| &pcm.channels).flatten().all(|value| value.is_finite()),
                        "{file}, round {round}"
                    )
                }
                Err(error) => assert_blames_the_media(&error, &format!("{file}, round {round}")),
            }
        }
        for length in (1..original.len()).step_by(97) {
            if let Err(error) = decode_audio(&original[..length], &Patience::endless()) {
                assert_blames_the_media(&error, &format!("{file} cut to {length}"));
            }
        }
    }
}

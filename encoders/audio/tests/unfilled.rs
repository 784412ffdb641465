//! Lengths that were never filled in, in WAV and its kin: what lies behind them is heard.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)] // A test may fail.

mod common;

use std::time::{Duration, Instant};

use common::{values, waveform};
use onespace_core::{Prepare, PrepareRequest, Reason};

const FRAMES: usize = 3200;

/// A tone of a fifth of a second, 16 bits at 16 kHz.
fn tone() -> Vec<i16> {
    (0..FRAMES).map(|k| ((k as f32 * 0.2).sin() * 20_000.0) as i16).collect()
}

fn samples() -> Vec<u8> {
    tone().into_iter().flat_map(i16::to_le_bytes).collect()
}

fn format() -> Vec<u8> {
    [&b"fmt \x10\0\0\0\x01\0\x01\0"[..], &16_000_u32.to_le_bytes(), &32_000_u32.to_le_bytes(), b"\x02\0\x10\0"].concat()
}

fn riff(maker: &[u8; 4], all: u32, before: &[u8], data: u32, behind: &[u8]) -> Vec<u8> {
    [&maker[..], &all.to_le_bytes(), b"WAVE", before, &format(), b"data", &data.to_le_bytes(), behind].concat()
}

fn long_sizes(all: u64, data: u64) -> Vec<u8> {
    [&b"ds64\x1c\0\0\0"[..], &all.to_le_bytes(), &data.to_le_bytes(), &(data / 2).to_le_bytes(), &[0; 4]].concat()
}

fn heard(bytes: &[u8]) -> Vec<f32> {
    let samples = waveform(200).prepare(&PrepareRequest::of(bytes)).unwrap_or_else(|error| panic!("{error}")).samples;
    samples.iter().flat_map(values).copied().collect()
}

fn is_the_tone(what: &str, bytes: &[u8]) {
    let wanted: Vec<f32> = tone().iter().map(|value| f32::from(*value) / 32_768.0).collect();
    assert_eq!(heard(bytes), wanted, "{what}");
}

#[test]
fn samples_behind_unknown_lengths_are_heard() {
    let (all, data) = (36 + 2 * FRAMES as u32, 2 * FRAMES as u32);
    is_the_tone("as it should be", &riff(b"RIFF", all, &[], data, &samples()));
    for size in [0, all, u32::MAX, 0x7fff_ffff, 36] {
        for data in [0, data, u32::MAX, 0x7fff_ffd8, 0x8000_0000] {
            is_the_tone(&format!("{size} and {data}"), &riff(b"RIFF", size, &[], data, &samples()));
        }
    }
    let more = b"LIST\x0c\0\0\0INFOICMT\0\0\0\0";
    is_the_tone("a chunk before", &riff(b"RIFF", 0, more, 0, &samples()));
    is_the_tone("a chunk behind", &riff(b"RIFF", 0, &[], data, &[&samples()[..], more].concat()));
    for maker in [b"RF64", b"BW64"] {
        for length in [0, u64::from(data), u64::MAX] {
            let file = riff(maker, u32::MAX, &long_sizes(length, length), u32::MAX, &samples());
            is_the_tone(&format!("{length} in 64 bits"), &file);
        }
        is_the_tone("no 64 bits at all", &riff(maker, u32::MAX, &[], u32::MAX, &samples()));
    }
}

#[test]
fn wave64_is_heard() {
    let chunk = |name: &[u8; 4], size: u64, body: &[u8]| {
        let tail = if name == b"riff" {
            &b"\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\0\0"[..]
        } else {
            b"\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a"
        };
        [&name[..], tail, &size.to_le_bytes(), body].concat()
    };
    let kind = b"wave\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a";
    let data = 24 + 2 * FRAMES as u64;
    for (all, data) in [(40 + 40 + data, data), (0, 0), (u64::MAX, u64::MAX), (0, 24), (24, data)] {
        let fmt = chunk(b"fmt ", 40, &format()[8..]);
        let file = [chunk(b"riff", all, kind), fmt, chunk(b"data", data, &samples())].concat();
        is_the_tone(&format!("{all} and {data}"), &file);
    }
}

#[test]
fn aiff_is_heard_whatever_its_lengths_are() {
    let samples: Vec<u8> = tone().into_iter().flat_map(i16::to_be_bytes).collect();
    let rate = b"\x40\x0c\xfa\0\0\0\0\0\0\0";
    let described = [&b"COMM\0\0\0\x12\0\x01"[..], &(FRAMES as u32).to_be_bytes(), &[0, 16], rate].concat();
    let (all, sound) = ((4 + 26 + 16 + samples.len()) as u32, samples.len() as u32 + 8);
    for all in [all, 0, u32::MAX] {
        for sound in [sound, 0, u32::MAX] {
            let (all, sound) = (all.to_be_bytes(), sound.to_be_bytes());
            let file = [&b"FORM"[..], &all, b"AIFF", &described, b"SSND", &sound, &[0; 8], &samples].concat();
            is_the_tone(&format!("{all:?} and {sound:?}"), &file);
        }
    }
}

#[test]
fn what_is_empty_stays_empty() {
    for behind in [&b""[..], b"LIST\x04\0\0\0INFO"] {
        let error = waveform(200).prepare(&PrepareRequest::of(&riff(b"RIFF", 0, &[], 0, behind))).unwrap_err();
        assert_eq!(error.reason, Reason::MediaEmpty, "{error}");
    }
}

#[test]
fn files_that_do_not_say_where_they_end_may_be_joined() {
    let one = riff(b"RIFF", u32::MAX, &[], u32::MAX, &samples());
    let all = heard(&[&one[..], &one, &riff(b"RIFF", 0, &[], 0, &samples())].concat());
    assert_eq!(all, heard(&one).repeat(3));
}

#[test]
fn a_wave_and_its_mirror_image_are_heard() {
    let stereo = |right: fn(i16) -> i16| {
        let format =
            [&b"fmt \x10\0\0\0\x01\0\x02\0"[..], &16_000_u32.to_le_bytes(), &64_000_u32.to_le_bytes()].concat();
        let samples: Vec<u8> =
            tone().into_iter().flat_map(|left| [left, right(left)]).flat_map(i16::to_le_bytes).collect();
        let head = [&b"RIFF\0\0\0\0WAVE"[..], &format, b"\x04\0\x10\0data", &(samples.len() as u32).to_le_bytes()];
        [head.concat(), samples].concat()
    };
    is_the_tone("the same in both", &stereo(|left| left));
    is_the_tone("its mirror image", &stereo(|left| -left));
    is_the_tone("nearly", &stereo(|left| -(left / 100 * 99)));
    let halved: Vec<f32> = tone().iter().map(|value| f32::from(*value) / 65_536.0).collect();
    assert_eq!(heard(&stereo(|_| 0)), halved, "one channel alone is mixed as ever");
}

#[test]
fn many_empty_lengths_are_looked_through_once() {
    let empty = b"data\0\0\0\0".repeat(3 << 20);
    let nameless = [&b"RIFF\x04\0\0\0WAVEfmt \0\0\0\0data\0\0\0\0".repeat(1 << 19)[..], b"\xff\xff\xff"].concat();
    for (what, behind) in [("without a format", &empty), ("without a format each", &nameless)] {
        let begun = Instant::now();
        let file = [&b"RIFF\0\0\0\0WAVE"[..], behind].concat();
        assert!(waveform(200).prepare(&PrepareRequest::of(&file)).is_err(), "{what}");
        assert!(begun.elapsed() < Duration::from_secs(5), "{what}: {:?}", begun.elapsed());
    }
}

#[test]
fn samples_that_a_length_leaves_out_are_heard() {
    let all = 36 + 2 * FRAMES as u32;
    let more = b"LIST\x0c\0\0\0INFOICMT\0\0\0\0";
    for data in [FRAMES as u32, 2, 1000] {
        is_the_tone(&format!("{data}"), &riff(b"RIFF", all, &[], data, &samples()));
        is_the_tone(&format!("{data} of more"), &riff(b"RIFF", u32::MAX, &[], data, &samples()));
    }
    // What the whole does not count is no part of it, and neither are zeros.
    for behind in [&[][..], more, b"TAG any title", b"ID3\x04\0\0\0\0\0\x05title", &[0xf0; 700]] {
        let data = 2 * FRAMES as u32;
        is_the_tone("behind it", &riff(b"RIFF", all, &[], data, &[&samples()[..], behind].concat()));
    }
    let padded = [samples(), vec![0; 512]].concat();
    is_the_tone("zeros", &riff(b"RIFF", all + 512, &[], 2 * FRAMES as u32, &padded));
    let cut = [&samples()[..], more].concat();
    is_the_tone("cut", &riff(b"RIFF", all + 20, &[], 2 * FRAMES as u32, &cut[..cut.len() - 3]));
}

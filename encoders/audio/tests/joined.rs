//! Recordings joined to one file: all of them are heard, each as if it stood alone. The files of `golden/joined` are
//! tones of half a second.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)] // A test may fail.

mod common;

use std::time::{Duration, Instant};

use common::{golden, silent_flac, snr, values, waveform};
use onespace_core::{
    NoteReason, Prepare, PrepareRequest, Reason,
    sniff::{frames::adts, mpeg},
};

/// All that is heard of a file, at 16 kHz.
fn heard(bytes: &[u8]) -> Vec<f32> {
    let prepared = waveform(60_000).prepare(&PrepareRequest::of(bytes)).unwrap_or_else(|error| panic!("{error}"));
    assert!(prepared.notes.is_empty(), "{:?}", prepared.notes);
    let [sample] = &prepared.samples[..] else { panic!("{} samples", prepared.samples.len()) };
    let milliseconds = sample.span.unwrap().end_ms as usize;
    let mut all = values(sample).to_vec();
    assert!(all[milliseconds * 16 + 16..].iter().all(|value| *value == 0.0), "there is more than {milliseconds} ms");
    all.truncate(milliseconds * 16);
    all
}

/// How alike what is heard of a joined file is to what is heard of its parts, in decibels: of the least alike part.
fn likeness(joined: &[u8], parts: &[&[u8]]) -> f64 {
    let together = heard(joined);
    let (mut least, mut at) = (f64::MAX, 0);
    for part in parts {
        let alone = heard(part);
        // Lengths are rounded to milliseconds: each part is looked for where it may lie.
        let likeness = |late: usize| together.get(at + late..).map_or(f64::MIN, |rest| snr(rest, &alone));
        let late = (0..=32).max_by(|a, b| likeness(*a).total_cmp(&likeness(*b))).unwrap();
        least = least.min(likeness(late));
        at += late + alone.len();
    }
    assert!(together.len().abs_diff(at) <= 32, "{} samples of {at}", together.len());
    least
}

fn part(name: &str) -> Vec<u8> {
    golden(&format!("joined/{name}"))
}

/// An MP3 without what its encoder says of it: tag and head frame.
fn bare(bytes: &[u8]) -> Vec<u8> {
    let tag = onespace_core::sniff::frames::tag_bytes(bytes).unwrap_or(0);
    let head = mpeg::header(&bytes[tag..]).unwrap().bytes;
    bytes[tag + head..].to_vec()
}

fn id3v1() -> Vec<u8> {
    let mut tag = b"TAG\xff\xfb\x90\x64 any title".to_vec();
    tag.resize(128, b' ');
    tag
}

fn ape_tag() -> Vec<u8> {
    let item = b"\x0f\0\0\0\0\0\0\0Title\0any title \xff\xfb.";
    let frame = |flags: u32| {
        let size = (item.len() as u32 + 32).to_le_bytes();
        [&b"APETAGEX\xd0\x07\0\0"[..], &size, &1_u32.to_le_bytes(), &flags.to_le_bytes(), &[0; 8]].concat()
    };
    [frame(0xa000_0000), item.to_vec(), frame(0x8000_0000)].concat()
}

#[test]
fn every_part_of_a_joined_mp3_is_heard() {
    let (mono, stereo, fast) = (part("mono.mp3"), part("stereo.mp3"), part("fast.mp3"));
    for (first, second) in
        [(&mono, &mono), (&mono, &stereo), (&stereo, &mono), (&mono, &fast), (&fast, &stereo), (&fast, &fast)]
    {
        for between in [vec![], id3v1(), ape_tag(), vec![0; 500], [ape_tag(), id3v1()].concat()] {
            let ratio = likeness(&[&first[..], &between, second].concat(), &[first, second]);
            assert!(ratio > 30.0, "{ratio:.1} dB, {} bytes between", between.len());
        }
    }
    let three = [&mono[..], &stereo, &fast, &id3v1()].concat();
    assert!(likeness(&three, &[&mono, &stereo, &fast]) > 30.0);
}

#[test]
fn a_head_that_counts_its_own_frames_does_not_end_what_follows() {
    let (mono, stereo, fast) = (part("mono.mp3"), part("stereo.mp3"), part("fast.mp3"));
    for second in [&mono, &stereo, &fast] {
        let bare = bare(second);
        let ratio = likeness(&[&mono[..], &bare].concat(), &[&mono, &bare]);
        assert!(ratio > 30.0, "{ratio:.1} dB");
    }
    // One that counts too few of its own.
    let mut modest = fast.clone();
    let at = modest.windows(4).position(|name| name == b"Info" || name == b"Xing").unwrap() + 8;
    modest[at..at + 4].copy_from_slice(&3_u32.to_be_bytes());
    let (all, some) = (heard(&fast), heard(&modest));
    assert!(some.len() >= all.len(), "{} samples of {}", some.len(), all.len());
}

#[test]
fn mpeg_audio_that_grows_quieter_is_heard_to_its_end() {
    // Large frames, then small ones: at the rate of the first the file would be over long before.
    let frame = |rate: u8, bytes: usize| [&[0xff, 0xfb, rate << 4, 0xc4][..], &vec![0; bytes - 4]].concat();
    let (large, small) = (frame(14, 1044), frame(1, 104));
    assert_eq!((mpeg::header(&large).unwrap().bytes, mpeg::header(&small).unwrap().bytes), (1044, 104));
    let file = [large.repeat(40), small.repeat(400)].concat();
    assert_eq!(heard(&file).len(), 11_494 * 16);
}

#[test]
fn mp3_lies_behind_zeros_and_rubbish() {
    let mono = part("mono.mp3");
    let rubbish: Vec<u8> = (0..3001_u32).map(|k| (k * 7 % 251) as u8).collect();
    for before in [vec![0; 3000], rubbish, ape_tag()] {
        assert_eq!(heard(&[&before[..], &mono].concat()), heard(&mono));
    }
}

#[test]
fn every_part_of_a_joined_aac_is_heard() {
    let (mono, stereo, fast) = (part("mono.aac"), part("stereo.aac"), part("fast.aac"));
    for (first, second) in [(&mono, &mono), (&mono, &stereo), (&stereo, &mono), (&mono, &fast), (&fast, &stereo)] {
        for between in [vec![], b"ID3\x04\0\0\0\0\0\x05\xff\xf1any".to_vec(), vec![0; 77]] {
            let ratio = likeness(&[&first[..], &between, second].concat(), &[first, second]);
            // Where nothing but the sound changes one decoder reads on: the first frame is heard as the next of others.
            let least = if std::ptr::eq(first, second) { 4.0 } else { 30.0 };
            println!("{} and {} bytes: {ratio:.1} dB", first.len(), second.len());
            assert!(ratio > least, "{ratio:.1} dB, {} bytes between", between.len());
        }
    }
}

#[test]
fn every_part_of_joined_containers_is_heard() {
    for (first, second, least) in [
        ("flac16.flac", "flac16.flac", 60.0),
        ("flac16.flac", "flac24.flac", 60.0),
        ("sound.aiff", "sound.aiff", 60.0),
        ("sound.caf", "sound.caf", 60.0),
        ("vorbis.webm", "vorbis.webm", 30.0),
        ("sound.ogg", "sound.ogg", 30.0),
        ("sound.m4a", "alac.m4a", 30.0),
        ("source.wav", "stereo.wav", 60.0),
        ("pcm_u8.wav", "high.wav", 30.0),
        ("piped.wav", "source.wav", 60.0),
    ] {
        let (first_file, second_file) = (golden(first), golden(second));
        let ratio = likeness(&[&first_file[..], &second_file].concat(), &[&first_file, &second_file]);
        assert!(ratio > least, "{first} and {second}: {ratio:.1} dB");
    }
}

#[test]
fn parts_do_not_pass_the_limits_together() {
    let part = silent_flac(1000, 44_100, 0);
    let error = waveform(1000).prepare(&PrepareRequest::of(&part.repeat(2))).unwrap_err();
    assert_eq!(error.reason, Reason::MediaTooLarge, "each is 25 minutes long");
    let error = waveform(1000).prepare(&PrepareRequest::of(&silent_flac(1, 8000, 0).repeat(1002))).unwrap_err();
    assert!(error.reason == Reason::MediaTooLarge && error.message.contains("1000"), "{error}");
}

#[test]
fn a_part_that_is_not_decoded_here_is_named() {
    let joined = [golden("sound.ogg"), golden("opus.ogg")].concat();
    let error = waveform(1000).prepare(&PrepareRequest::of(&joined)).unwrap_err();
    assert_eq!(error.reason, Reason::MediaUnsupported);
    assert!(error.message.contains("part 2") && error.message.contains("Opus"), "{error}");
}

#[test]
fn broken_packets_are_told() {
    let mut bytes = part("stereo.mp3");
    let mut at = onespace_core::sniff::frames::tag_bytes(&bytes).unwrap();
    for frame in 0..9 {
        let length = mpeg::header(&bytes[at..]).unwrap().bytes;
        if (5..7).contains(&frame) {
            bytes[at + 4..at + length].fill(0xff);
        }
        at += length;
    }
    let prepared = waveform(30_000).prepare(&PrepareRequest::of(&bytes)).unwrap();
    assert_eq!(prepared.notes.iter().map(|note| note.reason).collect::<Vec<_>>(), [NoteReason::AudioIncomplete]);
    assert!(prepared.notes[0].message.contains("broken"), "{}", prepared.notes[0].message);
}

/// What is heard of a file that is cut off, and how long that is.
fn heard_and_told(bytes: &[u8]) -> (u64, Vec<NoteReason>) {
    let prepared = waveform(30_000).prepare(&PrepareRequest::of(bytes)).unwrap_or_else(|error| panic!("{error}"));
    (prepared.samples[0].span.unwrap().end_ms, prepared.notes.iter().map(|note| note.reason).collect())
}

#[test]
fn a_part_that_is_cut_off_does_not_take_the_others_with_it() {
    let alone = |bytes: &[u8]| heard(bytes).len() as u64 / 16;
    for (first, second, cuts) in [
        (part("mono.mp3"), part("stereo.mp3"), 40..400),
        (part("mono.mp3"), bare(&part("fast.mp3")), 4..200),
        (part("mono.aac"), part("stereo.aac"), 4..40),
        (golden("flac16.flac"), golden("flac24.flac"), 8..42),
    ] {
        let milliseconds = alone(&first);
        for cut in cuts.step_by(3) {
            let (heard, told) = heard_and_told(&[&first[..], &second[..cut]].concat());
            assert!(heard >= milliseconds && heard < milliseconds + 60, "{cut}: {heard} ms of {milliseconds}");
            assert!(told.iter().all(|told| *told == NoteReason::AudioIncomplete), "{cut}: {told:?}");
        }
    }
    let cut = [&golden("flac16.flac")[..], &golden("flac24.flac")[..20]].concat();
    assert_eq!(heard_and_told(&cut).1, [NoteReason::AudioIncomplete]);
}

/// The frames of a file of AAC.
fn frames_of_aac(bytes: &[u8]) -> Vec<&[u8]> {
    let (mut frames, mut rest) = (Vec::new(), bytes);
    while let Some((frame, behind)) = adts(rest).and_then(|length| rest.split_at_checked(length)) {
        frames.push(frame);
        rest = behind;
    }
    frames
}

#[test]
fn tags_and_gaps_between_the_frames_of_aac_are_no_joints() {
    let whole = part("fast.aac").repeat(120);
    let wanted = heard(&whole);
    let frames = frames_of_aac(&whole);
    assert!(frames.len() > 2200, "{} frames", frames.len());
    for between in [&b"ID3\x04\0\0\0\0\0\x0f\xff\xf1\x50\x80\x02\x1f\xfcany time"[..], &[7; 30], b"\xff\xf1\xff"] {
        let gappy: Vec<u8> = frames.chunks(2).flat_map(|two| [&two.concat()[..], between].concat()).collect();
        let all = heard(&gappy);
        assert!(snr(&all, &wanted) > 60.0, "{:?}: {:.1} dB", &between[..3], snr(&all, &wanted));
    }
}

#[test]
fn a_file_of_marks_alone_is_refused_at_once() {
    let begun = Instant::now();
    for mark in [&b"#!AMR\n"[..], b"fLaC\0\0\0\x22", b"\0\0\0\x08ftyp\0\0\0\x08moov\0\0\0\x08mdat"] {
        assert!(waveform(1000).prepare(&PrepareRequest::of(&mark.repeat((20 << 20) / mark.len()))).is_err());
    }
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

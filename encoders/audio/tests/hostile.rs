//! Whatever the bytes are, the answer is samples or an error that blames them; never a panic, never the machine.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)] // A test may fail.

mod common;

use std::time::{Duration, Instant};

use common::{golden, samples_of, silent_flac, waveform};
use onespace_audio::Pcm;
use onespace_core::{Patience, Prepare, PrepareRequest, Reason};

const FILES: [&str; 14] = [
    "pcm_s16le.wav",
    "pcm_alaw.wav",
    "adpcm.wav",
    "flac16.flac",
    "sound.mp3",
    "sound.ogg",
    "sound.m4a",
    "sound.aac",
    "alac.m4a",
    "sound.aiff",
    "sound.caf",
    "vorbis.webm",
    "opus.ogg",
    "ac3.mp4",
];

/// What an answer may be. A decoder's panic is caught and counted: its item fails, nothing else.
fn judge(name: &str, bytes: &[u8], panics: &mut usize) {
    let start = Instant::now();
    match waveform(250).prepare(&PrepareRequest::of(bytes)) {
        Ok(prepared) => assert!(!prepared.samples.is_empty()),
        Err(error) if error.reason == Reason::Panicked => *panics += 1,
        Err(error) => {
            assert!(error.reason.name().starts_with("MEDIA_"), "{name}: {error:?}");
            assert_eq!(error.field, "bytes", "{name}");
        }
    }
    assert!(start.elapsed() < Duration::from_secs(5), "{name}: {:?} for {} bytes", start.elapsed(), bytes.len());
}

struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }
}

#[test]
fn truncations() {
    let mut panics = 0;
    for name in FILES {
        let bytes = golden(name);
        let step = (bytes.len() / 200).max(1);
        for length in (0..200.min(bytes.len())).chain((200..bytes.len()).step_by(step)) {
            judge(name, &bytes[..length], &mut panics);
        }
    }
    println!("{panics} panics were caught");
    assert_eq!(panics, 0);
}

#[test]
fn flipped_bytes() {
    let mut panics = 0;
    for name in FILES {
        let original = golden(name);
        let mut random = Random(7);
        for round in 0..500 {
            let mut bytes = original.clone();
            // Half of the rounds spoil the header alone, where the numbers are that sizes are made of.
            let reach = if round % 2 == 0 { bytes.len().min(300) } else { bytes.len() };
            for _ in 0..=random.below(8) {
                let at = random.below(reach);
                bytes[at] = random.below(256) as u8;
            }
            judge(name, &bytes, &mut panics);
        }
    }
    println!("{panics} panics were caught");
    assert!(panics <= FILES.len() * 500 / 100, "{panics} panics");
}

/// Two files end to end, spoilt anywhere: where one ends and the other begins is guessed from what is left.
#[test]
fn joined_files_that_are_damaged() {
    let mut panics = 0;
    for name in
        ["joined/fast.mp3", "joined/mono.aac", "pcm_u8.wav", "sound.aiff", "flac16.flac", "opus.ogg", "sound.m4a"]
    {
        let original = golden(name).repeat(3);
        let mut random = Random(13);
        for _ in 0..200 {
            let mut bytes = original.clone();
            for _ in 0..=random.below(9) {
                let at = random.below(bytes.len());
                bytes[at] = [0, 0xff, 0x7f, random.below(256) as u8][random.below(4)];
            }
            let from = random.below(bytes.len() / 2);
            let to = bytes.len() - random.below(bytes.len() / 3);
            judge(name, &bytes[from * random.below(2)..to], &mut panics);
        }
    }
    println!("{panics} panics were caught");
    assert!(panics <= 14, "{panics} panics");
}

#[test]
fn noise_and_nothing() {
    let mut panics = 0;
    let mut random = Random(11);
    for length in [0, 1, 2, 3, 4, 33, 100, 1000, 100_000] {
        let bytes: Vec<u8> = (0..length).map(|_| random.below(256) as u8).collect();
        judge("noise", &bytes, &mut panics);
        judge("zeros", &vec![0; length], &mut panics);
        judge("ones", &vec![0xff; length], &mut panics);
    }
    assert_eq!(panics, 0);
    assert_eq!(waveform(250).prepare(&PrepareRequest::of(b"")).unwrap_err().reason, Reason::MediaEmpty);
}

/// Tags that lie about their length: a header of 33 bytes of this kind once panicked a decoder.
#[test]
fn lying_tags() {
    let mut panics = 0;
    for version in 2..=5_u8 {
        for flags in [0, 0x40, 0x80, 0xc0, 0xff] {
            for size in [[0, 0, 0, 0], [0, 0, 0, 23], [0x7f; 4], [0xff; 4], [0, 0, 0, 1]] {
                for fill in [0, 0x41, 0x7f, 0xff] {
                    let mut bytes = b"ID3".to_vec();
                    bytes.extend([version, 0, flags]);
                    bytes.extend(size);
                    bytes.resize(33, fill);
                    judge("ID3", &bytes, &mut panics);
                    bytes.splice(10..14, *b"TIT2");
                    judge("ID3", &bytes, &mut panics);
                    bytes.extend(golden("sound.mp3"));
                    judge("ID3", &bytes, &mut panics);
                }
            }
        }
    }
    assert_eq!(panics, 0);
}

#[test]
fn hours_of_silence_are_cut_off_at_the_limit() {
    let fair = waveform(1000).prepare(&PrepareRequest::of(&silent_flac(10, 44_100, 0))).unwrap().samples;
    assert_eq!(fair.last().unwrap().span.unwrap().end_ms, 655_350 * 1000 / 44_100 + 1);

    let bomb = silent_flac(40_000, 44_100, 0);
    let start = Instant::now();
    let error = waveform(1000).prepare(&PrepareRequest::of(&bomb)).unwrap_err();
    let decoded = start.elapsed();
    println!("{} kB of silence, 16.5 hours: refused after {decoded:?}: {error}", bomb.len() / 1000);
    assert_eq!(error.reason, Reason::MediaTooLarge);

    let honest = silent_flac(40_000, 44_100, 40_000 * 65_535);
    let start = Instant::now();
    assert_eq!(waveform(1000).prepare(&PrepareRequest::of(&honest)).unwrap_err().reason, Reason::MediaTooLarge);
    let read = start.elapsed();
    println!("with its length in the header: refused after {read:?}");
    assert!(read < decoded / 10, "nothing is decoded");
    if let Some(peak) = peak_memory() {
        println!("peak resident memory {} MiB", peak >> 20);
        assert!(peak < 600 << 20);
    }
}

/// The most memory this process ever had, where the system tells.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib * 1024)
}

#[test]
fn decoded_sound_from_elsewhere_is_not_trusted_either() {
    let reason =
        |rate, channels| samples_of(&waveform(250), &Pcm { rate, channels }, &Patience::endless()).unwrap_err().reason;
    assert_eq!(reason(16_000, vec![]), Reason::MediaEmpty);
    assert_eq!(reason(16_000, vec![vec![], vec![]]), Reason::MediaEmpty);
    assert_eq!(reason(16_000, vec![vec![0.0; 10], vec![0.0; 9]]), Reason::MediaMalformed);
    assert_eq!(reason(16_000, vec![vec![f32::NAN]]), Reason::MediaMalformed);
    assert_eq!(reason(0, vec![vec![0.0]]), Reason::MediaMalformed);
    assert_eq!(reason(400_000, vec![vec![0.0]]), Reason::MediaTooLarge);
}

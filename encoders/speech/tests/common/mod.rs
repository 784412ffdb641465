//! What the tests share: the tiny model's files, its sounds, and a model that says what it is told.
#![allow(dead_code)] // Each test binary uses its part.

use std::{fs, path::Path, thread, time::Duration};

use onespace_core::{Patience, Result, Transcript};
use onespace_speech::{Listener, SpeechModel, table::Speech};

/// The special tokens of the tiny model, in the order of their ids.
pub const END: u32 = 256;
pub const START: u32 = 257;
pub const ENGLISH: u32 = 258;
pub const GERMAN: u32 = 259;
pub const TRANSCRIBE: u32 = 262;
pub const NO_SPEECH: u32 = 265;
pub const TIME: u32 = 267;
/// Up to 2.00 s.
pub const LOGITS: usize = 267 + 101;

/// A file of `tiny/`.
pub fn tiny(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tiny").join(name)).unwrap()
}

/// The table of the tiny model, but nothing is suppressed.
pub fn table() -> Speech {
    Speech {
        encoder: "encoder.onnx".into(),
        decoder: "decoder.onnx".into(),
        tokenizer: "tokenizer.json".into(),
        bands: 80,
        window_ms: 2000,
        pad_ms: 500,
        least_ms: 1000,
        languages: vec!["en".into(), "de".into()],
        suppress: vec![],
        suppress_begin: vec![END],
    }
}

/// A square wave that rises, louder and softer, in whole numbers: `sound` of `whisper_tiny.py`.
pub fn sound(number: i64, length: i64) -> Vec<f32> {
    let sample = |at: i64| {
        let high = (at * at / (40 + 9 * number) + at * (3 + number)) % 320 < 160;
        let loud = (at / 1600 % 4) as f32 / 16.0;
        if high { loud } else { -loud }
    };
    (0..length).map(sample).collect()
}

/// The token of a letter.
pub fn letter(letter: char) -> u32 {
    let tokenizer: serde_json::Value = serde_json::from_slice(&tiny("tokenizer.json")).unwrap();
    let letter = if letter == ' ' { 'Ġ' } else { letter };
    tokenizer["model"]["vocab"][letter.to_string()].as_u64().unwrap() as u32
}

/// Tokens from a line: `<20>` is a time in steps of 20 ms, `.` the end, anything else a letter.
pub fn line(line: &str) -> Vec<u32> {
    let mut tokens = Vec::new();
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        if first == '<' {
            let (time, after) = rest[1..].split_once('>').unwrap();
            tokens.push(TIME + time.parse::<u32>().unwrap());
            rest = after;
        } else {
            tokens.push(if first == '.' { END } else { letter(first) });
            rest = &rest[first.len_utf8()..];
        }
    }
    tokens
}

/// Says one line a window, whatever it hears.
#[derive(Default)]
pub struct Parrot {
    pub lines: Vec<Vec<u32>>,
    /// The logit of what it says; all others are 0. The less it is, the less it is sure.
    pub sure: f32,
    /// The logit of there being no speech, where all others are 0.
    pub no_speech: f32,
    pub language: u32,
    /// What it has been given: frames, then tokens.
    pub frames: Vec<usize>,
    pub steps: Vec<Vec<u32>>,
    pub leave: Option<(usize, Patience)>,
    /// How long it takes for a window.
    pub pause: Duration,
    pub said: usize,
}

impl Parrot {
    pub fn new(lines: &[&str]) -> Self {
        let lines = lines.iter().map(|text| line(text)).collect();
        Self { lines, sure: 20.0, no_speech: -20.0, language: ENGLISH, ..Self::default() }
    }
}

impl SpeechModel for Parrot {
    fn encode(&mut self, mel: &[f32], frames: usize) -> Result<()> {
        assert_eq!(mel.len(), 80 * frames);
        thread::sleep(self.pause);
        self.frames.push(frames);
        self.said = 0;
        Ok(())
    }

    fn step(&mut self, tokens: &[u32], logits: &mut Vec<f32>) -> Result<()> {
        self.steps.push(tokens.to_vec());
        if let Some((after, patience)) = &self.leave
            && self.steps.len() >= *after
        {
            patience.leave();
        }
        *logits = vec![0.0; LOGITS];
        if tokens == [START] {
            logits[NO_SPEECH as usize] = self.no_speech;
            logits[self.language as usize] = 5.0;
            return Ok(());
        }
        let line = &self.lines[self.frames.len() - 1];
        logits[line[self.said.min(line.len() - 1)] as usize] = self.sure;
        self.said += 1;
        Ok(())
    }
}

pub fn listener() -> Listener {
    Listener::new(&table(), &tiny("tokenizer.json")).unwrap()
}

/// What is heard in so many seconds of sound.
pub fn heard(model: &mut Parrot, seconds: f32) -> Transcript {
    let sound = sound(1, (seconds * 16_000.0) as i64);
    listener().transcribe(model, &sound, None, &Patience::endless()).unwrap()
}

//! Turns sound files into text and prints one JSON object a line.
//!
//! `transcribe LIBRARY DIRECTORY THREADS LANGUAGE FILE…`: ONNX Runtime's library, a transcriber's directory, how many
//! threads compute, the language or `auto`, WAV files of one channel of 16 bits at 16 kHz. A file whose name ends in
//! `.list` holds such names and languages, one `LANGUAGE FILE` a line, and `LANGUAGE` is `given` then.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)] // A tool may fail.

use std::{env, fs, num::NonZeroUsize, path::Path, time::Instant};

use onespace_core::Patience;
use onespace_runtime::{Runtime, Transcriber, forbid_telemetry};

fn main() {
    forbid_telemetry();
    let args: Vec<String> = env::args().skip(1).collect();
    let [library, directory, threads, language, files @ ..] = args.as_slice() else {
        panic!("transcribe LIBRARY DIRECTORY THREADS LANGUAGE FILE…")
    };
    let threads = NonZeroUsize::new(threads.parse().expect("a number of threads"));
    let runtime = Runtime::init(Path::new(library), threads).expect("ONNX Runtime");
    let transcriber = Transcriber::open(&runtime, Path::new(directory)).expect("a transcriber");
    for (spoken, file) in files.iter().flat_map(|file| listed(language, file)) {
        let sound = samples(&fs::read(&file).expect("a sound file"));
        let language = (language != "auto").then(|| spoken.parse().expect("a language"));
        let start = Instant::now();
        let heard = transcriber.transcribe(&sound, language, &Patience::endless()).expect("a transcript");
        let segments: Vec<_> =
            heard.segments.iter().map(|one| (one.span.start_ms, one.span.end_ms, &one.text)).collect();
        let line = serde_json::json!({
            "file": file,
            "text": heard.text,
            "language": heard.language,
            "probability": heard.language_probability,
            "ms": start.elapsed().as_secs_f64() * 1000.0,
            "segments": segments,
            "remarks": heard.remarks.iter().map(ToString::to_string).collect::<Vec<_>>(),
        });
        println!("{line}");
    }
}

/// The languages and names that an argument stands for.
fn listed(language: &str, file: &str) -> Vec<(String, String)> {
    if !file.ends_with(".list") {
        return vec![(language.to_owned(), file.to_owned())];
    }
    let text = fs::read_to_string(file).expect("a list");
    let pair = |line: &str| line.split_once(' ').map(|(language, file)| (language.to_owned(), file.to_owned()));
    text.lines().filter_map(pair).collect()
}

/// The samples of a WAV file with a header of any length.
fn samples(wav: &[u8]) -> Vec<f32> {
    let data = wav.windows(4).position(|four| four == b"data").expect("a chunk of samples") + 8;
    wav[data..].as_chunks::<2>().0.iter().map(|two| f32::from(i16::from_le_bytes(*two)) / 32768.0).collect()
}

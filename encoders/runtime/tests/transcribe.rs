//! The whole road from sound to text, with a tiny model of random weights (`whisper_tiny.py`); and with the real one
//! where `ONESPACE_TRANSCRIBER` names its directory.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)] // A test may fail.

mod common;
#[path = "../../speech/tests/common/mod.rs"]
mod speech;

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use common::runtime;
use onespace_core::{Patience, Reason};
use onespace_runtime::Transcriber;
use speech::sound;

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../speech/tests/tiny")
}

#[test]
fn text_is_that_of_the_reference() {
    let transcriber = Transcriber::open(&runtime(), &directory()).unwrap();
    let golden = fs::read(directory().join("expected.json")).unwrap();
    let golden: serde_json::Value = serde_json::from_slice(&golden).unwrap();
    let windows = golden["windows"].as_array().unwrap();
    assert!(windows.len() >= 4);
    for window in windows.iter().chain(windows) {
        let sound = sound(window["number"].as_i64().unwrap(), window["length"].as_i64().unwrap());
        let heard = transcriber.transcribe(&sound, None, &Patience::endless()).unwrap();
        assert_eq!(
            (heard.text.as_str(), heard.language.as_str()),
            (window["text"].as_str().unwrap(), window["language"].as_str().unwrap())
        );
        let spans: Vec<_> = heard
            .segments
            .iter()
            .map(|one| serde_json::json!([one.span.start_ms, one.span.end_ms, one.text]))
            .collect();
        assert_eq!(serde_json::Value::Array(spans), window["segments"]);
        let probability = window["probability"].as_f64().unwrap() as f32;
        assert!((heard.language_probability - probability).abs() < 1e-3, "{}", heard.language_probability);
    }
}

#[test]
fn a_directory_that_is_none_or_altered_is_refused() {
    let refused = |directory: &Path| {
        let error = Transcriber::open(&runtime(), directory).unwrap_err();
        assert_eq!(error.reason, Reason::BundleInvalid, "{error}");
        error.to_string()
    };
    let nowhere = Path::new("/nowhere");
    assert_eq!(refused(nowhere), "transcriber: /nowhere is no directory, so speech is not turned into text");

    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let restore = || {
        for file in fs::read_dir(directory()).unwrap() {
            let file = file.unwrap();
            fs::copy(file.path(), path(file.file_name().to_str().unwrap())).unwrap();
        }
    };
    restore();
    fs::remove_file(path("transcriber.toml")).unwrap();
    assert!(refused(folder.path()).starts_with("transcriber.toml: "));

    restore();
    fs::write(path("decoder.onnx"), b"no graph").unwrap();
    assert!(refused(folder.path()).starts_with("decoder.onnx: 8 bytes, the manifest says "));

    let manifest = fs::read_to_string(directory().join("transcriber.toml")).unwrap();
    for (from, to, starts) in [
        ("format = 1", "format = 2", "format: format 2 is not read here"),
        ("bands = 80", "bands = 40", "speech.encoder: axis 1 of \"mel\" has 80 values, 40 are needed"),
        ("window_ms = 2000", "window_ms = 4000", "speech.decoder: axis 1 of \"logits\" has 368 values, 468 are needed"),
        ("\"decoder.onnx\"\ntok", "\"encoder.onnx\"\ntok", "speech.decoder: the graph takes no \"tokens\""),
        ("\"encoder.onnx\"\ndec", "\"decoder.onnx\"\ndec", "speech.encoder: the graph takes no \"mel\""),
        ("\"en\", ", "\"xx\", ", "speech.languages: the tokenizer has no token <|xx|>"),
        ("licence = \"Apache-2.0\"", "licence = \"\"", "licence: "),
        ("[speech]", "[speech]\nsmell = 1", "transcriber.toml: line "),
        ("\"tokenizer.json\"\nbands", "\"other.json\"\nbands", "speech.tokenizer: \"other.json\" is not listed"),
        ("[files.\"tokenizer.json\"]", "[files.\"../tokenizer.json\"]", "files: "),
    ] {
        restore();
        let altered = manifest.replacen(from, to, 1);
        assert_ne!(altered, manifest, "{from}");
        fs::write(path("transcriber.toml"), altered).unwrap();
        let said = refused(folder.path());
        assert!(said.starts_with(starts), "{to}: {said}");
    }
}

#[test]
fn a_caller_that_leaves_ends_the_work() {
    let transcriber = Transcriber::open(&runtime(), &directory()).unwrap();
    let patience = Patience::endless();
    patience.leave();
    let error = transcriber.transcribe(&sound(0, 24_000), None, &patience).unwrap_err();
    assert_eq!(error.reason, Reason::Cancelled);
}

#[test]
fn the_real_model_hears_no_speech_in_silence_and_languages_are_its_own() {
    let Some(directory) = env::var_os("ONESPACE_TRANSCRIBER") else { return };
    let transcriber = Transcriber::open(&runtime(), Path::new(&directory)).unwrap();
    assert_eq!(transcriber.info().languages.len(), 99);
    let silence = transcriber.transcribe(&[0.0; 48_000], None, &Patience::endless()).unwrap();
    assert!(silence.no_speech(), "{silence:?}");
}

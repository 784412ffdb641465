//! Real tokenizers against what the reference implementation gives for the same texts.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)] // A test may fail.

use std::{collections::BTreeMap, fs, path::Path, time::Instant};

use onespace_core::{Prepare, PrepareRequest, Reason, Sample, TensorData, limits};
use onespace_text::TextPreparer;
use onespace_text::table::{Overflow, Text};
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    text: String,
    ids: Vec<i64>,
}

fn file(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)).unwrap()
}

fn spec(context: usize) -> Text {
    serde_json::from_value(serde_json::json!({ "tokenizer": "t.json", "context": context })).unwrap()
}

fn preparer(tokenizer: &str, context: usize, overflow: Overflow) -> TextPreparer {
    let spec = Text { overflow, ..spec(context) };
    TextPreparer::new(&spec, &file(&format!("{tokenizer}.json")), 2).unwrap()
}

fn values(sample: &Sample, tensor: usize) -> &[i64] {
    match &sample.tensors[tensor].data {
        TensorData::I64(values) => values,
        TensorData::F32(_) => panic!("token ids are integers"),
    }
}

fn ids(sample: &Sample) -> Vec<i64> {
    let kept = values(sample, 1).iter().filter(|kept| **kept == 1).count();
    values(sample, 0)[..kept].to_vec()
}

#[test]
fn tokens_are_those_of_the_reference() {
    let golden: BTreeMap<String, Vec<Golden>> = serde_json::from_slice(&file("ids.json")).unwrap();
    assert_eq!(golden.len(), 2);
    for (name, cases) in golden {
        let preparer = preparer(&name, 16, Overflow::Truncate);
        for case in cases.iter().filter(|case| !case.text.is_empty()) {
            let samples = preparer.prepare(&PrepareRequest::of(case.text.as_bytes())).unwrap().samples;
            assert_eq!(samples.len(), 1);
            assert_eq!(ids(&samples[0]), case.ids, "{name}: {}", case.text);
            let length = samples[0].tensors[0].shape[0];
            assert!(
                length == case.ids.len().next_multiple_of(8).min(16),
                "{name}: {} tokens in {length}",
                case.ids.len()
            );
            assert!(values(&samples[0], 0)[case.ids.len()..].iter().all(|id| *id == 0));
        }
    }
}

#[test]
fn a_cut_text_has_the_tokens_of_the_whole_one() {
    // Windows tokenise everything, truncation a prefix: the first window must be the same.
    let words = ["a", "red", "cup", "derrière", "红色杯子", "кошка", "\t", "  ", "unknownishword", "🙂", ",", "xyzzy!"];
    let mut seed = 1_u64;
    for name in ["word_piece", "byte_bpe"] {
        let (cut, whole) = (preparer(name, 16, Overflow::Truncate), preparer(name, 16, Overflow::Windows));
        for round in 0..300 {
            let mut text = if round % 3 == 0 { " ".repeat(round * 7) } else { String::new() };
            for _ in 0..round * 3 {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                text.push_str(words[(seed >> 33) as usize % words.len()]);
                if !seed.is_multiple_of(5) {
                    text.push(' ');
                }
            }
            let Ok(expected) = whole.prepare(&PrepareRequest::of(text.as_bytes())) else { continue };
            assert_eq!(
                cut.prepare(&PrepareRequest::of(text.as_bytes())).unwrap().samples[0],
                expected.samples[0],
                "{name}: {text}"
            );
        }
    }
}

#[test]
fn special_tokens_survive_and_windows_cover_the_text() {
    let text = "the blue car turns left and the two dogs bark behind the grey house while rain falls on the tin roof";
    let windows =
        preparer("word_piece", 12, Overflow::Windows).prepare(&PrepareRequest::of(text.as_bytes())).unwrap().samples;
    assert!(windows.len() > 1);
    let mut body = Vec::new();
    for window in &windows {
        let ids = ids(window);
        assert_eq!((ids[0], *ids.last().unwrap()), (2, 3));
        body.extend_from_slice(&ids[1..ids.len() - 1]);
    }
    let whole =
        preparer("word_piece", 512, Overflow::Truncate).prepare(&PrepareRequest::of(text.as_bytes())).unwrap().samples;
    let whole = ids(&whole[0]);
    assert_eq!(body, whole[1..whole.len() - 1]);
    let cut =
        preparer("word_piece", 12, Overflow::Truncate).prepare(&PrepareRequest::of(text.as_bytes())).unwrap().samples;
    assert_eq!((cut.len(), ids(&cut[0])), (1, ids(&windows[0])));
    assert_eq!(*ids(&cut[0]).last().unwrap(), 3);
}

#[test]
fn a_long_text_gives_windows_all_over_it() {
    let text = format!("{}cup", "dog ".repeat(20_000));
    let samples =
        preparer("word_piece", 16, Overflow::Windows).prepare(&PrepareRequest::of(text.as_bytes())).unwrap().samples;
    assert_eq!(samples.len(), limits::SAMPLES_PER_MEDIA);
}

#[test]
fn bad_texts_are_named() {
    let preparer = preparer("word_piece", 16, Overflow::Truncate);
    let reason = |bytes: &[u8]| preparer.prepare(&PrepareRequest::of(bytes)).unwrap_err();
    assert_eq!(reason(b"").reason, Reason::MediaEmpty);
    let broken = reason(b"good\xffbad");
    assert_eq!((broken.reason, broken.field.as_str()), (Reason::MediaMalformed, "bytes"));
    assert!(broken.message.contains("offset 4"), "{broken}");
    assert_eq!(reason("é".as_bytes().split_at(1).0).reason, Reason::MediaMalformed);
    assert_eq!(reason(&vec![b'a'; limits::TEXT_BYTES + 1]).reason, Reason::MediaTooLarge);
    assert!(preparer.prepare(&PrepareRequest::of(&vec![b'a'; limits::TEXT_BYTES])).is_ok());
    let marked = preparer.prepare(&PrepareRequest::of("\u{feff}a red cup".as_bytes())).unwrap();
    assert_eq!(marked, preparer.prepare(&PrepareRequest::of(b"a red cup")).unwrap());
}

#[test]
fn bad_tokenizers_are_named() {
    let error = |context, json: &[u8], inputs| TextPreparer::new(&spec(context), json, inputs).err().unwrap();
    let json = file("word_piece.json");
    for (error, field) in [
        (error(16, b"{}", 2), "towers.text.preprocess.tokenizer"),
        (error(2, &json, 2), "towers.text.preprocess.context"),
        (error(1, &json, 2), "towers.text.preprocess.context"),
        (error(16, &json, 3), "towers.text.inputs"),
    ] {
        assert_eq!((error.reason, error.field.as_str()), (Reason::BundleInvalid, field), "{error}");
    }
    let ids_only = TextPreparer::new(&spec(16), &json, 1).unwrap();
    assert_eq!(ids_only.prepare(&PrepareRequest::of(b"cup")).unwrap().samples[0].tensors.len(), 1);
}

#[test]
fn a_megabyte_is_cut_before_it_is_tokenised() {
    for name in ["word_piece", "byte_bpe"] {
        let preparer = preparer(name, 32, Overflow::Truncate);
        for unit in ["a red cup ", "x", " ", "🙂", "红", "a\u{301}", "\u{200b}", "\n"] {
            let text = unit.repeat(limits::TEXT_BYTES / unit.len());
            let start = Instant::now();
            let samples = preparer.prepare(&PrepareRequest::of(text.as_bytes())).unwrap().samples;
            let took = start.elapsed();
            println!("{name} {unit:?}: {took:?}");
            assert_eq!(samples.len(), 1);
            assert!(took.as_millis() < 1500, "{name} {unit:?}: {took:?}");
        }
    }
}

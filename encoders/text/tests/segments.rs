//! Segments of the caller's choice: windows of a text's own tokens.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)] // A test may fail.

use std::{fs, path::Path, time::Instant};

use onespace_core::{
    Prepare, PrepareRequest, Purpose, Reason, Result, Sample, SampleUse, SegmentWindow, Segments, TensorData, Window,
    limits,
};
use onespace_text::TextPreparer;
use onespace_text::table::{Overflow, Text};

fn file(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)).unwrap()
}

fn preparer(tokenizer: &str, table: serde_json::Value) -> TextPreparer {
    let mut spec = serde_json::json!({ "tokenizer": "t.json", "context": 12 });
    spec.as_object_mut().unwrap().extend(table.as_object().unwrap().clone());
    let spec: Text = serde_json::from_value(spec).unwrap();
    TextPreparer::new(&spec, &file(&format!("{tokenizer}.json")), 2).unwrap()
}

fn windows(length: u32, overlap: u32) -> Segments {
    let tokens = Some(Window::of_tokens(length, overlap).unwrap());
    Segments::Window(SegmentWindow { milliseconds: None, tokens })
}

fn prepare(preparer: &TextPreparer, text: &str, segments: Segments) -> Result<Vec<Sample>> {
    let request = PrepareRequest { segments, purpose: Purpose::Document, ..PrepareRequest::of(text.as_bytes()) };
    preparer.prepare(&request).map(|prepared| prepared.samples)
}

fn of_use(samples: &[Sample], used_for: SampleUse) -> Vec<&Sample> {
    samples.iter().filter(|sample| sample.used_for == used_for).collect()
}

fn ids(sample: &Sample) -> Vec<i64> {
    let values = |tensor: usize| match &sample.tensors[tensor].data {
        TensorData::I64(values) => values.clone(),
        TensorData::F32(_) => panic!("token ids are integers"),
    };
    values(0).into_iter().zip(values(1)).filter(|(_, kept)| *kept == 1).map(|(id, _)| id).collect()
}

const WORDS: &str = "the blue car turns left and the two dogs bark behind the grey house while rain falls on a red cup";

#[test]
fn the_whole_does_not_depend_on_the_segments() {
    let texts = [WORDS, "a red cup", "  derrière la 红色杯子 🙂\n\n кошка, xyzzy! ", "x"];
    for tokenizer in ["word_piece", "byte_bpe"] {
        for overflow in [Overflow::Truncate, Overflow::Windows] {
            let preparer = preparer(tokenizer, serde_json::json!({ "overflow": overflow, "prompt": "a {text}" }));
            for text in texts {
                let whole = prepare(&preparer, text, Segments::Off).unwrap();
                assert_eq!(whole, prepare(&preparer, text, Segments::Tower).unwrap());
                assert_eq!(whole, prepare(&preparer, text, Segments::Window(SegmentWindow::default())).unwrap());
                let samples = prepare(&preparer, text, windows(4, 2)).unwrap();
                let same: Vec<Sample> = of_use(&samples, SampleUse::Whole)
                    .into_iter()
                    .map(|sample| Sample { used_for: SampleUse::Both, ..sample.clone() })
                    .collect();
                assert_eq!(whole, same, "{tokenizer} {overflow:?} {text}");
                assert_eq!(samples[whole.len()..].iter().collect::<Vec<_>>(), of_use(&samples, SampleUse::Segment));
            }
        }
    }
}

/// Whole words are windows of known tokens: three of them, then the two before the last and the next one.
#[test]
fn a_segment_is_what_its_words_are_alone() {
    let words = ["the", "blue", "car", "and", "two", "dogs", "a", "red", "cup"];
    for prompt in ["{text}", "the car: {text}", "a {text} house", "{text} left"] {
        let table = serde_json::json!({ "context": 16, "document_prompt": prompt, "clean": ["strip"] });
        let preparer = preparer("word_piece", table);
        let single = words.iter().all(|word| {
            let alone = prepare(&preparer, word, Segments::Off).unwrap();
            let two = prepare(&preparer, &format!("{word} {word}"), Segments::Off).unwrap();
            ids(&two[0]).len() == ids(&alone[0]).len() + 1
        });
        assert!(single, "each of the words is one token");
        let samples = prepare(&preparer, &words.join(" "), windows(4, 2)).unwrap();
        let segments = of_use(&samples, SampleUse::Segment);
        let expected = [&words[0..4], &words[2..6], &words[4..8], &words[6..9]];
        assert_eq!(segments.len(), expected.len(), "{prompt}");
        for (segment, words) in segments.iter().zip(expected) {
            let alone = prepare(&preparer, &words.join(" "), Segments::Off).unwrap();
            assert_eq!(segment.tensors, alone[0].tensors, "{prompt}: {words:?}");
        }
        assert!(prepare(&preparer, &words[..4].join(" "), windows(4, 2)).unwrap().len() == 1, "one is the whole");
    }
}

/// The tokenizers of published models mark where a word begins: the tokens in a window are those of the text, whatever
/// a piece of it would be alone.
#[test]
fn segments_cover_a_text_that_the_tower_cuts_off() {
    for (tokenizer, prompt) in [
        ("word_piece", "{text}"),
        ("byte_bpe", "{text}"),
        ("models/gemma", "{text}"),
        ("models/gemma", "title: none | text: {text}"),
        ("models/siglip2", "{text}"),
        ("models/clip", "a photo of {text}."),
    ] {
        let table = |context: usize| serde_json::json!({ "context": context, "document_prompt": prompt });
        let text = format!("{WORDS}. 🙂 {WORDS}");
        let (cut, all) = (preparer(tokenizer, table(24)), preparer(tokenizer, table(4096)));
        let all = ids(&prepare(&all, &text, Segments::Off).unwrap()[0]);
        let samples = prepare(&cut, &text, windows(6, 0)).unwrap();
        let segments: Vec<Vec<i64>> = of_use(&samples, SampleUse::Segment).into_iter().map(ids).collect();
        assert_eq!(of_use(&samples, SampleUse::Whole).len(), 1, "{tokenizer}");
        // What is common to all windows at their beginning and end stands around the text.
        let common = |reversed: bool| {
            let at = |ids: &[i64], place: usize| {
                if reversed { ids.iter().rev().nth(place).copied() } else { ids.get(place).copied() }
            };
            (0..24).take_while(|place| segments.iter().all(|ids| at(ids, *place) == at(&all, *place))).count()
        };
        let (before, after) = (common(false), common(true));
        let own = |ids: &[i64]| ids[before..ids.len() - after].to_vec();
        let joined: Vec<i64> = segments.iter().flat_map(|ids| own(ids)).collect();
        assert_eq!(joined, own(&all), "{tokenizer} {prompt}: {before} before and {after} after");
        let lengths: Vec<usize> = segments.iter().map(|ids| own(ids).len()).collect();
        assert!(lengths[..lengths.len() - 1].iter().all(|length| *length == 6), "{tokenizer} {prompt}: {lengths:?}");
    }
}

#[test]
fn what_does_not_fit_is_refused_by_name() {
    let table = serde_json::json!({ "document_prompt": "the car: {text}" });
    let prompted = preparer("word_piece", table);
    let bare = preparer("word_piece", serde_json::json!({}));
    let refused = |preparer: &TextPreparer, text: &str, segments| {
        let error = prepare(preparer, text, segments).unwrap_err();
        assert_eq!((error.reason, error.field.as_str()), (Reason::FieldInvalid, "options.segments"), "{error}");
        error.message
    };
    // Of a context of twelve, two are special and three the prompt's.
    assert!(prepare(&bare, WORDS, windows(10, 0)).is_ok() && prepare(&prompted, WORDS, windows(7, 0)).is_ok());
    assert!(refused(&bare, WORDS, windows(11, 0)).contains("at most 10"));
    assert!(refused(&prompted, WORDS, windows(8, 0)).contains("at most 7"));
    let long = "car ".repeat(1000);
    let message = refused(&bare, &long, windows(10, 0));
    assert!(message.contains("this text has about 1000 tokens, 64 segments of at most 10 cover 640"), "{message}");
    let message = refused(&bare, &"car ".repeat(400), windows(8, 4));
    assert!(message.contains("99 segments of this media, the limit is 64: a window each 7 tokens fits"), "{message}");
    assert_eq!(prepare(&bare, &"car ".repeat(640), windows(10, 0)).unwrap().len(), 65);
}

#[test]
fn a_megabyte_is_refused_or_divided_in_time() {
    for name in ["word_piece", "byte_bpe"] {
        let preparer = preparer(name, serde_json::json!({ "context": 32 }));
        for unit in ["a red cup ", "x", " ", "🙂", "红", "a\u{301}", "\u{200b}", "\n"] {
            let text = unit.repeat(limits::TEXT_BYTES / unit.len());
            let start = Instant::now();
            let outcome = prepare(&preparer, &text, windows(16, 8)).map(|samples| samples.len());
            let took = start.elapsed();
            println!("{name} {unit:?}: {took:?}, {outcome:?}");
            assert!(outcome.is_ok() || outcome.is_err_and(|error| error.reason == Reason::FieldInvalid));
            assert!(took.as_millis() < 3000, "{name} {unit:?}: {took:?}");
        }
    }
}

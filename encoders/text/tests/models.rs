//! Token ids are those of published models' tokenizer classes, and texts are cleaned as Python cleans them
//! (`golden/models/make.py`).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)] // A test may fail.

use std::{fs, path::Path};

use onespace_core::{Prepare, PrepareRequest, Purpose, Sample, TensorData};
use onespace_text::TextPreparer;
use onespace_text::table::{Overflow, Pad, Text};

#[derive(serde::Deserialize)]
struct Golden {
    texts: Vec<String>,
    cases: Vec<Case>,
}

#[derive(serde::Deserialize)]
struct Case {
    tokenizer: String,
    spec: Text,
    ids: Vec<Vec<i64>>,
}

fn file(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/models").join(name)).unwrap()
}

fn golden() -> Golden {
    serde_json::from_slice(&file("cases.json")).unwrap()
}

fn preparer(tokenizer: &str, spec: &Text) -> TextPreparer {
    TextPreparer::new(spec, &file(&format!("{tokenizer}.json")), 1).unwrap()
}

fn ids(samples: &[Sample]) -> &[i64] {
    match &samples[0].tensors[0].data {
        TensorData::I64(values) => values,
        TensorData::F32(_) => panic!("token ids are integers"),
    }
}

#[test]
fn ids_are_those_of_the_models() {
    let golden = golden();
    assert_eq!(golden.cases.len(), 5);
    let mut wrong = Vec::new();
    for case in &golden.cases {
        let preparer = preparer(&case.tokenizer, &case.spec);
        for (text, wanted) in golden.texts.iter().zip(&case.ids) {
            let found = preparer.prepare(&PrepareRequest::of(text.as_bytes())).unwrap().samples;
            if ids(&found) != wanted {
                wrong.push(format!("{} {:?}: {:?}, not {wanted:?}", case.tokenizer, text, ids(&found)));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The tokenizers of a checkpoint that names either class: with and without lower case of its own.
#[test]
fn siglip_2_is_lower_case_whatever_its_tokenizer_says() {
    let golden = golden();
    let case = golden.cases.iter().find(|case| case.tokenizer == "siglip2").unwrap();
    let own: serde_json::Value = serde_json::from_slice(&file("siglip2.json")).unwrap();
    let mut without = own.clone();
    let steps = without["normalizer"]["normalizers"].as_array_mut().unwrap();
    assert_eq!(steps.remove(0)["type"], "Lowercase");
    let mut bare = own.clone();
    bare["normalizer"] = serde_json::Value::Null;
    bare["pre_tokenizer"] = serde_json::Value::Null;
    let lower = Text { lowercase: true, ..case.spec.clone() };
    for tokenizer in [&own, &without] {
        let preparer = TextPreparer::new(&lower, tokenizer.to_string().as_bytes(), 1).unwrap();
        for (text, wanted) in golden.texts.iter().zip(&case.ids) {
            assert_eq!(
                ids(&preparer.prepare(&PrepareRequest::of(text.as_bytes())).unwrap().samples),
                wanted,
                "{text:?}"
            );
        }
    }
    // Where the tokenizer has no steps at all, and where nothing asks for it.
    let found = |spec: &Text, tokenizer: &serde_json::Value, text: &str| {
        let preparer = TextPreparer::new(spec, tokenizer.to_string().as_bytes(), 1).unwrap();
        ids(&preparer.prepare(&PrepareRequest::of(text.as_bytes())).unwrap().samples).to_vec()
    };
    assert_eq!(found(&lower, &bare, "CAT"), found(&case.spec, &bare, "cat"));
    assert_ne!(found(&case.spec, &without, "CAT"), found(&case.spec, &without, "cat"));
}

#[test]
fn a_long_text_ends_with_the_last_token_unless_it_is_cut_off() {
    let case = golden().cases.swap_remove(0);
    let long = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen";
    let whole = Text { context: 64, pad: Pad::Bucket, ..case.spec.clone() };
    let whole = preparer(&case.tokenizer, &whole).prepare(&PrepareRequest::of(long.as_bytes())).unwrap().samples;
    let kept = preparer(&case.tokenizer, &case.spec).prepare(&PrepareRequest::of(long.as_bytes())).unwrap().samples;
    assert_eq!(ids(&kept)[..15], ids(&whole)[..15]);
    assert_eq!(ids(&kept)[15], case.spec.pad_id, "CLIP pads with its last token");
    let cut = Text { keep_last: false, ..case.spec };
    let cut = preparer(&case.tokenizer, &cut).prepare(&PrepareRequest::of(long.as_bytes())).unwrap().samples;
    assert_eq!(ids(&cut), &ids(&whole)[..16]);
}

#[test]
fn a_stored_text_has_its_own_prompt() {
    let mut case = golden().cases.pop().unwrap();
    case.spec.context = 64;
    case.spec.document_prompt = Some("title: none | text: {text}".to_owned());
    let plain = Text { prompt: "{text}".to_owned(), document_prompt: None, ..case.spec.clone() };
    let (worded, plain) = (preparer(&case.tokenizer, &case.spec), preparer(&case.tokenizer, &plain));
    let as_is = |text: &str| plain.prepare(&PrepareRequest::of(text.as_bytes())).unwrap();
    assert_eq!(
        worded.prepare(&PrepareRequest::of(b"a {text} cat")).unwrap(),
        as_is("task: search result | query: a {text} cat")
    );
    assert_eq!(
        worded.prepare(&PrepareRequest { purpose: Purpose::Document, ..PrepareRequest::of(b"a cat") }).unwrap(),
        as_is("title: none | text: a cat")
    );
    assert_eq!(
        plain.prepare(&PrepareRequest { purpose: Purpose::Document, ..PrepareRequest::of(b"a cat") }).unwrap(),
        as_is("a cat")
    );
}

#[test]
fn hostile_texts_are_cleaned_in_time() {
    let mut case = golden().cases.swap_remove(1);
    case.spec.overflow = Overflow::Windows;
    let preparer = preparer(&case.tokenizer, &case.spec);
    for unit in ["amp;", "&amp;", "\u{c3}\u{83}", "&#", "\u{1b}[", "ﬃ", "& ;"] {
        let text = format!("&{}", unit.repeat(200_000 / unit.len()));
        let start = std::time::Instant::now();
        preparer.prepare(&PrepareRequest::of(text.as_bytes())).unwrap();
        println!("{unit:?}: {:?}", start.elapsed());
        assert!(start.elapsed().as_secs() < 5, "{unit:?} took {:?}", start.elapsed());
    }
}

#[test]
fn a_text_that_is_not_padded_is_the_beginning_of_one_that_is() {
    let case = golden().cases.swap_remove(0);
    let with = |pad| preparer(&case.tokenizer, &Text { context: 64, pad, ..case.spec.clone() });
    let (bare, padded) = (with(Pad::None), with(Pad::Bucket));
    let (bare, padded) = (
        bare.prepare(&PrepareRequest::of(b"a cat")).unwrap().samples,
        padded.prepare(&PrepareRequest::of(b"a cat")).unwrap().samples,
    );
    assert!(ids(&bare).len() < ids(&padded).len(), "a cat is no multiple of eight");
    assert_eq!(ids(&bare), &ids(&padded)[..ids(&bare).len()]);
    assert!(ids(&padded)[ids(&bare).len()..].iter().all(|id| *id == case.spec.pad_id));
}

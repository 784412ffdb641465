//! The documents of the format say what the code says.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)] // A test may fail.

use std::{collections::BTreeSet, fs, path::Path};

use onespace_bundle::manifest_schema;
use serde_json::Value;

fn document(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name)).unwrap()
}

#[test]
fn the_schema_that_is_checked_in_is_the_codes() {
    assert!(
        document("bundle.schema.json") == manifest_schema().unwrap(),
        "docs/bundle.schema.json is out of date; run: target/release/onespace bundle schema > docs/bundle.schema.json"
    );
}

#[test]
fn every_key_and_word_is_explained() {
    let guide = document("BUNDLE.md");
    let schema: Value = serde_json::from_str(&manifest_schema().unwrap()).unwrap();
    let (mut keys, mut words) = (BTreeSet::new(), BTreeSet::new());
    collect(&schema, &mut keys, &mut words);
    assert!(keys.contains("logit_bias") && words.contains("shortest-edge"), "the schema is walked as it is built");
    let missing: Vec<_> = keys.iter().filter(|key| !guide.contains(&format!("`{key}`"))).collect();
    assert!(missing.is_empty(), "docs/BUNDLE.md does not explain the keys {missing:?}");
    let missing: Vec<_> = words.iter().filter(|word| !guide.contains(&format!("`\"{word}\"`"))).collect();
    assert!(missing.is_empty(), "docs/BUNDLE.md does not explain the values {missing:?}");
}

fn collect<'a>(schema: &'a Value, keys: &mut BTreeSet<&'a str>, words: &mut BTreeSet<&'a str>) {
    match schema {
        Value::Object(fields) => {
            for (name, value) in fields {
                match (name.as_str(), value) {
                    ("properties", Value::Object(properties)) => keys.extend(properties.keys().map(String::as_str)),
                    ("enum", Value::Array(values)) => words.extend(values.iter().filter_map(Value::as_str)),
                    _ => {}
                }
                collect(value, keys, words);
            }
        }
        Value::Array(entries) => entries.iter().for_each(|entry| collect(entry, keys, words)),
        _ => {}
    }
}

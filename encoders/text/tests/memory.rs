//! Nothing is kept of the texts that were met.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test may fail.

use std::{fs, path::Path, thread};

use onespace_core::{Prepare, PrepareRequest};
use onespace_text::TextPreparer;

/// Threads that tokenise; a server has more.
const THREADS: usize = 8;

/// What the process holds of its own, in KiB.
fn held() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Tokenises texts of words that nobody else has, on threads that stay.
fn strange_words(preparer: &TextPreparer, words: usize) -> u64 {
    let done = std::sync::Barrier::new(THREADS + 1);
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let done = &done;
            scope.spawn(move || {
                for word in 0..words {
                    let text = format!("word{thread}x{word}of{words}, at length");
                    preparer.prepare(&PrepareRequest::of(text.as_bytes())).unwrap();
                }
                // Once so that what is held can be looked at, once when that is done.
                done.wait();
                done.wait();
            });
        }
        done.wait();
        let held = held();
        done.wait();
        held
    })
}

#[test]
fn words_that_were_met_are_not_kept() {
    let tokenizer = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/byte_bpe.json")).unwrap();
    let table = serde_json::json!({ "tokenizer": "t.json", "context": 16 });
    let preparer = TextPreparer::new(&serde_json::from_value(table).unwrap(), &tokenizer, 2).unwrap();
    let few = strange_words(&preparer, 100);
    let many = strange_words(&preparer, 10_000);
    let grown = many.saturating_sub(few);
    assert!(grown < 8 * 1024, "{grown} KiB more after {} words", THREADS * 10_000);
}

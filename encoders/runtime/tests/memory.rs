//! Memory does not grow with the variety of shapes. Alone in its process: it measures all of it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)] // A test may fail.

mod common;

use std::fs;

use common::{bag, runtime, tokens};
use onespace_core::Sample;
use onespace_runtime::GraphSession;

/// Shapes seen before the measurement starts, and after.
const ROUNDS: (usize, usize) = (1_000, 20_000);

/// What allocators may still take after that: their own bookkeeping.
const GROWTH_MIB: f64 = 8.0;

fn resident_mib() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
}

#[test]
fn memory_stays_where_it_is_whatever_the_shapes() {
    let mut session = GraphSession::load(&runtime(), &bag()).unwrap();
    let mut seed = 1_u64;
    let mut draw = |most: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % most + 1
    };
    let mut start = 0.0;
    for round in 0..ROUNDS.1 {
        let (length, size) = (draw(512) as usize, draw(32) as usize);
        let sample = tokens(&vec![7; length]);
        let batch: Vec<&Sample> = std::iter::repeat_n(&sample, size).collect();
        session.run(&batch).unwrap();
        if round == ROUNDS.0 {
            start = resident_mib();
        }
    }
    let grown = resident_mib() - start;
    println!("{start:.1} MiB after {} runs, {grown:+.1} MiB after {}", ROUNDS.0, ROUNDS.1);
    assert!(grown < GROWTH_MIB, "{grown:.1} MiB");
}

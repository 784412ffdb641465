//! What a fuzzer has found, real files, and changes of them: nothing panics, and nothing comes of bytes but samples of
//! finite numbers or errors that blame them.
//!
//! `ONESPACE_TEST_CHANGES` says how many changes of each file (100).

use onespace_fuzz::{TARGETS, target};

/// A small, seeded source of numbers (xorshift).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound.max(1) as u64) as usize
    }
}

/// Values that lengths and counts go wrong at.
const EDGES: [u32; 8] = [0, 1, 0x7f, 0xff, 0x7fff_ffff, 0x8000_0000, 0xffff_fffe, 0xffff_ffff];

/// A file with something wrong: bits, lengths, a part gone, twice or from elsewhere.
fn changed(bytes: &[u8], numbers: &mut Numbers) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..=numbers.below(3) {
        // Most decisions are taken in the first bytes.
        let reach = if numbers.below(2) == 0 { bytes.len().min(256) } else { bytes.len() };
        let (at, kind) = (numbers.below(reach), numbers.below(6));
        match kind {
            0 => bytes.truncate(at),
            1 => bytes.extend_from_within(at..),
            2 => drop(bytes.drain(at..(at + 1 + numbers.below(16)).min(bytes.len()).max(at))),
            3 | 4 if at + 4 <= bytes.len() => {
                let edge = EDGES[numbers.below(EDGES.len())];
                let edge = if kind == 3 { edge.to_be_bytes() } else { edge.to_le_bytes() };
                bytes[at..at + 4].copy_from_slice(&edge);
            }
            _ if at < bytes.len() => bytes[at] ^= 1 << numbers.below(8),
            _ => {}
        }
    }
    bytes
}

fn try_all(name: &str) {
    let changes = std::env::var("ONESPACE_TEST_CHANGES").map_or(100, |changes| changes.parse().unwrap());
    let target = target(name).unwrap();
    let (corpus, seeds) = (target.corpus(), target.seeds());
    assert!(!corpus.is_empty() || !seeds.is_empty(), "{name} has nothing to try");
    for (path, bytes) in corpus.into_iter().chain(seeds) {
        let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15 ^ bytes.len() as u64);
        (target.read)(&bytes);
        for change in 0..changes {
            let bytes = changed(&bytes, &mut numbers);
            let read = std::panic::catch_unwind(|| (target.read)(&bytes));
            assert!(read.is_ok(), "{name}: change {change} of {}", path.display());
        }
    }
}

macro_rules! tried {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            try_all(stringify!($name));
        })*

        #[test]
        fn every_target_is_tried() {
            let tried = [$(stringify!($name)),*];
            assert_eq!(TARGETS.map(|target| target.name), tried);
        }
    };
}

tried!(sniff text image audio video point_cloud manifest recipe wire);

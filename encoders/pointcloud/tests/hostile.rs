//! Whatever the bytes are, the answer is a sample or an error that blames them; never a panic, never the machine.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)] // A test may fail.

mod common;

use std::time::{Duration, Instant};

use common::{Random, binary, golden, grouping, spec, values};
use onespace_core::{Error, Prepare, PrepareRequest, Reason, Sample};
use onespace_pointcloud::PointCloudPreparer;
use onespace_pointcloud::table::PointCloud;

const FILES: [&str; 10] = [
    "ascii.ply",
    "little.ply",
    "big.ply",
    "double.ply",
    "ushort.ply",
    "diffuse.ply",
    "lists.ply",
    "lists_ascii.ply",
    "box.ply",
    "box_ascii.ply",
];

fn prepare(bytes: &[u8]) -> Result<Vec<Sample>, Error> {
    let spec = PointCloud { grouping: Some(grouping(8, 4)), ..spec(32, 64) };
    PointCloudPreparer::new(&spec).prepare(&PrepareRequest::of(bytes)).map(|prepared| prepared.samples)
}

fn judge(name: &str, bytes: &[u8]) {
    let start = Instant::now();
    match prepare(bytes) {
        Ok(samples) => {
            assert_eq!(samples[0].tensors[0].shape, [32, 6]);
            for tensor in 0..3 {
                let product: usize = samples[0].tensors[tensor].shape.iter().product();
                assert_eq!(values(&samples[0], tensor).len(), product, "{name}");
                assert!(values(&samples[0], tensor).iter().all(|value| value.is_finite()), "{name}");
            }
        }
        Err(error) => {
            assert!(error.reason.name().starts_with("MEDIA_"), "{name}: {error:?}");
            assert_eq!(error.field, "bytes", "{name}");
            assert!(error.message.len() < 400, "{name}: {}", error.message);
        }
    }
    assert!(start.elapsed() < Duration::from_secs(2), "{name}: {:?}", start.elapsed());
}

#[test]
fn truncations() {
    for name in FILES {
        let bytes = golden(name);
        for length in 0..bytes.len() {
            judge(name, &bytes[..length]);
        }
    }
}

#[test]
fn flipped_bytes() {
    for name in FILES {
        let original = golden(name);
        let mut random = Random(7);
        for round in 0..1000 {
            let mut bytes = original.clone();
            let reach = if round % 2 == 0 { bytes.len().min(250) } else { bytes.len() };
            for _ in 0..=random.below(6) {
                let at = random.below(reach);
                bytes[at] = if random.below(3) == 0 { b'0' + random.below(10) as u8 } else { random.below(256) as u8 };
            }
            judge(name, &bytes);
        }
    }
}

#[test]
fn headers_made_of_its_own_words() {
    let words = [
        "element vertex 3",
        "element vertex 99999999",
        "element face 2",
        "element face 18446744073709551615",
        "property float x",
        "property double y",
        "property uchar z",
        "property list uchar int vertex_indices",
        "property list int double x",
        "property list float int tags",
        "property list uchar uchar vertex_index",
        "format binary_big_endian 1.0",
        "format ascii 1.0",
        "comment",
        "property int red",
        "property float blue",
        "end_header",
        "element vertex -1",
        "property",
        "element",
        "format",
        "property list",
        "element edge 0",
    ];
    let mut random = Random(5);
    for _ in 0..5000 {
        let mut text = b"ply\nformat binary_little_endian 1.0\n".to_vec();
        for _ in 0..random.below(12) {
            text.extend(words[random.below(words.len())].bytes());
            text.push(b'\n');
        }
        text.extend(b"end_header\n");
        let length = random.below(200);
        text.extend(
            (0..length)
                .map(|_| if random.below(4) == 0 { b"0123 \n"[random.below(6)] } else { random.below(256) as u8 }),
        );
        judge("words", &text);
    }
}

#[test]
fn announcements_that_cannot_be_true_cost_nothing() {
    let xyz = "property float x\nproperty float y\nproperty float z\n";
    for (element, reason) in [
        ("element vertex 1000000000000000000\n".to_owned(), Reason::MediaMalformed),
        (format!("element nothing 1000000000000000000\nelement vertex 1\n{xyz}"), Reason::MediaMalformed),
        (format!("element vertex 10000000\n{xyz}"), Reason::MediaMalformed),
        (format!("element vertex 10000001\n{xyz}"), Reason::MediaTooLarge),
        (format!("element vertex 18446744073709551615\n{xyz}"), Reason::MediaTooLarge),
        (format!("element vertex 0\n{xyz}"), Reason::MediaEmpty),
    ] {
        for format in ["ascii", "binary_little_endian", "binary_big_endian"] {
            let bytes = format!("ply\nformat {format} 1.0\n{element}end_header\n0 0 0\n").into_bytes();
            let error = prepare(&bytes).unwrap_err();
            assert_eq!(error.reason, reason, "{element} {format}: {error}");
            // The fastest of several: the machine may be busy. To walk ten million elements takes longer at any time.
            let took = (0..10).map(|_| {
                let start = Instant::now();
                let _ = prepare(&bytes);
                start.elapsed()
            });
            let fastest = took.min().unwrap();
            assert!(fastest < Duration::from_millis(1), "{fastest:?}");
        }
    }
}

#[test]
fn long_lists_and_long_lines_are_refused() {
    let list = |length: u32| {
        let mut bytes = b"ply\nformat binary_little_endian 1.0\nelement vertex 1\nproperty list uint uchar tags\n\
            property float x\nproperty float y\nproperty float z\nend_header\n"
            .to_vec();
        bytes.extend(length.to_le_bytes());
        bytes.resize(bytes.len() + length.min(100_000) as usize + 12, 0);
        prepare(&bytes)
    };
    assert!(list(65_536).is_ok());
    assert_eq!(list(65_537).unwrap_err().reason, Reason::MediaTooLarge);
    assert_eq!(list(u32::MAX).unwrap_err().reason, Reason::MediaTooLarge);
    let head =
        "ply\nformat ascii 1.0\nelement vertex 1\nproperty float x\nproperty float y\nproperty float z\nend_header\n";
    let error = prepare(format!("{head}{}", "1 ".repeat(1_000_000)).as_bytes()).unwrap_err();
    assert_eq!(error.reason, Reason::MediaTooLarge);
}

#[test]
fn faces_that_name_no_vertex_are_refused() {
    for (corners, good) in [("3 0 1 2", true), ("3 0 1 3", false), ("3 0 -1 2", false), ("2 0 1", true), ("0", true)] {
        let text = format!(
            "ply\nformat ascii 1.0\nelement vertex 3\nproperty float x\nproperty float y\nproperty float z\n\
            element face 1\nproperty list uchar int vertex_indices\nend_header\n0 0 0\n1 0 0\n0 1 0\n{corners}\n"
        );
        assert_eq!(prepare(text.as_bytes()).is_ok(), good, "{corners}");
    }
}

/// Ten million points pass through without being kept.
#[test]
fn memory_follows_the_manifest_not_the_file() {
    let Some(before) = peak_memory() else { return };
    let bytes = binary(&vec![[0.25, 0.5, 1.0]; 8_000_000]);
    let start = Instant::now();
    let held = peak_memory().unwrap();
    prepare(&bytes).unwrap();
    let after = peak_memory().unwrap();
    println!(
        "8,000,000 points, {} MiB: {:?}, {} MiB more than the file",
        bytes.len() >> 20,
        start.elapsed(),
        (after - held) >> 20
    );
    assert!(before <= held && after - held < 64 << 20);

    let mut text = b"ply\nformat ascii 1.0\nelement vertex 300000\nproperty float x\nproperty float y\nproperty \
         float z\nend_header\n"
        .to_vec();
    text.extend("0.123456 -1.234567 2.345678\n".repeat(300_000).bytes());
    let start = Instant::now();
    prepare(&text).unwrap();
    println!("300,000 points in text, {} MiB: {:?}", text.len() >> 20, start.elapsed());
    assert!(start.elapsed() < Duration::from_secs(10));
}

/// The most memory this process ever had, where the system tells.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib * 1024)
}

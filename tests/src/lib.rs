//! The whole system from outside: the real binary, started on free ports, spoken to over gRPC, HTTP and its command
//! line. This library starts and ends what the tests talk to; the tests are in `tests/`, one file a capability.
//!
//! `ONESPACE_TEST_TOPOLOGY=cluster` runs the same tests against a gateway and an encoder process for every modality.
//! Nothing here waits by sleeping: a server tells on stdout and through its health service how far it is.

pub mod abuse;
pub mod apart;
pub mod bombs;
pub mod certificates;
pub mod client;
pub mod descriptor;
pub mod disk;
pub mod guarded;
pub mod http;
pub mod hub;
pub mod photo;
pub mod process;
pub mod puller;
pub mod raw;
pub mod said;
pub mod samples;
pub mod scripted;
pub mod server;
pub mod sound;
pub mod speech;
pub mod vectors;

pub use client::{Client, Embedded};
pub use samples::Sample;
pub use server::{Server, Topology};

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

/// How long anything may take before a test gives up: a limit for what hangs, never a measure of speed.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The root of the repository.
#[must_use]
pub fn root() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// The shipped bundle.
#[must_use]
pub fn bundle() -> PathBuf {
    root().join("bundles/diorama")
}

/// A copy of the shipped bundle in a folder that says this, and nothing else, of how its vectors may be read: the
/// lengths they may be cut to, and for pairs of modalities the mean and deviation of unrelated cosines.
#[must_use]
pub fn readable_bundle(folder: &Path, matryoshka: &[usize], pairs: &[(&str, &str, f32, f32)]) -> PathBuf {
    let copy = copied_bundle(folder);
    let manifest = copy.join("bundle.toml");
    let mut kept = format!("matryoshka = {matryoshka:?}\n");
    let mut within = false;
    for line in fs::read_to_string(&manifest).unwrap().lines() {
        within = if line.starts_with('[') { line == "[[calibration]]" } else { within };
        if !within && !line.starts_with("matryoshka =") && !line.starts_with("calibration =") {
            kept += &format!("{line}\n");
        }
    }
    for (query, item, mean, std) in pairs {
        kept += &format!("[[calibration]]\nquery = {query:?}\nitem = {item:?}\nmean = {mean:?}\nstd = {std:?}\n");
    }
    fs::write(manifest, kept).unwrap();
    copy
}

/// A copy of the shipped bundle in a folder, to be tampered with.
#[must_use]
pub fn copied_bundle(folder: &Path) -> PathBuf {
    let copy = folder.join("bundle");
    for part in ["", "alignment", "golden"] {
        fs::create_dir_all(copy.join(part)).unwrap();
        let files = fs::read_dir(bundle().join(part)).unwrap().map(|file| file.unwrap().path());
        for file in files.filter(|path| path.is_file()) {
            fs::copy(&file, copy.join(part).join(file.file_name().unwrap())).unwrap();
        }
    }
    copy
}

//! What reads strangers' bytes, each as a function of bytes that panics where something is wrong.
//!
//! `make fuzz` has a fuzzer look for such bytes; `tests/corpora.rs` tries what it has found, and changes of real files,
//! with every `cargo test`.

mod media;
mod seeds;
mod tables;
mod wire;

/// Something that reads bytes.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name, and that of its folder in `corpora/`.
    pub name: &'static str,
    /// Reads bytes.
    pub read: fn(&[u8]),
    /// Folders with real files, from the root of the repository, and how their names end.
    seeds: &'static [(&'static str, &'static [&'static str])],
}

/// All that read bytes.
pub const TARGETS: [Target; 9] = [
    Target { name: "sniff", read: media::sniff, seeds: &[(IMAGES, &[]), (SOUNDS, &[]), (VIDEOS, &[]), (CLOUDS, &[])] },
    Target { name: "text", read: media::text, seeds: &[("samples/texts", &[]), ("docs", &["md"])] },
    Target { name: "image", read: media::image, seeds: &[(IMAGES, &[])] },
    Target { name: "audio", read: media::audio, seeds: &[(SOUNDS, &[])] },
    Target { name: "video", read: media::video, seeds: &[(VIDEOS, &[])] },
    Target { name: "point_cloud", read: media::point_cloud, seeds: &[(CLOUDS, &[])] },
    Target { name: "manifest", read: tables::manifest, seeds: &[("encoders/bundle/tests", &["toml"])] },
    Target { name: "recipe", read: tables::recipe, seeds: &[("bundles/recipes", &["toml"])] },
    Target { name: "wire", read: wire::requests, seeds: &[] },
];

const IMAGES: &str = "encoders/image/tests/golden";
const SOUNDS: &str = "encoders/audio/tests/golden";
const VIDEOS: &str = "encoders/video/tests/golden";
const CLOUDS: &str = "encoders/pointcloud/tests/golden";

/// The target of a name.
#[must_use]
pub fn target(name: &str) -> Option<Target> {
    TARGETS.into_iter().find(|target| target.name == name)
}

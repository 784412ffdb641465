//! What bundles were called before is what they are called now: a collection that one filled stays its own.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)] // A test may fail.

use std::{fs, path::Path};

use onespace_bundle::Manifest;

/// Manifests of the tiny exports of each family and of the shipped bundles, with the fingerprints that they had when
/// the tables of all modalities lay in this crate.
const FINGERPRINTS: &[(&str, &str)] = &[
    ("tests/manifests/clap.toml", "01f6fc2d47905c74eac9390f907d4be3d8fb39fd97f945fad4b28a8953448afb"),
    ("tests/manifests/clip.toml", "b6b020ee6188b3023f0f0bb2d934c9f91dca416a3de87b2518ee912022f9d665"),
    ("tests/manifests/clip-openclip.toml", "cdc68cbe13a20b20ec28f0b33d7b55cdb088c476b04ef7d7ad5db14b8988c570"),
    ("tests/manifests/embeddinggemma2.toml", "c782a0cd67e9ec2303f92d8c5b412e2f84e929e919827cb3e13ca5b012a4b3e8"),
    ("tests/manifests/imagebind.toml", "6261f3b8c03b1397fee3491fef45a25e8ffe33d8031835d35560789277660336"),
    ("tests/manifests/pe_core.toml", "64dc5930a62d7821047f9408cd52097facc65f3d076f32df304fc76f953f85f4"),
    ("tests/manifests/point_bind.toml", "9a058ac91f684263ae4881deb238fefdc7c10e670f966f1ef618051a10bf5b2e"),
    ("tests/manifests/siglip2.toml", "a07774d54a20e40a9c5ed74d4bf8763c122df02d161b020a867755096b0e839a"),
    ("tests/manifests/uni3d.toml", "acaaa7d3bc3588b7bf13148c91d737e7437ac1ee5d10186e155a6305973f82de"),
    ("../../bundles/diorama/bundle.toml", "10b1d67961d88bb0f0b866c218f012ba55350d45aeb3023b14d2f25a301ee15c"),
    ("../../bundles/diorama-int8/bundle.toml", "4705071295025977f7c7b29e8e61ad7085723d8b71b5af2038b302aecf8f1ab5"),
];

#[test]
fn every_bundle_keeps_its_fingerprint() {
    for (file, fingerprint) in FINGERPRINTS {
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
        let manifest = Manifest::parse(&text).unwrap_or_else(|error| panic!("{file}: {error}"));
        assert_eq!(manifest.fingerprint().unwrap().to_string(), *fingerprint, "{file}");
        // Written down and read again, as a composite is, it is the same.
        let written = toml::to_string(&manifest).unwrap();
        assert_eq!(Manifest::parse(&written).unwrap(), manifest, "{file}");
    }
}

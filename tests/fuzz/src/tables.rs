//! Files that whoever makes a bundle writes.

use onespace_bundle::{Manifest, Recipe};

/// A bundle's manifest: read, and its fingerprint taken where that can be.
pub fn manifest(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Ok(manifest) = Manifest::parse(text)
    {
        drop((manifest.fingerprint(), manifest.calibration(), manifest.talk()));
    }
}

/// A recipe of `onespace bundle pull`.
pub fn recipe(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Ok(recipe) = Recipe::parse(text)
    {
        drop((recipe.towers(), recipe.golden(), recipe.to_table()));
    }
}

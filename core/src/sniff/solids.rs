//! Scenes written in letters, which their words tell from prose.

use std::borrow::Cow;

use serde::{Deserialize, de::IgnoredAny};

use super::text;

/// Khronos' format: in one file, or as JSON that holds or names its buffers. The keys of JSON come in any order, so all
/// of it is looked at; where it is cut off, its beginning says enough.
pub(super) fn is_gltf(bytes: &[u8]) -> bool {
    if bytes.starts_with(b"glTF") {
        return true;
    }
    if !bytes.trim_ascii_start().starts_with(b"{") || !bytes.windows(7).any(|name| name == b"\"asset\"") {
        return false;
    }
    if let Ok(scene) = serde_json::from_slice::<Gltf<'_>>(bytes) {
        return scene.is_one();
    }
    let Some(head) = text::head(bytes) else { return false };
    let lists = ["\"meshes\"", "\"accessors\"", "\"bufferViews\"", "\"scenes\"", "\"nodes\""];
    head.contains("\"asset\"") && lists.iter().filter(|name| head.contains(*name)).count() >= 2
}

/// What every glTF says of itself, and lists of which it has some.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Gltf<'a> {
    #[serde(borrow)]
    asset: Option<Asset<'a>>,
    scenes: Option<IgnoredAny>,
    nodes: Option<IgnoredAny>,
    meshes: Option<IgnoredAny>,
    accessors: Option<IgnoredAny>,
    buffer_views: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Asset<'a> {
    #[serde(borrow)]
    version: Cow<'a, str>,
}

impl Gltf<'_> {
    /// `asset.version` is a number of two parts, and there is something in it.
    fn is_one(&self) -> bool {
        let parts = self.asset.as_ref().and_then(|asset| asset.version.split_once('.'));
        let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        let lists = [&self.scenes, &self.nodes, &self.meshes, &self.accessors, &self.buffer_views];
        parts.is_some_and(|(major, minor)| is_number(major) && is_number(minor))
            && lists.into_iter().any(Option::is_some)
    }
}

/// COLLADA.
pub(super) fn is_collada(bytes: &[u8]) -> bool {
    text::head(bytes).is_some_and(|head| head.trim_start().starts_with('<') && head.contains("<COLLADA"))
}

/// What 3D printers were once to read.
pub(super) fn is_amf(bytes: &[u8]) -> bool {
    text::head(bytes)
        .is_some_and(|head| head.trim_start().starts_with('<') && (head.contains("<amf ") || head.contains("<amf>")))
}

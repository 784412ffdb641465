//! The JSON of a glTF, as far as it says where surfaces are and what colour they have.
//!
//! The `gltf` crate's own types are not used: they read cameras and animations too, and refuse a file for what is wrong
//! with those; its accessors trust what a file claims. Names are those of the specification.

use std::borrow::Cow;

use onespace_core::{Error, Result, limits};
use serde::Deserialize;

/// An entry's number in its list.
pub type Index = u32;

/// The whole.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "'de: 'a"))]
pub struct Document<'a> {
    pub asset: Asset<'a>,
    pub scene: Option<Index>,
    #[serde(default)]
    pub scenes: Vec<Scene>,
    #[serde(default)]
    pub nodes: Vec<Node>,
    #[serde(default)]
    pub meshes: Vec<Mesh>,
    #[serde(default)]
    pub skins: Vec<Skin>,
    #[serde(default)]
    pub accessors: Vec<Accessor>,
    #[serde(default)]
    pub buffer_views: Vec<View>,
    #[serde(default, borrow)]
    pub buffers: Vec<Buffer<'a>>,
    #[serde(default)]
    pub materials: Vec<Material>,
    #[serde(default)]
    pub textures: Vec<Texture>,
    #[serde(default)]
    pub samplers: Vec<Sampler>,
    #[serde(default, borrow)]
    pub images: Vec<Image<'a>>,
    #[serde(default, borrow)]
    pub extensions_required: Vec<Cow<'a, str>>,
}

#[derive(Debug, Deserialize)]
pub struct Asset<'a> {
    #[serde(borrow)]
    pub version: Cow<'a, str>,
}

#[derive(Debug, Deserialize)]
pub struct Scene {
    #[serde(default)]
    pub nodes: Vec<Index>,
}

#[derive(Debug, Deserialize)]
pub struct Node {
    #[serde(default)]
    pub children: Vec<Index>,
    pub mesh: Option<Index>,
    pub skin: Option<Index>,
    pub matrix: Option<Box<[f64; 16]>>,
    pub translation: Option<[f64; 3]>,
    /// x, y, z, w.
    pub rotation: Option<[f64; 4]>,
    pub scale: Option<[f64; 3]>,
    pub weights: Option<Vec<f64>>,
    #[serde(default)]
    pub extensions: NodeExtensions,
}

#[derive(Debug, Default, Deserialize)]
pub struct NodeExtensions {
    #[serde(rename = "EXT_mesh_gpu_instancing")]
    pub instancing: Option<serde::de::IgnoredAny>,
}

#[derive(Debug, Deserialize)]
pub struct Mesh {
    pub primitives: Vec<Primitive>,
    pub weights: Option<Vec<f64>>,
}

#[derive(Debug, Deserialize)]
pub struct Primitive {
    pub attributes: Attributes,
    pub indices: Option<Index>,
    pub material: Option<Index>,
    /// Triangles, where nothing is said.
    pub mode: Option<u32>,
    #[serde(default)]
    pub targets: Vec<Target>,
    #[serde(default)]
    pub extensions: PrimitiveExtensions,
}

#[derive(Debug, Default, Deserialize)]
pub struct PrimitiveExtensions {
    #[serde(rename = "KHR_draco_mesh_compression")]
    pub draco: Option<serde::de::IgnoredAny>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub struct Attributes {
    pub position: Option<Index>,
    pub color_0: Option<Index>,
    pub texcoord_0: Option<Index>,
    pub texcoord_1: Option<Index>,
    pub texcoord_2: Option<Index>,
    pub texcoord_3: Option<Index>,
    pub joints_0: Option<Index>,
    pub weights_0: Option<Index>,
    pub joints_1: Option<Index>,
    pub weights_1: Option<Index>,
}

impl Attributes {
    /// The texture coordinates of a set.
    pub fn texture_set(&self, number: u32) -> Option<Index> {
        match number {
            0 => self.texcoord_0,
            1 => self.texcoord_1,
            2 => self.texcoord_2,
            3 => self.texcoord_3,
            _ => None,
        }
    }
}

/// A shape that the mesh turns into.
#[derive(Debug, Deserialize)]
pub struct Target {
    #[serde(rename = "POSITION")]
    pub position: Option<Index>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Skin {
    pub joints: Vec<Index>,
    pub inverse_bind_matrices: Option<Index>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Accessor {
    pub buffer_view: Option<Index>,
    #[serde(default)]
    pub byte_offset: usize,
    pub component_type: u32,
    #[serde(default)]
    pub normalized: bool,
    pub count: usize,
    #[serde(rename = "type")]
    pub shape: Shape,
    pub sparse: Option<Box<Sparse>>,
}

/// How many components an element has.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "UPPERCASE")]
pub enum Shape {
    Scalar,
    Vec2,
    Vec3,
    Vec4,
    Mat2,
    Mat3,
    Mat4,
}

impl Shape {
    pub const fn components(self) -> usize {
        match self {
            Self::Scalar => 1,
            Self::Vec2 => 2,
            Self::Vec3 => 3,
            Self::Vec4 | Self::Mat2 => 4,
            Self::Mat3 => 9,
            Self::Mat4 => 16,
        }
    }
}

/// Elements that are others than the rest says.
#[derive(Debug, Deserialize)]
pub struct Sparse {
    pub count: usize,
    pub indices: SparseIndices,
    pub values: SparseValues,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SparseIndices {
    pub buffer_view: Index,
    #[serde(default)]
    pub byte_offset: usize,
    pub component_type: u32,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SparseValues {
    pub buffer_view: Index,
    #[serde(default)]
    pub byte_offset: usize,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct View {
    pub buffer: Index,
    #[serde(default)]
    pub byte_offset: usize,
    pub byte_length: usize,
    pub byte_stride: Option<usize>,
    #[serde(default)]
    pub extensions: ViewExtensions,
}

#[derive(Debug, Default, Deserialize)]
pub struct ViewExtensions {
    #[serde(rename = "EXT_meshopt_compression", alias = "KHR_meshopt_compression")]
    pub meshopt: Option<serde::de::IgnoredAny>,
}

#[derive(Debug, Deserialize)]
pub struct Buffer<'a> {
    #[serde(borrow)]
    pub uri: Option<Cow<'a, str>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Material {
    pub pbr_metallic_roughness: Option<Base>,
    #[serde(default)]
    pub extensions: MaterialExtensions,
}

#[derive(Debug, Default, Deserialize)]
pub struct MaterialExtensions {
    #[serde(rename = "KHR_materials_pbrSpecularGlossiness")]
    pub glossy: Option<Base>,
}

/// What colour a surface has: linear, red, green, blue, opacity.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Base {
    #[serde(alias = "diffuseFactor")]
    pub base_color_factor: Option<[f32; 4]>,
    #[serde(alias = "diffuseTexture")]
    pub base_color_texture: Option<TextureInfo>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TextureInfo {
    pub index: Index,
    #[serde(default)]
    pub tex_coord: u32,
    #[serde(default)]
    pub extensions: TextureInfoExtensions,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub struct TextureInfoExtensions {
    #[serde(rename = "KHR_texture_transform")]
    pub transform: Option<TextureTransform>,
}

/// How the place in a texture comes from what the vertices say.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TextureTransform {
    #[serde(default)]
    pub offset: [f32; 2],
    /// Radians.
    #[serde(default)]
    pub rotation: f32,
    #[serde(default = "unscaled")]
    pub scale: [f32; 2],
    pub tex_coord: Option<u32>,
}

const fn unscaled() -> [f32; 2] {
    [1.0; 2]
}

#[derive(Debug, Deserialize)]
pub struct Texture {
    pub source: Option<Index>,
    pub sampler: Option<Index>,
    #[serde(default)]
    pub extensions: TextureExtensions,
}

#[derive(Debug, Default, Deserialize)]
pub struct TextureExtensions {
    #[serde(rename = "EXT_texture_webp")]
    pub webp: Option<TextureSource>,
}

#[derive(Debug, Deserialize)]
pub struct TextureSource {
    pub source: Option<Index>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sampler {
    pub wrap_s: Option<u32>,
    pub wrap_t: Option<u32>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Image<'a> {
    pub buffer_view: Option<Index>,
    #[serde(borrow)]
    pub uri: Option<Cow<'a, str>>,
}

/// What a file may require of its reader.
const KNOWN: [&str; 4] = ["KHR_mesh_quantization", "KHR_texture_transform", "EXT_texture_webp", "KHR_lights_punctual"];

/// Reads the JSON.
///
/// # Errors
/// `MEDIA_MALFORMED`; `MEDIA_TOO_LARGE` for more objects than may be; `MEDIA_UNSUPPORTED` for version 1, and for what
/// a file requires and is not read here, by its name.
pub fn read(json: &[u8]) -> Result<Document<'_>> {
    let objects = json.iter().filter(|byte| **byte == b'{').count();
    if objects > limits::GLTF_OBJECTS {
        return Err(Error::too_large("bytes", "the number of objects in the glTF", objects, limits::GLTF_OBJECTS));
    }
    let document: Document<'_> =
        serde_json::from_slice(json).map_err(|error| broken(&format!("cannot be read: {error}")))?;
    if !document.asset.version.starts_with("2.") {
        let version: String = document.asset.version.chars().take(20).collect();
        return Err(Error::unsupported("bytes", format!("glTF {version} is not read here: save it as glTF 2.0")));
    }
    let is_known = |name: &str| KNOWN.contains(&name) || name.starts_with("KHR_materials_");
    if let Some(name) = document.extensions_required.iter().find(|name| !is_known(name)) {
        let name: String = name.chars().take(60).collect();
        return Err(without(&name));
    }
    Ok(document)
}

/// What is wrong with a file.
pub fn broken(what: &str) -> Error {
    Error::malformed("bytes", format!("the glTF {what}"))
}

/// Refuses what is not read.
pub fn without(name: &str) -> Error {
    Error::unsupported("bytes", format!("glTF with {name} is not read here: save it without"))
}

/// An entry of a list.
///
/// # Errors
/// `MEDIA_MALFORMED` for one that is not there.
pub fn entry<'l, T>(list: &'l [T], index: Index, name: &str) -> Result<&'l T> {
    list.get(index as usize).ok_or_else(|| broken(&format!("names {name} {index}, there are {}", list.len())))
}

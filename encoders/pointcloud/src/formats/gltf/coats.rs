//! What the surfaces of a glTF are covered with.

use std::collections::HashMap;

use onespace_core::{Error, Patience, Result, limits};
use onespace_image::{Look, decode};

use super::{
    buffers::{Buffers, embedded},
    document::{Document, Index, TextureTransform, broken, entry, without},
};
use crate::texture::{Texture, Wrap, to_srgb};

/// What a surface is covered with.
#[derive(Clone, Copy, Debug)]
pub struct Coat {
    /// Linear.
    pub colour: [f32; 3],
    pub picture: Option<Picture>,
}

/// A picture on a surface.
#[derive(Clone, Copy, Debug)]
pub struct Picture {
    /// Its number among those that were decoded.
    pub texture: u16,
    pub wraps: [Wrap; 2],
    /// Which coordinates of a vertex say where it is in the picture.
    pub set: u32,
    transform: Option<TextureTransform>,
}

impl Picture {
    /// The place in the picture that a vertex's coordinates say.
    pub fn place(&self, [across, down]: [f64; 2]) -> [f32; 2] {
        let (across, down) = (across as f32, down as f32);
        let Some(TextureTransform { offset, rotation, scale, .. }) = self.transform else { return [across, down] };
        let ([right, below], [wide, high]) = (offset, scale);
        let (across, down) = (across * wide, down * high);
        let (sine, cosine) = rotation.sin_cos();
        [cosine * across + sine * down + right, cosine * down - sine * across + below]
    }
}

/// The coats of some materials, and their pictures.
#[derive(Debug, Default)]
pub struct Coats {
    pub textures: Vec<Texture>,
    coats: HashMap<Index, Coat>,
    decoded: HashMap<Index, u16>,
}

impl Coats {
    /// Those of some materials.
    ///
    /// # Errors
    /// `MEDIA_MALFORMED`; `MEDIA_UNSUPPORTED` for pictures of another kind than are decoded, or beside the file;
    /// `MEDIA_TOO_LARGE`; what `patience` says when it is over.
    pub fn new(
        document: &Document<'_>,
        buffers: &Buffers<'_>,
        materials: impl Iterator<Item = Index>,
        patience: &Patience,
    ) -> Result<Self> {
        let mut coats = Self::default();
        for material in materials {
            if !coats.coats.contains_key(&material) {
                let coat = coats.coat(document, buffers, material, patience)?;
                coats.coats.insert(material, coat);
            }
        }
        Ok(coats)
    }

    /// That of a material.
    pub fn of(&self, material: Option<Index>) -> Option<Coat> {
        material.and_then(|material| self.coats.get(&material)).copied()
    }

    fn coat(
        &mut self,
        document: &Document<'_>,
        buffers: &Buffers<'_>,
        material: Index,
        patience: &Patience,
    ) -> Result<Coat> {
        let material = entry(&document.materials, material, "material")?;
        let base = material.extensions.glossy.or(material.pbr_metallic_roughness).unwrap_or_default();
        let [red, green, blue, _] = base.base_color_factor.unwrap_or([1.0; 4]);
        let coat = Coat { colour: [red, green, blue], picture: None };
        let Some(info) = base.base_color_texture else { return Ok(coat) };
        let texture = entry(&document.textures, info.index, "texture")?;
        let source = texture.extensions.webp.as_ref().and_then(|webp| webp.source).or(texture.source);
        let image = source.ok_or_else(|| without("textures of a kind other than PNG, JPEG and WebP"))?;
        let sampler = texture.sampler.map(|sampler| entry(&document.samplers, sampler, "sampler")).transpose()?;
        let wraps = sampler.map_or([None; 2], |sampler| [sampler.wrap_s, sampler.wrap_t]).map(wrap);
        let transform = info.extensions.transform;
        let set = transform.and_then(|transform| transform.tex_coord).unwrap_or(info.tex_coord);
        let texture = self.decode(document, buffers, image, patience)?;
        Ok(Coat { picture: Some(Picture { texture, wraps, set, transform }), ..coat })
    }

    fn decode(
        &mut self,
        document: &Document<'_>,
        buffers: &Buffers<'_>,
        image: Index,
        patience: &Patience,
    ) -> Result<u16> {
        if let Some(number) = self.decoded.get(&image) {
            return Ok(*number);
        }
        let number = self.textures.len();
        if number >= limits::TEXTURES {
            return Err(Error::too_large("bytes", "the number of textures", "more", limits::TEXTURES));
        }
        let said = entry(&document.images, image, "image")?;
        let pixels = match (&said.uri, said.buffer_view) {
            (Some(uri), _) => decode(&embedded(uri)?, Look::default(), patience),
            (None, Some(view)) => decode(buffers.view(document, view)?.0, Look::default(), patience),
            (None, None) => return Err(broken(&format!("has no bytes for image {image}"))),
        };
        let pixels =
            pixels.map_err(|error| Error { message: format!("texture {image}: {}", error.message), ..error })?;
        self.textures.push(Texture::new(&pixels.pixels));
        self.decoded.insert(image, number as u16);
        Ok(number as u16)
    }
}

/// What OpenGL calls it.
const fn wrap(number: Option<u32>) -> Wrap {
    match number {
        Some(33_071) => Wrap::Clamp,
        Some(33_648) => Wrap::Mirror,
        _ => Wrap::Repeat,
    }
}

/// A linear colour as pictures have it.
pub fn shown(colour: [f32; 3]) -> [f32; 3] {
    colour.map(to_srgb)
}

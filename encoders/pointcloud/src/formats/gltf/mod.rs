//! glTF 2.0, as JSON with its buffers in it or as GLB: the scene that it begins with, as it stands before anything
//! moves.
//!
//! A surface has the colour of its material, of its vertices and of its texture, each of which lets light through. They
//! are linear in the file, and become what pictures have (sRGB). A primitive without a material has none but that of
//! its vertices. Transparency is not looked at: what is cut out by a texture has the colour that is there. Lines are
//! left out, and points where there are faces.

mod accessor;
mod buffers;
mod coats;
mod document;
mod pieces;
mod scene;

use std::{collections::HashMap, sync::Arc};

use onespace_core::{Patience, Result};

use self::{
    buffers::Buffers,
    coats::{Coat, Coats, shown},
    pieces::{Mode, Vertices},
    scene::Scene,
};
use super::parsed::Parsed;
use crate::{
    source::Vertex,
    texture::{Patch, Textures, Wrap},
};

/// Reads a file.
///
/// # Errors
/// `MEDIA_MALFORMED`, `MEDIA_EMPTY`, `MEDIA_TOO_LARGE`; `MEDIA_UNSUPPORTED` for version 1, for what is compressed or
/// has an extension that is needed and not read, and for files beside this one, by name; what `patience` says when it
/// is over.
pub fn read(bytes: &[u8], patience: &Patience) -> Result<Parsed> {
    let (json, binary) = buffers::parts(bytes)?;
    let document = document::read(json)?;
    let scene = Scene::new(&document)?;
    let pieces = pieces::of(&document, &scene)?;
    let room = patience.hold(pieces::weight(&document, &pieces)?)?;
    let patience = patience.without_room();
    let buffers = Buffers::new(&document, binary, &patience)?;
    let materials = pieces.iter().filter_map(|piece| piece.primitive.material);
    let mut coats = Coats::new(&document, &buffers, materials, &patience)?;
    let mut mesh = Mesh { patience: &patience, parsed: Parsed::default(), patches: None };
    if !coats.textures.is_empty() {
        mesh.patches = Some(Vec::new());
    }
    for piece in &pieces {
        let vertices = Vertices::new(&document, &buffers, &scene, piece, coats.of(piece.primitive.material))?;
        mesh.piece(piece.mode, &vertices)?;
    }
    let textures = std::mem::take(&mut coats.textures);
    let textures = mesh.patches.map(|patches| Arc::new(Textures { textures, patches }));
    Ok(mesh.parsed.with_textures(textures).checked()?.holding(room))
}

/// What has been read.
struct Mesh<'p> {
    patience: &'p Patience,
    parsed: Parsed,
    /// One for each triangle, where any has a texture.
    patches: Option<Vec<Patch>>,
}

impl Mesh<'_> {
    fn piece(&mut self, mode: Mode, vertices: &Vertices<'_>) -> Result<()> {
        let count = vertices.corners();
        // Vertices that no corner names are not kept: many primitives may share one list of them.
        let mut numbers = HashMap::new();
        let mut last: [(u32, u32); 2] = [(0, 0); 2];
        for place in 0..count {
            let corner = vertices.corner(place)?;
            let number = match numbers.get(&corner) {
                Some(number) => *number,
                None => {
                    let number = self.parsed.count() as u32;
                    self.parsed.vertex(vertices.vertex(corner), self.patience)?;
                    numbers.insert(corner, number);
                    number
                }
            };
            let here = (number, corner);
            let [first, second] = last;
            let is_whole = match mode {
                Mode::Points => false,
                Mode::Triangles => place % 3 == 2,
                Mode::Strip | Mode::Fan => place >= 2,
            };
            if is_whole {
                self.face([first, second, here], vertices)?;
            }
            last = match mode {
                Mode::Fan if place >= 2 => [first, here],
                Mode::Fan if place == 0 => [here, here],
                Mode::Fan => [first, here],
                _ => [second, here],
            };
        }
        Ok(())
    }

    fn face(&mut self, corners: [(u32, u32); 3], vertices: &Vertices<'_>) -> Result<()> {
        self.parsed.polygon(&corners.map(|(number, _)| number), self.patience)?;
        if let Some(patches) = &mut self.patches {
            patches.push(vertices.patch(corners.map(|(_, corner)| corner)));
        }
        Ok(())
    }
}

impl Vertices<'_> {
    fn vertex(&self, number: u32) -> Vertex {
        let coat: Option<[f32; 3]> = self.coat.map(|Coat { colour, .. }| colour);
        let own = self.colour(number);
        let colour = match (coat, own) {
            (Some([red, green, blue]), Some([r, g, b])) => shown([red * r, green * g, blue * b]),
            (Some(colour), None) | (None, Some(colour)) => shown(colour),
            (None, None) => [f32::NAN; 3],
        };
        Vertex { place: self.place(number), colour }
    }

    /// What of a picture lies on a triangle.
    fn patch(&self, corners: [u32; 3]) -> Patch {
        let picture = self.coat.and_then(|coat| coat.picture).filter(|_| self.has_texture_places());
        let Some(picture) = picture else {
            return Patch { texture: None, wraps: [Wrap::Repeat; 2], corners: [[0.0; 2]; 3] };
        };
        let place = |corner| picture.place(self.texture_place(corner));
        Patch { texture: Some(picture.texture), wraps: picture.wraps, corners: corners.map(place) }
    }
}

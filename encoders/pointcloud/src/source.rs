//! What points and faces are read from, whatever the format.

use std::sync::Arc;

use onespace_core::{Patience, Result};

use crate::texture::Textures;

/// Vertices of a mesh that are kept, 24 bytes each; one of more is taken for the cloud of its vertices.
pub const MESH_VERTICES: usize = 1 << 20;

/// What a file says of a vertex.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Vertex {
    /// x, y, z.
    pub place: [f64; 3],
    /// Red, green, blue; NaN where the file gives none.
    pub colour: [f32; 3],
}

impl Vertex {
    /// One without a colour.
    pub const fn at(place: [f64; 3]) -> Self {
        Self { place, colour: [f32::NAN; 3] }
    }
}

/// A file whose head is read and weighed: what it announces can be there.
pub trait Source {
    /// How many vertices it has, one at least.
    fn vertices(&self) -> usize;

    /// Whether it has faces.
    fn has_faces(&self) -> bool;

    /// Whether its places are written in numbers that single precision does not hold.
    fn is_precise(&self) -> bool;

    /// The pictures on its triangles, where it has any.
    fn textures(&self) -> Option<&Arc<Textures>> {
        None
    }

    /// Reads every vertex, in order.
    ///
    /// # Errors
    /// `MEDIA_MALFORMED` for one that cannot be read; what `patience` says when it is over.
    fn each_vertex(&self, patience: &Patience, take: &mut dyn FnMut(Vertex)) -> Result<()>;

    /// Reads every triangle by the numbers of its corners, all of which are there.
    ///
    /// # Errors
    /// `MEDIA_MALFORMED` for one that cannot be read or names a vertex that is not there; what `patience` says when it
    /// is over.
    fn each_triangle(&self, patience: &Patience, take: &mut dyn FnMut([u32; 3])) -> Result<()>;
}

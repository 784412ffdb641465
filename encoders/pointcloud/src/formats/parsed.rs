//! A file that is kept while it is looked at.

use std::sync::Arc;

use onespace_core::{Error, HeldRoom, Patience, Reason, Result, limits};

use crate::{
    source::{Source, Vertex},
    texture::Textures,
};

/// Entries between two looks at the clock: a millisecond's.
const UNSEEN: usize = 4096;

/// All vertices and triangles of a file.
#[derive(Debug, Default)]
pub struct Parsed {
    vertices: Vec<Vertex>,
    triangles: Vec<[u32; 3]>,
    textures: Option<Arc<Textures>>,
    _room: Option<HeldRoom>,
}

impl Parsed {
    /// The same, which holds the room that it takes.
    pub fn holding(self, room: Option<HeldRoom>) -> Self {
        Self { _room: room, ..self }
    }

    /// The same, with pictures on its triangles.
    pub fn with_textures(self, textures: Option<Arc<Textures>>) -> Self {
        Self { textures, ..self }
    }

    /// Adds a vertex.
    ///
    /// # Errors
    /// `MEDIA_TOO_LARGE` past the limit; what `patience` says when it is over.
    pub fn vertex(&mut self, vertex: Vertex, patience: &Patience) -> Result<()> {
        look(self.vertices.len(), "the number of vertices", patience)?;
        self.vertices.push(vertex);
        Ok(())
    }

    /// How many vertices there are so far.
    pub fn count(&self) -> usize {
        self.vertices.len()
    }

    /// Adds a polygon as a fan of triangles.
    ///
    /// # Errors
    /// `MEDIA_TOO_LARGE` past a limit; what `patience` says when it is over.
    pub fn polygon(&mut self, corners: &[u32], patience: &Patience) -> Result<()> {
        if corners.len() > limits::PLY_LIST {
            return Err(Error::too_large("bytes", "the corners of a face", corners.len(), limits::PLY_LIST));
        }
        let Some((first, others)) = corners.split_first() else { return Ok(()) };
        for [second, third] in others.array_windows::<2>() {
            look(self.triangles.len(), "the number of triangles", patience)?;
            self.triangles.push([*first, *second, *third]);
        }
        Ok(())
    }

    /// Whether there is something, and every corner is a vertex that is there.
    ///
    /// # Errors
    /// `MEDIA_EMPTY`, `MEDIA_MALFORMED`.
    pub fn checked(self) -> Result<Self> {
        let count = self.vertices.len();
        if count == 0 {
            return Err(Error::new(Reason::MediaEmpty, "bytes", "the file has no points"));
        }
        if let Some(number) = self.triangles.iter().flatten().find(|number| **number as usize >= count) {
            return Err(Error::malformed("bytes", format!("a face names vertex {number}, there are {count}")));
        }
        Ok(self)
    }
}

fn look(count: usize, what: &str, patience: &Patience) -> Result<()> {
    patience.check_every(UNSEEN, count, "while the file was read")?;
    if count < limits::SHAPE_ENTRIES {
        return Ok(());
    }
    let limit = format!("{} in a format other than PLY", limits::SHAPE_ENTRIES);
    Err(Error::too_large("bytes", what, "more", limit))
}

impl Source for Parsed {
    fn vertices(&self) -> usize {
        self.vertices.len()
    }

    fn has_faces(&self) -> bool {
        !self.triangles.is_empty()
    }

    fn is_precise(&self) -> bool {
        true
    }

    fn textures(&self) -> Option<&Arc<Textures>> {
        self.textures.as_ref()
    }

    fn each_vertex(&self, patience: &Patience, take: &mut dyn FnMut(Vertex)) -> Result<()> {
        for (number, vertex) in self.vertices.iter().enumerate() {
            patience.check_every(UNSEEN, number, "while the points were read")?;
            take(*vertex);
        }
        Ok(())
    }

    fn each_triangle(&self, patience: &Patience, take: &mut dyn FnMut([u32; 3])) -> Result<()> {
        for (number, corners) in self.triangles.iter().enumerate() {
            patience.check_every(UNSEEN, number, "while the faces were read")?;
            take(*corners);
        }
        Ok(())
    }
}

//! PLY: read entry by entry, so that no more of it is kept than somebody keeps.

use onespace_core::{Error, Patience, Reason, Result};
use ply_rs_bw::ply::{PropertyType, ScalarType};

use super::{
    ply_header::{Encoding, Header},
    ply_read::{Face, PlyVertex, Strip, each},
};
use crate::source::{Source, Vertex};

/// A file whose header is sound.
pub struct Ply<'a> {
    header: Header<'a>,
    vertices: usize,
}

/// Reads the header. A file that has no vertices is refused, and one whose vertices are nowhere.
///
/// # Errors
/// `MEDIA_MALFORMED`, `MEDIA_EMPTY` or `MEDIA_TOO_LARGE`.
pub fn open(bytes: &[u8]) -> Result<Ply<'_>> {
    let header = Header::read(bytes)?;
    let Some(vertex) = header.element("vertex") else {
        return Err(Error::malformed("bytes", "the file has no element \"vertex\""));
    };
    if let Some(axis) = ["x", "y", "z"].into_iter().find(|axis| !vertex.properties.contains_key(*axis)) {
        return Err(Error::malformed("bytes", format!("its vertices have no \"{axis}\"")));
    }
    if vertex.count == 0 {
        return Err(Error::new(Reason::MediaEmpty, "bytes", "the file has no points"));
    }
    let vertices = vertex.count;
    Ok(Ply { header, vertices })
}

impl Ply<'_> {
    fn check(&self, name: &str, index: usize, number: u32) -> Result<()> {
        let vertices = self.vertices;
        if (number as usize) < vertices {
            return Ok(());
        }
        let message = format!("{name} {index} names vertex {number}, there are {vertices}");
        Err(Error::malformed("bytes", message))
    }
}

impl Source for Ply<'_> {
    fn vertices(&self) -> usize {
        self.vertices
    }

    fn has_faces(&self) -> bool {
        ["face", "tristrips"].iter().any(|name| self.header.element(name).is_some_and(|element| element.count > 0))
    }

    /// In text any number is.
    fn is_precise(&self) -> bool {
        let precise = |axis: &str| {
            let property = self.header.element("vertex").and_then(|vertex| vertex.properties.get(axis));
            let kind = property.map(|property| &property.data_type);
            matches!(kind, Some(PropertyType::Scalar(ScalarType::Double | ScalarType::Int | ScalarType::UInt)))
        };
        self.header.encoding == Encoding::Ascii || ["x", "y", "z"].into_iter().any(precise)
    }

    fn each_vertex(&self, patience: &Patience, take: &mut dyn FnMut(Vertex)) -> Result<()> {
        each(&self.header, "vertex", patience, |_, vertex: PlyVertex| {
            take(vertex.0);
            Ok(())
        })
    }

    /// Polygons are fans of triangles, strips are cut into theirs.
    fn each_triangle(&self, patience: &Patience, take: &mut dyn FnMut([u32; 3])) -> Result<()> {
        each(&self.header, "face", patience, |index, face: Face| {
            face.corners.iter().try_for_each(|number| self.check("face", index, *number))?;
            let Some((first, others)) = face.corners.split_first() else { return Ok(()) };
            for [second, third] in others.array_windows::<2>() {
                take([*first, *second, *third]);
            }
            Ok(())
        })?;
        each(&self.header, "tristrips", patience, |index, strip: Strip| {
            for part in strip.corners.split(|number| *number == u32::MAX) {
                part.iter().try_for_each(|number| self.check("tristrips", index, *number))?;
                for corners in part.array_windows::<3>() {
                    take(*corners);
                }
            }
            Ok(())
        })
    }
}

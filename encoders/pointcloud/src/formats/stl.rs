//! STL, binary and text: triangles, each with corners of its own. Those that are in one place are one vertex, so that a
//! mesh has as many as in other formats.

use std::collections::HashMap;

use onespace_core::{Error, Patience, Result, sniff::stl_triangles};

use super::{
    parsed::Parsed,
    words::{lines, place},
};
use crate::source::{MESH_VERTICES, Vertex};

/// Bytes of a triangle of the binary kind: a normal, three corners, two bytes of anything.
const TRIANGLE: usize = 50;

/// Reads either kind.
///
/// # Errors
/// `MEDIA_MALFORMED`, `MEDIA_EMPTY`, `MEDIA_TOO_LARGE`; what `patience` says when it is over.
pub fn read(bytes: &[u8], patience: &Patience) -> Result<Parsed> {
    // Many programs begin the binary kind with "solid" too.
    match stl_triangles(bytes) {
        Some(triangles) => read_binary(triangles, patience)?.checked(),
        None => read_text(bytes, patience)?.checked(),
    }
}

fn read_binary(triangles: &[u8], patience: &Patience) -> Result<Parsed> {
    let mut mesh = Mesh::default();
    for triangle in triangles.chunks_exact(TRIANGLE) {
        let corners = triangle.get(12..48).unwrap_or_default();
        for corner in corners.as_chunks::<4>().0.as_chunks::<3>().0 {
            mesh.corner(corner.map(|value| f64::from(f32::from_le_bytes(value))), patience)?;
        }
        mesh.face(patience)?;
    }
    Ok(mesh.parsed)
}

fn read_text(bytes: &[u8], patience: &Patience) -> Result<Parsed> {
    let mut mesh = Mesh::default();
    let broken = |line: usize, what: &str| Error::malformed("bytes", format!("line {line} of the STL {what}"));
    let mut last = 0;
    for (number, line) in lines(bytes, 0) {
        last = number;
        let mut words = line.split_ascii_whitespace();
        match words.next().map(str::to_ascii_lowercase).as_deref() {
            Some("vertex") => {
                let place = place(&mut words).ok_or_else(|| broken(number, "has a vertex without three numbers"))?;
                mesh.corner(place, patience)?;
            }
            Some("endloop") if !matches!(mesh.corners, 0 | 3) => {
                return Err(broken(number, "ends a face that is no triangle"));
            }
            Some("endloop") => mesh.face(patience)?,
            _ => {}
        }
    }
    if mesh.corners > 0 {
        return Err(broken(last, "ends within a triangle"));
    }
    Ok(mesh.parsed)
}

/// What has been read.
#[derive(Default)]
struct Mesh {
    parsed: Parsed,
    /// The vertex at each place, of as many as a mesh may have: one of more is taken for a cloud.
    numbers: HashMap<[u64; 3], u32>,
    /// The last three corners, and how many there were since the last face.
    open: [u32; 3],
    corners: usize,
}

impl Mesh {
    fn corner(&mut self, place: [f64; 3], patience: &Patience) -> Result<()> {
        let key = place.map(f64::to_bits);
        let number = match self.numbers.get(&key) {
            Some(number) => *number,
            None => {
                let number = self.parsed.count() as u32;
                self.parsed.vertex(Vertex::at(place), patience)?;
                if self.numbers.len() < MESH_VERTICES {
                    self.numbers.insert(key, number);
                }
                number
            }
        };
        let [_, second, third] = self.open;
        self.open = [second, third, number];
        self.corners += 1;
        Ok(())
    }

    /// The triangle of the last three corners, if there were any.
    fn face(&mut self, patience: &Patience) -> Result<()> {
        if std::mem::take(&mut self.corners) == 0 {
            return Ok(());
        }
        self.parsed.polygon(&self.open, patience)
    }
}

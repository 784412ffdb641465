//! The formats of clouds and meshes, each in a file of its own, told by their content.

mod e57;
mod gltf;
mod las;
mod npy;
mod obj;
mod off;
mod parsed;
mod pcd;
mod ply;
mod ply_header;
mod ply_read;
mod ply_text;
mod splat;
mod stl;
mod words;
mod xyz;

use onespace_core::{
    Patience, Result, limits,
    sniff::{Sniffed, TABLE, sniff},
};

use crate::source::{Source, Vertex};

use parsed::Parsed;
pub use words::FAR;

/// Reads a format that is kept whole.
type Read = fn(&[u8], &Patience) -> Result<Parsed>;

/// What the vertices and triangles of the largest file take, those that are looked at once more. Of a smaller one they
/// take so many times its bytes as stand with each format below: those of its shortest vertex, or of a corner of a
/// polygon, are at least so few.
const MOST_KEPT: u64 = (limits::SHAPE_ENTRIES * (size_of::<(Vertex, [f32; 6])>() + size_of::<[[u32; 3]; 2]>())) as u64;

/// Reads the head of a file, or all of it where the format has none. What is none of the others is read as PLY, and
/// refused as such.
///
/// # Errors
/// `MEDIA_MALFORMED` or `MEDIA_EMPTY` for what cannot be read, `MEDIA_UNSUPPORTED` for what is not read, by name,
/// `MEDIA_TOO_LARGE` past a limit; what `patience` says when it is over.
pub fn open<'a>(bytes: &'a [u8], patience: &Patience) -> Result<Box<dyn Source + 'a>> {
    let format = match sniff(bytes) {
        Sniffed::Known { format, .. } => format,
        Sniffed::Unknown if splat::is_one(bytes) => "splats",
        Sniffed::Unknown => "PLY",
    };
    let (read, most): (Read, u64) = match format {
        "STL" => (stl::read, 9),
        "OFF" => (off::read, 12),
        "PCD" => (pcd::read, 22),
        "OBJ" => (obj::read, 12),
        "NPY" | "NPY of points" => (npy::read, 40),
        "splats" => (splat::read, 4),
        "XYZ" | TABLE => (xyz::read, 11),
        "LAS/LAZ" => return Ok(Box::new(las::open(bytes, patience)?)),
        "E57" => return Ok(Box::new(e57::open(bytes)?)),
        "glTF" => return Ok(Box::new(gltf::read(bytes, patience)?)),
        _ => return Ok(Box::new(ply::open(bytes)?)),
    };
    let room = patience.hold(MOST_KEPT.min(most.saturating_mul(bytes.len() as u64)))?;
    Ok(Box::new(read(bytes, patience)?.holding(room)))
}

//! The formats of clouds and meshes, each in a file of its own, told by their content.

mod obj;
mod off;
mod parsed;
mod pcd;
mod ply;
mod ply_header;
mod ply_read;
mod ply_text;
mod stl;
mod words;

use onespace_core::{
    Modality, Patience, Result,
    sniff::{Sniffed, sniff},
};

use crate::source::Source;

pub use words::FAR;

/// Reads the head of a file, or all of it where the format has none. What is none of the others is read as PLY, and
/// refused as such.
///
/// # Errors
/// `MEDIA_MALFORMED` or `MEDIA_EMPTY` for what cannot be read, `MEDIA_UNSUPPORTED` for what is not read, by name,
/// `MEDIA_TOO_LARGE` past a limit; what `patience` says when it is over.
pub fn open<'a>(bytes: &'a [u8], patience: &Patience) -> Result<Box<dyn Source + 'a>> {
    let format = match sniff(bytes) {
        Sniffed::Known { modality: Modality::PointCloud, format } => format,
        _ => "PLY",
    };
    let source: Box<dyn Source + 'a> = match format {
        "STL" => Box::new(stl::read(bytes, patience)?),
        "OFF" => Box::new(off::read(bytes, patience)?),
        "PCD" => Box::new(pcd::read(bytes, patience)?),
        "OBJ" => Box::new(obj::read(bytes, patience)?),
        _ => Box::new(ply::open(bytes)?),
    };
    Ok(source)
}

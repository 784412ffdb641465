//! Point clouds to samples: read PLY, normalise, sample, group.
//!
//! [`PointCloudPreparer`] does all of it. A file's header is weighed against its bytes before anything is read,
//! entries pass through one at a time, and only the points that are looked at are kept: memory follows the
//! manifest, not the file.

mod family;
mod fps;
mod group;
mod header;
mod mesh;
mod normalise;
mod prepare;
mod read;
pub mod table;

pub use prepare::PointCloudPreparer;

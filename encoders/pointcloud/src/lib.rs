//! Point clouds to samples: read PLY, normalise, sample, group; or draw pictures for the image tower.
//!
//! [`PointCloudPreparer`] does all of it, or [`ViewsPreparer`] where a manifest has pictures in place of points. A
//! file's header is weighed against its bytes before anything is read, entries pass through one at a time, and only
//! what is looked at is kept: memory follows the manifest, not the file; of a mesh that is drawn, a fixed limit.

mod family;
mod fps;
mod group;
mod header;
mod mesh;
mod normalise;
mod prepare;
mod read;
pub mod table;
mod views;

pub use prepare::PointCloudPreparer;
pub use views::ViewsPreparer;

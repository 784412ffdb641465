//! Clouds and meshes to samples: read, normalise, sample, group; or draw pictures for the image tower.
//!
//! [`PointCloudPreparer`] does all of it, or [`ViewsPreparer`] where a manifest has pictures in place of points. The
//! header of a PLY file is weighed against its bytes before anything is read, entries pass through one at a time, and
//! only what is looked at is kept: memory follows the manifest, not the file; of a mesh, a fixed limit. A file of any
//! other format is kept whole while it is looked at, within limits and in room of its own.
//!
//! A file with faces is its surface, however its vertices lie: points are spread over it by area, as many as a cloud
//! is thinned to (`presample` for farthest points, else `points`), at random places that a fixed seed decides, so that
//! everybody's are the same. Published models were shown clouds that were spread over meshes in this way; a manifest
//! has no word for one that was shown vertices. Points that are nowhere (NaN, as depth cameras write), and faces that
//! have one for a corner, are left out.

mod family;
mod formats;
mod fps;
mod group;
mod mesh;
mod normalise;
mod points;
mod prepare;
mod source;
pub mod table;
mod texture;
mod views;

pub use prepare::PointCloudPreparer;
pub use views::ViewsPreparer;

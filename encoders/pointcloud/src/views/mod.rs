//! Point clouds through the image tower: pictures of them from around.
//!
//! A file is read into a [`shape`] that has a [`surface`], a [`camera`] goes around it, what it sees is drawn
//! ([`raster`]) and lit ([`shade`]). Each picture is what a file of its pixels would be to the image
//! tower. All of it is arithmetic in a fixed order: the same file gives the same pictures, bit for bit.

mod camera;
mod cloud;
mod pictures;
mod prepare;
mod raster;
mod shade;
mod shape;
mod surface;
pub mod table;

pub use prepare::ViewsPreparer;

//! Thermal images to samples: decode, bring into range, resize, normalise.
//!
//! [`ThermalPreparer`] does all of it, as a manifest's [`table::Thermal`] says. A thermal image is a picture of eight
//! bits, or measurements of more bits or floats, which need the manifest's word on what is coldest and warmest.

mod family;
mod prepare;
pub mod table;

pub use prepare::ThermalPreparer;

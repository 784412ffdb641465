//! Inertial measurements to samples: read, resample, cut into windows, normalise.
//!
//! [`ImuPreparer`] does all of it, as a manifest's [`table::Imu`] says. Measurements are six channels over time, three
//! accelerations and three turn rates, as CSV or NPY, at a rate that the file or the media type states: what nobody
//! states is not guessed.

mod csv;
mod family;
mod measurements;
mod npy;
mod prepare;
pub mod table;

pub use prepare::ImuPreparer;

//! Inertial measurements to floats.

use onespace_core::{Result, limits};
use onespace_family::check::{divisor, invalid, within};
use serde::{Deserialize, Serialize};

/// How many channels there are.
pub const CHANNELS: usize = 6;

/// Inertial measurements to floats: emits float32 `[6, steps]` for each window.
///
/// In this order: linear interpolation to `rate`, windows one after the other, `(x − mean) / std`, zeros behind what is
/// shorter than a window. The last window of longer measurements ends with them; where there would be more than
/// `max_windows`, so many are spread evenly. Units are the file's: what the model expects is for its card to say.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Imu {
    /// Hertz.
    pub rate: u32,
    /// Steps of a window.
    pub steps: usize,
    /// At most this many windows.
    pub max_windows: usize,
    /// The order of the channels that the graph expects.
    #[serde(default = "all", skip_serializing_if = "is_all")]
    pub channels: Vec<Channel>,
    /// Subtracted from each channel, in that order.
    #[serde(default = "zeros", skip_serializing_if = "is_zeros")]
    pub mean: Vec<f32>,
    /// Divided by.
    #[serde(default = "ones", skip_serializing_if = "is_ones")]
    pub std: Vec<f32>,
}

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// Acceleration along x.
    AccelX,
    /// Acceleration along y.
    AccelY,
    /// Acceleration along z.
    AccelZ,
    /// Turn rate around x.
    GyroX,
    /// Turn rate around y.
    GyroY,
    /// Turn rate around z.
    GyroZ,
}

impl Channel {
    /// Every channel, in the order in which files without names have them.
    pub const ALL: [Self; CHANNELS] = [Self::AccelX, Self::AccelY, Self::AccelZ, Self::GyroX, Self::GyroY, Self::GyroZ];
}

fn all() -> Vec<Channel> {
    Channel::ALL.to_vec()
}

fn is_all(channels: &[Channel]) -> bool {
    channels == Channel::ALL
}

fn zeros() -> Vec<f32> {
    vec![0.0; CHANNELS]
}

fn is_zeros(values: &[f32]) -> bool {
    values == [0.0; CHANNELS]
}

fn ones() -> Vec<f32> {
    vec![1.0; CHANNELS]
}

fn is_ones(values: &[f32]) -> bool {
    values == [1.0; CHANNELS]
}

impl Imu {
    /// Checks what can be told without the bundle's files.
    ///
    /// # Errors
    /// `BUNDLE_INVALID`, blaming the key.
    pub fn check(&self) -> Result<()> {
        within("rate", self.rate as usize, 1, limits::IMU_RATE_MAX)?;
        within("steps", self.steps, 1, 1 << 20)?;
        within("max_windows", self.max_windows, 1, limits::SAMPLES_PER_MEDIA)?;
        if Channel::ALL.iter().any(|channel| !self.channels.contains(channel)) || self.channels.len() != CHANNELS {
            return Err(invalid("channels", format!("{:?} is not each of the {CHANNELS} once", self.channels)));
        }
        within("mean", self.mean.len(), CHANNELS, CHANNELS)?;
        within("std", self.std.len(), CHANNELS, CHANNELS)?;
        divisor("std", &self.std)?;
        match self.mean.iter().all(|mean| mean.is_finite()) {
            true => Ok(()),
            false => Err(invalid("mean", format!("{:?} must be finite", self.mean))),
        }
    }
}

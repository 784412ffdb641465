//! The table `[towers.point_cloud.preprocess.views]`.

use onespace_core::{Result, limits};
use onespace_family::check::{invalid, within};
use serde::{Deserialize, Serialize};

/// Pictures of a cloud or mesh from around it, each a sample of the image tower's; the cloud is their mean. Size, mean
/// and deviation of the pixels are the image tower's. All keys are written down, defaults too: they were found by
/// measurement and may be found better, and a bundle keeps its own.
///
/// PointCLIP (Zhang et al. 2022, arXiv 2112.02413), CLIP2Point (Huang et al. 2023, arXiv 2210.01055) and PointCLIP V2
/// (Zhu et al. 2023, arXiv 2211.11682) show an image model depth maps of points; here surfaces are lit, as for MVCNN
/// (Su et al. 2015, arXiv 1505.00880), for image models know photographs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Views {
    /// Pictures at each elevation, evenly around: 1 to 64 with all elevations. MVCNN has 12, PointCLIP V2 10.
    #[serde(default = "eight")]
    pub count: usize,
    /// How far above the horizon the eye is, degrees, −90 to 90. MVCNN has 30.
    #[serde(default = "low")]
    pub elevations: Vec<f32>,
    /// Which of the file's axes points up.
    #[serde(default)]
    pub up: Up,
    /// How much of the picture's width or height the shape takes, 0.1 to 1.
    #[serde(default = "most")]
    pub fill: f32,
    /// The colour of what has none, red, green, blue, 0 to 255: wood or clay, of which image models have seen more
    /// than of grey.
    #[serde(default = "clay")]
    pub colour: [u8; 3],
    /// The colours behind the shape at the top and at the bottom of the picture, 0 to 255, even in between: as in a
    /// photographer's studio.
    #[serde(default = "studio")]
    pub background: [[u8; 3]; 2],
}

/// Which of a file's axes points up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Up {
    /// y and z in turn, picture by picture: files do not say. Half of the pictures are then of a thing that lies on
    /// its side, which costs less than all of them.
    #[default]
    Auto,
    /// x.
    X,
    /// y: most scans, and what is made for pictures and games.
    Y,
    /// z: most of what is built and surveyed.
    Z,
}

impl Up {
    /// A direction of a world whose z points up, in the axes of the file.
    #[must_use]
    pub const fn raised(self, [x, y, z]: [f64; 3]) -> [f64; 3] {
        match self {
            Self::X => [z, x, y],
            Self::Y => [y, z, x],
            Self::Auto | Self::Z => [x, y, z],
        }
    }
}

const fn eight() -> usize {
    8
}

fn low() -> Vec<f32> {
    vec![20.0]
}

const fn most() -> f32 {
    0.9
}

const fn clay() -> [u8; 3] {
    [191, 140, 97]
}

const fn studio() -> [[u8; 3]; 2] {
    [[242; 3], [153; 3]]
}

impl Views {
    /// How many pictures there are.
    #[must_use]
    pub fn samples(&self) -> usize {
        self.count.saturating_mul(self.elevations.len())
    }

    /// For each picture which axis points up, and where the eye is: degrees around that axis, and above the horizon.
    pub(super) fn sides(&self) -> Vec<(Up, f64, f64)> {
        let ups = match self.up {
            Up::Auto => [Up::Y, Up::Z],
            up => [up; 2],
        };
        let around = |elevation: &f32| {
            let elevation = f64::from(*elevation);
            let azimuths = (0..self.count).map(|number| 360.0 * number as f64 / self.count as f64);
            azimuths.zip(ups.into_iter().cycle()).map(move |(azimuth, up)| (up, azimuth, elevation)).collect::<Vec<_>>()
        };
        self.elevations.iter().flat_map(around).collect()
    }

    /// Checks what can be told without the bundle's files.
    ///
    /// # Errors
    /// `BUNDLE_INVALID`, blaming the key.
    pub fn check(&self) -> Result<()> {
        within("count", self.count, 1, limits::SAMPLES_PER_MEDIA)?;
        within("elevations", self.elevations.len(), 1, limits::SAMPLES_PER_MEDIA)?;
        if let Some(elevation) = self.elevations.iter().find(|elevation| !(-90.0..=90.0).contains(*elevation)) {
            return Err(invalid("elevations", format!("{elevation} is not between -90 and 90 degrees")));
        }
        if self.samples() > limits::SAMPLES_PER_MEDIA {
            let (samples, most) = (self.samples(), limits::SAMPLES_PER_MEDIA);
            return Err(invalid("count", format!("{samples} samples of one cloud are more than {most}")));
        }
        if (0.1..=1.0).contains(&self.fill) {
            return Ok(());
        }
        Err(invalid("fill", format!("{} is not between 0.1 and 1", self.fill)))
    }
}

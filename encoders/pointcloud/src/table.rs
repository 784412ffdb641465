//! Point clouds to floats.

use onespace_core::Result;
use onespace_family::{
    check::{COUNT_MAX, invalid, within},
    written::{is_default, is_set, set},
};
use serde::{Deserialize, Serialize};

pub use crate::views::table::{Up, Views};

/// The most values of all neighbourhoods of a cloud.
const GROUP_VALUES: usize = 1 << 24;

/// Point clouds to floats: emits float32 `[points, 6]` (x, y, z, red, green, blue; colours 0 to 1) or `[points, 3]`;
/// with grouping, float32 `[centres, neighbours, 6]` or `[centres, neighbours, 3]` and `[centres, 3]`.
///
/// In this order: a cloud is thinned to `presample`, its axes permuted, its size and place removed, sampled,
/// grouped.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PointCloud {
    /// Points of a sample; a smaller cloud repeats its points in order. Left out with [`Views`].
    #[serde(default, skip_serializing_if = "is_default")]
    pub points: usize,
    /// How size and place are removed.
    #[serde(default)]
    pub normalise: Normalise,
    /// How many points become few.
    #[serde(default)]
    pub subsample: Subsample,
    /// A larger cloud is first thinned to this many points by even strides. Left out with [`Views`].
    #[serde(default, skip_serializing_if = "is_default")]
    pub presample: usize,
    /// The colour of points that have none, 0 to 1.
    #[serde(default = "grey")]
    pub colour_default: f32,
    /// Which axis points up in what the graph expects; said for people, nothing is turned.
    #[serde(default = "z")]
    pub up: String,
    /// What a point consists of.
    #[serde(default)]
    pub layout: Layout,
    /// Neighbourhoods, for graphs that take them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grouping: Option<Grouping>,
    /// With [`Subsample::Random`]: which permutation.
    #[serde(default, skip_serializing_if = "is_default")]
    pub seed: u64,
    /// Which of the file's axes become x, y and z.
    #[serde(default, skip_serializing_if = "is_default")]
    pub axes: Axes,
    /// How farthest points are found.
    #[serde(default, skip_serializing_if = "is_default")]
    pub fps: Fps,
    /// The tensors, in the order of the graph's inputs. Empty: the points, then with grouping the groups and the
    /// centres.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub emit: Vec<Emit>,
    /// There is no graph of points: pictures of the cloud go through the image tower. No other key is given then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub views: Option<Views>,
}

/// How size and place of a cloud are removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Normalise {
    /// The centroid goes to the origin, the farthest point to distance 1.
    #[default]
    UnitSphere,
    /// Coordinates stay.
    None,
}

/// How many points become few.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Subsample {
    /// Farthest-point sampling.
    #[default]
    Fps,
    /// Even strides through the file.
    Stride,
    /// The first of a permutation that `seed` decides: it stands for the unseeded one of the reference loaders
    /// (Uni3D, OpenShape, ULIP).
    Random,
}

/// What a point consists of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Layout {
    /// Coordinates and colour.
    #[default]
    Xyzrgb,
    /// Coordinates.
    Xyz,
}

/// Which of a file's axes become x, y and z: `xzy` exchanges y and z (OpenShape).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "their names say all")]
pub enum Axes {
    #[default]
    Xyz,
    Xzy,
    Yxz,
    Yzx,
    Zxy,
    Zyx,
}

impl Axes {
    /// A place with its coordinates in this order.
    #[must_use]
    pub fn permuted<T>(self, [x, y, z]: [T; 3]) -> [T; 3] {
        match self {
            Self::Xyz => [x, y, z],
            Self::Xzy => [x, z, y],
            Self::Yxz => [y, x, z],
            Self::Yzx => [y, z, x],
            Self::Zxy => [z, x, y],
            Self::Zyx => [z, y, x],
        }
    }
}

/// How farthest points are found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Fps {
    /// Where sampling the cloud begins. (Centres of neighbourhoods always begin at the first point.)
    #[serde(default, skip_serializing_if = "is_default")]
    pub start: FpsStart,
    /// Points of a squared norm up to this are neither chosen nor counted, but for the first: 1e-3 in the CUDA code
    /// of `pointnet2`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skip_norm2: Option<f32>,
}

/// Where farthest-point sampling begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FpsStart {
    /// At the point farthest from the centroid: independent of the order of points.
    #[default]
    Outermost,
    /// At the first point (`pointnet2`).
    First,
}

/// Neighbourhoods of a cloud: farthest-point centres and the points around each.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Grouping {
    /// How many neighbourhoods.
    pub centres: usize,
    /// Points of each, the centre included.
    pub neighbours: usize,
    /// Which points are neighbours.
    #[serde(default, skip_serializing_if = "is_default")]
    pub kind: GroupKind,
    /// With [`GroupKind::Ball`]: how near a neighbour is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub radius: Option<f32>,
    /// Whether the coordinates of a neighbourhood are relative to its centre.
    #[serde(default = "set", skip_serializing_if = "is_set")]
    pub relative: bool,
}

/// Which points are neighbours of a centre.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum GroupKind {
    /// The nearest, nearest first.
    #[default]
    Knn,
    /// The first in order that are nearer than `radius`; what lacks is the first of them again (`ball_query` of
    /// `pointnet2`).
    Ball,
}

/// A tensor that may be emitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Emit {
    /// The points, as [`Layout`] says: `[points, 6]` or `[points, 3]`.
    Points,
    /// The neighbourhoods: `[centres, neighbours, 6]` or `[centres, neighbours, 3]`.
    Groups,
    /// Their centres: `[centres, 3]`.
    Centres,
    /// Coordinates and colours, whatever the layout: `[points, 6]`.
    Features,
}

const fn grey() -> f32 {
    0.4
}

fn z() -> String {
    "z".to_owned()
}

impl PointCloud {
    /// What is emitted, in order.
    #[must_use]
    pub fn emitted(&self) -> &[Emit] {
        match (self.emit.as_slice(), self.grouping) {
            ([], None) => &[Emit::Points],
            ([], Some(_)) => &[Emit::Points, Emit::Groups, Emit::Centres],
            (some, _) => some,
        }
    }

    /// Checks what can be told without the bundle's files.
    ///
    /// # Errors
    /// `BUNDLE_INVALID`, blaming the key.
    pub fn check(&self) -> Result<()> {
        if let Some(views) = &self.views {
            self.check_nothing_but_views()?;
            return views.check().map_err(|error| error.under("views"));
        }
        within("points", self.points, 1, COUNT_MAX)?;
        within("presample", self.presample, self.points, COUNT_MAX)?;
        within("emit", self.emit.len(), 0, 4)?;
        if self.fps.skip_norm2.is_some_and(|skip| !(skip.is_finite() && skip >= 0.0)) {
            return Err(invalid("fps.skip_norm2", "must be a number, not below 0"));
        }
        let grouped = self.emit.iter().any(|emit| matches!(emit, Emit::Groups | Emit::Centres));
        match self.grouping {
            None if grouped => Err(invalid("emit", "there are no groups and centres without grouping")),
            None => Ok(()),
            Some(grouping) => grouping.check(self.points),
        }
    }

    /// Keys that format 1 always wrote down are there with views too, at their defaults: those say nothing.
    fn check_nothing_but_views(&self) -> Result<()> {
        let said = [
            ("points", !is_default(&self.points)),
            ("presample", !is_default(&self.presample)),
            ("normalise", !is_default(&self.normalise)),
            ("subsample", !is_default(&self.subsample)),
            ("colour_default", self.colour_default.to_bits() != grey().to_bits()),
            ("up", self.up != z()),
            ("layout", !is_default(&self.layout)),
            ("grouping", self.grouping.is_some()),
            ("seed", !is_default(&self.seed)),
            ("axes", !is_default(&self.axes)),
            ("fps", !is_default(&self.fps)),
            ("emit", !self.emit.is_empty()),
        ];
        match said.into_iter().find(|(_, said)| *said) {
            Some((key, _)) => Err(invalid(key, "says how points become a sample, with views there is none of points")),
            None => Ok(()),
        }
    }
}

impl Grouping {
    fn check(&self, points: usize) -> Result<()> {
        within("grouping.centres", self.centres, 1, points)?;
        within("grouping.neighbours", self.neighbours, 1, points)?;
        within("grouping.neighbours", self.centres.saturating_mul(self.neighbours).saturating_mul(6), 1, GROUP_VALUES)?;
        match (self.kind, self.radius) {
            (GroupKind::Knn, None) => Ok(()),
            (GroupKind::Knn, Some(_)) => Err(invalid("grouping.radius", "is for kind = \"ball\" only")),
            (GroupKind::Ball, Some(radius)) if radius.is_finite() && radius > 0.0 => Ok(()),
            (GroupKind::Ball, _) => Err(invalid("grouping.radius", "kind = \"ball\" needs a positive radius")),
        }
    }
}

//! The road from bytes to samples.

use std::panic::{AssertUnwindSafe, catch_unwind};

use onespace_bundle::preprocess::{self, Layout, Normalise, Subsample};
use onespace_core::{Error, Modality, Prepare, Reason, Result, Sample, Tensor, Track};

use crate::{
    fps::{farthest, outermost},
    group::nearest,
    header::Header,
    mesh,
    normalise::to_unit_sphere,
    read::{Point, each},
};

/// Point clouds to samples, as the table `[towers.point_cloud.preprocess]` of a manifest says.
///
/// A cloud is thinned first, then normalised, then sampled. It emits float32 `[points, 6]` (or `[points, 3]`); with
/// grouping also float32 `[centres, neighbours, 6]` (or 3), places relative to the centre, and `[centres, 3]`.
#[derive(Clone, Debug)]
pub struct PointCloudPreparer {
    spec: preprocess::PointCloud,
}

impl PointCloudPreparer {
    /// A preparer after a manifest.
    #[must_use]
    pub fn new(spec: &preprocess::PointCloud) -> Self {
        Self { spec: spec.clone() }
    }

    fn sample(&self, bytes: &[u8]) -> Result<Sample> {
        let mut points = self.points(bytes)?;
        self.colour(&mut points);
        if self.spec.normalise == Normalise::UnitSphere {
            to_unit_sphere(&mut points);
        }
        let points = self.fit(points);
        let mut tensors = vec![Tensor::f32([points.len(), self.width()], self.values(points.iter().copied()))];
        if let Some(grouping) = self.spec.grouping {
            tensors.extend(self.groups(&points, grouping));
        }
        Ok(Sample { tower: Modality::PointCloud, tensors, track: Track::Whole, span: None })
    }

    /// The points of a file, thinned to what is looked at; those of a mesh of few vertices lie on its faces.
    fn points(&self, bytes: &[u8]) -> Result<Vec<Point>> {
        let header = Header::read(bytes)?;
        let Some(vertex) = header.element("vertex") else {
            return Err(Error::malformed("bytes", "the file has no element \"vertex\""));
        };
        if let Some(axis) = ["x", "y", "z"].into_iter().find(|axis| !vertex.properties.contains_key(*axis)) {
            return Err(Error::malformed("bytes", format!("its vertices have no \"{axis}\"")));
        }
        let total = vertex.count;
        if total == 0 {
            return Err(Error::new(Reason::MediaEmpty, "bytes", "the file has no points"));
        }
        let kept = total.min(match self.spec.subsample {
            Subsample::Fps => self.spec.presample,
            Subsample::Stride => self.spec.points,
        });
        let mut points = Vec::with_capacity(kept);
        each(&header, "vertex", |index, point: Point| {
            if !point.place.iter().all(|value| value.is_finite()) {
                return Err(Error::malformed("bytes", format!("vertex {index} is at {:?}", point.place)));
            }
            // The kept ones are the numbers floor(k · total / kept).
            if points.len() < kept && index == points.len() * total / kept {
                points.push(point);
            }
            Ok(())
        })?;
        if total < self.spec.points && header.element("face").is_some_and(|face| face.count > 0) {
            let spread = mesh::spread(&header, &points, self.spec.points)?;
            return Ok(if spread.is_empty() { points } else { spread });
        }
        Ok(points)
    }

    /// Colours into 0 to 1, the default where there are none. Floats above 1 were bytes.
    fn colour(&self, points: &mut [Point]) {
        let bright = points.iter().flat_map(|point| point.colour).any(|value| value > 1.0);
        let full = if bright { 255.0 } else { 1.0 };
        for value in points.iter_mut().flat_map(|point| &mut point.colour) {
            *value = if value.is_nan() { self.spec.colour_default } else { (*value / full).clamp(0.0, 1.0) };
        }
    }

    /// Exactly as many points as the graph takes: sampled from more, repeated in order from fewer.
    fn fit(&self, points: Vec<Point>) -> Vec<Point> {
        let wanted = self.spec.points;
        if points.len() <= wanted {
            return points.iter().cycle().take(wanted).copied().collect();
        }
        let places: Vec<[f32; 3]> = points.iter().map(|point| point.place).collect();
        let chosen = farthest(&places, outermost(&places), wanted);
        chosen.into_iter().filter_map(|index| points.get(index).copied()).collect()
    }

    /// Farthest-point centres, from the first point on, each with its nearest points.
    fn groups(&self, points: &[Point], grouping: preprocess::Grouping) -> [Tensor; 2] {
        let places: Vec<[f32; 3]> = points.iter().map(|point| point.place).collect();
        let chosen = farthest(&places, 0, grouping.centres);
        let centres: Vec<[f32; 3]> = chosen.into_iter().filter_map(|index| places.get(index).copied()).collect();
        let groups = centres.iter().flat_map(|centre| {
            let near = nearest(&places, *centre, grouping.neighbours);
            near.into_iter().filter_map(|index| points.get(index)).map(|point| {
                let ([x, y, z], [cx, cy, cz]) = (point.place, *centre);
                Point { place: [x - cx, y - cy, z - cz], ..*point }
            })
        });
        [
            Tensor::f32([grouping.centres, grouping.neighbours, self.width()], self.values(groups)),
            Tensor::f32([grouping.centres, 3], centres.iter().flatten().copied().collect()),
        ]
    }

    const fn width(&self) -> usize {
        match self.spec.layout {
            Layout::Xyzrgb => 6,
            Layout::Xyz => 3,
        }
    }

    fn values(&self, points: impl Iterator<Item = Point>) -> Vec<f32> {
        points.flat_map(|point| point.place.into_iter().chain(point.colour).take(self.width())).collect()
    }
}

impl Prepare for PointCloudPreparer {
    fn prepare(&self, bytes: &[u8], _media_type: Option<&str>) -> Result<Vec<Sample>> {
        if bytes.is_empty() {
            return Err(Error::new(Reason::MediaEmpty, "bytes", "the file has no bytes"));
        }
        catch_unwind(AssertUnwindSafe(|| self.sample(bytes))).map_or_else(
            |_| Err(Error::new(Reason::Panicked, "bytes", "the reader gave up on this file in an unforeseen way")),
            |sample| Ok(vec![sample?]),
        )
    }
}

//! From bytes to samples.

use onespace_core::{
    Modality, Patience, Prepare, PrepareRequest, Prepared, Result, Sample, Tensor, random::SplitMix64,
};

use crate::{
    formats,
    fps::{farthest, outermost},
    group::{nearest, within},
    mesh,
    normalise::to_unit_sphere,
    points::{Origin, Point, check_somewhere, each_vertex, paint, strided},
    source::Source,
    table::{Emit, FpsStart, GroupKind, Grouping, Layout, Normalise, PointCloud, Subsample},
};

/// Point clouds to samples, as the table `[towers.point_cloud.preprocess]` of a manifest says.
///
/// A cloud is thinned first, its axes are permuted, then it is normalised, sampled and grouped. It emits what
/// [`Emit`] says.
#[derive(Clone, Debug)]
pub struct PointCloudPreparer {
    spec: PointCloud,
}

impl PointCloudPreparer {
    /// A preparer after a manifest.
    #[must_use]
    pub fn new(spec: &PointCloud) -> Self {
        Self { spec: spec.clone() }
    }

    fn sample(&self, bytes: &[u8], patience: &Patience) -> Result<Sample> {
        let mut points = self.points(bytes, patience)?;
        paint(&mut points, [self.spec.colour_default; 3]);
        points.iter_mut().for_each(|point| point.place = self.spec.axes.permuted(point.place));
        if self.spec.normalise == Normalise::UnitSphere {
            to_unit_sphere(&mut points);
        }
        let points = self.fit(points, patience)?;
        let (mut groups, mut centres) = (None, None);
        if let Some(grouping) = self.spec.grouping {
            let places = self.centres(&points, grouping, patience)?;
            groups = Some(self.groups(&points, &places, grouping, patience)?);
            centres = Some(Tensor::f32([places.len(), 3], places.iter().flatten().copied().collect()));
        }
        let tensor = |emit: &Emit| match emit {
            Emit::Points => Some(Tensor::f32([points.len(), self.width()], self.values(points.iter().copied()))),
            Emit::Features => Some(Tensor::f32([points.len(), 6], points.iter().flat_map(Point::values).collect())),
            Emit::Groups => groups.clone(),
            Emit::Centres => centres.clone(),
        };
        let tensors = self.spec.emitted().iter().filter_map(tensor).collect();
        Ok(Sample::whole(Modality::PointCloud, tensors))
    }

    /// The points of a file, thinned to what is looked at; those of a mesh lie evenly on its faces, whatever its
    /// vertices do.
    fn points(&self, bytes: &[u8], patience: &Patience) -> Result<Vec<Point>> {
        patience.check("before the file was read")?;
        let file = formats::open(bytes, patience)?;
        let source = file.as_ref();
        let origin = match self.spec.normalise {
            Normalise::UnitSphere => Origin::Near,
            Normalise::None => Origin::Files,
        };
        if mesh::is_mesh(source) {
            let corners = mesh::corners(source, origin, patience)?;
            let count = match self.spec.subsample {
                Subsample::Fps => self.spec.presample,
                Subsample::Stride | Subsample::Random => self.spec.points,
            };
            let spread = mesh::spread(source, &corners, count, patience)?;
            if !spread.is_empty() {
                return Ok(spread);
            }
        }
        match self.spec.subsample {
            Subsample::Fps => strided(source, origin, self.spec.presample, patience),
            Subsample::Stride => strided(source, origin, self.spec.points, patience),
            Subsample::Random => self.random(source, origin, patience),
        }
    }

    /// A reservoir: each point has the same chance to be in it at the end.
    fn random(&self, source: &dyn Source, origin: Origin, patience: &Patience) -> Result<Vec<Point>> {
        let total = source.vertices();
        let kept = total.min(self.spec.points);
        let mut random = SplitMix64::new(self.spec.seed);
        let mut points = Vec::with_capacity(kept);
        let mut index = 0;
        let somewhere = each_vertex(source, origin, patience, |point| {
            if !point.is_somewhere() {
                return;
            }
            if points.len() < kept {
                points.push(point);
            } else if let Some(slot) = points.get_mut(random.below(index + 1)) {
                *slot = point;
            }
            index += 1;
        })?;
        check_somewhere(somewhere, total)?;
        Ok(points)
    }

    /// Exactly as many points as the graph takes: sampled from more, repeated in order from fewer.
    fn fit(&self, points: Vec<Point>, patience: &Patience) -> Result<Vec<Point>> {
        let wanted = self.spec.points;
        if points.len() <= wanted {
            return Ok(points.iter().cycle().take(wanted).copied().collect());
        }
        let places: Vec<[f32; 3]> = points.iter().map(|point| point.place).collect();
        let start = match self.spec.fps.start {
            FpsStart::Outermost => outermost(&places),
            FpsStart::First => 0,
        };
        let chosen = farthest(&places, start, wanted, self.spec.fps.skip_norm2, patience)?;
        Ok(chosen.into_iter().filter_map(|index| points.get(index).copied()).collect())
    }

    /// Farthest-point centres, from the first point on.
    fn centres(&self, points: &[Point], grouping: Grouping, patience: &Patience) -> Result<Vec<[f32; 3]>> {
        let places: Vec<[f32; 3]> = points.iter().map(|point| point.place).collect();
        let chosen = farthest(&places, 0, grouping.centres, self.spec.fps.skip_norm2, patience)?;
        Ok(chosen.into_iter().filter_map(|index| places.get(index).copied()).collect())
    }

    /// Each centre with its neighbours.
    fn groups(
        &self,
        points: &[Point],
        centres: &[[f32; 3]],
        grouping: Grouping,
        patience: &Patience,
    ) -> Result<Tensor> {
        let places: Vec<[f32; 3]> = points.iter().map(|point| point.place).collect();
        let mut groups = Vec::with_capacity(centres.len() * grouping.neighbours);
        for centre in centres {
            patience.check("while the points were grouped")?;
            let near = match (grouping.kind, grouping.radius) {
                (GroupKind::Ball, Some(radius)) => within(&places, *centre, radius, grouping.neighbours),
                (GroupKind::Ball | GroupKind::Knn, _) => nearest(&places, *centre, grouping.neighbours),
            };
            let [cx, cy, cz] = if grouping.relative { *centre } else { [0.0; 3] };
            groups.extend(near.into_iter().filter_map(|index| points.get(index)).map(|point| {
                let [x, y, z] = point.place;
                Point { place: [x - cx, y - cy, z - cz], ..*point }
            }));
        }
        let shape = [centres.len(), grouping.neighbours, self.width()];
        Ok(Tensor::f32(shape, self.values(groups.into_iter())))
    }

    const fn width(&self) -> usize {
        match self.spec.layout {
            Layout::Xyzrgb => 6,
            Layout::Xyz => 3,
        }
    }

    fn values(&self, points: impl Iterator<Item = Point>) -> Vec<f32> {
        points.flat_map(|point| point.values().into_iter().take(self.width())).collect()
    }
}

impl Prepare for PointCloudPreparer {
    fn modality(&self) -> Modality {
        Modality::PointCloud
    }

    /// Textures are decoded as images are, LAZ by a crate with unsafe code.
    fn is_native(&self) -> bool {
        true
    }

    fn prepare_unguarded(&self, request: &PrepareRequest<'_>) -> Result<Prepared> {
        Ok(vec![self.sample(request.bytes, &request.patience)?].into())
    }
}

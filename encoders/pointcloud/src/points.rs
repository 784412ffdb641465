//! The vertices of a file as points.

use onespace_core::{Error, Patience, Result, limits};

use crate::{formats::FAR, source::Source};

/// A point: where it is, and its colour, 0 to 1, where it has one.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Point {
    /// x, y, z.
    pub place: [f32; 3],
    /// Red, green, blue; NaN where the file gives none.
    pub colour: [f32; 3],
}

impl Point {
    /// Place, then colour.
    pub fn values(&self) -> [f32; 6] {
        let ([x, y, z], [red, green, blue]) = (self.place, self.colour);
        [x, y, z, red, green, blue]
    }

    /// Whether it is anywhere: depth cameras write NaN where they saw nothing.
    pub fn is_somewhere(&self) -> bool {
        self.place.iter().all(|value| value.is_finite())
    }
}

/// Where places are counted from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// As the file has them.
    Files,
    /// For places that will be moved anyway. Single precision tells metres apart a thousand kilometres away, and no
    /// less: of numbers that can be more precise, what is far away is counted from the first point.
    Near,
}

/// What is farther stays where it is: its distance to another place might be more than single precision holds.
const ENDLESS: f64 = 1e30;

/// Reads every vertex and gives each to `take`, those too that are nowhere; answers how many are somewhere.
///
/// # Errors
/// As [`Source::each_vertex`].
pub fn each_vertex(
    source: &dyn Source,
    origin: Origin,
    patience: &Patience,
    mut take: impl FnMut(Point),
) -> Result<usize> {
    let mut start = (origin == Origin::Files || !source.is_precise()).then_some([0.0; 3]);
    let mut somewhere = 0;
    source.each_vertex(patience, &mut |vertex| {
        let is_finite = vertex.place.iter().all(|value| value.is_finite());
        if start.is_none() && is_finite {
            let reach = vertex.place.iter().fold(0.0, |most: f64, value| most.max(value.abs()));
            let is_far = (FAR..ENDLESS).contains(&reach);
            start = Some(if is_far { vertex.place.map(f64::round) } else { [0.0; 3] });
        }
        let ([x, y, z], [sx, sy, sz]) = (vertex.place, start.unwrap_or_default());
        let point = Point { place: [x - sx, y - sy, z - sz].map(|value| value as f32), colour: vertex.colour };
        somewhere += usize::from(point.is_somewhere());
        take(point);
    })?;
    Ok(somewhere)
}

/// Every vertex, those too that are nowhere: faces count them.
///
/// # Errors
/// As [`each_vertex`], and `MEDIA_MALFORMED` for a file whose vertices are nowhere.
pub fn all(source: &dyn Source, origin: Origin, patience: &Patience) -> Result<Vec<Point>> {
    let total = source.vertices();
    let mut points = Vec::with_capacity(total);
    let somewhere = each_vertex(source, origin, patience, |point| points.push(point))?;
    check_somewhere(somewhere, total)?;
    Ok(points)
}

/// At most `count` of the vertices that are somewhere, the numbers floor(k · total / count) of them.
///
/// # Errors
/// As [`all`].
pub fn strided(source: &dyn Source, origin: Origin, count: usize, patience: &Patience) -> Result<Vec<Point>> {
    let written = source.vertices();
    let mut total = written;
    // How many are somewhere is known when all have been read: where some are not, they are read again.
    loop {
        let kept = total.min(count);
        let mut points = Vec::with_capacity(kept);
        let mut index = 0;
        let somewhere = each_vertex(source, origin, patience, |point| {
            if !point.is_somewhere() {
                return;
            }
            if points.len() < kept && index == points.len() * total / kept {
                points.push(point);
            }
            index += 1;
        })?;
        check_somewhere(somewhere, written)?;
        if somewhere == total {
            return Ok(points);
        }
        total = somewhere;
    }
}

/// Refuses a file of which next to nothing is anywhere.
///
/// # Errors
/// `MEDIA_MALFORMED`.
pub fn check_somewhere(somewhere: usize, total: usize) -> Result<()> {
    let percent = limits::POINTS_SOMEWHERE_PERCENT;
    if somewhere > 0 && somewhere * 100 >= total * percent {
        return Ok(());
    }
    let limit = format!("at least {percent} % must be");
    Err(Error::malformed("bytes", format!("{somewhere} of its {total} points are at a finite place, {limit}")))
}

/// Brings colours into 0 to 1, and gives points that have none this one. Floats above 1 were bytes.
pub fn paint(points: &mut [Point], default: [f32; 3]) {
    let bright = points.iter().flat_map(|point| point.colour).any(|value| value > 1.0);
    let full = if bright { 255.0 } else { 1.0 };
    for (value, default) in points.iter_mut().flat_map(|point| point.colour.iter_mut().zip(default)) {
        *value = if value.is_nan() { default } else { (*value / full).clamp(0.0, 1.0) };
    }
}

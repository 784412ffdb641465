//! What a file shows: faces, or points where there are none.

use std::sync::Arc;

use onespace_core::{Error, Patience, Reason, Result};

use crate::{
    formats,
    mesh::{corners, is_mesh, spread},
    points::{Origin, Point, paint, strided},
    texture::Textures,
};

/// Points that are drawn of a cloud; a larger one is thinned by even strides. A picture of 260 pixels has room for
/// 10,000 points two pixels apart on what it shows of both sides.
const CLOUD_POINTS: usize = 1 << 15;

/// Triangles that are kept, 12 bytes each; of a mesh of more, points are spread over its faces and drawn.
const MESH_TRIANGLES: usize = 1 << 21;

/// Places within the unit sphere, in colour, and what joins them.
#[derive(Clone, Debug)]
pub struct Shape {
    /// Where the corners or points are, around the middle of their box, the farthest at distance 1.
    pub places: Vec<[f64; 3]>,
    /// The colour of each, 0 to 1; one for all where all have the same.
    pub colours: Vec<[f32; 3]>,
    /// Corners of each triangle; a cloud has none.
    pub triangles: Vec<[u32; 3]>,
    /// Pictures on the triangles, and the number that each has there.
    textured: Option<(Arc<Textures>, Vec<u32>)>,
}

impl Shape {
    /// Reads a file; what has no colour gets this one.
    ///
    /// # Errors
    /// `MEDIA_MALFORMED` or `MEDIA_TOO_LARGE` for what cannot be read, `MEDIA_EMPTY` for what has no extent, and what
    /// `patience` says when it is over.
    pub fn read(bytes: &[u8], colour: [f32; 3], patience: &Patience) -> Result<Self> {
        patience.check("before the file was read")?;
        let file = formats::open(bytes, patience)?;
        let source = file.as_ref();
        let mut points = Vec::new();
        let mut triangles = Vec::new();
        let mut textured = source.textures().map(|textures| (Arc::clone(textures), Vec::new()));
        if is_mesh(source) {
            points = corners(source, Origin::Near, patience)?;
            let mut count = 0_usize;
            let mut numbers = 0_u32..;
            source.each_triangle(patience, &mut |corners| {
                let number = numbers.next().unwrap_or_default();
                if has_area(&points, corners) {
                    count += 1;
                    if count <= MESH_TRIANGLES {
                        triangles.push(corners);
                        textured.iter_mut().for_each(|(_, numbers)| numbers.push(number));
                    }
                }
            })?;
            if count > MESH_TRIANGLES {
                points = spread(source, &points, CLOUD_POINTS, patience)?;
                triangles = Vec::new();
            } else if count == 0 {
                points = Vec::new();
            }
        }
        if points.is_empty() {
            points = strided(source, Origin::Near, CLOUD_POINTS, patience)?;
        } else if !triangles.is_empty() {
            (points, triangles) = used(&points, &triangles);
        }
        paint(&mut points, colour);
        let mut colours: Vec<[f32; 3]> = points.iter().map(|point| point.colour).collect();
        if colours.windows(2).all(|pair| pair.first() == pair.last()) {
            colours.truncate(1);
        }
        Ok(Self { places: centred(&points)?, colours, triangles, textured })
    }
}

impl Shape {
    /// The colour of a corner or point.
    pub fn colour(&self, number: u32) -> [f32; 3] {
        self.colours.get(number as usize).or(self.colours.first()).copied().unwrap_or_default()
    }

    /// The colour of a triangle at a place between its corners.
    pub fn colour_between(&self, number: u32, weights: [f32; 3]) -> [f32; 3] {
        let colour = self.colour_of_corners(number, weights);
        let Some((textures, numbers)) = &self.textured else { return colour };
        let triangle = numbers.get(number as usize).copied().unwrap_or(u32::MAX);
        textures.tinted(triangle as usize, weights.map(f64::from), colour)
    }

    /// The same without pictures.
    fn colour_of_corners(&self, number: u32, [first, second, third]: [f32; 3]) -> [f32; 3] {
        match (self.colours.as_slice(), self.triangles.get(number as usize)) {
            ([one], _) => *one,
            (_, Some(corners)) => {
                let [[ar, ag, ab], [br, bg, bb], [cr, cg, cb]] = corners.map(|corner| self.colour(corner));
                let mixed = |a, b, c| first * a + second * b + third * c;
                [mixed(ar, br, cr), mixed(ag, bg, cg), mixed(ab, bb, cb)]
            }
            (_, None) => [0.0; 3],
        }
    }

    /// The normal of a triangle, as long as twice its area.
    pub fn normal(&self, corners: [u32; 3]) -> [f64; 3] {
        let place = |corner: u32| self.places.get(corner as usize).copied().unwrap_or_default();
        let [a, b, c] = corners.map(place);
        cross(a, b, c)
    }
}

/// The product of the sides from `a` to `b` and from `a` to `c`.
fn cross([ax, ay, az]: [f64; 3], [bx, by, bz]: [f64; 3], [cx, cy, cz]: [f64; 3]) -> [f64; 3] {
    let ([ux, uy, uz], [vx, vy, vz]) = ([bx - ax, by - ay, bz - az], [cx - ax, cy - ay, cz - az]);
    [uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx]
}

/// Whether the corners are somewhere and do not lie on a line.
fn has_area(points: &[Point], corners: [u32; 3]) -> bool {
    let [Some(a), Some(b), Some(c)] = corners.map(|corner| points.get(corner as usize)) else { return false };
    if ![a, b, c].iter().all(|point| point.is_somewhere()) {
        return false;
    }
    let [a, b, c] = [a, b, c].map(|point| point.place.map(f64::from));
    cross(a, b, c).iter().any(|value| *value != 0.0)
}

/// The corners that triangles have: a vertex that none has would only make the rest look small.
fn used(points: &[Point], triangles: &[[u32; 3]]) -> (Vec<Point>, Vec<[u32; 3]>) {
    const UNUSED: u32 = u32::MAX;
    let mut number = vec![UNUSED; points.len()];
    let mut kept = Vec::new();
    let mut renumber = |corner: u32| {
        let (Some(slot), Some(point)) = (number.get_mut(corner as usize), points.get(corner as usize)) else {
            return 0;
        };
        if *slot == UNUSED {
            *slot = kept.len() as u32;
            kept.push(*point);
        }
        *slot
    };
    let triangles = triangles.iter().map(|corners| corners.map(&mut renumber)).collect();
    (kept, triangles)
}

/// Places around the middle of their box, the farthest at distance 1.
fn centred(points: &[Point]) -> Result<Vec<[f64; 3]>> {
    let (low, high) = bounds(points.iter().map(|point| point.place.map(f64::from)));
    let middle = |axis: fn([f64; 3]) -> f64| f64::midpoint(axis(low), axis(high));
    let [mx, my, mz] = [middle(|[x, _, _]| x), middle(|[_, y, _]| y), middle(|[_, _, z]| z)];
    let moved = |point: &Point| {
        let [x, y, z] = point.place.map(f64::from);
        [x - mx, y - my, z - mz]
    };
    let radius = points.iter().map(|point| norm(moved(point))).fold(0.0, f64::max);
    if radius <= 0.0 {
        let message = format!("all of its {} points are in one place: there is no shape to see", points.len());
        return Err(Error::new(Reason::MediaEmpty, "bytes", message));
    }
    Ok(points.iter().map(|point| moved(point).map(|value| value / radius)).collect())
}

/// The corners of the box around some places.
pub fn bounds<const N: usize>(places: impl Iterator<Item = [f64; N]>) -> ([f64; N], [f64; N]) {
    let (mut low, mut high) = ([f64::INFINITY; N], [f64::NEG_INFINITY; N]);
    for place in places {
        for ((low, high), value) in low.iter_mut().zip(&mut high).zip(place) {
            (*low, *high) = (low.min(value), high.max(value));
        }
    }
    (low, high)
}

/// The length of a vector.
pub fn norm([x, y, z]: [f64; 3]) -> f64 {
    (x * x + y * y + z * z).sqrt()
}

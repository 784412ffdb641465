//! Which way what is drawn looks, and what colour it has.

use std::collections::HashMap;

use onespace_core::{Patience, Result};

use super::{
    camera::{Spot, dot},
    cloud::Discs,
    raster::Canvas,
    shape::{Shape, norm},
};

/// Triangles or points that are drawn between two looks at the clock: a millisecond's.
const UNSEEN: usize = 4096;

/// The least radius of a disc, pixels: it holds the middle of at least one.
const LEAST_RADIUS: f64 = 0.8;

/// The cosine of the angle, 40 degrees, up to which the normals of a corner and of a face make one rounded surface;
/// beyond, there is an edge. Modelling programs smooth up to 30 (Blender's "shade auto smooth") to 60 degrees.
const ROUNDED: f64 = 0.766;

/// What a shape is drawn by, in the shape's own axes.
#[derive(Clone, Debug)]
pub enum Surface {
    /// A triangle each.
    Facets(Vec<Facet>),
    /// A disc around each point.
    Discs(Discs),
}

/// Which way a triangle looks.
#[derive(Clone, Copy, Debug)]
pub struct Facet {
    /// At each of its corners, towards the same side.
    corners: [[f32; 3]; 3],
    /// As a whole.
    face: [f32; 3],
}

/// The surface at a pixel.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    /// Which way it looks, of the two the one towards the eye.
    pub normal: [f32; 3],
    /// Its colour, 0 to 1.
    pub colour: [f32; 3],
}

impl Surface {
    /// That of a shape.
    pub fn new(shape: &Shape) -> Self {
        if shape.triangles.is_empty() { Self::Discs(Discs::new(&shape.places)) } else { Self::Facets(facets(shape)) }
    }

    /// Draws a shape whose places fall on `spots`, `scale` pixels a length of 1.
    ///
    /// # Errors
    /// What `patience` says when it is over.
    pub fn draw(
        &self,
        shape: &Shape,
        (spots, scale): (&[Spot], f64),
        canvas: &mut Canvas,
        patience: &Patience,
    ) -> Result<()> {
        canvas.clear();
        match self {
            Self::Facets(_) => {
                let at = |corner: u32| spots.get(corner as usize).copied().unwrap_or_default();
                for (corners, number) in shape.triangles.iter().zip(0_u32..) {
                    patience.check_every(UNSEEN, number as usize, "while faces were drawn")?;
                    canvas.triangle(number, corners.map(at));
                }
            }
            Self::Discs(discs) => {
                let radius = (discs.radius * scale).max(LEAST_RADIUS);
                for (spot, number) in spots.iter().zip(0_u32..) {
                    patience.check_every(UNSEEN, number as usize, "while points were drawn")?;
                    canvas.disc(number, *spot, radius);
                }
            }
        }
        Ok(())
    }

    /// What an eye in that direction sees of a triangle or point, by the weights of a triangle's second and third
    /// corner.
    pub fn seen(&self, shape: &Shape, number: u32, [second, third]: [f32; 2], eye: [f32; 3]) -> Option<Seen> {
        let towards = |normal: [f32; 3], side: f32| if side < 0.0 { normal.map(|value| -value) } else { normal };
        match self {
            Self::Facets(facets) => {
                let facet = facets.get(number as usize)?;
                let weights = [1.0 - second - third, second, third];
                let normal = between(weights, facet.corners);
                let length = dot_f32(normal, normal).sqrt();
                let normal = if length > 0.0 { normal.map(|value| value * (1.0 / length)) } else { facet.face };
                Some(Seen {
                    normal: towards(normal, dot_f32(facet.face, eye)),
                    colour: shape.colour_between(number, weights),
                })
            }
            Self::Discs(discs) => {
                let normal = *discs.normals.get(number as usize)?;
                // Where nobody can tell, it looks at the eye.
                let normal = if normal == [0.0; 3] { eye } else { towards(normal, dot_f32(normal, eye)) };
                Some(Seen { normal, colour: shape.colour(number) })
            }
        }
    }
}

/// Which way the triangles of a mesh look. Corners in one place are one, whatever their numbers: many files repeat them
/// for each face.
fn facets(shape: &Shape) -> Vec<Facet> {
    let mut at = HashMap::with_capacity(shape.places.len());
    let mut number = |place: &[f64; 3]| {
        let next = at.len();
        // Adding 0 makes −0 the same as 0.
        *at.entry(place.map(|value| (value + 0.0).to_bits())).or_insert(next)
    };
    let same: Vec<usize> = shape.places.iter().map(&mut number).collect();
    let mut sums = vec![[0.0; 3]; at.len()];
    let normals: Vec<[f64; 3]> = shape.triangles.iter().map(|corners| shape.normal(*corners)).collect();
    for (corners, normal) in shape.triangles.iter().zip(&normals) {
        for place in corners.iter().filter_map(|corner| same.get(*corner as usize)) {
            if let Some(sum) = sums.get_mut(*place) {
                sum.iter_mut().zip(normal).for_each(|(sum, value)| *sum += value);
            }
        }
    }
    sums.iter_mut().for_each(|sum| *sum = unit(*sum));
    let facet = |(corners, normal): (&[u32; 3], &[f64; 3])| {
        let face = unit(*normal);
        let rounded = |corner: u32| {
            let sum = same.get(corner as usize).and_then(|place| sums.get(*place)).copied().unwrap_or_default();
            let lean = dot(sum, face);
            let normal = if lean.abs() < ROUNDED { face } else { sum.map(|value| value * lean.signum()) };
            normal.map(|value| value as f32)
        };
        Facet { corners: corners.map(rounded), face: face.map(|value| value as f32) }
    };
    shape.triangles.iter().zip(&normals).map(facet).collect()
}

/// The sum of three vectors by their weights.
fn between([first, second, third]: [f32; 3], [a, b, c]: [[f32; 3]; 3]) -> [f32; 3] {
    let ([ax, ay, az], [bx, by, bz], [cx, cy, cz]) = (a, b, c);
    let mixed = |a, b, c| first * a + second * b + third * c;
    [mixed(ax, bx, cx), mixed(ay, by, cy), mixed(az, bz, cz)]
}

/// A vector of length 1 in the same direction; one without a direction stays.
pub fn unit(vector: [f64; 3]) -> [f64; 3] {
    let length = norm(vector);
    if length > 0.0 { vector.map(|value| value / length) } else { vector }
}

/// The scalar product.
pub fn dot_f32([ax, ay, az]: [f32; 3], [bx, by, bz]: [f32; 3]) -> f32 {
    ax * bx + ay * by + az * bz
}

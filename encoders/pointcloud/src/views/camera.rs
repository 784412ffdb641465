//! Where a shape is looked at from, and where its places fall on the picture.

use super::{shape::bounds, table::Up};

/// One side that a shape is seen from.
#[derive(Clone, Copy, Debug)]
pub struct Camera {
    /// Directions in the shape's own axes: to the right, upwards, and towards the eye.
    axes: [[f64; 3]; 3],
}

/// A place on the picture.
#[derive(Clone, Copy, Debug, Default)]
pub struct Spot {
    /// Pixels from the left.
    pub x: f64,
    /// Pixels from above.
    pub y: f64,
    /// How far away, in pixels; less is nearer.
    pub depth: f64,
}

impl Camera {
    /// An eye `azimuth` degrees around the axis that points up, `elevation` degrees above the horizon.
    pub fn new(up: Up, azimuth: f64, elevation: f64) -> Self {
        let ((sin_a, cos_a), (sin_e, cos_e)) = (azimuth.to_radians().sin_cos(), elevation.to_radians().sin_cos());
        let right = [-sin_a, cos_a, 0.0];
        let upwards = [-sin_e * cos_a, -sin_e * sin_a, cos_e];
        let eye = [cos_e * cos_a, cos_e * sin_a, sin_e];
        Self { axes: [right, upwards, eye].map(|direction| up.raised(direction)) }
    }

    /// A direction that is seen as this one, to the right, upwards, towards the eye, in the axes of the shape.
    pub fn in_shape(&self, direction: [f64; 3]) -> [f64; 3] {
        let ([right, upwards, eye], [x, y, z]) = (self.axes, direction);
        let mut sum = right.map(|value| x * value);
        for (sum, (upwards, eye)) in sum.iter_mut().zip(upwards.into_iter().zip(eye)) {
            *sum += y * upwards + z * eye;
        }
        sum
    }

    /// Where places fall on a picture of `size` (across, down) pixels, the shape in its middle and as large as `fill`
    /// of its sides allows; and how many pixels a length of 1 has. Rays are parallel: a scan is no street.
    pub fn project(&self, places: &[[f64; 3]], size: (usize, usize), fill: f64) -> (Vec<Spot>, f64) {
        let seen: Vec<[f64; 3]> = places.iter().map(|place| self.axes.map(|axis| dot(axis, *place))).collect();
        let ([left, low, _], [right, high, _]) = bounds(seen.iter().copied());
        let (width, height) = (size.0 as f64, size.1 as f64);
        // What is seen end-on has no extent; it is not magnified beyond a hundredth of what it is.
        let extent = |least: f64, most: f64| (most - least).max(LEAST_EXTENT);
        let scale = fill * (width / extent(left, right)).min(height / extent(low, high));
        let (middle_x, middle_y) = (f64::midpoint(left, right), f64::midpoint(low, high));
        let spot = |[x, y, near]: [f64; 3]| Spot {
            x: (x - middle_x) * scale + width / 2.0,
            y: height / 2.0 - (y - middle_y) * scale,
            depth: -near * scale,
        };
        (seen.into_iter().map(spot).collect(), scale)
    }
}

/// The least extent that fills a picture, where the whole shape has a radius of 1.
const LEAST_EXTENT: f64 = 0.02;

/// The scalar product.
pub fn dot(a: [f64; 3], b: [f64; 3]) -> f64 {
    a.into_iter().zip(b).map(|(a, b)| a * b).sum()
}

//! Size and place of a cloud.

use crate::points::Point;

/// The mean of some places; of none, the origin.
pub fn centroid(places: impl ExactSizeIterator<Item = [f32; 3]>) -> [f64; 3] {
    let count = places.len().max(1) as f64;
    let mut sums = [0.0_f64; 3];
    for place in places {
        sums.iter_mut().zip(place).for_each(|(sum, value)| *sum += f64::from(value));
    }
    sums.map(|sum| sum / count)
}

/// Moves the centroid to the origin and brings the farthest point to distance 1; a cloud of one place stays at the
/// origin.
pub fn to_unit_sphere(points: &mut [Point]) {
    let centre = centroid(points.iter().map(|point| point.place));
    let moved = |place: [f32; 3]| {
        let ([x, y, z], [cx, cy, cz]) = (place.map(f64::from), centre);
        [x - cx, y - cy, z - cz]
    };
    let radius = points.iter().map(|point| norm(moved(point.place))).fold(0.0, f64::max);
    for point in points {
        point.place = moved(point.place).map(|value| if radius > 0.0 { (value / radius) as f32 } else { 0.0 });
    }
}

fn norm(place: [f64; 3]) -> f64 {
    place.iter().map(|value| value * value).sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cloud_fills_the_unit_sphere() {
        let mut points =
            [[1.0, 1.0, 1.0], [3.0, 1.0, 1.0], [2.0, 1.0, 5.0]].map(|place| Point { place, colour: [0.0; 3] });
        to_unit_sphere(&mut points);
        let radius = points.iter().map(|point| norm(point.place.map(f64::from))).fold(0.0, f64::max);
        assert!((radius - 1.0).abs() < 1e-6);
        for axis in 0..3 {
            assert!(points.iter().map(|point| point.place[axis]).sum::<f32>().abs() < 1e-6);
        }
    }

    #[test]
    fn extremes_stay_finite() {
        for value in [0.0, f32::MAX, f32::MIN_POSITIVE] {
            let mut points =
                [Point { place: [value; 3], colour: [0.0; 3] }, Point { place: [-value; 3], colour: [0.0; 3] }];
            to_unit_sphere(&mut points);
            assert!(points.iter().flat_map(|point| point.place).all(|value| value.abs() <= 1.0));
        }
    }
}

//! Size and place of a cloud.

use crate::read::Point;

/// Moves the centroid to the origin and brings the farthest point to distance 1; a cloud of one place stays at the
/// origin.
pub fn to_unit_sphere(points: &mut [Point]) {
    let share = 1.0 / points.len().max(1) as f64;
    let mut centroid = [0.0_f64; 3];
    for point in &*points {
        centroid.iter_mut().zip(point.place).for_each(|(sum, value)| *sum += f64::from(value) * share);
    }
    let moved = |place: [f32; 3]| {
        let ([x, y, z], [cx, cy, cz]) = (place.map(f64::from), centroid);
        [x - cx, y - cy, z - cz]
    };
    let radius = points.iter().map(|point| norm(moved(point.place))).fold(0.0, f64::max);
    let scale = if radius > 0.0 { 1.0 / radius } else { 0.0 };
    for point in points {
        point.place = moved(point.place).map(|value| (value * scale) as f32);
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

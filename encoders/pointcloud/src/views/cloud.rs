//! A surface through points that no faces join: a disc at each, that leans as its neighbours lie.

use super::shape::norm;

/// The neighbour whose distance tells how close points lie: around a point of an even surface lie six.
const NEIGHBOUR: usize = 6;

/// The radius of a disc as a share of that distance: of points in random places it leaves one pixel in thirty open.
const SHARE: f64 = 0.75;

/// Points whose neighbours are measured: the median of so many is within a tenth of all points'.
const PROBES: usize = 64;

/// The least and the largest radius of a disc, the shape's being 1: of many points in few places, and of few points.
const RADII: (f64, f64) = (0.004, 0.05);

/// Points within so many radii of a point say how the surface leans there: fifteen or so, enough for noise to cancel.
const REACH: f64 = 2.1;

/// Neighbours that are looked at: of crowds, every so manieth.
const CROWD: usize = 512;

/// Discs in place of points.
#[derive(Clone, Debug)]
pub struct Discs {
    /// Of each, the shape's being 1.
    pub radius: f64,
    /// Which way each faces, or its opposite; zero where that cannot be told.
    pub normals: Vec<[f32; 3]>,
}

impl Discs {
    /// Discs large enough to touch.
    pub fn new(places: &[[f64; 3]]) -> Self {
        let radius = (SHARE * spacing(places)).clamp(RADII.0, RADII.1);
        Self { radius, normals: normals(places, REACH * radius) }
    }
}

/// The median distance to the sixth neighbour.
fn spacing(places: &[[f64; 3]]) -> f64 {
    let step = places.len().div_ceil(PROBES).max(1);
    let mut distances: Vec<f64> = places.iter().step_by(step).map(|place| to_neighbour(places, *place)).collect();
    let middle = distances.len() / 2;
    if middle >= distances.len() {
        return 0.0;
    }
    *distances.select_nth_unstable_by(middle, f64::total_cmp).1
}

/// How far the sixth neighbour of a place is; of fewer the last.
fn to_neighbour(places: &[[f64; 3]], from: [f64; 3]) -> f64 {
    // The place itself is its own nearest.
    let mut nearest = [f64::INFINITY; NEIGHBOUR + 1];
    for place in places {
        let mut distance = squared(from, *place);
        if nearest.last().is_some_and(|last| distance < *last) {
            // What is farther moves on by one, the last falls out.
            for slot in &mut nearest {
                if distance < *slot {
                    std::mem::swap(slot, &mut distance);
                }
            }
        }
    }
    nearest.iter().filter(|distance| distance.is_finite()).fold(0.0, |most: f64, distance| most.max(*distance)).sqrt()
}

/// The direction in which the places within `reach` of each spread least.
fn normals(places: &[[f64; 3]], reach: f64) -> Vec<[f32; 3]> {
    // Places by the cube of side `reach` that they lie in: whatever is near is in one of 27.
    let cube = |place: [f64; 3]| place.map(|value| ((value + 1.0) / reach) as u64 + 1);
    let key = |[x, y, z]: [u64; 3]| (x << 42) | (y << 21) | z;
    let mut order: Vec<(u64, usize)> =
        places.iter().zip(0..).map(|(place, number)| (key(cube(*place)), number)).collect();
    order.sort_unstable();
    let mut normals = vec![[0.0_f32; 3]; places.len()];
    let mut near: Vec<[f64; 3]> = Vec::new();
    for members in order.chunk_by(|a, b| a.0 == b.0) {
        let Some(place) = members.first().and_then(|(_, number)| places.get(*number)) else { continue };
        let [x, y, z] = cube(*place);
        near.clear();
        for (x, y) in [x - 1, x, x + 1].into_iter().flat_map(|x| [y - 1, y, y + 1].map(|y| (x, y))) {
            let from = order.partition_point(|(other, _)| *other < key([x, y, z - 1]));
            let column = order.iter().skip(from).take_while(|(other, _)| *other <= key([x, y, z + 1]));
            near.extend(column.filter_map(|(_, number)| places.get(*number)));
        }
        let step = near.len().div_ceil(CROWD).max(1);
        for (_, number) in members {
            let (Some(place), Some(slot)) = (places.get(*number), normals.get_mut(*number)) else { continue };
            let near = near.iter().step_by(step).filter(|other| squared(*place, **other) <= reach * reach);
            *slot = flattest(*place, near).map(|value| value as f32);
        }
    }
    normals
}

/// The normal of the plane that lies best among places near one, by least squares along the axis that suits it most;
/// zero for places on a line.
fn flattest<'a>([ox, oy, oz]: [f64; 3], places: impl Iterator<Item = &'a [f64; 3]>) -> [f64; 3] {
    let (mut count, mut sx, mut sy, mut sz) = (0.0_f64, 0.0, 0.0, 0.0);
    let (mut xx, mut xy, mut xz, mut yy, mut yz, mut zz) = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0);
    for [x, y, z] in places {
        // From a place among them, so that what is subtracted below is as small as what it is subtracted from.
        let (x, y, z) = (x - ox, y - oy, z - oz);
        count += 1.0;
        (sx, sy, sz) = (sx + x, sy + y, sz + z);
        (xx, xy, xz) = (xx + x * x, xy + x * y, xz + x * z);
        (yy, yz, zz) = (yy + y * y, yz + y * z, zz + z * z);
    }
    let count = count.max(1.0);
    (xx, xy, xz) = (xx - sx * sx / count, xy - sx * sy / count, xz - sx * sz / count);
    (yy, yz, zz) = (yy - sy * sy / count, yz - sy * sz / count, zz - sz * sz / count);
    let (of_x, of_y, of_z) = (yy * zz - yz * yz, xx * zz - xz * xz, xx * yy - xy * xy);
    let most = of_x.max(of_y).max(of_z);
    let spread: f64 = xx + yy + zz;
    // Beside the squared spread, rounding leaves so little of a line.
    if most <= 1e-9 * spread * spread {
        return [0.0; 3];
    }
    let normal = if of_x >= most {
        [of_x, xz * yz - xy * zz, xy * yz - xz * yy]
    } else if of_y >= most {
        [xz * yz - xy * zz, of_y, xy * xz - yz * xx]
    } else {
        [xy * yz - xz * yy, xy * xz - yz * xx, of_z]
    };
    let length = norm(normal);
    normal.map(|value| value / length)
}

fn squared([ax, ay, az]: [f64; 3], [bx, by, bz]: [f64; 3]) -> f64 {
    (ax - bx) * (ax - bx) + (ay - by) * (ay - by) + (az - bz) * (az - bz)
}

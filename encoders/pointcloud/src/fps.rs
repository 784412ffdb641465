//! Farthest-point sampling.
//!
//! Sampling by definition measures every point's distance to every chosen one. Here points that lie close together
//! share a block, and a block whose box is farther from the new point than any of its points is from the old ones
//! is passed over: nothing in it can change. The result is the same to the last bit.

use onespace_core::{Patience, Result};

use crate::normalise::centroid;

/// Points of a block: few enough for tight boxes, enough to keep the vector units busy.
const BLOCK: usize = 128;

/// Squared distance of two places.
pub fn squared_distance([ax, ay, az]: [f32; 3], [bx, by, bz]: [f32; 3]) -> f32 {
    (ax - bx) * (ax - bx) + (ay - by) * (ay - by) + (az - bz) * (az - bz)
}

/// The place farthest from the centroid; of several the first. In double precision, so that the corners of a
/// symmetric shape tie only where they do.
pub fn outermost(places: &[[f32; 3]]) -> usize {
    let [cx, cy, cz] = centroid(places.iter().copied());
    let distances = places.iter().map(|place| {
        let [x, y, z] = place.map(f64::from);
        (x - cx) * (x - cx) + (y - cy) * (y - cy) + (z - cz) * (z - cz)
    });
    let farther = |best: (usize, f64), next: (usize, f64)| if next.1 > best.1 { next } else { best };
    distances.enumerate().fold((0, f64::NEG_INFINITY), farther).0
}

/// `count` places, each the farthest from all before it, the first one given; of several the first. Places of a
/// squared norm up to `skip` are never chosen, but for the first one: what `furthest_point_sample` of `pointnet2` does
/// in CUDA, with 1e-3, and its CPU port in EBind repeats.
///
/// Once no place is left that is apart from the chosen ones, the first place that is not skipped is chosen again and
/// again.
///
/// # Errors
/// What `patience` says when it is over.
pub fn farthest(
    places: &[[f32; 3]],
    start: usize,
    count: usize,
    skip: Option<f32>,
    patience: &Patience,
) -> Result<Vec<usize>> {
    let (mut boxes, mut blocks): (Vec<Bounds>, Vec<Block>) = blocks(places, skip).into_iter().unzip();
    let mut chosen = Vec::with_capacity(count);
    let mut next = start;
    while let Some(place) = places.get(next).filter(|_| chosen.len() < count) {
        patience.check("while points were chosen")?;
        chosen.push(next);
        let mut reach = f32::NEG_INFINITY;
        for (bounds, block) in boxes.iter_mut().zip(&mut blocks) {
            if bounds.gap(*place) < bounds.reach {
                bounds.reach = block.approach(*place);
            }
            reach = reach.max(bounds.reach);
        }
        let holders = boxes.iter().zip(&blocks).filter(|(bounds, _)| bounds.reach >= reach);
        next = holders.filter_map(|(_, block)| block.first_at(reach)).min().unwrap_or_default();
    }
    Ok(chosen)
}

/// Where a block's points are. Boxes stand apart from the points: all of them are looked at every time.
struct Bounds {
    low: [f32; 3],
    high: [f32; 3],
    /// The largest squared distance of a point of the block to its nearest chosen place.
    reach: f32,
}

impl Bounds {
    fn new(places: impl Iterator<Item = [f32; 3]>) -> Self {
        let mut bounds = Self { low: [f32::INFINITY; 3], high: [f32::NEG_INFINITY; 3], reach: f32::INFINITY };
        for place in places {
            for ((low, high), value) in bounds.low.iter_mut().zip(&mut bounds.high).zip(place) {
                (*low, *high) = (low.min(value), high.max(value));
            }
        }
        bounds
    }

    /// The squared distance of a place from the box: no point in it is nearer, rounding included.
    fn gap(&self, [x, y, z]: [f32; 3]) -> f32 {
        let ([lx, ly, lz], [hx, hy, hz]) = (self.low, self.high);
        let outside = |low: f32, value: f32, high: f32| larger(larger(low - value, value - high), 0.0);
        squared_distance([outside(lx, x, hx), outside(ly, y, hy), outside(lz, z, hz)], [0.0; 3])
    }
}

/// The larger of two numbers that are not NaN: one instruction, unlike `f32::max`.
fn larger(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

/// Points close together, coordinates by axis, which is how a processor wants them.
struct Block {
    x: [f32; BLOCK],
    y: [f32; BLOCK],
    z: [f32; BLOCK],
    /// The squared distance of each to the nearest chosen place; −∞ where there is no point.
    nearest: [f32; BLOCK],
    number: [usize; BLOCK],
}

/// All places in blocks, along a curve that keeps neighbours together.
fn blocks(places: &[[f32; 3]], skip: Option<f32>) -> Vec<(Bounds, Block)> {
    let whole = Bounds::new(places.iter().copied());
    let counts = |place: [f32; 3]| skip.is_none_or(|skip| squared_distance(place, [0.0; 3]) > skip);
    let counted = places.iter().zip(0..).filter(|(place, _)| counts(**place));
    let mut order: Vec<(u32, usize)> = counted.map(|(place, number)| (curve(*place, &whole), number)).collect();
    order.sort_unstable();
    let block = |chunk: &[(u32, usize)]| {
        let members = chunk.iter().filter_map(|(_, number)| Some((*number, *places.get(*number)?)));
        (Bounds::new(members.clone().map(|(_, place)| place)), Block::new(members))
    };
    order.chunks(BLOCK).map(block).collect()
}

impl Block {
    fn new(members: impl Iterator<Item = (usize, [f32; 3])>) -> Self {
        let none = [f32::NEG_INFINITY; BLOCK];
        let mut block = Self { x: [0.0; BLOCK], y: [0.0; BLOCK], z: [0.0; BLOCK], nearest: none, number: [0; BLOCK] };
        let axes = block.x.iter_mut().zip(&mut block.y).zip(&mut block.z);
        let slots = axes.zip(block.nearest.iter_mut().zip(&mut block.number));
        for ((((x, y), z), (nearest, slot)), (number, [px, py, pz])) in slots.zip(members) {
            (*x, *y, *z, *nearest, *slot) = (px, py, pz, f32::INFINITY, number);
        }
        block
    }

    /// Takes a newly chosen place into account; answers the largest distance that is left.
    fn approach(&mut self, [px, py, pz]: [f32; 3]) -> f32 {
        let axes = self.x.iter().zip(&self.y).zip(&self.z);
        for (((x, y), z), nearest) in axes.zip(&mut self.nearest) {
            let distance = (x - px) * (x - px) + (y - py) * (y - py) + (z - pz) * (z - pz);
            *nearest = if distance < *nearest { distance } else { *nearest };
        }
        let mut lanes = [f32::NEG_INFINITY; 8];
        for chunk in self.nearest.as_chunks::<8>().0 {
            lanes.iter_mut().zip(chunk).for_each(|(most, value)| *most = larger(*value, *most));
        }
        lanes.into_iter().fold(f32::NEG_INFINITY, larger)
    }

    /// The lowest number of a point at that distance.
    fn first_at(&self, reach: f32) -> Option<usize> {
        self.nearest.iter().zip(&self.number).filter(|(nearest, _)| **nearest >= reach).map(|(_, number)| *number).min()
    }
}

/// Where a place lies on a Z-order curve through the box: the bits of its coordinates, interleaved.
fn curve(place: [f32; 3], whole: &Bounds) -> u32 {
    let mut code = 0;
    for ((value, low), high) in place.into_iter().zip(whole.low).zip(whole.high) {
        // A box without extent divides by zero; the cast makes 0 of that.
        let step = ((value - low) / (high - low) * 1023.0) as u32;
        code = (code << 1) | (0..10).fold(0, |bits, bit| bits | ((step >> bit) & 1) << (3 * bit));
    }
    code
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(places: &[[f32; 3]], start: usize, count: usize, skip: Option<f32>) -> Vec<usize> {
        farthest(places, start, count, skip, &Patience::endless()).unwrap()
    }

    #[test]
    fn the_farthest_comes_next() {
        let line = [0.0, 10.0, 4.0, 9.0, 5.0].map(|x| [x, 0.0, 0.0]);
        assert_eq!(outermost(&line), 0);
        assert_eq!(chosen(&line, 0, 5, None), [0, 1, 4, 2, 3]);
        assert!(chosen(&[], 0, 3, None).is_empty());
        assert_eq!(chosen(&[[1.0; 3]; 3], 1, 4, None), [1, 0, 0, 0]);
    }

    #[test]
    fn what_is_skipped_is_chosen_only_to_begin_with() {
        let line = [0.01, 1.0, 0.02, -1.0, 0.03].map(|x| [x, 0.0, 0.0]);
        assert_eq!(chosen(&line, 0, 5, Some(1e-3)), [0, 3, 1, 1, 1]);
        assert_eq!(chosen(&line, 0, 3, Some(9.0)), [0, 0, 0]);
        assert_eq!(chosen(&line, 0, 4, Some(0.0)), [0, 3, 1, 4]);
    }

    #[test]
    fn passing_blocks_over_changes_nothing() {
        let mut state = 1_u64;
        // A coarse grid has many ties and many equal points.
        for grid in [8.0, 1e6] {
            let places: Vec<[f32; 3]> = (0..1000)
                .map(|_| {
                    [0; 3].map(|_: u8| {
                        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                        ((state >> 40) as f32 / (1_u64 << 24) as f32 * grid).floor()
                    })
                })
                .collect();
            let mut nearest = vec![f32::INFINITY; places.len()];
            let mut next = outermost(&places);
            for found in chosen(&places, next, 300, None) {
                assert_eq!(found, next);
                for (least, place) in nearest.iter_mut().zip(&places) {
                    *least = least.min(squared_distance(*place, places[found]));
                }
                next = (0..places.len()).rev().max_by(|a, b| nearest[*a].total_cmp(&nearest[*b])).unwrap();
            }
        }
    }
}

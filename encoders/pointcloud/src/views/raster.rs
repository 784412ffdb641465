//! Which triangle is nearest behind each pixel.

use super::camera::Spot;

/// What no triangle or point covers.
pub const NOTHING: u32 = u32::MAX;

/// A picture of depths, and of what lies there.
#[derive(Clone, Debug)]
pub struct Canvas {
    /// Pixels across.
    pub width: usize,
    /// Pixels down.
    pub height: usize,
    /// How far away what is seen lies, row by row; infinite where nothing is.
    pub depth: Vec<f32>,
    /// The number of the triangle or point that is seen there, or [`NOTHING`].
    pub number: Vec<u32>,
    /// The weights of the second and the third corner of a triangle that is seen there.
    pub weights: Vec<[f32; 2]>,
}

impl Canvas {
    /// One without anything on it.
    pub fn new((width, height): (usize, usize)) -> Self {
        let area = width * height;
        Self {
            width,
            height,
            depth: vec![f32::INFINITY; area],
            number: vec![NOTHING; area],
            weights: vec![[0.0; 2]; area],
        }
    }

    /// Takes everything off it.
    pub fn clear(&mut self) {
        self.depth.fill(f32::INFINITY);
        self.number.fill(NOTHING);
    }

    /// Whether nothing is on it.
    pub fn is_blank(&self) -> bool {
        self.number.iter().all(|number| *number == NOTHING)
    }

    /// The pixels `from..=to` of row `y`: depths, numbers and weights.
    fn row(&mut self, y: usize, from: usize, to: usize) -> impl Iterator<Item = (&mut f32, &mut u32, &mut [f32; 2])> {
        let range = y * self.width + from..y * self.width + to + 1;
        let depth = self.depth.get_mut(range.clone()).unwrap_or_default().iter_mut();
        let number = self.number.get_mut(range.clone()).unwrap_or_default();
        let weights = self.weights.get_mut(range).unwrap_or_default();
        depth.zip(number).zip(weights).map(|((depth, number), weights)| (depth, number, weights))
    }

    /// Draws a triangle over all that lies farther away; of equals the first stays. A pixel belongs to a triangle that
    /// holds its middle.
    pub fn triangle(&mut self, number: u32, corners: [Spot; 3]) {
        let [a, b, c] = corners;
        let Some((left, right)) = span([a.x, b.x, c.x], self.width) else { return };
        let Some((top, bottom)) = span([a.y, b.y, c.y], self.height) else { return };
        let Some(plane) = Plane::through(corners) else { return };
        let [step_second, step_third] = plane.across;
        let (deeper_second, deeper_third) = (b.depth - a.depth, c.depth - a.depth);
        for y in top..=bottom {
            let [second, third] = plane.weights(left as f64 + 0.5, y as f64 + 0.5);
            for ((depth, slot, weights), step) in self.row(y, left, right).zip(0_i32..) {
                let step = f64::from(step);
                let (second, third) = (second + step * step_second, third + step * step_third);
                if second < 0.0 || third < 0.0 || second + third > 1.0 {
                    continue;
                }
                let at = (a.depth + second * deeper_second + third * deeper_third) as f32;
                if at < *depth {
                    (*depth, *slot, *weights) = (at, number, [second as f32, third as f32]);
                }
            }
        }
    }

    /// Draws a disc as [`triangle`](Self::triangle) draws triangles.
    pub fn disc(&mut self, number: u32, middle: Spot, radius: f64) {
        let at = middle.depth as f32;
        let Some((top, bottom)) = span([middle.y - radius, middle.y + radius, middle.y], self.height) else { return };
        for y in top..=bottom {
            let dy = y as f64 + 0.5 - middle.y;
            let reach = (radius * radius - dy * dy).max(0.0).sqrt();
            let Some((left, right)) = span([middle.x - reach, middle.x + reach, middle.x], self.width) else {
                continue;
            };
            for (depth, slot, _) in self.row(y, left, right) {
                if at < *depth {
                    (*depth, *slot) = (at, number);
                }
            }
        }
    }
}

/// The weights of a triangle's second and third corner at any place of the picture.
struct Plane {
    corner: Spot,
    across: [f64; 2],
    down: [f64; 2],
}

impl Plane {
    /// None where the three lie on a line, as they are seen.
    fn through([a, b, c]: [Spot; 3]) -> Option<Self> {
        let scale = 1.0 / ((b.x - a.x) * (c.y - a.y) - (c.x - a.x) * (b.y - a.y));
        let across = [(c.y - a.y) * scale, (a.y - b.y) * scale];
        let down = [(a.x - c.x) * scale, (b.x - a.x) * scale];
        scale.is_finite().then_some(Self { corner: a, across, down })
    }

    /// The weights at a place; that of the first corner is what lacks to 1.
    fn weights(&self, x: f64, y: f64) -> [f64; 2] {
        let (dx, dy) = (x - self.corner.x, y - self.corner.y);
        let ([across_b, across_c], [down_b, down_c]) = (self.across, self.down);
        [dx * across_b + dy * down_b, dx * across_c + dy * down_c]
    }
}

/// The first and the last pixel of `side` whose middle is not outside these places; none if there is none.
fn span([a, b, c]: [f64; 3], side: usize) -> Option<(usize, usize)> {
    let low = larger(-larger(larger(-a, -b), -c) - 0.5, 0.0);
    let high = larger(larger(a, b), c) - 0.5;
    if high < 0.0 {
        return None;
    }
    // Casts round down: this is `ceil` and `floor` without a call each.
    let first = low as usize;
    let first = if (first as f64) < low { first + 1 } else { first };
    let last = (high as usize).min(side - 1);
    (first <= last).then_some((first, last))
}

/// The larger of two numbers that are not NaN: one instruction, unlike `f64::max`.
fn larger(a: f64, b: f64) -> f64 {
    if a > b { a } else { b }
}

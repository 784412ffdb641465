//! How bright what is seen is, and the picture that comes of it.

use super::{
    camera::Camera,
    raster::{Canvas, NOTHING},
    shape::Shape,
    surface::{Seen, Surface, dot_f32, unit},
    table::{Up, Views},
};

/// Pixels that are drawn for one of the picture, each way: their mean has no jagged edges.
pub const FINENESS: usize = 2;

/// Where light comes from: to the right, upwards, towards the eye. Above the eye's left shoulder, from where people
/// take light to come (Sun & Perona 1998, "Where is the sun?").
const LAMP: [f64; 3] = [-0.5, 0.6, 0.62];

/// The part of the light that comes from everywhere; and the part of that, that comes from the sky alone.
const AMBIENT: (f32, f32) = (0.12, 0.4);

/// What is behind a shape.
#[derive(Clone, Debug)]
pub struct Studio {
    /// The colours at the top and at the bottom, 0 to 1.
    background: [[f32; 3]; 2],
}

/// Directions in the axes of the shape.
struct Light {
    lamp: [f32; 3],
    sky: [f32; 3],
}

impl Studio {
    /// As a manifest says.
    pub fn new(spec: &Views) -> Self {
        Self { background: spec.background.map(|colour| colour.map(|value| f32::from(value) / 255.0)) }
    }

    /// The picture of what a camera sees on a canvas, RGB row by row.
    pub fn picture(&self, canvas: &Canvas, shape: &Shape, surface: &Surface, (camera, up): (&Camera, Up)) -> Vec<u8> {
        let narrow = |direction: [f64; 3]| direction.map(|value| value as f32);
        let eye = narrow(camera.in_shape([0.0, 0.0, 1.0]));
        let light = Light { lamp: narrow(camera.in_shape(unit(LAMP))), sky: narrow(up.raised([0.0, 0.0, 1.0])) };
        let (across, down) = (canvas.width / FINENESS, canvas.height / FINENESS);
        let mut picture = Vec::with_capacity(across * down * 3);
        let mut row = vec![[0.0_f32; 3]; across];
        let flat = matches!(surface, Surface::Discs(_));
        let rows = canvas.weights.chunks_exact(canvas.width).zip(canvas.number.chunks_exact(canvas.width));
        for ((weights, numbers), y) in rows.zip(0_usize..) {
            let background = self.background(y / FINENESS, down);
            let mut last = (NOTHING, background);
            let pixels = weights.chunks_exact(FINENESS).zip(numbers.chunks_exact(FINENESS));
            for (sum, (weights, numbers)) in row.iter_mut().zip(pixels) {
                for (weights, number) in weights.iter().zip(numbers) {
                    // A disc has one colour all over, and neighbours mostly show the same one.
                    if !(flat && last.0 == *number) {
                        let seen = (*number != NOTHING).then(|| surface.seen(shape, *number, *weights, eye)).flatten();
                        last = (*number, seen.map_or(background, |seen| light.on(&seen)));
                    }
                    sum.iter_mut().zip(last.1).for_each(|(sum, value)| *sum += value);
                }
            }
            if (y + 1).is_multiple_of(FINENESS) {
                let full = 255.0 / (FINENESS * FINENESS) as f32;
                picture.extend(row.iter().flatten().map(|sum| (sum * full + 0.5) as u8));
                row.fill([0.0; 3]);
            }
        }
        picture
    }

    fn background(&self, y: usize, down: usize) -> [f32; 3] {
        let [top, bottom] = self.background;
        let share = y as f32 / (down.max(2) - 1) as f32;
        let mut colour = top;
        colour.iter_mut().zip(bottom).for_each(|(top, bottom)| *top += share * (bottom - *top));
        colour
    }
}

impl Light {
    fn on(&self, seen: &Seen) -> [f32; 3] {
        let (everywhere, of_sky) = AMBIENT;
        let ambient = everywhere * (1.0 - of_sky * (0.5 - 0.5 * dot_f32(seen.normal, self.sky)));
        let light = ambient + (1.0 - everywhere) * dot_f32(seen.normal, self.lamp).max(0.0);
        seen.colour.map(|value| (value * light).min(1.0))
    }
}

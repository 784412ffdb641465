//! Pictures that lie on the faces of a mesh.

use onespace_image::Pixels;

/// The most pixels of a picture that are kept, 3 bytes each: more of it is averaged in squares. Points spread over a
/// mesh are hundreds of times fewer.
pub const TEXTURE_PIXELS: usize = 1 << 20;

/// A picture.
#[derive(Clone, Debug)]
pub struct Texture {
    width: usize,
    height: usize,
    /// Row by row from the top.
    rgb: Vec<[u8; 3]>,
}

/// What lies beyond the edges of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrap {
    /// The picture again.
    Repeat,
    /// The picture again, every other time mirrored.
    Mirror,
    /// The pixels at the edge.
    Clamp,
}

/// A picture on a face: where its corners are in it, from the left and from the top, 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Patch {
    /// The picture's number; none where the face has none.
    pub texture: Option<u16>,
    /// Beyond its edges across and down.
    pub wraps: [Wrap; 2],
    /// A place for each corner.
    pub corners: [[f32; 2]; 3],
}

/// The pictures of a mesh, and what of them lies on each of its triangles.
#[derive(Clone, Debug, Default)]
pub struct Textures {
    pub textures: Vec<Texture>,
    /// One for each triangle.
    pub patches: Vec<Patch>,
}

impl Texture {
    /// A picture, averaged where it has more pixels than are kept.
    pub fn new(pixels: &Pixels) -> Self {
        let (across, down) = (pixels.width() as usize, pixels.height() as usize);
        let side = (1..).find(|side| across.div_ceil(*side) * down.div_ceil(*side) <= TEXTURE_PIXELS).unwrap_or(1);
        let (width, height) = (across.div_ceil(side), down.div_ceil(side));
        let mut sums = vec![[0_u32; 4]; width];
        let mut rgb = Vec::with_capacity(width * height);
        for rows in pixels.rgb().chunks((3 * across * side).max(1)) {
            sums.fill([0; 4]);
            for row in rows.chunks_exact((3 * across).max(1)) {
                for (square, sum) in row.as_chunks::<3>().0.chunks(side).zip(&mut sums) {
                    for [red, green, blue] in square {
                        let pixel = [u32::from(*red), u32::from(*green), u32::from(*blue), 1];
                        sum.iter_mut().zip(pixel).for_each(|(sum, value)| *sum += value);
                    }
                }
            }
            rgb.extend(sums.iter().map(|[red, green, blue, count]| {
                [red, green, blue].map(|sum| ((sum + count / 2) / (*count).max(1)) as u8)
            }));
        }
        Self { width, height, rgb }
    }

    /// The colour of the pixel at a place, 0 to 1 as pictures have it.
    fn at(&self, [across, down]: [f64; 2], [beyond_across, beyond_down]: [Wrap; 2]) -> [f32; 3] {
        let x = pixel(beyond_across.into_picture(across), self.width);
        let y = pixel(beyond_down.into_picture(down), self.height);
        self.rgb.get(y * self.width + x).copied().unwrap_or_default().map(|value| f32::from(value) / 255.0)
    }
}

/// The number of the pixel at a part of a side.
fn pixel(part: f64, pixels: usize) -> usize {
    ((part * pixels as f64) as usize).min(pixels.saturating_sub(1))
}

impl Wrap {
    /// A place on the picture itself, 0 to 1.
    fn into_picture(self, place: f64) -> f64 {
        match self {
            Self::Repeat => place - place.floor(),
            Self::Mirror => 1.0 - (place.rem_euclid(2.0) - 1.0).abs(),
            Self::Clamp => place.clamp(0.0, 1.0),
        }
    }
}

impl Textures {
    /// The colour of a place on a triangle, given by the weights of its corners, where without pictures it has
    /// `colour`: light that both let through.
    pub fn tinted(&self, triangle: usize, weights: [f64; 3], colour: [f32; 3]) -> [f32; 3] {
        let Some(patch) = self.patches.get(triangle) else { return colour };
        let texture = patch.texture.and_then(|number| self.textures.get(usize::from(number)));
        let Some(texture) = texture else { return colour };
        let mut place = [0.0; 2];
        for (weight, corner) in weights.iter().zip(patch.corners) {
            place.iter_mut().zip(corner).for_each(|(sum, value)| *sum += weight * f64::from(value));
        }
        let [red, green, blue] = texture.at(place, patch.wraps);
        let [own_red, own_green, own_blue] = colour;
        let both = |one: f32, other: f32| to_srgb(to_linear(one) * to_linear(other));
        [both(red, own_red), both(green, own_green), both(blue, own_blue)]
    }
}

/// A linear part of a colour as pictures have it (IEC 61966-2-1).
pub fn to_srgb(value: f32) -> f32 {
    let value = value.clamp(0.0, 1.0);
    if value <= 0.003_130_8 { 12.92 * value } else { 1.055 * value.powf(1.0 / 2.4) - 0.055 }
}

/// The way back.
fn to_linear(value: f32) -> f32 {
    if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two rows of three pixels, the first of them dark.
    fn picture() -> Texture {
        let rgb = [[0_u8; 3], [10; 3], [20; 3], [100; 3], [110; 3], [120; 3]].concat();
        Texture::new(&Pixels::new(3, 2, rgb).unwrap())
    }

    #[test]
    fn what_is_beyond_the_edges_is_as_it_is_said() {
        let at = |place, wrap| (picture().at(place, [wrap; 2])[0] * 255.0).round() as u8;
        assert_eq!(at([0.5, 0.2], Wrap::Clamp), 10);
        assert_eq!(at([1.5, 0.2], Wrap::Repeat), 10);
        assert_eq!(at([-0.1, 0.7], Wrap::Repeat), 120);
        assert_eq!(at([-0.1, 0.7], Wrap::Mirror), 100);
        assert_eq!(at([1.1, 0.2], Wrap::Mirror), 20);
        assert_eq!(at([9.0, -9.0], Wrap::Clamp), 20);
        assert_eq!(at([f64::NAN, f64::INFINITY], Wrap::Repeat), 0, "nowhere is somewhere");
    }

    #[test]
    fn a_large_picture_is_averaged() {
        let (width, height) = (2050, 1030);
        let pixel = |number: usize| [(number % 2 * 200) as u8, (number / width % 2 * 100) as u8, 7];
        let rgb: Vec<u8> = (0..width * height).flat_map(pixel).collect();
        let kept = Texture::new(&Pixels::new(width as u32, height as u32, rgb).unwrap());
        assert_eq!((kept.width, kept.height), (1025, 515));
        assert!(kept.rgb.iter().all(|pixel| *pixel == [100, 50, 7]));
    }

    #[test]
    fn both_colours_let_light_through() {
        let textures = Textures {
            textures: vec![picture()],
            patches: vec![
                Patch { texture: None, wraps: [Wrap::Clamp; 2], corners: [[0.0; 2]; 3] },
                Patch { texture: Some(0), wraps: [Wrap::Clamp; 2], corners: [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]] },
            ],
        };
        assert_eq!(textures.tinted(0, [1.0, 0.0, 0.0], [0.3; 3]), [0.3; 3]);
        let white = textures.tinted(1, [0.0, 0.0, 1.0], [1.0; 3]);
        assert!((white[0] - 100.0 / 255.0).abs() < 1e-5);
        // (100 / 255)^2.2 · half the light.
        let half = textures.tinted(1, [0.0, 0.0, 1.0], [to_srgb(0.5); 3])[1];
        assert!((to_linear(half) - to_linear(100.0 / 255.0) / 2.0).abs() < 1e-5);
    }
}

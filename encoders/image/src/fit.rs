//! Which part of a picture goes where in the tensor.

use fast_image_resize::CropBox as Crop;
use onespace_bundle::preprocess::Resize;

/// A resize: a box of the source, in fractions of pixels, becomes a box of the target.
#[derive(Clone, Copy, Debug)]
pub struct Fit {
    /// The source box.
    pub crop: Crop,
    /// Left and top edge of the target box.
    pub to: (u32, u32),
    /// Width and height of the target box.
    pub size: (u32, u32),
}

impl Fit {
    /// How `source` (width, height; not zero) is fitted into `target`.
    ///
    /// Cutting the source box and scaling it is the same as scaling the whole and cutting the result, because the
    /// filter reaches beyond the box; it costs nothing for what is cut off, however long the picture is.
    pub fn new(resize: Resize, source: (u32, u32), target: (u32, u32)) -> Self {
        match resize {
            Resize::Squash => Self::whole(source, (0, 0), target),
            Resize::ShortestEdge => Self::cover(source, target),
            Resize::Letterbox => Self::contain(source, target),
        }
    }

    fn whole(source: (u32, u32), to: (u32, u32), size: (u32, u32)) -> Self {
        Self { crop: Crop { left: 0.0, top: 0.0, width: f64::from(source.0), height: f64::from(source.1) }, to, size }
    }

    /// Scaled until the target is covered (the free side rounded down), then cut around the centre, as
    /// torchvision does.
    fn cover((width, height): (u32, u32), target: (u32, u32)) -> Self {
        let (wide, high) = (u64::from(width), u64::from(height));
        let (across, down) = (u64::from(target.0), u64::from(target.1));
        let scaled = if wide * down <= high * across {
            (across, high * across / wide.max(1))
        } else {
            (wide * down / high.max(1), down)
        };
        let (left, width) = cut(width, scaled.0, across);
        let (top, height) = cut(height, scaled.1, down);
        Self { crop: Crop { left, top, width, height }, to: (0, 0), size: target }
    }

    /// Scaled until it fits (the free side rounded), then centred, as Pillow's `ImageOps.pad` does.
    fn contain(source: (u32, u32), target: (u32, u32)) -> Self {
        let (width, height) = (f64::from(source.0), f64::from(source.1));
        let (across, down) = (f64::from(target.0), f64::from(target.1));
        let size = if width * down > height * across {
            (target.0, rounded(height / width * across).clamp(1, target.1))
        } else {
            (rounded(width / height * down).clamp(1, target.0), target.1)
        };
        let to = (half(target.0 - size.0), half(target.1 - size.1));
        Self::whole(source, to, size)
    }
}

/// Start and length, in source pixels, of the centred `kept` pixels of a side of `full` that became `scaled`.
fn cut(full: u32, scaled: u64, kept: u64) -> (f64, f64) {
    let step = f64::from(full) / scaled.max(1) as f64;
    let start = half_of(scaled.saturating_sub(kept)) as f64 * step;
    (start, (kept as f64 * step).min(f64::from(full) - start))
}

fn rounded(value: f64) -> u32 {
    value.round_ties_even() as u32
}

fn half(excess: u32) -> u32 {
    half_of(u64::from(excess)) as u32
}

/// Half of it; a half pixel goes to the even side, as Python rounds.
const fn half_of(excess: u64) -> u64 {
    excess / 2 + (excess % 2) * (excess / 2 % 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_round_to_even() {
        assert_eq!([0, 1, 2, 3, 4, 5, 7].map(half_of), [0, 0, 1, 2, 2, 2, 4]);
    }

    #[test]
    fn the_shorter_edge_is_kept_whole() {
        // 100 x 50 to 20 x 20: scaled to 40 x 20, ten columns cut on each side, that is 25 of the source.
        let fit = Fit::new(Resize::ShortestEdge, (100, 50), (20, 20));
        assert_eq!((fit.crop.left, fit.crop.top, fit.crop.width, fit.crop.height), (25.0, 0.0, 50.0, 50.0));
        assert_eq!((fit.to, fit.size), ((0, 0), (20, 20)));
        let fit = Fit::new(Resize::ShortestEdge, (1, 16_384), (64, 64));
        assert!(fit.crop.height <= 1.0 && fit.crop.width == 1.0, "{fit:?}");
    }

    #[test]
    fn a_letterbox_is_centred_and_never_empty() {
        let fit = Fit::new(Resize::Letterbox, (100, 50), (20, 20));
        assert_eq!((fit.to, fit.size), ((0, 5), (20, 10)));
        let fit = Fit::new(Resize::Letterbox, (16_384, 1), (32, 32));
        assert_eq!((fit.to, fit.size), ((0, 16), (32, 1)));
    }
}

//! Which part of an image goes where in the tensor.

use crate::table::{Centre, Image, Order, Patches, Resize};

use crate::taps::Side;

/// A resize: a box of whole pixels is cut out of the source, its sides are brought to another size, of which a
/// part is kept, and lie at a place of the canvas.
#[derive(Clone, Copy, Debug)]
pub struct Fit {
    /// Left, top, width and height of the source box.
    pub cut: (u32, u32, u32, u32),
    /// Across.
    pub across: Side,
    /// Down.
    pub down: Side,
    /// Where the left and top edge lie on the canvas.
    pub to: (u32, u32),
    /// Width and height of the canvas.
    pub canvas: (u32, u32),
}

impl Fit {
    /// How `source` (width, height; not zero) is fitted as `spec` says.
    ///
    /// Only what is kept of the resized image is computed, so an endless image costs no more than a square one.
    pub fn new(spec: &Image, source: (u32, u32)) -> Self {
        let target = (spec.width, spec.height);
        match (spec.resize, spec.patches) {
            (Resize::MultipleOf, Some(patches)) => Self::whole(source, multiple_of(patches, source)),
            (Resize::Squash | Resize::MultipleOf, _) => Self::whole(source, target),
            (Resize::Letterbox, _) => Self::contain(source, target),
            (Resize::ShortestEdge, _) if spec.order == Order::CropResize => Self::cut_first(spec, source),
            (Resize::ShortestEdge, _) => {
                let scaled = covering(spec, source);
                let half = |excess: u32| Side::half(spec.centre, excess);
                Self::kept(source, scaled, (half(scaled.0 - target.0), half(scaled.1 - target.1)), target)
            }
        }
    }

    /// Of a video's frame scaled to cover `spec`: the square at the beginning, the centre or the end of its longer
    /// side, `view` being 0, 1 or 2.
    pub fn crop(spec: &Image, source: (u32, u32), view: usize) -> Self {
        let (scaled, target) = (covering(spec, source), (spec.width, spec.height));
        let (across, down) = (scaled.0 - target.0, scaled.1 - target.1);
        let start = |excess: u32| match view {
            0 => 0,
            1 => Side::half(spec.centre, excess),
            _ => excess,
        };
        Self::kept(source, scaled, (start(across), start(down)), target)
    }

    fn whole(source: (u32, u32), size: (u32, u32)) -> Self {
        Self::kept(source, size, (0, 0), size)
    }

    fn kept(source: (u32, u32), scaled: (u32, u32), start: (u32, u32), kept: (u32, u32)) -> Self {
        let side = |full: u32, scaled: u32, start: u32, kept: u32| Side {
            full: full as usize,
            scaled: scaled as usize,
            start: start as usize,
            kept: kept as usize,
        };
        Self {
            cut: (0, 0, source.0, source.1),
            across: side(source.0, scaled.0, start.0, kept.0),
            down: side(source.1, scaled.1, start.1, kept.1),
            to: (0, 0),
            canvas: kept,
        }
    }

    /// The region that would be kept is cut out of the source, to whole pixels, and then brought to size.
    fn cut_first(spec: &Image, source: (u32, u32)) -> Self {
        let (width, height) = (f64::from(source.0), f64::from(source.1));
        let (across, down) = (f64::from(spec.width), f64::from(spec.height));
        let scale = match spec.resize_to {
            Some(edge) => f64::from(edge) / width.min(height),
            None => (across / width).max(down / height),
        };
        let size = (rounded(across / scale).clamp(1, source.0), rounded(down / scale).clamp(1, source.1));
        let half = |excess: u32| Side::half(spec.centre, excess);
        let (left, top) = (half(source.0 - size.0), half(source.1 - size.1));
        Self { cut: (left, top, size.0, size.1), ..Self::whole(size, (spec.width, spec.height)) }
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
        let half = |excess: u32| Side::half(Centre::Even, excess);
        let to = (half(target.0 - size.0), half(target.1 - size.1));
        Self { to, canvas: target, ..Self::whole(source, size) }
    }
}

/// The size of the whole image, scaled until it covers the target, or its shorter edge is `resize_to`; the free
/// side is rounded down, as torchvision does.
fn covering(spec: &Image, (width, height): (u32, u32)) -> (u32, u32) {
    let (wide, high) = (u64::from(width), u64::from(height));
    let edge = spec.resize_to.map(u64::from);
    let (across, down) = (edge.unwrap_or(u64::from(spec.width)), edge.unwrap_or(u64::from(spec.height)));
    let scaled = if wide * down <= high * across {
        (across, (high * across / wide.max(1)).max(down))
    } else {
        ((wide * down / high.max(1)).max(across), down)
    };
    (scaled.0.min(u64::from(u32::MAX)) as u32, scaled.1.min(u64::from(u32::MAX)) as u32)
}

/// The largest size whose sides are multiples of `size · pool`, in at most `max_patches` patches, with the source's
/// aspect ratio as far as that goes: `get_aspect_ratio_preserving_size` of Gemma 4's and EmbeddingGemma 2's
/// processors in transformers 5.23.
fn multiple_of(patches: Patches, (width, height): (u32, u32)) -> (u32, u32) {
    let (wide, high) = (f64::from(width), f64::from(height));
    let step = patches.size * patches.pool;
    let pixels = patches.max_patches as f64 * f64::from(patches.size).powi(2);
    let factor = (pixels / (wide * high)).sqrt();
    let multiple = |side: f64| (factor * side / f64::from(step)).floor() as u32 * step;
    let longest = (patches.max_patches / (patches.pool as usize).pow(2).max(1)) as u32 * step;
    // A side too short for one step gets one, and the other as many as the whole aspect ratio allows.
    let along = |ratio: f64| (ratio.floor() as u32).saturating_mul(step).clamp(step, longest.max(step));
    match (multiple(wide), multiple(high)) {
        (0, _) => (step, along(high / wide)),
        (_, 0) => (along(wide / high), step),
        size => size,
    }
}

fn rounded(value: f64) -> u32 {
    value.round_ties_even() as u32
}

impl Side {
    /// How much of an excess goes before the centre.
    pub fn half(centre: Centre, excess: u32) -> u32 {
        match centre {
            Centre::Floor => excess / 2,
            Centre::Ceil => excess.div_ceil(2),
            // A half pixel goes to the even side, as Python rounds.
            Centre::Even => excess / 2 + (excess % 2) * (excess / 2 % 2),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(resize: &str, width: u32, height: u32) -> Image {
        let table = serde_json::json!({
            "width": width, "height": height, "resize": resize, "filter": "bicubic",
            "mean": [0, 0, 0], "std": [1, 1, 1],
        });
        serde_json::from_value(table).unwrap()
    }

    fn kept(side: Side) -> (usize, usize, usize) {
        (side.scaled, side.start, side.kept)
    }

    #[test]
    fn halves_round_as_asked() {
        let halves = |centre| [0, 1, 2, 3, 4, 5, 7].map(|excess| Side::half(centre, excess));
        assert_eq!(halves(Centre::Even), [0, 0, 1, 2, 2, 2, 4]);
        assert_eq!(halves(Centre::Floor), [0, 0, 1, 1, 2, 2, 3]);
        assert_eq!(halves(Centre::Ceil), [0, 1, 1, 2, 2, 3, 4]);
    }

    #[test]
    fn the_shorter_edge_is_kept_whole() {
        let fit = Fit::new(&spec("shortest-edge", 20, 20), (100, 50));
        assert_eq!((kept(fit.across), kept(fit.down)), ((40, 10, 20), (20, 0, 20)));
        let larger = Image { resize_to: Some(25), ..spec("shortest-edge", 20, 20) };
        let fit = Fit::new(&larger, (100, 50));
        assert_eq!((kept(fit.across), kept(fit.down)), ((50, 15, 20), (25, 2, 20)));
        let fit = Fit::new(&spec("shortest-edge", 64, 64), (1, 16_384));
        assert_eq!(kept(fit.across), (64, 0, 64));
        assert_eq!(kept(fit.down), (64 * 16_384, 32 * 16_384 - 32, 64));
    }

    #[test]
    fn what_is_cut_first_is_cut_to_whole_pixels() {
        let cut = Image { order: Order::CropResize, ..spec("shortest-edge", 20, 20) };
        assert_eq!(Fit::new(&cut, (100, 50)).cut, (25, 0, 50, 50));
        let cut = Image { resize_to: Some(25), ..cut };
        assert_eq!(Fit::new(&cut, (100, 50)).cut, (30, 5, 40, 40));
        assert_eq!(Fit::new(&cut, (1, 16_384)).cut.2, 1);
    }

    #[test]
    fn a_letterbox_is_centred_and_never_empty() {
        let fit = Fit::new(&spec("letterbox", 20, 20), (100, 50));
        assert_eq!((fit.to, kept(fit.across).2, kept(fit.down).2), ((0, 5), 20, 10));
        let fit = Fit::new(&spec("letterbox", 32, 32), (16_384, 1));
        assert_eq!((fit.to, kept(fit.across).2, kept(fit.down).2), ((0, 16), 32, 1));
    }

    #[test]
    fn patches_are_as_many_as_may_be() {
        let patches = Patches { size: 16, max_patches: 2520, pool: 3 };
        assert_eq!(multiple_of(patches, (640, 480)), (912, 672));
        assert_eq!(multiple_of(patches, (16_384, 1)), (280 * 48, 48));
        assert_eq!(multiple_of(patches, (1, 100)), (48, 167 * 48));
        for source in [(1, 1), (3, 16_384), (4000, 3000), (7, 9), (1, 16_384)] {
            let (width, height) = multiple_of(patches, source);
            assert!(
                width % 48 == 0 && height % 48 == 0 && width * height <= 2520 * 256,
                "{source:?}: {width} {height}"
            );
        }
    }
}

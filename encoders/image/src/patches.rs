//! An image as patches and their places.

use crate::table::Patches;

/// Patches of an image of `across` pixels a row, three values a pixel; both sides are multiples of a patch's.
///
/// Gives what [`Patches`] says: values `[max_patches, size · size · 3]` and places `[max_patches, 2]`.
pub fn cut(spec: Patches, pixels: &[f32], across: usize) -> (Vec<f32>, Vec<i64>) {
    let side = spec.size as usize;
    let (row, line) = (across * 3, side * 3);
    let columns = across / side.max(1);
    let (mut values, mut places) = (Vec::new(), Vec::new());
    for (y, band) in pixels.chunks_exact((row * side).max(1)).enumerate() {
        for x in 0..columns {
            let lines = band.chunks_exact(row).filter_map(|pixels| pixels.get(x * line..(x + 1) * line));
            lines.for_each(|pixels| values.extend_from_slice(pixels));
            places.extend([x as i64, y as i64]);
        }
    }
    values.resize(spec.max_patches * side * line, 0.0);
    places.resize(spec.max_patches * 2, -1);
    (values, places)
}

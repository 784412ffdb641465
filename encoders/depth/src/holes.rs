//! What a camera did not measure, filled with what it measured nearby.

use std::iter;

use onespace_image::plane::Plane;

/// Fills holes: each takes the nearest known value of its row, the left one where two are as near; a row without any
/// takes the nearest row that has one, the upper one where two are as near. False when nothing is known.
#[must_use]
pub fn fill_holes(plane: &mut Plane) -> bool {
    let width = plane.width.max(1) as usize;
    let rows: Vec<bool> = plane.values.chunks_exact_mut(width).map(fill_row).collect();
    if !rows.contains(&true) {
        return false;
    }
    for (row, from) in nearest(&rows).into_iter().enumerate().filter(|(row, from)| row != from) {
        plane.values.copy_within(from * width..(from + 1) * width, row * width);
    }
    true
}

/// Whether there was anything to fill it with.
fn fill_row(row: &mut [f32]) -> bool {
    let known: Vec<bool> = row.iter().map(|value| !value.is_nan()).collect();
    if !known.contains(&true) {
        return false;
    }
    let source = row.to_vec();
    for (value, from) in row.iter_mut().zip(nearest(&known)) {
        *value = source.get(from).copied().unwrap_or(*value);
    }
    true
}

/// For each place the nearest one that is known, the lower one where two are as near.
fn nearest(known: &[bool]) -> Vec<usize> {
    let places: Vec<usize> = known.iter().enumerate().filter(|(_, known)| **known).map(|(place, _)| place).collect();
    let after = places.iter().skip(1).copied().chain(iter::once(usize::MAX));
    let mut pairs = places.iter().copied().zip(after);
    let mut current = pairs.next().unwrap_or((0, usize::MAX));
    let closer = |place: usize, (here, next): (usize, usize)| next.abs_diff(place) < here.abs_diff(place);
    let mut chosen = Vec::with_capacity(known.len());
    for place in 0..known.len() {
        while closer(place, current) {
            let Some(next) = pairs.next() else { break };
            current = next;
        }
        chosen.push(current.0);
    }
    chosen
}

#[cfg(test)]
mod tests {
    use onespace_image::plane::Numbers;

    use super::*;

    fn plane(width: u32, values: &[f32]) -> Plane {
        let height = values.len() as u32 / width;
        Plane { width, height, values: values.to_vec(), numbers: Numbers::Floats, colours: false }
    }

    #[test]
    fn holes_take_the_nearest_value_of_their_row_or_the_nearest_row() {
        const N: f32 = f32::NAN;
        let mut one = plane(5, &[N, 1.0, N, 3.0, N, N, N, N, N, N, N, N, N, N, N, N, 7.0, N, N, N]);
        assert!(fill_holes(&mut one));
        let rows: Vec<&[f32]> = one.values.chunks(5).collect();
        assert_eq!(rows[0], [1.0, 1.0, 1.0, 3.0, 3.0], "the left one at a tie");
        assert_eq!(rows[1], rows[0]);
        assert_eq!(rows[2], rows[3]);
        assert_eq!(rows[3], [7.0; 5]);
        assert!(!fill_holes(&mut plane(2, &[N, N])));
        let mut tie = plane(1, &[1.0, N, 2.0]);
        assert!(fill_holes(&mut tie));
        assert_eq!(tie.values, [1.0, 1.0, 2.0], "the upper one at a tie");
    }
}

//! Neighbourhoods of a cloud.

use crate::fps::squared_distance;

/// The `count` of `places` nearest to one, nearest first; of equals the one of lower number first.
pub fn nearest(places: &[[f32; 3]], centre: [f32; 3], count: usize) -> Vec<usize> {
    let mut ranked: Vec<(f32, usize)> = places.iter().map(|place| squared_distance(*place, centre)).zip(0..).collect();
    let order = |a: &(f32, usize), b: &(f32, usize)| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1));
    if count < ranked.len() {
        ranked.select_nth_unstable_by(count, order);
        ranked.truncate(count);
    }
    ranked.sort_unstable_by(order);
    ranked.into_iter().map(|(_, index)| index).collect()
}

/// The first `count` of `places` that are nearer to one than `radius`; what lacks is the first of them again, or the
/// first of all if there is none: `ball_query` of `pointnet2`.
pub fn within(places: &[[f32; 3]], centre: [f32; 3], radius: f32, count: usize) -> Vec<usize> {
    let near = |place: &[f32; 3]| squared_distance(*place, centre) < radius * radius;
    let found = places.iter().zip(0..).filter(|(place, _)| near(place)).map(|(_, index)| index);
    let mut chosen: Vec<usize> = found.take(count).collect();
    chosen.resize(count, chosen.first().copied().unwrap_or_default());
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_come_by_distance_then_number() {
        let line = [3.0, 1.0, -1.0, 0.0, 2.0].map(|x| [x, 0.0, 0.0]);
        assert_eq!(nearest(&line, [0.0; 3], 3), [3, 1, 2]);
        assert_eq!(nearest(&line, [0.0; 3], 9), [3, 1, 2, 4, 0]);
    }

    #[test]
    fn a_ball_holds_the_first_in_order() {
        let line = [3.0, 1.0, -1.0, 0.0, 2.0].map(|x| [x, 0.0, 0.0]);
        assert_eq!(within(&line, [0.0; 3], 1.5, 2), [1, 2]);
        assert_eq!(within(&line, [0.0; 3], 1.5, 5), [1, 2, 3, 1, 1]);
        assert_eq!(within(&line, [0.0; 3], 1.0, 2), [3, 3]);
        assert_eq!(within(&line, [9.0; 3], 1.0, 2), [0, 0]);
    }
}

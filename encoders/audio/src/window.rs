//! Where the windows of a recording lie.

/// The starts of windows of `length` samples over a recording of `total`, `hop` apart.
///
/// A recording no longer than a window has one, at 0. The last window of a longer one ends with the recording;
/// where more than `most` would be needed, `most` are spread evenly from its start to its end (one alone lies in
/// the middle).
pub fn starts(total: usize, length: usize, hop: usize, most: usize) -> Vec<usize> {
    let last = total.saturating_sub(length);
    let needed = 1 + last.div_ceil(hop.max(1));
    match (needed <= most, most) {
        (true, _) => (0..needed).map(|index| (index * hop).min(last)).collect(),
        (false, 0 | 1) => vec![last / 2],
        (false, _) => (0..most).map(|index| (index * last + (most - 1) / 2) / (most - 1)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_cover_a_recording_to_its_end() {
        assert_eq!(starts(0, 10, 10, 64), [0]);
        assert_eq!(starts(10, 10, 10, 64), [0]);
        assert_eq!(starts(11, 10, 10, 64), [0, 1]);
        assert_eq!(starts(30, 10, 10, 64), [0, 10, 20]);
        assert_eq!(starts(35, 10, 10, 64), [0, 10, 20, 25]);
        assert_eq!(starts(12, 10, 5, 64), [0, 2]);
    }

    #[test]
    fn too_many_windows_are_spread_evenly() {
        assert_eq!(starts(1000, 10, 10, 3), [0, 495, 990]);
        assert_eq!(starts(1000, 10, 10, 1), [495]);
        let spread = starts(16_000 * 3600, 32_000, 32_000, 64);
        assert_eq!((spread.len(), spread[0], spread[63]), (64, 0, 16_000 * 3600 - 32_000));
    }
}

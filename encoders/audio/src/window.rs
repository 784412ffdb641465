//! Where the windows of audio lie.

use crate::table::Clips;

/// The starts of windows of `length` samples over `total` samples, `hop` apart.
///
/// Audio no longer than a window has one, at 0. The last window of a longer one ends with the audio;
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

/// The starts of clips of `length` samples, as [`Clips`] says, over `total` samples at `rate` hertz.
///
/// Computed as the reference does: the last start in seconds as a double, its shares exact, samples truncated.
pub fn clips(clips: Clips, total: usize, length: usize, rate: u32, most: usize) -> Vec<usize> {
    let seconds = total as f64 / f64::from(rate);
    let longer = clips.per_window_over_ms.is_some_and(|over| seconds > f64::from(over) / 1000.0);
    let count = if longer { total.div_ceil(length.max(1)).min(most) } else { clips.count };
    if total <= length || count < 2 {
        return vec![0];
    }
    // In units of 2⁻⁵² seconds, which any double of a second or more is a multiple of.
    let last = ((seconds - length as f64 / f64::from(rate)) * (1_u64 << 52) as f64) as i128;
    let start = |index: usize| (last * index as i128 * i128::from(rate) / (count as i128 - 1)) >> 52;
    (0..count).map(|index| usize::try_from(start(index)).unwrap_or_default()).collect()
}

#[cfg(test)]
mod tests {
    use crate::table::Spread;

    use super::*;

    #[test]
    fn clips_are_spread_and_counted() {
        let three = Clips { count: 3, spread: Spread::Even, per_window_over_ms: Some(6000) };
        let at = |total| clips(three, total, 32_000, 16_000, 64);
        assert_eq!(at(31_999), [0]);
        assert_eq!(at(32_000), [0]);
        assert_eq!(at(32_001).len(), 3);
        assert_eq!(at(80_000), [0, 24_000, 48_000]);
        assert_eq!(at(96_000), [0, 32_000, 64_000]);
        assert_eq!(at(96_001).len(), 4);
        assert_eq!(at(16_000 * 1800).len(), 64);
        // `int(Fraction(79_999 / 16_000 - 2.0) * 16_000)` is 47_998: the double is a little less than the quotient.
        assert_eq!(at(79_999), [0, 23_999, 47_998]);
    }

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

//! Measurements as a file holds them, at any time by linear interpolation.

use onespace_core::{Error, Reason, Result, limits};

use crate::table::CHANNELS;

/// What was measured at one moment, in the order of [`Channel::ALL`](crate::table::Channel::ALL).
pub type Row = [f64; CHANNELS];

/// When the rows were measured.
#[derive(Clone, Debug, PartialEq)]
pub enum Clock {
    /// So many a second.
    Rate(f64),
    /// At these seconds.
    Times(Vec<f64>),
}

/// Rows and their clock, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Measurements {
    rows: Vec<Row>,
    clock: Clock,
    /// One step of the clock on average, seconds.
    step: f64,
}

impl Measurements {
    /// Checks that they can be read at any time.
    ///
    /// # Errors
    /// `MEDIA_EMPTY` without rows; `MEDIA_TOO_LARGE` for more rows, or a longer time, than there may be;
    /// `MEDIA_MALFORMED` for values that are no numbers, times that do not rise, a rate that no sensor has.
    pub fn new(rows: Vec<Row>, clock: Clock) -> Result<Self> {
        if rows.is_empty() {
            return Err(Error::new(Reason::MediaEmpty, "bytes", "the file has no measurements"));
        }
        if let Some(row) = rows.iter().position(|row| !row.iter().all(|value| value.is_finite())) {
            return Err(Error::malformed("bytes", format!("row {} has a value that is no number", row + 1)));
        }
        let step = match &clock {
            Clock::Rate(rate) => 1.0 / rate,
            Clock::Times(times) => mean_step(times)?,
        };
        let most = limits::IMU_RATE_MAX;
        let rate = 1.0 / step;
        if !(1.0..=most as f64 + 0.5).contains(&rate) {
            let message = format!("a rate of {rate:.3} Hz, 1 to {most} are read (IMU_RATE_MAX)");
            return Err(Error::malformed("bytes", message));
        }
        let measurements = Self { rows, clock, step };
        let seconds = measurements.seconds();
        if seconds > limits::IMU_SECONDS as f64 {
            let found = format!("{seconds:.0} seconds");
            return Err(Error::too_large(
                "bytes",
                "the duration of the measurements",
                found,
                format!("{} seconds (IMU_SECONDS)", limits::IMU_SECONDS),
            ));
        }
        Ok(measurements)
    }

    /// How long they last: the last row lasts one step.
    pub fn seconds(&self) -> f64 {
        self.step * self.rows.len() as f64
    }

    /// How many steps of `rate` hertz they take; at least one.
    pub fn steps(&self, rate: u32) -> usize {
        ((self.seconds() * f64::from(rate) + 1e-6).floor() as usize).max(1)
    }

    /// What is measured `seconds` after the first row; the last row beyond the end.
    pub fn at(&self, seconds: f64) -> Row {
        let (place, share) = match &self.clock {
            Clock::Rate(rate) => {
                let position = (seconds * rate).max(0.0);
                (position.floor() as usize, position.fract())
            }
            Clock::Times(times) => between(times, seconds),
        };
        let last = self.rows.len() - 1;
        let row = |place: usize| self.rows.get(place.min(last)).copied().unwrap_or_default();
        let (before, after) = (row(place), row(place + 1));
        let mut mixed = before;
        mixed.iter_mut().zip(after).for_each(|(value, after)| *value += (after - *value) * share);
        mixed
    }
}

/// The row before a time, and how much of the way to the next it is.
fn between(times: &[f64], seconds: f64) -> (usize, f64) {
    let first = times.first().copied().unwrap_or_default();
    let after = times.partition_point(|time| time - first <= seconds);
    let place = after.saturating_sub(1);
    match (times.get(place), times.get(place + 1)) {
        (Some(before), Some(after)) => (place, ((seconds - (before - first)) / (after - before)).clamp(0.0, 1.0)),
        _ => (place, 0.0),
    }
}

/// The mean distance of times that rise.
fn mean_step(times: &[f64]) -> Result<f64> {
    let falls = |pair: &[f64]| !matches!(pair, [before, after] if before < after && after.is_finite());
    if let Some(place) = times.windows(2).position(falls) {
        let message = format!("the time of row {} is not after that of the row before it", place + 2);
        return Err(Error::malformed("bytes", message));
    }
    match (times.first(), times.last()) {
        (Some(first), Some(last)) if times.len() > 1 && first.is_finite() => {
            Ok((last - first) / (times.len() - 1) as f64)
        }
        _ => Err(Error::malformed("bytes", "one row alone does not tell its rate by its time: state the rate")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp(count: usize) -> Vec<Row> {
        (0..count).map(|row| [row as f64; CHANNELS]).collect()
    }

    #[test]
    fn values_between_rows_lie_on_the_line() {
        let even = Measurements::new(ramp(11), Clock::Rate(10.0)).unwrap();
        assert!((even.at(0.25)[0] - 2.5).abs() < 1e-12 && even.at(99.0)[5] == 10.0);
        assert_eq!((even.steps(10), even.steps(100)), (11, 110));
        let times = vec![5.0, 5.1, 5.3, 5.4];
        let uneven = Measurements::new(ramp(4), Clock::Times(times)).unwrap();
        assert!((uneven.at(0.2)[0] - 1.5).abs() < 1e-9, "{:?}", uneven.at(0.2));
        assert!((uneven.seconds() - 0.4 * 4.0 / 3.0).abs() < 1e-9);
    }

    #[test]
    fn what_cannot_be_is_named() {
        let reason = |rows, clock| Measurements::new(rows, clock).unwrap_err().reason;
        assert_eq!(reason(Vec::new(), Clock::Rate(10.0)), Reason::MediaEmpty);
        assert_eq!(reason(vec![[f64::NAN; CHANNELS]], Clock::Rate(10.0)), Reason::MediaMalformed);
        assert_eq!(reason(ramp(3), Clock::Rate(0.1)), Reason::MediaMalformed);
        assert_eq!(reason(ramp(3), Clock::Rate(1e6)), Reason::MediaMalformed);
        assert_eq!(reason(ramp(3), Clock::Times(vec![0.0, 0.2, 0.2])), Reason::MediaMalformed);
        assert_eq!(reason(ramp(1), Clock::Times(vec![0.0])), Reason::MediaMalformed);
        assert_eq!(reason(ramp(limits::IMU_SECONDS + 1), Clock::Rate(1.0)), Reason::MediaTooLarge);
    }
}

//! How much the segments of a caller's choice may add to a media.

use crate::{
    error::{Error, Reason, Result},
    limits::{BATCH_QUEUE, BATCH_QUEUE_VALUES, SAMPLES_PER_MEDIA},
    options::Window,
    sample::Sample,
};

/// The field that asks for segments.
const FIELD: &str = "options.segments";

/// The samples of one media, counted: what does not fit the queue before a tower would be refused there, and only after
/// everything was decoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SampleBudget {
    /// How many there are.
    pub samples: usize,
    /// Values in all of them.
    pub values: usize,
}

impl SampleBudget {
    /// What `samples` take.
    #[must_use]
    pub fn of_samples(samples: &[Sample]) -> Self {
        Self { samples: samples.len(), values: samples.iter().map(Sample::cost).sum() }
    }

    /// Both together.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        let samples = self.samples.saturating_add(other.samples);
        Self { samples, values: self.values.saturating_add(other.values) }
    }

    /// Refuses `count` segments of `total` milliseconds that take `wanted` beside what is counted already.
    ///
    /// # Errors
    /// `FIELD_INVALID` naming the least window that fits.
    pub fn check(self, window: Window, total: usize, count: usize, wanted: Self) -> Result<()> {
        // How many of the segments fit, when each takes its share.
        let share = |limit: usize, taken: usize, wanted: usize| {
            let left = limit.saturating_sub(taken);
            if wanted <= left { count } else { (left as u128 * count as u128 / wanted.max(1) as u128) as usize }
        };
        let fit =
            share(BATCH_QUEUE, self.samples, wanted.samples).min(share(BATCH_QUEUE_VALUES, self.values, wanted.values));
        if fit >= count {
            return Ok(());
        }
        let all = self.with(wanted);
        let limits = format!(
            "with its segments this media makes {} samples of {} values, at most {BATCH_QUEUE} of {BATCH_QUEUE_VALUES} \
             are taken (BATCH_QUEUE, BATCH_QUEUE_VALUES)",
            all.samples, all.values,
        );
        let least = match window.segments(total, fit.min(SAMPLES_PER_MEDIA), "ms") {
            Err(error) if fit > 1 => error.message,
            _ => "not even two segments fit beside the whole".to_owned(),
        };
        Err(Error::new(Reason::FieldInvalid, FIELD, format!("{limits}: {least}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_refused_with_what_would() {
        let window = Window::of_milliseconds(1000, 500).unwrap();
        let whole = SampleBudget { samples: 56, values: 1 << 20 };
        let check = |samples, values| whole.check(window, 20_500, 40, SampleBudget { samples, values });
        assert!(check(200, 1 << 20).is_ok());
        let error = check(400, 1 << 20).unwrap_err();
        assert_eq!((error.reason, error.field.as_str()), (Reason::FieldInvalid, FIELD));
        // Half of the samples fit: 20 segments, 19 steps of 1027 ms.
        assert!(error.message.contains("the limit is 20") && error.message.contains("each 1027 ms fits"), "{error}");
        assert!(error.message.contains("456 samples") && error.message.contains("BATCH_QUEUE"), "{error}");
        assert!(check(40, 1 << 40).unwrap_err().message.contains("not even two"));
        assert!(check(40, 63 << 20).is_ok() && check(40, (63 << 20) + 1).is_err());
    }
}

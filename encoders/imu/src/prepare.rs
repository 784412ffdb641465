//! From bytes to samples.

use onespace_core::{
    Error, Modality, Patience, Prepare, PrepareRequest, Prepared, Result, Sample, SampleBudget, SampleUse, Span,
    Tensor, limits::SAMPLES_PER_MEDIA,
};

use crate::{
    csv::{self, rate_in},
    measurements::{Clock, Measurements},
    npy,
    table::{CHANNELS, Channel, Imu},
};

/// Inertial measurements to samples as a manifest's `[towers.imu.preprocess]` says.
#[derive(Clone, Debug)]
pub struct ImuPreparer {
    spec: Imu,
    /// Where each channel of the graph is in a row.
    places: Vec<usize>,
}

/// Steps from the first, included, to the last, not included.
#[derive(Clone, Copy, Debug)]
struct Steps {
    first: usize,
    end: usize,
}

impl ImuPreparer {
    /// A preparer for `spec`, which the manifest has checked.
    #[must_use]
    pub fn new(spec: &Imu) -> Self {
        let place = |channel: &Channel| Channel::ALL.iter().position(|known| known == channel);
        Self { spec: spec.clone(), places: spec.channels.iter().filter_map(place).collect() }
    }

    /// The windows of a stretch, one after the other, the last one moved back to end with it; of more than there may
    /// be, so many spread evenly.
    fn windows(&self, stretch: Steps) -> Vec<Steps> {
        let (steps, most) = (self.spec.steps, self.spec.max_windows);
        let last = (stretch.end - stretch.first).saturating_sub(steps);
        let needed = 1 + last.div_ceil(steps);
        let starts: Vec<usize> = match (needed <= most, most) {
            (true, _) => (0..needed).map(|index| (index * steps).min(last)).collect(),
            (false, 1) => vec![last / 2],
            (false, _) => (0..most).map(|index| index * last / (most - 1)).collect(),
        };
        let window = |start: usize| {
            let first = stretch.first + start;
            Steps { first, end: (first + steps).min(stretch.end) }
        };
        starts.into_iter().map(window).collect()
    }

    fn milliseconds(&self, step: usize) -> u64 {
        (step as f64 * 1000.0 / f64::from(self.spec.rate)).round() as u64
    }

    /// The windows of a stretch as samples, each for its own time unless they are all for one.
    fn samples(
        &self,
        measurements: &Measurements,
        stretch: Steps,
        used_for: SampleUse,
        span: Option<Span>,
        patience: &Patience,
    ) -> Result<Vec<Sample>> {
        let sample = |window: Steps| {
            patience.check("while the measurements were resampled")?;
            let own = Span { start_ms: self.milliseconds(window.first), end_ms: self.milliseconds(window.end) };
            let tensors = vec![self.tensor(measurements, window)];
            Ok(Sample { span: Some(span.unwrap_or(own)), used_for, ..Sample::whole(Modality::Imu, tensors) })
        };
        self.windows(stretch).into_iter().map(sample).collect()
    }

    fn tensor(&self, measurements: &Measurements, window: Steps) -> Tensor {
        let steps = self.spec.steps;
        let mut values = vec![0.0; CHANNELS * steps];
        for (index, step) in (window.first..window.end).enumerate() {
            let row = measurements.at(step as f64 / f64::from(self.spec.rate));
            let slots = values.iter_mut().skip(index).step_by(steps);
            let numbers = self.places.iter().zip(self.spec.mean.iter().zip(&self.spec.std));
            for (slot, (place, (mean, std))) in slots.zip(numbers) {
                let value = row.get(*place).copied().unwrap_or_default();
                *slot = ((value - f64::from(*mean)) / f64::from(*std)) as f32;
            }
        }
        Tensor::f32([CHANNELS, steps], values)
    }
}

impl Prepare for ImuPreparer {
    fn modality(&self) -> Modality {
        Modality::Imu
    }

    fn prepare_unguarded(&self, request: &PrepareRequest<'_>) -> Result<Prepared> {
        let PrepareRequest { bytes, media_type, segments, patience, .. } = request;
        let measurements = read(bytes, *media_type, patience)?;
        let total = measurements.steps(self.spec.rate);
        let stretch = Steps { first: 0, end: total };
        let Some(window) = segments.time() else {
            return Ok(self.samples(&measurements, stretch, SampleUse::Both, None, patience)?.into());
        };
        let mut all = self.samples(&measurements, stretch, SampleUse::Whole, None, patience)?;
        let duration = usize::try_from(self.milliseconds(total)).unwrap_or(usize::MAX);
        let chosen = window.segments(duration, SAMPLES_PER_MEDIA, "ms")?;
        // One segment is the whole, and is not listed.
        if chosen.len() < 2 {
            return Ok(all.into());
        }
        let stretches: Vec<(Steps, Span)> =
            chosen.into_iter().map(|(start, end)| self.stretch((start, end), duration, total)).collect();
        let count = stretches.iter().map(|(steps, _)| self.windows(*steps).len()).sum();
        let wanted = SampleBudget { samples: count, values: CHANNELS * self.spec.steps * count };
        SampleBudget::of_samples(&all).check(window, duration, stretches.len(), wanted)?;
        for (steps, span) in stretches {
            all.extend(self.samples(&measurements, steps, SampleUse::Segment, Some(span), patience)?);
        }
        Ok(all.into())
    }
}

impl ImuPreparer {
    /// What is measured from `start` to `end`, milliseconds; the last segment ends with all. It is never empty.
    fn stretch(&self, (start, end): (usize, usize), duration: usize, total: usize) -> (Steps, Span) {
        let step = |ms: usize| (ms * self.spec.rate as usize + 500) / 1000;
        let first = step(start).min(total.saturating_sub(1));
        let end_step = if end == duration { total } else { step(end).min(total) };
        let span = Span { start_ms: start as u64, end_ms: end as u64 };
        (Steps { first, end: end_step.max(first + 1) }, span)
    }
}

/// The measurements of a file, CSV or NPY.
fn read(bytes: &[u8], media_type: Option<&str>, patience: &Patience) -> Result<Measurements> {
    patience.check("before the measurements were read")?;
    let (rows, clock) = if bytes.starts_with(npy::MAGIC) {
        (npy::read(bytes)?, None)
    } else {
        let text = std::str::from_utf8(bytes).map_err(|error| {
            let message =
                format!("the file is neither NPY nor CSV: the byte at offset {} is no UTF-8", error.valid_up_to());
            Error::unsupported("bytes", message)
        })?;
        let table = csv::read(text.strip_prefix('\u{feff}').unwrap_or(text), patience)?;
        (table.rows, table.clock)
    };
    let stated = || media_type?.split(';').find_map(|parameter| rate_in(parameter, ['='])).map(Clock::Rate);
    let clock = clock.or_else(stated).ok_or_else(|| {
        let message = "nothing states the rate: give CSV a column of times (time, time_ms, time_us, time_ns) or a \
            comment \"# rate: 100\", or the media type a parameter (text/csv; rate=100)";
        Error::unsupported("bytes", message)
    })?;
    Measurements::new(rows, clock)
}

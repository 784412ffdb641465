//! From one sample rate to another, a stream at a time.

use std::{
    fmt::Display,
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::table::Resampler as Kind;
use onespace_core::{Error, Result, limits::RESAMPLERS_KEPT};
use rubato::{
    Async, FixedAsync, Indexing, Resampler as _, SincInterpolationParameters, SincInterpolationType, WindowFunction,
    audioadapter_buffers::direct::InterleavedSlice, calculate_cutoff,
};

use crate::torchaudio::Windowed;

/// Taps of the filter at the lower of the two rates: the pass band ends at 95 % of its half.
const TAPS: usize = 160;
/// Input frames of one step.
const CHUNK: usize = 4096;
/// Up to this many phases the filter is tabulated exactly; beyond, it is interpolated between phases.
const PHASES: usize = 1024;
const INTERPOLATED_PHASES: usize = 256;
/// How many shifts are tried to bring the grid of an interpolated filter onto the input's first sample.
const SHIFTS: usize = 4096;

/// A windowed-sinc resampler of one channel, without delay: output `k` lies at input time `k · from / to`, and
/// `n` frames in are `round(n · to / from)` frames out (torchaudio's: rounded up).
pub struct Resampler {
    from: u32,
    to: u32,
    method: Method,
    taken: u64,
    out: Vec<f32>,
}

/// How the rate changes.
enum Method {
    Same,
    Sinc(Box<Filter>),
    Torchaudio(Windowed),
}

/// Filters at rest, least recently used first. Their tables depend on the two rates alone and cost more than
/// resampling a few seconds of audio.
static RESTING: Mutex<Vec<Filter>> = Mutex::new(Vec::new());

fn resting() -> MutexGuard<'static, Vec<Filter>> {
    // Whole in every state: filters are pushed and taken, nothing else.
    RESTING.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Filter {
    rates: (u32, u32),
    inner: Async<f32>,
    pending: Vec<f32>,
    chunk: Vec<f32>,
    /// Zeros before the first input frame and output frames before the first that counts, of a fresh filter.
    start: (usize, usize),
    /// Output frames still to skip.
    skip: usize,
}

impl Resampler {
    /// A resampler from `from` to `to` hertz.
    pub fn new(kind: Kind, from: u32, to: u32) -> Result<Self> {
        let method = match kind {
            _ if from == to => Method::Same,
            Kind::Sinc => Method::Sinc(Box::new(Filter::obtain(from, to)?)),
            Kind::Torchaudio => {
                let divisor = gcd(from, to);
                Method::Torchaudio(Windowed::new(from / divisor, to / divisor))
            }
        };
        Ok(Self { from, to, method, taken: 0, out: Vec::new() })
    }

    /// Takes the next frames.
    pub fn push(&mut self, frames: &[f32]) -> Result<()> {
        self.taken += frames.len() as u64;
        match &mut self.method {
            Method::Same => self.out.extend_from_slice(frames),
            Method::Sinc(filter) => filter.push(frames, &mut self.out)?,
            Method::Torchaudio(windowed) => windowed.push(frames, &mut self.out),
        }
        Ok(())
    }

    /// How many frames were taken.
    pub fn taken(&self) -> u64 {
        self.taken
    }

    /// How many bytes it holds.
    pub fn held_bytes(&self) -> usize {
        self.out.len() * size_of::<f32>()
    }

    /// Everything that was taken, at the new rate.
    pub fn finish(mut self) -> Result<Vec<f32>> {
        let (from, to) = (u64::from(self.from), u64::from(self.to));
        let wanted = ((self.taken * to + from / 2) / from) as usize;
        match self.method {
            Method::Same => {}
            Method::Torchaudio(windowed) => windowed.finish(self.taken, &mut self.out),
            Method::Sinc(mut filter) => {
                let silence = vec![0.0; CHUNK];
                while self.out.len() < wanted {
                    filter.push(&silence, &mut self.out)?;
                }
                filter.rest();
                self.out.truncate(wanted);
            }
        }
        Ok(self.out)
    }
}

impl Filter {
    /// A filter that rests, or a new one.
    fn obtain(from: u32, to: u32) -> Result<Self> {
        let found = {
            let mut resting = resting();
            let place = resting.iter().rposition(|filter| filter.rates == (from, to));
            place.map(|place| resting.remove(place))
        };
        found.map_or_else(|| Self::new(from, to), Ok)
    }

    /// Forgets the audio and waits for the next of the same rates.
    fn rest(mut self) {
        self.inner.reset();
        let (zeros, skip) = self.start;
        self.pending.clear();
        self.pending.resize(zeros, 0.0);
        self.skip = skip;
        let mut resting = resting();
        if resting.len() >= RESAMPLERS_KEPT {
            resting.remove(0);
        }
        resting.push(self);
    }

    fn new(from: u32, to: u32) -> Result<Self> {
        let divisor = gcd(from, to);
        let exact = (to / divisor) as usize <= PHASES;
        let phases = if exact { (to / divisor) as usize } else { INTERPOLATED_PHASES };
        // The filter keeps its width in time at the lower rate, so it has more taps where the input is faster.
        let stretch = (f64::from(from) / f64::from(to)).max(1.0);
        let taps = ((TAPS as f64 * stretch) as usize).next_multiple_of(8);
        let window = WindowFunction::BlackmanHarris;
        let parameters = SincInterpolationParameters::new(taps, window)
            .f_cutoff(calculate_cutoff(TAPS, window))
            .oversampling_factor(phases)
            .interpolation(if exact { SincInterpolationType::Nearest } else { SincInterpolationType::Cubic });
        let ratio = f64::from(to) / f64::from(from);
        let inner = Async::new_sinc(ratio, 1.0, &parameters, CHUNK, 1, FixedAsync::Input).map_err(failed)?;
        let start = alignment(from / divisor, to / divisor, taps, phases);
        let chunk = vec![0.0; inner.output_frames_max()];
        Ok(Self { rates: (from, to), chunk, inner, pending: vec![0.0; start.0], start, skip: start.1 })
    }

    fn push(&mut self, frames: &[f32], out: &mut Vec<f32>) -> Result<()> {
        self.pending.extend_from_slice(frames);
        let mut offset = 0;
        while self.pending.len() - offset >= self.inner.input_frames_next() {
            let input = InterleavedSlice::new(&self.pending, 1, self.pending.len()).map_err(failed)?;
            let frames = self.chunk.len();
            let mut output = InterleavedSlice::new_mut(&mut self.chunk, 1, frames).map_err(failed)?;
            let indexing = Indexing::new().input_offset(offset);
            let (read, written) =
                self.inner.process_into_buffer(&input, &mut output, Some(&indexing)).map_err(failed)?;
            offset += read;
            let skipped = self.skip.min(written);
            self.skip -= skipped;
            out.extend(self.chunk.iter().take(written).skip(skipped));
        }
        self.pending.drain(..offset);
        Ok(())
    }
}

/// How many zeros before the first frame, and how many output frames to skip, so that output 0 lies exactly on
/// input 0.
///
/// The resampler's output `k` lies at input `(k + 1) · from / to − taps / 2 + 1 / phases`, a place between samples in
/// general: some number of leading zeros brings the two grids together.
fn alignment(from: u32, to: u32, taps: usize, phases: usize) -> (usize, usize) {
    let step = f64::from(from) / f64::from(to);
    let place = |zeros: usize| ((taps / 2 + zeros) as f64 - 1.0 / phases as f64) / step;
    let error = |zeros: usize| (place(zeros) - place(zeros).round()).abs();
    let zeros = (0..SHIFTS.min(from as usize)).min_by(|a, b| error(*a).total_cmp(&error(*b))).unwrap_or_default();
    (zeros, (place(zeros).round() as usize).saturating_sub(1))
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

fn failed(error: impl Display) -> Error {
    Error::internal(format!("the resampler failed: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(rate: u32, hertz: f64, frames: usize) -> Vec<f32> {
        (0..frames).map(|k| (std::f64::consts::TAU * hertz * k as f64 / f64::from(rate)).sin() as f32).collect()
    }

    fn resampled(from: u32, to: u32, audio: &[f32]) -> Vec<f32> {
        let mut resampler = Resampler::new(Kind::Sinc, from, to).unwrap();
        audio.chunks(777).for_each(|chunk| resampler.push(chunk).unwrap());
        resampler.finish().unwrap()
    }

    /// Signal to noise in decibels, the edges left out where a tone that begins at once rings.
    fn snr(found: &[f32], wanted: &[f32]) -> f64 {
        let edge = found.len() / 8;
        let (mut signal, mut noise) = (0.0, 0.0);
        for (a, b) in found.iter().zip(wanted).skip(edge).take(found.len() - 2 * edge) {
            signal += f64::from(*b).powi(2);
            noise += f64::from(a - b).powi(2);
        }
        10.0 * (signal / noise).log10()
    }

    #[test]
    fn tones_come_out_where_and_as_they_were() {
        for (from, to, least) in [
            (44_100, 16_000, 90.0),
            (48_000, 16_000, 90.0),
            (8_000, 16_000, 90.0),
            (22_050, 16_000, 90.0),
            (11_025, 16_000, 90.0),
            (32_000, 48_000, 90.0),
            (192_000, 16_000, 90.0),
            (44_099, 16_000, 60.0),
        ] {
            for share in [0.1, 0.5, 0.85] {
                let hertz = share * f64::from(from.min(to)) / 2.0;
                let found = resampled(from, to, &tone(from, hertz, from as usize));
                assert_eq!(found.len(), to as usize);
                let ratio = snr(&found, &tone(to, hertz, to as usize));
                println!("{from} to {to} at {hertz} Hz: {ratio:.1} dB");
                assert!(ratio > least, "{from} to {to} at {hertz} Hz: {ratio:.1} dB");
            }
        }
    }

    #[test]
    fn a_filter_that_rested_remembers_nothing() {
        let audio = tone(44_100, 500.0, 30_000);
        let fresh = resampled(44_100, 15_999, &audio);
        let mut other = Resampler::new(Kind::Sinc, 44_100, 15_999).unwrap();
        other.push(&vec![1.0; 10_000]).unwrap();
        other.finish().unwrap();
        assert_eq!(resampled(44_100, 15_999, &audio), fresh);
        (0..3 * RESAMPLERS_KEPT as u32).for_each(|k| drop(resampled(8_000 + k, 16_000, &audio)));
        assert!(resting().len() <= RESAMPLERS_KEPT);
    }

    #[test]
    fn what_the_lower_rate_cannot_hold_is_gone() {
        for hertz in [8_400.0, 10_000.0, 20_000.0] {
            let found = resampled(44_100, 16_000, &tone(44_100, hertz, 44_100));
            let loudest = found[2000..14_000].iter().fold(0.0_f32, |peak, value| peak.max(value.abs()));
            assert!(loudest < 1e-4, "{hertz} Hz leaves {loudest}");
        }
    }

    #[test]
    fn pieces_make_the_whole() {
        let audio = tone(44_100, 500.0, 30_011);
        for kind in [Kind::Sinc, Kind::Torchaudio] {
            for to in [16_000, 48_000, 15_999] {
                let in_pieces = |size: usize| {
                    let mut resampler = Resampler::new(kind, 44_100, to).unwrap();
                    audio.chunks(size).for_each(|chunk| resampler.push(chunk).unwrap());
                    resampler.finish().unwrap()
                };
                assert_eq!(in_pieces(97), in_pieces(usize::MAX), "{kind:?} to {to}");
            }
        }
    }

    #[test]
    fn lengths_round_and_nothing_stays_nothing() {
        for frames in [0, 1, 2, 100, 4095, 4096, 4097, 44_100, 44_101] {
            let found = resampled(44_100, 16_000, &vec![0.5; frames]);
            assert_eq!(found.len(), (frames as f64 * 16_000.0 / 44_100.0).round() as usize, "{frames}");
        }
        assert_eq!(resampled(16_000, 16_000, &[0.1, 0.2]), [0.1, 0.2]);
    }
}

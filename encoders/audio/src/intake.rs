//! Audio on its way in: counted, checked, mixed to one channel, brought to the tower's rate.

use crate::table::{Audio, Channels, Resampler as Kind};
use onespace_core::{Error, Reason, Result, limits};

use crate::{edit::Edit, loudness::Loudness, resample::Resampler};

/// Samples beyond this would overflow the energies computed from it.
const LOUDEST: f32 = 1e9;

/// Microseconds in a second.
const MICROSECONDS: u64 = 1_000_000;

/// Audio of one channel at the tower's rate.
#[derive(Clone, Debug)]
pub struct MonoAudio {
    /// The samples.
    pub samples: Vec<f32>,
    /// Its duration in milliseconds, rounded.
    pub duration_ms: u64,
}

/// How audio becomes one channel at one rate.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// How channels become one.
    pub mix: Mix,
    /// Hertz.
    pub rate: u32,
    /// How another rate becomes this one.
    pub resampler: Kind,
}

/// How channels become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mix {
    /// Their mean.
    Mean,
    /// This one alone, or the last where there are fewer.
    Channel(usize),
}

impl Target {
    /// As a tower's table says.
    pub const fn of(spec: &Audio) -> Self {
        let mix = match spec.channels {
            Channels::Mean => Mix::Mean,
            Channels::First => Mix::Channel(0),
        };
        Self { mix, rate: spec.sample_rate, resampler: spec.resampler }
    }
}

/// Takes audio in piece by piece. It never holds more than the mixed and resampled samples.
pub struct Intake {
    target: Target,
    rate: u32,
    resampler: Option<Resampler>,
    mixed: Vec<f32>,
    edit: Option<Edit>,
    /// Frames of this part that came in, those that the edit leaves out included.
    seen: u64,
    /// Frames that came in at this rate.
    came: u64,
    /// What came in at other rates, resampled, and how long it is.
    settled: Vec<f32>,
    settled_us: u64,
    rates: usize,
    loudness: Loudness,
}

impl Intake {
    /// An intake that mixes and resamples as `target` says and takes what `edit` keeps.
    pub const fn new(target: Target, edit: Option<Edit>) -> Self {
        Self {
            target,
            rate: 0,
            resampler: None,
            mixed: Vec::new(),
            edit,
            seen: 0,
            came: 0,
            settled: Vec::new(),
            settled_us: 0,
            rates: 0,
            loudness: Loudness::new(),
        }
    }

    /// Begins another part of joined audio, of which `edit` says what is kept.
    pub fn begin_part(&mut self, edit: Option<Edit>) {
        self.edit = edit;
        self.seen = 0;
    }

    /// Frames of this part that came in.
    pub const fn seen(&self) -> u64 {
        self.seen
    }

    /// Takes a piece: one slice for each channel, at `rate` hertz. Where the rate changes on the way, each stretch is
    /// resampled on its own.
    ///
    /// # Errors
    /// `MEDIA_TOO_LARGE` past a limit, `MEDIA_MALFORMED` for samples that are not finite or too loud.
    pub fn push(&mut self, rate: u32, channels: &[impl AsRef<[f32]>]) -> Result<()> {
        Self::check_channels(channels.len())?;
        self.mix(channels)?;
        if self.resampler.is_none() || rate != self.rate {
            self.settle()?;
            Self::check_rate(rate)?;
            self.rate = rate;
            self.rates += 1;
            if self.rates > limits::AUDIO_PARTS {
                let most = limits::AUDIO_PARTS;
                return Err(Error::too_large("bytes", "how often the sample rate changes", self.rates, most));
            }
        }
        let resampler = match &mut self.resampler {
            Some(resampler) => resampler,
            None => self.resampler.insert(Resampler::new(self.target.resampler, rate, self.target.rate)?),
        };
        let (skip, keep) = self.edit.map_or((0, None), |edit| edit.frames(rate));
        let from = skip.saturating_sub(self.seen);
        let to = keep.map_or(u64::MAX, |keep| skip.saturating_add(keep).saturating_sub(self.seen));
        self.seen += self.mixed.len() as u64;
        self.came += self.mixed.len() as u64;
        let (from, to) = (clipped(from, &self.mixed), clipped(to, &self.mixed));
        resampler.push(self.mixed.get(from..to).unwrap_or_default())?;
        let held = resampler.held_bytes() + size_of_val(self.settled.as_slice());
        if held > limits::AUDIO_DECODED_BYTES {
            let limit = format!("{} bytes", limits::AUDIO_DECODED_BYTES);
            return Err(Error::too_large("bytes", "the decoded audio", format!("{held} bytes and more"), limit));
        }
        let before = self.settled_us * u64::from(rate) / MICROSECONDS;
        Self::check_duration(before + self.came, rate)
    }

    /// What came in at the rate until here is complete.
    fn settle(&mut self) -> Result<()> {
        if let Some(resampler) = self.resampler.take() {
            self.settled_us += resampler.taken() * MICROSECONDS / u64::from(self.rate.max(1));
            self.came = 0;
            let mut resampled = resampler.finish()?;
            if self.settled.is_empty() {
                self.settled = resampled;
            } else {
                self.settled.append(&mut resampled);
            }
        }
        Ok(())
    }

    /// The channel that is heard where all of them together are not: their mean cancels out, as that of a wave and its
    /// mirror image does. None for audio that is mixed as it should be, and for silence.
    pub fn drowned(&self) -> Option<usize> {
        self.loudness.drowned().filter(|_| self.target.mix == Mix::Mean)
    }

    /// The audio.
    ///
    /// # Errors
    /// `MEDIA_EMPTY` when no audio came in.
    pub fn finish(mut self) -> Result<MonoAudio> {
        let rate = u64::from(self.rate.max(1));
        let taken = self.resampler.as_ref().map_or(0, Resampler::taken);
        let duration_ms = if self.settled_us == 0 {
            (taken * 1000 + rate / 2) / rate
        } else {
            (self.settled_us + taken * MICROSECONDS / rate + 500) / 1000
        };
        self.settle()?;
        if taken == 0 && self.settled_us == 0 {
            return Err(Error::new(Reason::MediaEmpty, "bytes", "there is no audio in the file"));
        }
        Ok(MonoAudio { samples: self.settled, duration_ms })
    }

    /// Refuses a number of channels past the limit.
    pub fn check_channels(channels: usize) -> Result<()> {
        if channels <= limits::AUDIO_CHANNELS {
            return Ok(());
        }
        Err(Error::too_large("bytes", "the number of channels", channels, limits::AUDIO_CHANNELS))
    }

    /// Refuses a sample rate outside the limits.
    pub fn check_rate(rate: u32) -> Result<()> {
        let (least, most) = (limits::AUDIO_RATE_MIN, limits::AUDIO_RATE_MAX);
        match rate as usize {
            rate if rate > most => Err(Error::too_large("bytes", "the sample rate", rate, format!("{most} Hz"))),
            rate if rate < least => {
                Err(Error::malformed("bytes", format!("the sample rate is {rate}, the lowest allowed is {least} Hz")))
            }
            _ => Ok(()),
        }
    }

    /// Refuses a duration past the limit.
    pub fn check_duration(frames: u64, rate: u32) -> Result<()> {
        let limit = limits::AUDIO_SECONDS as u64;
        if frames <= limit.saturating_mul(u64::from(rate)) {
            return Ok(());
        }
        let found = format!("at least {} s long", frames / u64::from(rate.max(1)));
        Err(Error::too_large("bytes", "the audio", found, format!("{limit} s")))
    }

    fn mix(&mut self, channels: &[impl AsRef<[f32]>]) -> Result<()> {
        let Some((first, others)) = channels.split_first() else {
            return Err(Error::malformed("bytes", "the audio has no channel"));
        };
        self.mixed.clear();
        self.mixed.extend_from_slice(first.as_ref());
        match self.target.mix {
            Mix::Mean if others.is_empty() => self.loudness.add(&self.mixed, channels),
            Mix::Mean => {
                for channel in others {
                    if channel.as_ref().len() != self.mixed.len() {
                        return Err(Error::malformed("bytes", "the channels of the audio differ in length"));
                    }
                    self.mixed.iter_mut().zip(channel.as_ref()).for_each(|(sum, sample)| *sum += sample);
                }
                let share = 1.0 / channels.len() as f32;
                self.mixed.iter_mut().for_each(|sum| *sum *= share);
                self.loudness.add(&self.mixed, channels);
            }
            Mix::Channel(wanted) => {
                if let Some(channel) = channels.get(wanted).or(channels.last()).filter(|_| wanted > 0) {
                    self.mixed.clear();
                    self.mixed.extend_from_slice(channel.as_ref());
                }
            }
        }
        match self.mixed.iter().find(|sample| !sample.is_finite() || sample.abs() > LOUDEST) {
            Some(sample) => Err(Error::malformed("bytes", format!("a sample of the audio is {sample}"))),
            None => Ok(()),
        }
    }
}

fn clipped(frames: u64, audio: &[f32]) -> usize {
    usize::try_from(frames).unwrap_or(usize::MAX).min(audio.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(mix: Mix) -> Target {
        Target { mix, rate: 16_000, resampler: Kind::Sinc }
    }

    fn taken(mix: Mix, rate: u32, sound: &[Vec<f32>]) -> Result<MonoAudio> {
        let mut intake = Intake::new(target(mix), None);
        intake.push(rate, sound)?;
        intake.finish()
    }

    #[test]
    fn channels_become_one_as_the_manifest_says() {
        let stereo = [vec![1.0, 0.5], vec![0.0, -0.5]];
        assert_eq!(taken(Mix::Mean, 16_000, &stereo).unwrap().samples, [0.5, 0.0]);
        assert_eq!(taken(Mix::Channel(0), 16_000, &stereo).unwrap().samples, [1.0, 0.5]);
    }

    #[test]
    fn each_rate_is_resampled_on_its_own() {
        let mut intake = Intake::new(target(Mix::Mean), None);
        let mut alone = Vec::new();
        for rate in [16_000, 8_000, 48_000, 48_000] {
            let sound = [(0..rate / 10).map(|k| (k as f32 / rate as f32 * 900.0).sin()).collect::<Vec<f32>>()];
            intake.push(rate, &sound).unwrap();
            if rate != 48_000 || alone.len() < 4800 {
                alone.extend(taken(Mix::Mean, rate, &sound).unwrap().samples);
            }
        }
        let audio = intake.finish().unwrap();
        assert_eq!((audio.samples.len(), audio.duration_ms), (6400, 400));
        assert_eq!(audio.samples[..4700], alone[..4700]);
    }

    #[test]
    fn changing_rates_do_not_add_up_to_more_than_the_limits() {
        let mut intake = Intake::new(target(Mix::Mean), None);
        let minutes = |rate: usize| [vec![0.0; rate * 60 * 14]];
        intake.push(4000, &minutes(4000)).unwrap();
        intake.push(5000, &minutes(5000)).unwrap();
        let error = intake.push(6000, &minutes(6000)).unwrap_err();
        assert_eq!(error.reason, Reason::MediaTooLarge);
    }

    #[test]
    fn what_is_no_sound_is_refused() {
        let reason = |rate, channels: &[Vec<f32>]| taken(Mix::Mean, rate, channels).unwrap_err().reason;
        assert_eq!(reason(16_000, &[vec![]]), Reason::MediaEmpty);
        assert_eq!(reason(16_000, &[]), Reason::MediaMalformed);
        assert_eq!(reason(16_000, &[vec![f32::NAN]]), Reason::MediaMalformed);
        assert_eq!(reason(16_000, &[vec![f32::INFINITY]]), Reason::MediaMalformed);
        assert_eq!(reason(16_000, &[vec![0.0], vec![]]), Reason::MediaMalformed);
        assert_eq!(reason(0, &[vec![0.0]]), Reason::MediaMalformed);
        assert_eq!(reason(192_001, &[vec![0.0]]), Reason::MediaTooLarge);
        assert_eq!(reason(16_000, &vec![vec![0.0]; 9]), Reason::MediaTooLarge);
        assert_eq!(reason(16_000, &[vec![0.0; 16_000 * 1800 + 1]]), Reason::MediaTooLarge);
    }
}

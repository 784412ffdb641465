//! Audio on its way in: counted, checked, mixed to one channel, brought to the tower's rate.

use crate::table::{Audio, Channels, Resampler as Kind};
use onespace_core::{Error, Reason, Result, limits};

use crate::{edit::Edit, resample::Resampler};

/// Samples beyond this would overflow the energies computed from it.
const LOUDEST: f32 = 1e9;

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
    pub channels: Channels,
    /// Hertz.
    pub rate: u32,
    /// How another rate becomes this one.
    pub resampler: Kind,
}

impl Target {
    /// As a tower's table says.
    pub const fn of(spec: &Audio) -> Self {
        Self { channels: spec.channels, rate: spec.sample_rate, resampler: spec.resampler }
    }
}

/// Takes audio in piece by piece. It never holds more than the mixed and resampled samples.
pub struct Intake {
    target: Target,
    rate: u32,
    resampler: Option<Resampler>,
    mixed: Vec<f32>,
    edit: Option<Edit>,
    /// Frames that came in, those that the edit leaves out included.
    seen: u64,
}

impl Intake {
    /// An intake that mixes and resamples as `target` says and takes what `edit` keeps.
    pub const fn new(target: Target, edit: Option<Edit>) -> Self {
        Self { target, rate: 0, resampler: None, mixed: Vec::new(), edit, seen: 0 }
    }

    /// Takes a piece: one slice for each channel, at `rate` hertz.
    ///
    /// # Errors
    /// `MEDIA_TOO_LARGE` past a limit, `MEDIA_MALFORMED` for samples that are not finite or too loud,
    /// `MEDIA_UNSUPPORTED` where the rate changes on the way.
    pub fn push(&mut self, rate: u32, channels: &[impl AsRef<[f32]>]) -> Result<()> {
        Self::check_channels(channels.len())?;
        self.mix(channels)?;
        let resampler = match &mut self.resampler {
            Some(_) if rate != self.rate => {
                let message = format!("the sample rate changes from {} to {rate} Hz on the way", self.rate);
                return Err(Error::unsupported("bytes", message));
            }
            Some(resampler) => resampler,
            None => {
                Self::check_rate(rate)?;
                self.rate = rate;
                self.resampler.insert(Resampler::new(self.target.resampler, rate, self.target.rate)?)
            }
        };
        let (skip, keep) = self.edit.map_or((0, None), |edit| edit.frames(rate));
        let from = skip.saturating_sub(self.seen);
        let to = keep.map_or(u64::MAX, |keep| skip.saturating_add(keep).saturating_sub(self.seen));
        self.seen += self.mixed.len() as u64;
        let (from, to) = (clipped(from, &self.mixed), clipped(to, &self.mixed));
        resampler.push(self.mixed.get(from..to).unwrap_or_default())?;
        let held = resampler.held_bytes();
        if held > limits::AUDIO_DECODED_BYTES {
            let limit = format!("{} bytes", limits::AUDIO_DECODED_BYTES);
            return Err(Error::too_large("bytes", "the decoded audio", format!("{held} bytes and more"), limit));
        }
        Self::check_duration(self.seen, rate)
    }

    /// The audio.
    ///
    /// # Errors
    /// `MEDIA_EMPTY` when no audio came in.
    pub fn finish(self) -> Result<MonoAudio> {
        let Some(resampler) = self.resampler.filter(|resampler| resampler.taken() > 0) else {
            return Err(Error::new(Reason::MediaEmpty, "bytes", "there is no audio in the file"));
        };
        let rate = u64::from(self.rate);
        let duration_ms = (resampler.taken() * 1000 + rate / 2) / rate;
        Ok(MonoAudio { samples: resampler.finish()?, duration_ms })
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
        if self.target.channels == Channels::Mean && !others.is_empty() {
            for channel in others {
                if channel.as_ref().len() != self.mixed.len() {
                    return Err(Error::malformed("bytes", "the channels of the audio differ in length"));
                }
                self.mixed.iter_mut().zip(channel.as_ref()).for_each(|(sum, sample)| *sum += sample);
            }
            let share = 1.0 / channels.len() as f32;
            self.mixed.iter_mut().for_each(|sum| *sum *= share);
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

    fn taken(channels: Channels, rate: u32, sound: &[Vec<f32>]) -> Result<MonoAudio> {
        let mut intake = Intake::new(Target { channels, rate: 16_000, resampler: Kind::Sinc }, None);
        intake.push(rate, sound)?;
        intake.finish()
    }

    #[test]
    fn channels_become_one_as_the_manifest_says() {
        let stereo = [vec![1.0, 0.5], vec![0.0, -0.5]];
        assert_eq!(taken(Channels::Mean, 16_000, &stereo).unwrap().samples, [0.5, 0.0]);
        assert_eq!(taken(Channels::First, 16_000, &stereo).unwrap().samples, [1.0, 0.5]);
    }

    #[test]
    fn what_is_no_sound_is_refused() {
        let reason = |rate, channels: &[Vec<f32>]| taken(Channels::Mean, rate, channels).unwrap_err().reason;
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

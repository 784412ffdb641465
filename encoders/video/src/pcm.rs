//! Frames of sound as samples.

use ffmpeg_next::{
    format::sample::{Sample, Type},
    frame,
};
use onespace_audio::Pcm;
use onespace_core::{Error, Result, limits};

/// Samples as they are decoded. Where the rate or the number of channels changes, another stretch begins.
#[derive(Default)]
pub struct PcmBuffer {
    stretches: Vec<Pcm>,
    /// Samples of all channels of all stretches but the last, and how long those are together: each frame asks whether
    /// it is the last that fits, and there may be a thousand stretches.
    settled: usize,
    settled_seconds: f64,
}

impl PcmBuffer {
    /// Takes the samples of a frame; whether all of them were numbers. What is none is silence.
    ///
    /// # Errors
    /// `MEDIA_TOO_LARGE` past a limit, `MEDIA_UNSUPPORTED` for samples of another format.
    pub fn append(&mut self, frame: &frame::Audio) -> Result<bool> {
        let count = usize::from(frame.channels());
        if count == 0 || frame.planes() == 0 {
            return Ok(true);
        }
        let goes_on = |last: &&mut Pcm| last.rate == frame.rate() && last.channels.len() == count;
        let stretch = match self.stretches.last_mut().filter(goes_on) {
            Some(_) => self.stretches.last_mut(),
            None => {
                let next = begin(frame, self.stretches.len())?;
                self.settled += self.stretches.last().map_or(0, samples);
                self.settled_seconds += self.stretches.last().map_or(0.0, seconds);
                self.stretches.push(next);
                self.stretches.last_mut()
            }
        };
        let Some(stretch) = stretch else { return Ok(true) };
        let mut numbers = true;
        for (index, channel) in stretch.channels.iter_mut().enumerate() {
            let from = channel.len();
            decode_channel(frame, index, channel)?;
            // Damaged floats may be anything; what follows expects numbers.
            let strange = channel.iter_mut().skip(from).filter(|sample| !sample.is_finite());
            strange.for_each(|sample| {
                *sample = 0.0;
                numbers = false;
            });
        }
        Ok(numbers)
    }

    /// Whether there are more samples than the limits allow.
    pub fn is_full(&self) -> bool {
        let bytes = (self.settled + self.stretches.last().map_or(0, samples)) * size_of::<f32>();
        bytes > limits::AUDIO_DECODED_BYTES || self.excess() > 0
    }

    /// By how many frames the last stretch passes the longest duration.
    fn excess(&self) -> usize {
        let Some(last) = self.stretches.last() else { return 0 };
        let left = limits::AUDIO_SECONDS as f64 - self.settled_seconds;
        frames(last).saturating_sub((left.max(0.0) * f64::from(last.rate)) as usize)
    }

    /// The samples, and whether there were more; none where there are none.
    pub fn finish(mut self) -> Option<(Vec<Pcm>, bool)> {
        let (cut, excess) = (self.is_full(), self.excess());
        if let Some(last) = self.stretches.last_mut() {
            last.channels.iter_mut().for_each(|channel| channel.truncate(channel.len() - excess));
        }
        let filled = self.stretches.iter().any(|pcm| pcm.channels.iter().any(|channel| !channel.is_empty()));
        filled.then_some((self.stretches, cut))
    }
}

/// Samples of all channels.
fn samples(pcm: &Pcm) -> usize {
    pcm.channels.iter().map(Vec::len).sum()
}

fn frames(pcm: &Pcm) -> usize {
    pcm.channels.first().map_or(0, Vec::len)
}

fn seconds(pcm: &Pcm) -> f64 {
    frames(pcm) as f64 / f64::from(pcm.rate.max(1))
}

/// An empty stretch of a frame's rate and channels; `before` others came before it.
fn begin(frame: &frame::Audio, before: usize) -> Result<Pcm> {
    let (rate, count) = (frame.rate() as usize, usize::from(frame.channels()));
    if !(limits::AUDIO_RATE_MIN..=limits::AUDIO_RATE_MAX).contains(&rate) {
        let limit = format!("{} to {}", limits::AUDIO_RATE_MIN, limits::AUDIO_RATE_MAX);
        return Err(Error::too_large("bytes", "the sample rate in hertz", rate, limit));
    }
    if count > limits::AUDIO_CHANNELS {
        return Err(Error::too_large("bytes", "the number of channels", count, limits::AUDIO_CHANNELS));
    }
    if before >= limits::AUDIO_PARTS {
        return Err(Error::too_large("bytes", "how often the audio changes", before, limits::AUDIO_PARTS));
    }
    Ok(Pcm { rate: frame.rate(), channels: vec![Vec::new(); count] })
}

fn decode_channel(frame: &frame::Audio, index: usize, into: &mut Vec<f32>) -> Result<()> {
    let channel = Channel { frame, index };
    match frame.format() {
        Sample::U8(layout) => channel.read(layout, into, |[byte]: [u8; 1]| (f32::from(byte) - 128.0) / 128.0),
        Sample::I16(layout) => channel.read(layout, into, |bytes| f32::from(i16::from_ne_bytes(bytes)) / 32_768.0),
        Sample::I32(layout) => {
            channel.read(layout, into, |bytes| (f64::from(i32::from_ne_bytes(bytes)) / 2_147_483_648.0) as f32)
        }
        Sample::F32(layout) => channel.read(layout, into, f32::from_ne_bytes),
        Sample::F64(layout) => channel.read(layout, into, |bytes| f64::from_ne_bytes(bytes) as f32),
        other => return Err(Error::unsupported("bytes", format!("samples of format {other:?}"))),
    }
    Ok(())
}

/// One channel of a frame.
struct Channel<'f> {
    frame: &'f frame::Audio,
    index: usize,
}

impl Channel<'_> {
    fn read<const N: usize>(&self, layout: Type, into: &mut Vec<f32>, sample: impl Fn([u8; N]) -> f32) {
        let (plane, first, step) = match layout {
            Type::Planar => (self.index, 0, 1),
            Type::Packed => (0, self.index, usize::from(self.frame.channels()).max(1)),
        };
        let samples = self.frame.data(plane).as_chunks::<N>().0.iter();
        into.extend(samples.skip(first).step_by(step).take(self.frame.samples()).map(|bytes| sample(*bytes)));
    }
}

//! When each frame of a video is shown, without decoding any: for models whose frames are chosen by number.

#[cfg(doc)]
use crate::table::Pick;
use onespace_core::{Error, Patience, Result, limits};

use crate::{
    ffi::Source,
    open::{VideoStreamInfo, next_packet},
};

/// The frames of a video.
#[derive(Clone, Debug, PartialEq)]
pub struct Timeline {
    /// When each begins to be shown, seconds from the first one, ascending; never empty.
    pub times: Vec<f64>,
    /// Frames a second on average, as the container says, or as their number and the video's length do.
    pub rate: f64,
}

impl Timeline {
    /// Reads the packets of the video stream; the source is then at its end.
    ///
    /// # Errors
    /// `MEDIA_MALFORMED` without a single frame, `MEDIA_TOO_LARGE` with too many; what `patience` says when it is over.
    pub fn scan(source: &mut Source<'_>, stream: &VideoStreamInfo, patience: &Patience) -> Result<Self> {
        let mut stamps = Vec::new();
        let mut longest = 0;
        while let Some(packet) = next_packet(source, patience)? {
            let stamp = packet.pts().or(packet.dts()).filter(|_| packet.stream() == stream.index);
            // What lies before the first frame is decoded but not shown.
            let Some(stamp) = stamp.filter(|stamp| stream.origin.is_none_or(|origin| *stamp >= origin)) else {
                continue;
            };
            if stamps.len() >= limits::VIDEO_FRAMES_LISTED {
                return Err(Error::too_large("bytes", "the number of frames", "more", limits::VIDEO_FRAMES_LISTED));
            }
            stamps.push(stamp);
            longest = packet.duration().max(longest);
        }
        stamps.sort_unstable();
        stamps.dedup();
        let (Some(first), Some(last)) = (stamps.first().copied(), stamps.last().copied()) else {
            return Err(Error::malformed("bytes", "the video has no frames"));
        };
        let seconds = |stamp: i64| stamp.saturating_sub(first) as f64 * stream.tick;
        let stated = stream.rate.filter(|rate| rate.is_finite() && *rate > 0.0);
        // The last frame lasts as long as the others do on average, where nothing says how long.
        let length = seconds(last) + longest as f64 * stream.tick;
        let counted = || if length > 0.0 { stamps.len() as f64 / length } else { 1.0 };
        let rate = stated.unwrap_or_else(counted);
        Ok(Self { times: stamps.iter().map(|stamp| seconds(*stamp)).collect(), rate })
    }

    /// The video's length as decord and pytorchvideo count it: frames by frame rate.
    pub fn seconds(&self) -> f64 {
        self.times.len() as f64 / self.rate
    }

    /// When the frames `trunc(linspace(0, t − 1, count))` of a stretch of `t` frames are shown, the stretch being
    /// `ceil(rate · start)` to `ceil(rate · end)`.
    pub fn spread(&self, start: f64, end: f64, count: usize) -> Vec<f64> {
        let (from, frames) = self.stretch(start, end);
        let numbers = (0..count).map(|index| linspace(frames - 1, count, index));
        numbers.filter_map(|number| self.times.get(from + number).copied()).collect()
    }

    /// When the frames of a stretch are shown that come `wanted` to a second, as [`Pick::Rate`] says; at most `most`.
    pub fn sampled(&self, start: f64, end: f64, wanted: f64, most: usize) -> Vec<f64> {
        let (from, frames) = self.stretch(start, end);
        let step = self.rate / wanted;
        let count = ((frames as f64 / self.rate * wanted) as usize).max(1);
        let number = |index: usize| ((index as f64 * step) as usize).min(frames - 1);
        let picked = count.min(most);
        let chosen = (0..picked).map(|index| if count > most { linspace(count - 1, most, index) } else { index });
        chosen.filter_map(|index| self.times.get(from + number(index)).copied()).collect()
    }

    /// The first frame of a stretch, and how many it has: at least one.
    fn stretch(&self, start: f64, end: f64) -> (usize, usize) {
        let last = self.times.len().saturating_sub(1);
        let from = ((self.rate * start).ceil().max(0.0) as usize).min(last);
        let to = ((self.rate * end).ceil().max(0.0) as usize).min(last + 1);
        (from, to.saturating_sub(from).max(1))
    }
}

/// `trunc(linspace(0, last, count)[index])` as numpy computes it: the step first, the last one exactly.
fn linspace(last: usize, count: usize, index: usize) -> usize {
    let step = last as f64 / count.saturating_sub(1).max(1) as f64;
    if index > 0 && index + 1 == count { last } else { (index as f64 * step) as usize }
}

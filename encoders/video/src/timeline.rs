//! The frames of a video by number: for models whose frames are chosen so.

#[cfg(doc)]
use crate::table::Pick;

use crate::file::VideoFile;

/// By how much of itself the frame rate that a container states may be off.
const STATED_RATE_WITHIN: f64 = 0.25;

/// The frames of a video.
#[derive(Clone, Debug, PartialEq)]
pub struct Timeline {
    /// When each begins to be shown, seconds from the first one, ascending; never empty.
    pub times: Vec<f64>,
    /// Frames a second on average, as the container says, or as their number and the video's length do.
    pub rate: f64,
}

impl Timeline {
    /// Of what was found in a video.
    pub fn new(file: &VideoFile<'_>) -> Self {
        let times = file.index.times();
        let length = file.index.seconds();
        let counted = if length > 0.0 { times.len() as f64 / length } else { 1.0 };
        // A rate that the container states is the reference's, unless it is another one altogether.
        let is_near = |rate: &f64| rate.is_finite() && (rate / counted - 1.0).abs() <= STATED_RATE_WITHIN;
        let rate = file.stream.rate.filter(is_near).unwrap_or(counted);
        Self { times, rate }
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

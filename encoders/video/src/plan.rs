//! Which frames of a video are picked.

use crate::table::{Pick, Video};
use onespace_core::{Error, Result, Span, Window, limits};

use crate::timeline::Timeline;

/// A stretch of a video that becomes one sample, seconds from the first frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Segment {
    /// Where it starts.
    pub start: f64,
    /// Where it ends.
    pub end: f64,
}

impl Segment {
    /// The same in milliseconds; never empty.
    #[must_use]
    pub fn span(&self) -> Span {
        let start_ms = (self.start * 1000.0).round() as u64;
        Span { start_ms, end_ms: ((self.end * 1000.0).round() as u64).max(start_ms + 1) }
    }

    /// The middle of each of `count` equal shares.
    fn middles(&self, count: usize) -> Vec<f64> {
        let share = (self.end - self.start) / count as f64;
        (0..count).map(|index| self.start + (index as f64 + 0.5) * share).collect()
    }

    /// Clip `index` of `count`, each of `length` seconds, spread from the segment's beginning to its end.
    fn clip(&self, index: usize, count: usize, length: f64) -> Self {
        let own = self.end - self.start;
        if length > own {
            return *self;
        }
        let start = self.start + (own - length) * index as f64 / count.saturating_sub(1).max(1) as f64;
        Self { start, end: start + length }
    }
}

/// The segments of a video of `seconds`: one after another, the last moved back to end with the video; of a video
/// that has more than the manifest wants, as many spread evenly over it.
///
/// # Errors
/// `MEDIA_TOO_LARGE` when the video is longer than allowed.
pub fn segments(spec: &Video, seconds: f64) -> Result<Vec<Segment>> {
    if seconds > limits::VIDEO_SECONDS as f64 {
        let found = format!("{seconds:.0} seconds");
        return Err(Error::too_large("bytes", "the video's duration", found, limits::VIDEO_SECONDS));
    }
    let length = f64::from(spec.segment_ms) / 1000.0;
    if seconds <= length {
        return Ok(vec![Segment { start: 0.0, end: seconds.max(0.0) }]);
    }
    let whole = (seconds / length).ceil() as usize;
    let count = whole.min(spec.max_segments);
    let last = seconds - length;
    let step = match count {
        _ if count == whole => length,
        1 => return Ok(vec![Segment { start: last / 2.0, end: last / 2.0 + length }]),
        _ => last / (count - 1) as f64,
    };
    let starts = (0..count).map(|index| (index as f64 * step).min(last));
    Ok(starts.map(|start| Segment { start, end: start + length }).collect())
}

/// A duration in whole milliseconds.
#[must_use]
pub fn milliseconds(seconds: f64) -> usize {
    (seconds * 1000.0).round().max(0.0) as usize
}

/// The segments of the caller's choice of a video of `seconds`.
///
/// # Errors
/// `FIELD_INVALID` where there are too many.
pub fn chosen_segments(window: Window, seconds: f64) -> Result<Vec<Segment>> {
    let total = milliseconds(seconds);
    let at = |ms: usize| if ms == total { seconds } else { ms as f64 / 1000.0 };
    let segments = window.segments(total, limits::SAMPLES_PER_MEDIA, "ms")?;
    Ok(segments.into_iter().map(|(start, end)| Segment { start: at(start), end: at(end) }).collect())
}

/// Frames of a video that are fed together.
#[derive(Clone, Debug, PartialEq)]
pub struct Clip {
    /// The segment they belong to.
    pub segment: usize,
    /// When each is shown, seconds from the first frame.
    pub moments: Vec<f64>,
}

/// The clips of all segments, in order. Frames are counted in `timeline`, which [`Pick::Middle`] has no use for.
#[must_use]
pub fn clips(spec: &Video, segments: &[Segment], timeline: Option<&Timeline>) -> Vec<Clip> {
    let of = |(index, segment): (usize, &Segment)| {
        let stretches = match spec.clips.filter(|_| spec.pick == Pick::Clips) {
            Some(clips) => {
                let length = f64::from(clips.clip_ms) / 1000.0;
                (0..clips.count).map(|clip| segment.clip(clip, clips.count, length)).collect()
            }
            None => vec![*segment],
        };
        let moments = |Segment { start, end }: Segment| match (timeline, spec.pick) {
            (None, _) | (_, Pick::Middle) => Segment { start, end }.middles(spec.frames),
            (Some(timeline), Pick::Linspace | Pick::Clips) => timeline.spread(start, end, spec.frames),
            (Some(timeline), Pick::Rate) => timeline.sampled(start, end, spec.rate.unwrap_or(1.0), spec.frames),
        };
        let clip = move |stretch| Clip { segment: index, moments: moments(stretch) };
        stretches.into_iter().map(clip).collect::<Vec<_>>()
    };
    segments.iter().enumerate().flat_map(of).collect()
}

/// A frame that is wanted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moment {
    /// When it is shown, seconds from the first frame.
    pub seconds: f64,
    /// The clip it belongs to.
    pub clip: usize,
    /// Its number within the clip.
    pub frame: usize,
}

/// Every frame that the clips want, in the order of time.
#[must_use]
pub fn moments(clips: &[Clip]) -> Vec<Moment> {
    let of = |(clip, Clip { moments, .. }): (usize, &Clip)| {
        let moment = move |(frame, seconds): (usize, &f64)| Moment { seconds: *seconds, clip, frame };
        moments.iter().enumerate().map(moment).collect::<Vec<_>>()
    };
    let mut moments: Vec<Moment> = clips.iter().enumerate().flat_map(of).collect();
    moments.sort_by(|a, b| a.seconds.total_cmp(&b.seconds));
    moments
}

#[cfg(test)]
mod tests {
    use crate::table::VideoClips;
    use onespace_core::Reason;

    use super::*;

    fn spec(max_segments: usize) -> Video {
        serde_json::from_value(serde_json::json!({
            "frames": 4, "segment_ms": 10_000, "max_segments": max_segments, "width": 8, "height": 8,
            "resize": "squash", "filter": "bilinear", "mean": [0, 0, 0], "std": [1, 1, 1],
        }))
        .unwrap()
    }

    fn starts(seconds: f64, max_segments: usize) -> Vec<f64> {
        segments(&spec(max_segments), seconds).unwrap().iter().map(|segment| segment.start).collect()
    }

    #[test]
    fn segments_cover_the_video() {
        assert_eq!(segments(&spec(64), 10.0).unwrap(), [Segment { start: 0.0, end: 10.0 }]);
        assert_eq!(starts(30.0, 64), [0.0, 10.0, 20.0]);
        assert_eq!(starts(25.0, 64), [0.0, 10.0, 15.0]);
        assert_eq!(starts(3600.0, 3), [0.0, 1795.0, 3590.0]);
        assert_eq!(starts(30.0, 1), [10.0]);
        let limit = limits::VIDEO_SECONDS as f64;
        assert!(segments(&spec(64), limit).is_ok());
        assert_eq!(segments(&spec(64), limit + 1.0).unwrap_err().reason, Reason::MediaTooLarge);
    }

    #[test]
    fn moments_are_in_the_middle_of_their_share_and_in_order() {
        let segments = segments(&spec(64), 25.0).unwrap();
        let moments = moments(&clips(&spec(64), &segments, None));
        assert_eq!(moments.len(), 12);
        assert!(moments.is_sorted_by(|a, b| a.seconds <= b.seconds));
        let first: Vec<f64> = moments.iter().filter(|m| m.clip == 0).map(|m| m.seconds).collect();
        assert_eq!(first, [1.25, 3.75, 6.25, 8.75]);
        assert_eq!(segments[2].span(), Span { start_ms: 15_000, end_ms: 25_000 });
        assert_eq!(Segment { start: 0.0, end: 0.0 }.span(), Span { start_ms: 0, end_ms: 1 });
    }

    #[test]
    fn clips_are_spread_and_their_frames_counted() {
        let spec =
            Video { frames: 2, pick: Pick::Clips, clips: Some(VideoClips { count: 5, clip_ms: 2000 }), ..spec(1) };
        let frames = |seconds: f64| -> Vec<Vec<f64>> {
            let count = (seconds * 10.0) as usize;
            let timeline = Timeline { times: (0..count).map(|index| index as f64).collect(), rate: 10.0 };
            let whole = [Segment { start: 0.0, end: seconds }];
            clips(&spec, &whole, Some(&timeline)).into_iter().map(|clip| clip.moments).collect()
        };
        assert_eq!(frames(4.0), [[0.0, 19.0], [5.0, 24.0], [10.0, 29.0], [15.0, 34.0], [20.0, 39.0]]);
        assert_eq!(frames(1.5), vec![vec![0.0, 14.0]; 5]);
        let spec = Video { frames: 4, pick: Pick::Linspace, clips: None, ..spec };
        let timeline = Timeline { times: (0..30).map(f64::from).collect(), rate: 10.0 };
        let segments = [Segment { start: 0.0, end: 1.5 }, Segment { start: 1.5, end: 3.0 }];
        let found: Vec<Vec<f64>> =
            clips(&spec, &segments, Some(&timeline)).into_iter().map(|clip| clip.moments).collect();
        assert_eq!(found, [[0.0, 4.0, 9.0, 14.0], [15.0, 19.0, 24.0, 29.0]]);
    }

    /// Against transformers' `EmbeddingGemma2VideoProcessor.sample_frames` of as many frames, at these rates.
    #[test]
    fn frames_come_at_a_rate_and_not_more_than_there_may_be() {
        let spec = Video { pick: Pick::Rate, rate: Some(1.0), ..spec(1) };
        let frames = |count: u32, rate: f64| {
            let timeline = Timeline { times: (0..count).map(f64::from).collect(), rate };
            let whole = segments(&spec, timeline.seconds()).unwrap();
            clips(&spec, &whole, Some(&timeline)).remove(0).moments
        };
        assert_eq!(frames(75, 29.97), [0.0, 29.0]);
        assert_eq!(frames(10, 30.0), [0.0]);
        assert_eq!(frames(1, 25.0), [0.0]);
        assert_eq!(frames(90, 23.976), [0.0, 23.0, 47.0]);
        assert_eq!(frames(225, 25.0), [0.0, 50.0, 125.0, 200.0]);
    }
}

//! Which moments of a film are looked at.

use onespace_bundle::preprocess::Video;
use onespace_core::{Error, Result, Span, limits};

/// A stretch of a film that becomes one sample, seconds from the first picture.
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

    /// The moment of frame `index` of `count`: the middle of its share.
    fn moment(&self, index: usize, count: usize) -> f64 {
        self.start + (index as f64 + 0.5) * (self.end - self.start) / count as f64
    }
}

/// The segments of a film of `seconds`: one after another, the last moved back to end with the film; of a film
/// that has more than the manifest wants, as many spread evenly over it.
///
/// # Errors
/// `MEDIA_TOO_LARGE` when the film is longer than allowed.
pub fn segments(spec: &Video, seconds: f64) -> Result<Vec<Segment>> {
    if seconds > limits::VIDEO_SECONDS as f64 {
        let found = format!("{seconds:.0} seconds");
        return Err(Error::too_large("bytes", "the film's duration", found, limits::VIDEO_SECONDS));
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

/// A frame that is wanted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moment {
    /// When it is shown, seconds from the first picture.
    pub seconds: f64,
    /// The segment it belongs to.
    pub segment: usize,
    /// Its number within the segment.
    pub frame: usize,
}

/// Every frame that the segments want, in the order of time.
#[must_use]
pub fn moments(segments: &[Segment], frames: usize) -> Vec<Moment> {
    let of = |(segment, stretch): (usize, &Segment)| {
        let stretch = *stretch;
        (0..frames).map(move |frame| Moment { seconds: stretch.moment(frame, frames), segment, frame })
    };
    let mut moments: Vec<Moment> = segments.iter().enumerate().flat_map(of).collect();
    moments.sort_by(|a, b| a.seconds.total_cmp(&b.seconds));
    moments
}

#[cfg(test)]
mod tests {
    use onespace_bundle::preprocess::{Resize, ResizeFilter};
    use onespace_core::Reason;

    use super::*;

    fn spec(max_segments: usize) -> Video {
        Video {
            frames: 4,
            segment_ms: 10_000,
            max_segments,
            width: 8,
            height: 8,
            resize: Resize::Squash,
            filter: ResizeFilter::Bilinear,
            antialias: true,
            mean: [0.0; 3],
            std: [1.0; 3],
        }
    }

    fn starts(seconds: f64, max_segments: usize) -> Vec<f64> {
        segments(&spec(max_segments), seconds).unwrap().iter().map(|segment| segment.start).collect()
    }

    #[test]
    fn segments_cover_the_film() {
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
        let moments = moments(&segments, 4);
        assert_eq!(moments.len(), 12);
        assert!(moments.is_sorted_by(|a, b| a.seconds <= b.seconds));
        let first: Vec<f64> = moments.iter().filter(|m| m.segment == 0).map(|m| m.seconds).collect();
        assert_eq!(first, [1.25, 3.75, 6.25, 8.75]);
        assert_eq!(segments[2].span(), Span { start_ms: 15_000, end_ms: 25_000 });
        assert_eq!(Segment { start: 0.0, end: 0.0 }.span(), Span { start_ms: 0, end_ms: 1 });
    }
}

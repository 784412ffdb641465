//! What has to be known of a video's stream before any frame is decoded.

use ffmpeg_next::{
    Stream,
    codec::{Id, packet::side_data},
    format::stream::Disposition,
    media,
};
use onespace_core::{Error, Result, limits};
use onespace_image::Orientation;

use crate::ffi::{self, Source};

/// FFmpeg's clock ticks in a second.
const MICROSECONDS: f64 = 1e6;

/// What begins this near to each other begins together, seconds: coded audio begins some packets before or after.
const TOGETHER: f64 = 0.1;

/// The least that a camera takes, frames a second.
const MOVING: f64 = 2.0;

/// The stream of a container that is looked at.
#[derive(Clone, Copy, Debug)]
pub struct VideoStreamInfo {
    /// Its number.
    pub index: usize,
    /// Seconds in one tick of the stream's time stamps.
    pub tick: f64,
    /// The time stamp of the first frame: time zero.
    pub origin: Option<i64>,
    /// From the first frame to the end of the last one, seconds, if the container says so. It may be wrong.
    pub seconds: Option<f64>,
    /// Frames a second on average, if the container says so.
    pub rate: Option<f64>,
    /// How wide a pixel is by its height, if the container or the codec says so.
    pub pixel_aspect: Option<(u32, u32)>,
    /// How they have to be turned.
    pub orientation: Orientation,
}

/// The video stream of a container.
///
/// # Errors
/// `MEDIA_UNSUPPORTED` when there is none, `MEDIA_TOO_LARGE` when they are larger than allowed.
pub fn video_stream(source: &Source<'_>) -> Result<VideoStreamInfo> {
    let has_audio = source.streams().any(|stream| stream.parameters().medium() == media::Type::Audio);
    let stream = source
        .streams()
        .filter(|stream| stream.parameters().medium() == media::Type::Video)
        // A cover is an image, but no video.
        .filter(|stream| !stream.disposition().contains(Disposition::ATTACHED_PIC))
        .filter(|stream| !(has_audio && is_of_stills(stream)))
        .max_by_key(|stream| {
            let (width, height) = ffi::declared_size(stream);
            (stream.disposition().contains(Disposition::DEFAULT), width * height, std::cmp::Reverse(stream.index()))
        })
        .ok_or_else(|| Error::unsupported("bytes", "the container holds no video"))?;
    let (width, height) = ffi::declared_size(&stream);
    let side = width.max(height);
    if side > limits::VIDEO_SIDE as i64 {
        return Err(Error::too_large("bytes", "the video's longer side in pixels", side, limits::VIDEO_SIDE));
    }
    let tick = f64::from(stream.time_base());
    let origin = Some(stream.start_time()).filter(|time| *time != ffmpeg_next::ffi::AV_NOPTS_VALUE);
    let own = Some(stream.duration()).filter(|ticks| *ticks > 0).map(|ticks| ticks as f64 * tick);
    let seconds = own.or_else(|| source.duration().map(|duration| duration as f64 / MICROSECONDS));
    let rate = Some(stream.avg_frame_rate()).filter(|rate| rate.numerator() > 0 && rate.denominator() > 0);
    let rate = rate.map(f64::from);
    let pixel_aspect = ffi::pixel_aspect(&stream);
    let orientation = orientation(&stream);
    Ok(VideoStreamInfo { index: stream.index(), tick, origin, seconds, rate, pixel_aspect, orientation })
}

/// How much later the audio of a container begins than its pictures, milliseconds; 0 where that is no more than coding
/// takes.
pub fn audio_is_later(source: &Source<'_>) -> i64 {
    let begins = |stream: Stream<'_>| {
        let time = Some(stream.start_time()).filter(|time| *time != ffmpeg_next::ffi::AV_NOPTS_VALUE)?;
        Some(time as f64 * f64::from(stream.time_base()))
    };
    let audio = source.streams().filter(|stream| stream.parameters().medium() == media::Type::Audio);
    let audio = audio.min_by_key(|stream| (!stream.disposition().contains(Disposition::DEFAULT), stream.index()));
    let picture = video_stream(source).ok().and_then(|picture| Some(picture.origin? as f64 * picture.tick));
    let later = audio.and_then(begins).zip(picture).map_or(0.0, |(audio, picture)| audio - picture);
    if later.abs() < TOGETHER { 0 } else { (later * 1000.0).round() as i64 }
}

/// Whether a stream is made of stills that stand for seconds: beside audio these are the pictures of its chapters.
fn is_of_stills(stream: &Stream<'_>) -> bool {
    let is_moving = f64::from(stream.avg_frame_rate()) >= MOVING;
    matches!(stream.parameters().id(), Id::MJPEG | Id::PNG | Id::BMP | Id::GIF) && !is_moving
}

/// What the display matrix of the stream asks for, a quarter turn at a time.
fn orientation(stream: &Stream<'_>) -> Orientation {
    let matrix = stream.side_data().find(|data| data.kind() == side_data::Type::DisplayMatrix);
    let Some(matrix) = matrix else { return Orientation::NoTransforms };
    let cell = |index: usize| {
        let bytes = matrix.data().as_chunks::<4>().0.get(index).copied().unwrap_or_default();
        i64::from(i32::from_ne_bytes(bytes))
    };
    // A source pixel (x, y) is shown at (a·x + c·y, b·x + d·y).
    turn(cell(0), cell(1), cell(3), cell(4))
}

fn turn(a: i64, b: i64, c: i64, d: i64) -> Orientation {
    let upright = a.abs() + d.abs() >= b.abs() + c.abs();
    match (upright, if upright { a < 0 } else { b < 0 }, if upright { d < 0 } else { c < 0 }) {
        (true, false, false) => Orientation::NoTransforms,
        (true, true, false) => Orientation::FlipHorizontal,
        (true, false, true) => Orientation::FlipVertical,
        (true, true, true) => Orientation::Rotate180,
        (false, false, true) => Orientation::Rotate90,
        (false, true, false) => Orientation::Rotate270,
        (false, false, false) => Orientation::Rotate90FlipH,
        (false, true, true) => Orientation::Rotate270FlipH,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_matrices_become_quarter_turns() {
        assert_eq!(turn(1, 0, 0, 1), Orientation::NoTransforms);
        assert_eq!(turn(0, 0, 0, 0), Orientation::NoTransforms);
        // Shown at (-y, x): the right end of the first row goes down, a turn clockwise.
        assert_eq!(turn(0, 1, -1, 0), Orientation::Rotate90);
        assert_eq!(turn(0, -1, 1, 0), Orientation::Rotate270);
        assert_eq!(turn(-1, 0, 0, -1), Orientation::Rotate180);
        assert_eq!(turn(-1, 0, 0, 1), Orientation::FlipHorizontal);
        // Shown at (y, x): mirrored along the diagonal.
        assert_eq!(turn(0, 1, 1, 0), Orientation::Rotate90FlipH);
    }
}

//! Opening a video or an audio file: only the formats and codecs we list, within the limits.

use std::sync::Once;

use ffmpeg_next::{
    Stream,
    codec::packet::side_data,
    error::{EINVAL, ENOMEM},
    format::stream::Disposition,
    log, media,
};
use onespace_core::{
    Error, Modality, Patience, Result, limits,
    sniff::{self, Sniffed},
};
use onespace_image::Orientation;

use crate::{
    error::{WHILE, explain},
    ffi::{self, Source},
};

/// Containers of videos, by the names of FFmpeg's demuxers.
pub const VIDEOS: &str = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,ogg";

/// Containers of audio. Each holds its sound itself: none is a list of other files.
pub const AUDIO_FILES: &str = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,ogg,wav,w64,flac,mp3,aac,ac3,eac3,aiff,caf,\
    au,amr,amrnb,amrwb,asf,avi,mpeg,mpegts,flv,wv,ape,tta,tak,mpc,mpc8,dts";

/// Decoders of video and of audio, by FFmpeg's names.
pub const CODECS: &str = "h264,hevc,vp8,libvpx,vp9,libvpx-vp9,libdav1d,libaom-av1,av1,mpeg4,\
    aac,aac_latm,mp3,mp3float,mp2,mp2float,opus,libopus,vorbis,libvorbis,flac,alac,ac3,eac3,dca,truehd,\
    pcm_u8,pcm_s8,pcm_s16le,pcm_s16be,pcm_s24le,pcm_s24be,pcm_s32le,pcm_s32be,pcm_f32le,pcm_f32be,pcm_f64le,\
    pcm_f64be,pcm_alaw,pcm_mulaw,adpcm_ms,adpcm_ima_wav,adpcm_ima_qt,gsm_ms,amrnb,amrwb,libopencore_amrnb,\
    libopencore_amrwb,speex,libspeex,wmav1,wmav2,wmapro,wmalossless,wmavoice,wavpack,ape,tta,tak,mpc7,mpc8";

/// FFmpeg's clock ticks in a second.
const MICROSECONDS: f64 = 1e6;

/// Opens `bytes` if they are one of `formats`.
///
/// # Errors
/// `MEDIA_UNSUPPORTED` for any other format, `MEDIA_MALFORMED`, `MEDIA_TOO_LARGE`; what `patience` says when it is
/// over.
pub fn open<'a>(bytes: &'a [u8], formats: &str, patience: &Patience) -> Result<Source<'a>> {
    static READY: Once = Once::new();
    READY.call_once(|| {
        // Prepares the error messages; what hostile files provoke must not flood the log.
        let _ = ffmpeg_next::init();
        log::set_level(log::Level::Quiet);
        ffi::bound_allocations(limits::VIDEO_ALLOCATION_BYTES);
    });
    let (probe, streams) = (limits::VIDEO_PROBE_BYTES.to_string(), limits::VIDEO_STREAMS.to_string());
    let options = [
        ("format_whitelist", formats),
        ("protocol_whitelist", "none"),
        ("codec_whitelist", CODECS),
        ("max_streams", &streams),
        ("probesize", &probe),
        // How many frames a second there are is of no interest, and finding out takes decoding.
        ("fpsprobesize", "0"),
    ];
    let pixels = decoder_pixels();
    let probing = [("max_pixels", pixels.as_str()), ("threads", "1")];
    let source = Source::open(bytes, &options, &probing, patience);
    // Whatever opening came to when the time was over: the bytes are not to blame.
    patience.check(WHILE)?;
    source.map_err(|error| refusal(error, bytes, formats))
}

/// The most pixels a decoder may make frames of, as an option's value.
pub fn decoder_pixels() -> String {
    (limits::VIDEO_SIDE * limits::VIDEO_SIDE).to_string()
}

fn refusal(error: ffmpeg_next::Error, bytes: &[u8], formats: &str) -> Error {
    use ffmpeg_next::Error as Ffmpeg;
    match error {
        // A demuxer outside the list is refused with "invalid argument", before it has read anything; bytes that no
        // demuxer knows count as invalid data.
        Ffmpeg::Other { errno: EINVAL } | Ffmpeg::DemuxerNotFound => unknown(bytes, formats),
        Ffmpeg::InvalidData if !is_container(bytes) => unknown(bytes, formats),
        Ffmpeg::Other { errno: ENOMEM } => {
            Error::too_large("bytes", "the number of streams, or what they ask for,", "more", limits::VIDEO_STREAMS)
        }
        other => explain(other, "the container cannot be read"),
    }
}

fn unknown(bytes: &[u8], formats: &str) -> Error {
    let head = sniff::head(bytes);
    Error::unsupported("bytes", format!("bytes that begin {head} are in none of the containers {formats}"))
}

fn is_container(bytes: &[u8]) -> bool {
    use Modality::{Audio, Video};
    matches!(sniff::sniff(bytes), Sniffed::Known { modality: Audio | Video, .. })
}

/// What has to be known of a video stream before any frame is decoded.
#[derive(Clone, Copy, Debug)]
pub struct VideoStreamInfo {
    /// Its number.
    pub index: usize,
    /// Seconds in one tick of the stream's time stamps.
    pub tick: f64,
    /// The time stamp of the first frame: time zero.
    pub origin: Option<i64>,
    /// From the first frame to the end of the last one, seconds, if the container says so.
    pub seconds: Option<f64>,
    /// Frames a second on average, if the container says so.
    pub rate: Option<f64>,
    /// How they have to be turned.
    pub orientation: Orientation,
}

/// The video stream of a container.
///
/// # Errors
/// `MEDIA_UNSUPPORTED` when there is none, `MEDIA_TOO_LARGE` when they are larger than allowed.
pub fn video_stream(source: &Source<'_>) -> Result<VideoStreamInfo> {
    let stream = source
        .streams()
        .filter(|stream| stream.parameters().medium() == media::Type::Video)
        // A cover is an image, but no video.
        .filter(|stream| !stream.disposition().contains(Disposition::ATTACHED_PIC))
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
    Ok(VideoStreamInfo { index: stream.index(), tick, origin, seconds, rate, orientation: orientation(&stream) })
}

/// How far the packets of the stream reach, found by reading them without decoding; the source is then at its end.
///
/// # Errors
/// What `patience` says when it is over.
pub fn scan_seconds(source: &mut Source<'_>, stream: &VideoStreamInfo, patience: &Patience) -> Result<f64> {
    let (mut first, mut end, mut longest) = (stream.origin, None, 0);
    while let Some(packet) = next_packet(source, patience)? {
        let Some(time) = packet.pts().or(packet.dts()).filter(|_| packet.stream() == stream.index) else { continue };
        let start = *first.get_or_insert(time);
        // The last packet of a container that states no durations lasts as long as those before it.
        longest = if packet.duration() > 0 {
            packet.duration()
        } else {
            longest.max(time.saturating_sub(end.unwrap_or(start)))
        };
        end = end.max(Some(time.saturating_add(packet.duration().max(0))));
    }
    let ticks = end.unwrap_or(0).saturating_sub(first.unwrap_or(0)).max(longest);
    Ok(ticks as f64 * stream.tick)
}

/// The next packet that is not corrupt.
///
/// # Errors
/// What `patience` says when it is over. Any other trouble counts as the end: what came before it is good.
pub fn next_packet(source: &mut Source<'_>, patience: &Patience) -> Result<Option<ffmpeg_next::Packet>> {
    loop {
        patience.check(WHILE)?;
        match source.read() {
            Ok(packet) => return Ok(packet),
            Err(ffmpeg_next::Error::InvalidData) => {}
            Err(_) => {
                patience.check(WHILE)?;
                return Ok(None);
            }
        }
    }
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

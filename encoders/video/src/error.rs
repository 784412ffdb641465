//! FFmpeg's errors in the words of the domain.

use onespace_core::{Error, Patience, limits};

use crate::ffi::processor_time;

/// Where it is noticed that nobody waits any more, or that the video takes too long.
pub const WHILE: &str = "while the video was decoded";

/// What went wrong with the media's bytes, `doing` being what FFmpeg was at. Reads that failed because the time was
/// over are told by [`Patience::check`], which is asked first wherever FFmpeg reads.
pub fn explain(error: ffmpeg_next::Error, doing: &str) -> Error {
    use ffmpeg_next::Error as Ffmpeg;
    match error {
        Ffmpeg::DecoderNotFound | Ffmpeg::DemuxerNotFound | Ffmpeg::PatchWelcome => {
            Error::unsupported("bytes", format!("{doing}: {error}"))
        }
        Ffmpeg::OptionNotFound => Error::internal("FFmpeg does not know an option that guards it"),
        _ => Error::malformed("bytes", format!("{doing}: {error}")),
    }
}

/// The patience of a request, cut to the work that one video may be. Work is processor time: how busy the machine is
/// says nothing of a video, and whoever waits too long for it has a deadline.
pub fn for_a_video(request: &Patience) -> Patience {
    request.at_most_of("VIDEO_DECODE_SECONDS", limits::VIDEO_DECODE_SECONDS, processor_time)
}

//! FFmpeg's errors in the words of the domain.

use std::time::{Duration, Instant};

use ffmpeg_next::error;
use onespace_core::{Error, Reason, Result, limits};

/// What went wrong with the media's bytes, `doing` being what FFmpeg was at.
pub fn explain(error: ffmpeg_next::Error, doing: &str) -> Error {
    use ffmpeg_next::Error as Ffmpeg;
    match error {
        Ffmpeg::DecoderNotFound | Ffmpeg::DemuxerNotFound | Ffmpeg::PatchWelcome => {
            Error::unsupported("bytes", format!("{doing}: {error}"))
        }
        Ffmpeg::Exit | Ffmpeg::Other { errno: error::ETIMEDOUT } => too_slow(),
        Ffmpeg::OptionNotFound => Error::internal("FFmpeg does not know an option that guards it"),
        _ => Error::malformed("bytes", format!("{doing}: {error}")),
    }
}

/// The time one film may take is over.
pub fn too_slow() -> Error {
    let limit = format!("{} seconds", limits::VIDEO_DECODE_SECONDS);
    Error::too_large("bytes", "the time that decoding takes", "longer", limit)
}

/// When work on a media that begins now must be over.
pub fn deadline() -> Instant {
    Instant::now() + Duration::from_secs(limits::VIDEO_DECODE_SECONDS as u64)
}

/// Refuses to go on once the time is over.
///
/// # Errors
/// `MEDIA_TOO_LARGE`.
pub fn in_time(deadline: Instant) -> Result<()> {
    if Instant::now() < deadline { Ok(()) } else { Err(too_slow()) }
}

/// Refuses media without bytes or with more than `limit`.
///
/// # Errors
/// `MEDIA_EMPTY`, `MEDIA_TOO_LARGE`.
pub fn check_bytes(bytes: &[u8], limit: usize) -> Result<()> {
    if bytes.is_empty() {
        return Err(Error::new(Reason::MediaEmpty, "bytes", "the media has no bytes"));
    }
    if bytes.len() > limit {
        return Err(Error::too_large("bytes", "the media's size in bytes", bytes.len(), limit));
    }
    Ok(())
}

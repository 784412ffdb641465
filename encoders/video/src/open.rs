//! Opening a video or an audio file: only the formats and codecs we list, within the limits.

use std::sync::Once;

use ffmpeg_next::{
    error::{EINVAL, ENOMEM},
    log,
};
use onespace_core::{
    Error, Modality, Patience, Result, limits,
    sniff::{self, Sniffed},
};

use crate::{
    error::{WHILE, explain},
    ffi::{self, Source},
};

/// Containers of videos, by the names of FFmpeg's demuxers. None of them names other files that it would be made of.
pub const VIDEOS: &str = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,ogg,avi,mpeg,mpegts,asf,flv";

/// Containers of audio. Each holds its sound itself: none is a list of other files.
pub const AUDIO_FILES: &str = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,ogg,wav,w64,flac,mp3,aac,ac3,eac3,aiff,caf,\
    au,amr,amrnb,amrwb,asf,avi,mpeg,mpegts,flv,wv,ape,tta,tak,mpc,mpc8,dts";

/// Decoders of video and of audio, by FFmpeg's names.
pub const CODECS: &str = "h264,hevc,vp8,libvpx,vp9,libvpx-vp9,libdav1d,libaom-av1,av1,\
    mpeg1video,mpeg2video,mpeg4,h263,h263p,msmpeg4v1,msmpeg4v2,msmpeg4,wmv1,wmv2,wmv3,vc1,flv,vp6,vp6a,vp6f,theora,\
    mjpeg,prores,dnxhd,dvvideo,ffv1,huffyuv,ffvhuff,rawvideo,\
    aac,aac_latm,mp3,mp3float,mp2,mp2float,mp1,mp1float,opus,libopus,vorbis,libvorbis,flac,alac,ac3,eac3,dca,truehd,\
    wmav1,wmav2,wmapro,nellymoser,adpcm_swf,pcm_dvd,pcm_bluray,\
    pcm_u8,pcm_s8,pcm_s16le,pcm_s16be,pcm_s24le,pcm_s24be,pcm_s32le,pcm_s32be,pcm_f32le,pcm_f32be,pcm_f64le,\
    pcm_f64be,pcm_alaw,pcm_mulaw,adpcm_ms,adpcm_ima_wav,adpcm_ima_qt,gsm_ms,amrnb,amrwb,libopencore_amrnb,\
    libopencore_amrwb,speex,libspeex,wmalossless,wmavoice,wavpack,ape,tta,tak,mpc7,mpc8";

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

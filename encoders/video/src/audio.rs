//! Audio: the track of a video, for the audio tower, and audio files that only FFmpeg can decode.

use ffmpeg_next::{
    Dictionary, Error as Ffmpeg, decoder,
    error::{EAGAIN, ENOSYS},
    frame, media,
};
use onespace_audio::Recording;
use onespace_core::{Error, Modality, Patience, Reason, Result, limits};

use crate::{
    error::{WHILE, explain, for_a_video},
    ffi::{self, Source},
    open::{AUDIO_FILES, CODECS, VIDEOS, next_packet, open},
    pcm::PcmBuffer,
};

/// Decodes an audio file of any container of the list (Ogg, MP4, Matroska, WAV, FLAC, MP3, AAC, AC-3, …), Opus and
/// AC-3 among the codecs.
///
/// # Errors
/// `MEDIA_EMPTY`, `MEDIA_UNSUPPORTED`, `MEDIA_MALFORMED`; `MEDIA_TOO_LARGE` when it is longer, or has more channels
/// or samples, than allowed, or takes longer than a video may; `DEADLINE_EXCEEDED` or `CANCELLED` when `request` is
/// over.
pub fn decode_audio(bytes: &[u8], request: &Patience) -> Result<Recording> {
    Modality::Audio.check_bytes("bytes", bytes.len())?;
    let patience = for_a_video(request);
    let mut source = open(bytes, AUDIO_FILES, &patience)?;
    match decode_track(&mut source, &patience)? {
        AudioTrack::Decoded { recording, .. } if recording.lost > recording.good => {
            let (lost, all) = (recording.lost, recording.good + recording.lost);
            Err(Error::malformed("bytes", format!("{lost} of {all} packets of the audio are broken")))
        }
        AudioTrack::Decoded { recording, cut: false } => Ok(recording),
        AudioTrack::Decoded { cut: true, .. } => {
            let limit = format!("{} seconds or {} bytes", limits::AUDIO_SECONDS, limits::AUDIO_DECODED_BYTES);
            Err(Error::too_large("bytes", "the audio, decoded,", "longer", limit))
        }
        AudioTrack::Absent => Err(Error::unsupported("bytes", "the container holds no audio")),
        AudioTrack::Empty => Err(nothing_decoded()),
        AudioTrack::Unsupported { codec } => {
            Err(Error::unsupported("bytes", format!("audio coded as {codec} is not decoded here")))
        }
    }
}

/// Decodes the audio track of a video, as much of it as the limits allow, and whether there is more; none where there
/// is none, or one that is not decoded here.
///
/// # Errors
/// `MEDIA_*` for a video or an audio track that cannot be read; what `request` says when it is over.
pub fn audio_track(bytes: &[u8], request: &Patience) -> Result<Option<(Recording, bool)>> {
    let patience = for_a_video(request);
    let track = open(bytes, VIDEOS, &patience).and_then(|mut source| decode_track(&mut source, &patience));
    match track {
        Ok(AudioTrack::Decoded { recording, cut }) => Ok(Some((recording, cut))),
        Ok(AudioTrack::Absent | AudioTrack::Empty | AudioTrack::Unsupported { .. }) => Ok(None),
        Err(error) if error.reason == Reason::MediaUnsupported => Ok(None),
        // Whatever reading came to when the time was over: the bytes are not to blame.
        Err(error) => Err(patience.check(WHILE).err().unwrap_or(error)),
    }
}

/// What became of the audio track of a container.
#[derive(Debug)]
pub enum AudioTrack {
    /// There is none.
    Absent,
    /// There is one that says that it holds nothing, and holds nothing.
    Empty,
    /// It is of a codec that is not decoded here.
    Unsupported {
        /// FFmpeg's name of it.
        codec: String,
    },
    /// It was decoded.
    Decoded {
        /// The audio.
        recording: Recording,
        /// Whether there is more of it than the limits allow.
        cut: bool,
    },
}

/// Decodes the audio track of `source` from where it stands, as much of it as the limits allow. Packets that the
/// decoder refuses are left out.
///
/// # Errors
/// `MEDIA_MALFORMED` when nothing can be decoded; `MEDIA_UNSUPPORTED`, `MEDIA_TOO_LARGE`; what `patience` says when it
/// is over.
pub fn decode_track(source: &mut Source<'_>, patience: &Patience) -> Result<AudioTrack> {
    let tracks = source.streams().filter(|stream| stream.parameters().medium() == media::Type::Audio);
    let default = ffmpeg_next::format::stream::Disposition::DEFAULT;
    let chosen = tracks.min_by_key(|stream| (!stream.disposition().contains(default), stream.index()));
    let Some((index, stated)) = chosen.map(|stream| (stream.index(), stream.frames() > 0)) else {
        return Ok(AudioTrack::Absent);
    };
    source.select(index);
    let mut track = match Track::open(source, index)? {
        Opened::Track(track) => track,
        Opened::Unsupported(codec) => return Ok(AudioTrack::Unsupported { codec }),
    };
    let (mut buffer, mut frame) = (PcmBuffer::default(), frame::Audio::empty());
    let mut good = 0;
    loop {
        patience.check(WHILE)?;
        match track.decoder.receive_frame(&mut frame) {
            Ok(()) => {
                if buffer.append(&frame)? {
                    good += 1;
                } else {
                    track.lost += 1;
                }
                if buffer.is_full() {
                    break;
                }
            }
            Err(Ffmpeg::Eof) => break,
            Err(Ffmpeg::Other { errno: EAGAIN }) => track.feed(source, patience)?,
            Err(Ffmpeg::InvalidData) => {
                track.lost += 1;
                track.feed(source, patience)?;
            }
            Err(error) if is_unimplemented(error) => {
                track.unimplemented = true;
                track.feed(source, patience)?;
            }
            Err(error) => return Err(explain(error, "the audio cannot be decoded")),
        }
    }
    match buffer.finish() {
        Some((stretches, cut)) => {
            Ok(AudioTrack::Decoded { recording: Recording { stretches, good, lost: track.lost }, cut })
        }
        None if track.unimplemented => Ok(AudioTrack::Unsupported { codec: track.codec }),
        None if track.packets == 0 && !stated => Ok(AudioTrack::Empty),
        None => Err(nothing_decoded()),
    }
}

fn nothing_decoded() -> Error {
    Error::malformed("bytes", "not one sample of the audio can be decoded")
}

/// FFmpeg's answers for a profile or a feature of a codec that it does not implement.
const fn is_unimplemented(error: Ffmpeg) -> bool {
    matches!(error, Ffmpeg::PatchWelcome | Ffmpeg::Other { errno: ENOSYS })
}

/// An audio track and its decoder.
struct Track {
    index: usize,
    codec: String,
    decoder: decoder::Audio,
    /// How many packets there were.
    packets: usize,
    /// How many of them the decoder refused.
    lost: usize,
    /// Whether a packet asked for what the decoder does not implement.
    unimplemented: bool,
}

enum Opened {
    Track(Track),
    Unsupported(String),
}

impl Track {
    fn open(source: &Source<'_>, index: usize) -> Result<Opened> {
        let decoder = source.decoder(index).map_err(|error| explain(error, "the audio's parameters"))?;
        let id = decoder.id();
        let tag = || ffi::codec_tag(source, index).unwrap_or_else(|| "something unknown".to_owned());
        let name = if id == ffmpeg_next::codec::Id::None { tag() } else { id.name().to_owned() };
        let codec = decoder::find(id).filter(|codec| CODECS.split(',').any(|listed| listed == codec.name()));
        let Some(codec) = codec else { return Ok(Opened::Unsupported(name)) };
        let mut options = Dictionary::new();
        options.set("codec_whitelist", CODECS);
        match decoder.open_as_with(codec, options).and_then(decoder::Opened::audio) {
            Ok(decoder) => {
                Ok(Opened::Track(Self { index, codec: name, decoder, packets: 0, lost: 0, unimplemented: false }))
            }
            Err(error) if is_unimplemented(error) => Ok(Opened::Unsupported(name)),
            Err(error) => Err(explain(error, "the audio's decoder does not start")),
        }
    }

    /// Gives the decoder its next packet, or tells it that there is none.
    fn feed(&mut self, source: &mut Source<'_>, patience: &Patience) -> Result<()> {
        while let Some(packet) = next_packet(source, patience)? {
            if packet.stream() == self.index {
                self.packets += 1;
                // A packet that the decoder refuses is a moment of audio less.
                if let Err(error) = self.decoder.send_packet(&packet) {
                    self.unimplemented |= is_unimplemented(error);
                    self.lost += 1;
                }
                return Ok(());
            }
        }
        let _ = self.decoder.send_eof();
        Ok(())
    }
}

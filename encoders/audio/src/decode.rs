//! From bytes to audio.

use std::io::{self, ErrorKind, Read, Seek, SeekFrom};

use onespace_core::{Error, Patience, Reason, Result, patience::Reading};
use symphonia::{
    core::{
        codecs::{
            CodecParameters,
            audio::{AudioCodecId, AudioCodecParameters, AudioDecoder, AudioDecoderOptions, well_known},
        },
        errors::Error as Fault,
        formats::{FormatOptions, FormatReader, Track, TrackType, probe::Hint},
        io::{MediaSource, MediaSourceStream},
        meta::MetadataOptions,
    },
    default::{get_codecs, get_probe},
};

use crate::{
    edit::Edit,
    intake::{Intake, MonoAudio, Target},
};

/// Where it is noticed that nobody waits any more.
const WHILE: &str = "while the audio was decoded";

/// Decodes an audio file into one channel as `target` says, packet by packet, within the limits.
///
/// Packets that are broken are left out, as players do, unless they are most of the audio; a file that
/// ends early is what there is of it.
///
/// # Errors
/// `MEDIA_UNSUPPORTED` for a container or codec that is not decoded here, named; `MEDIA_MALFORMED`,
/// `MEDIA_TOO_LARGE`, `MEDIA_EMPTY`; what `patience` says when it is over.
pub fn decode(bytes: &[u8], target: Target, patience: &Patience) -> Result<MonoAudio> {
    patience.check(WHILE)?;
    let audio = decode_while(bytes, target, patience);
    // A file that ended early because nobody waits any more is not what there is of it.
    patience.check(WHILE)?;
    audio
}

fn decode_while(bytes: &[u8], target: Target, patience: &Patience) -> Result<MonoAudio> {
    let source = Source { reading: patience.reading(bytes), length: bytes.len() as u64 };
    let mut format = get_probe()
        .probe(
            &Hint::new(),
            MediaSourceStream::new(Box::new(source), Default::default()),
            FormatOptions::default(),
            MetadataOptions::default(),
        )
        .map_err(|fault| unreadable(&fault))?;
    let mut stream = Stream::open(format.as_ref())?;
    let mut intake = Intake::new(target, Edit::from_mp4(bytes));
    let (mut good, mut bad) = (0_usize, 0_usize);
    let mut planes: Vec<Vec<f32>> = Vec::new();
    loop {
        patience.check(WHILE)?;
        let packet = match format.next_packet() {
            Ok(Some(packet)) => packet,
            Ok(None) => break,
            Err(Fault::ResetRequired) => {
                stream = Stream::open(format.as_ref())?;
                continue;
            }
            // A file that was cut off, or is followed by rubbish, is as good as what was read of it.
            Err(_) if good > 0 => break,
            Err(fault) => return Err(unreadable(&fault)),
        };
        if packet.track_id != stream.track {
            continue;
        }
        match stream.decoder.decode(&packet) {
            Ok(buffer) => {
                good += 1;
                buffer.copy_to_vecs_planar(&mut planes);
                intake.push(buffer.spec().rate(), &planes)?;
            }
            Err(Fault::DecodeError(_) | Fault::IoError(_) | Fault::ResetRequired) => bad += 1,
            Err(fault) => return Err(unreadable(&fault)),
        }
    }
    if bad > good {
        let message = format!("{bad} of {} packets of the audio are broken", good + bad);
        return Err(Error::malformed("bytes", message));
    }
    intake.finish()
}

/// The bytes of an audio file, as the demuxers want them.
struct Source<'a> {
    reading: Reading<'a>,
    length: u64,
}

impl Read for Source<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.reading.read(buffer)
    }
}

impl Seek for Source<'_> {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        self.reading.seek(position)
    }
}

impl MediaSource for Source<'_> {
    fn is_seekable(&self) -> bool {
        true
    }

    fn byte_len(&self) -> Option<u64> {
        Some(self.length)
    }
}

/// The audio track that is decoded.
struct Stream {
    track: u32,
    decoder: Box<dyn AudioDecoder>,
}

impl Stream {
    /// Chooses the audio track, checks what its header says, opens its codec.
    fn open(format: &dyn FormatReader) -> Result<Self> {
        let Some(track) = format.default_track(TrackType::Audio).or_else(|| format.first_track(TrackType::Audio))
        else {
            return Err(Error::unsupported("bytes", "there is no audio track in it that is known here"));
        };
        let Some(CodecParameters::Audio(parameters)) = &track.codec_params else {
            return Err(Error::unsupported("bytes", "the codec of its audio track is not known here"));
        };
        let decoder = get_codecs().make_audio_decoder(parameters, &AudioDecoderOptions::default()).map_err(
            |fault| match fault {
                Fault::Unsupported(_) => {
                    let message =
                        format!("its audio is coded as {}, which is not decoded here", codec_name(parameters.codec));
                    Error::unsupported("bytes", message)
                }
                fault => unreadable(&fault),
            },
        )?;
        check_header(track, parameters, decoder.codec_info().short_name.starts_with("pcm"))?;
        Ok(Self { track: track.id, decoder })
    }
}

/// Limits from the header. Plain PCM cannot be longer than its bytes, and often says so wrongly when it was piped:
/// it is counted while decoding only, as everything is.
fn check_header(track: &Track, parameters: &AudioCodecParameters, pcm: bool) -> Result<()> {
    if let Some(channels) = &parameters.channels {
        Intake::check_channels(channels.count())?;
    }
    let Some(rate) = parameters.sample_rate else { return Ok(()) };
    Intake::check_rate(rate)?;
    match track.num_frames {
        Some(frames) if !pcm => Intake::check_duration(frames, rate),
        _ => Ok(()),
    }
}

fn unreadable(fault: &Fault) -> Error {
    match fault {
        Fault::IoError(error) if error.kind() == ErrorKind::UnexpectedEof => {
            Error::malformed("bytes", "the file ends before its first sample")
        }
        Fault::Unsupported(what) => Error::unsupported("bytes", format!("the audio is not decoded here: {what}")),
        Fault::LimitError(what) => {
            Error::new(Reason::MediaTooLarge, "bytes", format!("the audio passes a limit of its decoder: {what}"))
        }
        fault => Error::malformed("bytes", format!("the audio cannot be read: {fault}")),
    }
}

fn codec_name(codec: AudioCodecId) -> String {
    let names = [
        (well_known::CODEC_ID_OPUS, "Opus"),
        (well_known::CODEC_ID_AC3, "AC-3"),
        (well_known::CODEC_ID_EAC3, "E-AC-3"),
        (well_known::CODEC_ID_AC4, "AC-4"),
        (well_known::CODEC_ID_DCA, "DTS"),
        (well_known::CODEC_ID_TRUEHD, "TrueHD"),
        (well_known::CODEC_ID_SPEEX, "Speex"),
        (well_known::CODEC_ID_MUSEPACK, "Musepack"),
        (well_known::CODEC_ID_WMA, "Windows Media Audio"),
        (well_known::CODEC_ID_WAVPACK, "WavPack"),
        (well_known::CODEC_ID_MONKEYS_AUDIO, "Monkey's Audio"),
        (well_known::CODEC_ID_TTA, "True Audio"),
        (well_known::CODEC_ID_AAC, "AAC of a profile other than LC"),
    ];
    let known = names.iter().find(|(id, _)| *id == codec);
    known.map_or_else(|| format!("of codec {codec}"), |(_, name)| (*name).to_owned())
}

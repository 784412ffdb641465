//! One recording, from its bytes to the intake.

use std::io::ErrorKind;

use onespace_core::{Error, Patience, Reason, Result};
use symphonia::{
    core::{
        codecs::{
            CodecParameters,
            audio::{AudioCodecId, AudioCodecParameters, AudioDecoder, AudioDecoderOptions, well_known},
        },
        errors::Error as Fault,
        formats::{FormatOptions, FormatReader, Track, TrackType, probe::Hint},
        io::MediaSourceStream,
        meta::MetadataOptions,
    },
    default::{get_codecs, get_probe},
};

use crate::{intake::Intake, joined::Part, source::Source};

/// Where it is noticed that nobody waits any more.
pub const WHILE: &str = "while the audio was decoded";

/// How decoding a part went.
#[derive(Default)]
pub struct Tally {
    /// Packets that were decoded.
    pub good: usize,
    /// Packets that could not be.
    pub bad: usize,
    /// Whether reading ended at something that is no packet.
    pub torn: bool,
}

/// Decodes a part packet by packet, into the intake.
///
/// # Errors
/// As `decode`.
pub fn decode_part(part: &Part<'_>, intake: &mut Intake, patience: &Patience) -> Result<Tally> {
    let source = Source::new(part, patience);
    let mut format = get_probe()
        .probe(
            &Hint::new(),
            MediaSourceStream::new(Box::new(source), Default::default()),
            FormatOptions::default(),
            MetadataOptions::default(),
        )
        .map_err(|fault| unreadable(&fault))?;
    let mut stream = Stream::open(format.as_ref(), part.ends_as_stated)?;
    let mut tally = Tally::default();
    let mut planes: Vec<Vec<f32>> = Vec::new();
    loop {
        patience.check(WHILE)?;
        let packet = match format.next_packet() {
            Ok(Some(packet)) => packet,
            Ok(None) => break,
            Err(Fault::ResetRequired) => {
                stream = Stream::open(format.as_ref(), part.ends_as_stated)?;
                continue;
            }
            Err(fault @ Fault::Unsupported(_)) => return Err(unreadable(&fault)),
            // A file that was cut off, or is followed by rubbish, is as good as what was read of it.
            Err(fault) if tally.good > 0 => {
                tally.torn = !matches!(fault, Fault::IoError(_));
                break;
            }
            Err(fault) => return Err(unreadable(&fault)),
        };
        if packet.track_id != stream.track {
            continue;
        }
        match stream.decoder.decode(&packet) {
            Ok(buffer) => {
                tally.good += 1;
                buffer.copy_to_vecs_planar(&mut planes);
                if !part.ends_as_stated {
                    drop_run_in(&mut planes, packet.trim_start.get());
                }
                intake.push(buffer.spec().rate(), &planes)?;
            }
            Err(Fault::DecodeError(_) | Fault::IoError(_) | Fault::ResetRequired) => tally.bad += 1,
            Err(fault) => return Err(unreadable(&fault)),
        }
    }
    Ok(tally)
}

/// Drops what an encoder put before the audio, where the decoder was told to leave both ends alone.
fn drop_run_in(planes: &mut [Vec<f32>], frames: u64) {
    if frames > 0 {
        let frames = usize::try_from(frames).unwrap_or(usize::MAX);
        planes.iter_mut().for_each(|plane| drop(plane.drain(..frames.min(plane.len()))));
    }
}

/// The audio track that is decoded.
struct Stream {
    track: u32,
    decoder: Box<dyn AudioDecoder>,
}

impl Stream {
    /// Chooses the audio track, checks what its header says, opens its codec. What an encoder put before and behind the
    /// audio is cut off where `ends_as_stated`.
    fn open(format: &dyn FormatReader, ends_as_stated: bool) -> Result<Self> {
        let Some(track) = format.default_track(TrackType::Audio).or_else(|| format.first_track(TrackType::Audio))
        else {
            return Err(Error::unsupported("bytes", "there is no audio track in it that is known here"));
        };
        let Some(CodecParameters::Audio(parameters)) = &track.codec_params else {
            return Err(Error::unsupported("bytes", "the codec of its audio track is not known here"));
        };
        let decoder = get_codecs()
            .make_audio_decoder(parameters, &AudioDecoderOptions::default().gapless(ends_as_stated))
            .map_err(|fault| match fault {
                Fault::Unsupported(_) => {
                    let message =
                        format!("its audio is coded as {}, which is not decoded here", codec_name(parameters.codec));
                    Error::unsupported("bytes", message)
                }
                fault => unreadable(&fault),
            })?;
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

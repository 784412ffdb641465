//! Audio: the track of a video, for the audio tower, and audio files that only FFmpeg can decode.

use ffmpeg_next::{
    Dictionary, Error as Ffmpeg, decoder,
    error::{EAGAIN, ENOSYS},
    format::sample::{Sample, Type},
    frame, media,
};
use onespace_audio::Pcm;
use onespace_core::{Error, Modality, Patience, Reason, Result, limits};

use crate::{
    error::{WHILE, explain, for_a_video},
    ffi::{self, Source},
    open::{AUDIO_FILES, CODECS, VIDEOS, next_packet, open},
};

/// Decodes an audio file of any container of the list (Ogg, MP4, Matroska, WAV, FLAC, MP3, AAC, AC-3, …), Opus and
/// AC-3 among the codecs.
///
/// # Errors
/// `MEDIA_EMPTY`, `MEDIA_UNSUPPORTED`, `MEDIA_MALFORMED`; `MEDIA_TOO_LARGE` when it is longer, or has more channels
/// or samples, than allowed, or takes longer than a video may; `DEADLINE_EXCEEDED` or `CANCELLED` when `request` is
/// over.
pub fn decode_audio(bytes: &[u8], request: &Patience) -> Result<Pcm> {
    Modality::Audio.check_bytes("bytes", bytes.len())?;
    let patience = for_a_video(request);
    let mut source = open(bytes, AUDIO_FILES, &patience)?;
    match decode_track(&mut source, &patience)? {
        AudioTrack::Decoded { pcm, cut: false } => Ok(pcm),
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
pub fn audio_track(bytes: &[u8], request: &Patience) -> Result<Option<(Pcm, bool)>> {
    let patience = for_a_video(request);
    let track = open(bytes, VIDEOS, &patience).and_then(|mut source| decode_track(&mut source, &patience));
    match track {
        Ok(AudioTrack::Decoded { pcm, cut }) => Ok(Some((pcm, cut))),
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
        pcm: Pcm,
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
    loop {
        patience.check(WHILE)?;
        match track.decoder.receive_frame(&mut frame) {
            Ok(()) => {
                buffer.append(&frame)?;
                if buffer.is_full() {
                    break;
                }
            }
            Err(Ffmpeg::Eof) => break,
            Err(Ffmpeg::Other { errno: EAGAIN } | Ffmpeg::InvalidData) => track.feed(source, patience)?,
            Err(error) if is_unimplemented(error) => {
                track.unimplemented = true;
                track.feed(source, patience)?;
            }
            Err(error) => return Err(explain(error, "the audio cannot be decoded")),
        }
    }
    match buffer.finish() {
        Some((pcm, cut)) => Ok(AudioTrack::Decoded { pcm, cut }),
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
            Ok(decoder) => Ok(Opened::Track(Self { index, codec: name, decoder, packets: 0, unimplemented: false })),
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
                self.unimplemented |= self.decoder.send_packet(&packet).is_err_and(is_unimplemented);
                return Ok(());
            }
        }
        let _ = self.decoder.send_eof();
        Ok(())
    }
}

/// Samples as they are decoded. The first frame decides the rate and the channels.
#[derive(Default)]
struct PcmBuffer {
    rate: u32,
    channels: Vec<Vec<f32>>,
}

impl PcmBuffer {
    fn append(&mut self, frame: &frame::Audio) -> Result<()> {
        if self.channels.is_empty() {
            self.begin(frame)?;
        }
        if frame.rate() != self.rate {
            let change = format!("the sample rate changes from {} to {} hertz", self.rate, frame.rate());
            return Err(Error::unsupported("bytes", change));
        }
        let count = usize::from(frame.channels());
        if count == 0 || frame.planes() == 0 {
            return Ok(());
        }
        for (index, channel) in self.channels.iter_mut().enumerate() {
            // Where a frame has fewer channels than the first one had, its last one stands in.
            decode_channel(frame, index.min(count - 1), channel)?;
        }
        Ok(())
    }

    fn begin(&mut self, frame: &frame::Audio) -> Result<()> {
        let (rate, count) = (frame.rate() as usize, usize::from(frame.channels()));
        if !(limits::AUDIO_RATE_MIN..=limits::AUDIO_RATE_MAX).contains(&rate) {
            let limit = format!("{} to {}", limits::AUDIO_RATE_MIN, limits::AUDIO_RATE_MAX);
            return Err(Error::too_large("bytes", "the sample rate in hertz", rate, limit));
        }
        if count > limits::AUDIO_CHANNELS {
            return Err(Error::too_large("bytes", "the number of channels", count, limits::AUDIO_CHANNELS));
        }
        self.rate = frame.rate();
        self.channels = vec![Vec::new(); count];
        Ok(())
    }

    /// The most samples that a channel may have.
    fn limit(&self) -> usize {
        let by_bytes = limits::AUDIO_DECODED_BYTES / size_of::<f32>() / self.channels.len().max(1);
        by_bytes.min(limits::AUDIO_SECONDS * self.rate as usize)
    }

    fn is_full(&self) -> bool {
        self.channels.first().is_some_and(|channel| channel.len() > self.limit())
    }

    /// The samples, and whether there were more; none where there are none.
    fn finish(mut self) -> Option<(Pcm, bool)> {
        let (cut, limit) = (self.is_full(), self.limit());
        self.channels.iter_mut().for_each(|channel| channel.truncate(limit));
        let filled = self.channels.iter().any(|channel| !channel.is_empty());
        filled.then_some((Pcm { rate: self.rate, channels: self.channels }, cut))
    }
}

fn decode_channel(frame: &frame::Audio, index: usize, into: &mut Vec<f32>) -> Result<()> {
    let channel = Channel { frame, index };
    match frame.format() {
        Sample::U8(layout) => channel.read(layout, into, |[byte]: [u8; 1]| (f32::from(byte) - 128.0) / 128.0),
        Sample::I16(layout) => channel.read(layout, into, |bytes| f32::from(i16::from_ne_bytes(bytes)) / 32_768.0),
        Sample::I32(layout) => {
            channel.read(layout, into, |bytes| (f64::from(i32::from_ne_bytes(bytes)) / 2_147_483_648.0) as f32)
        }
        Sample::F32(layout) => channel.read(layout, into, f32::from_ne_bytes),
        Sample::F64(layout) => channel.read(layout, into, |bytes| f64::from_ne_bytes(bytes) as f32),
        other => return Err(Error::unsupported("bytes", format!("samples of format {other:?}"))),
    }
    Ok(())
}

/// One channel of a frame.
struct Channel<'f> {
    frame: &'f frame::Audio,
    index: usize,
}

impl Channel<'_> {
    fn read<const N: usize>(&self, layout: Type, into: &mut Vec<f32>, sample: impl Fn([u8; N]) -> f32) {
        let (plane, first, step) = match layout {
            Type::Planar => (self.index, 0, 1),
            Type::Packed => (0, self.index, usize::from(self.frame.channels()).max(1)),
        };
        let samples = self.frame.data(plane).as_chunks::<N>().0.iter();
        // Damaged floats may be anything; what follows expects numbers.
        let finite = |value: f32| if value.is_finite() { value } else { 0.0 };
        into.extend(samples.skip(first).step_by(step).take(self.frame.samples()).map(|bytes| finite(sample(*bytes))));
    }
}

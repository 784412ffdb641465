//! Sound: of a film, for the audio tower, and of recordings that only FFmpeg can decode.

use ffmpeg_next::{
    Dictionary, Error as Ffmpeg, decoder,
    error::EAGAIN,
    format::sample::{Sample, Type},
    frame, media,
};
use onespace_audio::Pcm;
use onespace_core::{Error, Patience, Result, limits};

use crate::{
    error::{WHILE, check_bytes, explain, for_a_film},
    ffi::Source,
    open::{CODECS, RECORDINGS, next_packet, open},
};

/// Decodes a recording in any container of the list (Ogg, MP4, Matroska, WAV, FLAC, MP3, AAC, AC-3, …), Opus and
/// AC-3 among the codecs.
///
/// # Errors
/// `MEDIA_EMPTY`, `MEDIA_UNSUPPORTED`, `MEDIA_MALFORMED`; `MEDIA_TOO_LARGE` when it is longer, or has more channels
/// or samples, than allowed, or takes longer than a film may; `DEADLINE_EXCEEDED` or `CANCELLED` when `request` is
/// over.
pub fn decode_audio(bytes: &[u8], request: &Patience) -> Result<Pcm> {
    check_bytes(bytes, limits::AUDIO_BYTES)?;
    let patience = for_a_film(request);
    let mut source = open(bytes, RECORDINGS, &patience)?;
    let heard = listen(&mut source, &patience)?;
    let heard = heard.ok_or_else(|| Error::unsupported("bytes", "the container holds no sound"))?;
    if heard.cut {
        let limit = format!("{} seconds or {} bytes", limits::AUDIO_SECONDS, limits::AUDIO_DECODED_BYTES);
        return Err(Error::too_large("bytes", "the recording, decoded,", "longer", limit));
    }
    Ok(heard.pcm)
}

/// What was heard.
pub struct Heard {
    /// The sound.
    pub pcm: Pcm,
    /// Whether there is more of it than the limits allow.
    pub cut: bool,
}

/// The sound of `source` from where it stands, as much of it as the limits allow; `None` when it has none.
///
/// # Errors
/// As [`decode_audio`].
pub fn listen(source: &mut Source<'_>, patience: &Patience) -> Result<Option<Heard>> {
    let sounds = source.streams().filter(|stream| stream.parameters().medium() == media::Type::Audio);
    let default = ffmpeg_next::format::stream::Disposition::DEFAULT;
    let Some(index) = sounds.min_by_key(|s| (!s.disposition().contains(default), s.index())).map(|s| s.index()) else {
        return Ok(None);
    };
    source.select(index);
    let mut options = Dictionary::new();
    options.set("codec_whitelist", CODECS);
    let decoder = source.decoder(index).map_err(|error| explain(error, "the sound's parameters"))?;
    let id = decoder.id();
    let unsupported = || Error::unsupported("bytes", format!("sound coded as {} is not decoded here", id.name()));
    let codec = decoder::find(id).ok_or_else(unsupported)?;
    let mut decoder =
        decoder.open_as_with(codec, options).and_then(decoder::Opened::audio).map_err(|error| match error {
            Ffmpeg::Other { errno: ffmpeg_next::error::EINVAL } => unsupported(),
            other => explain(other, "the sound's decoder does not start"),
        })?;

    let (mut tape, mut frame) = (Tape::default(), frame::Audio::empty());
    loop {
        patience.check(WHILE)?;
        match decoder.receive_frame(&mut frame) {
            Ok(()) => {
                tape.append(&frame)?;
                if tape.is_full() {
                    break;
                }
            }
            Err(Ffmpeg::Eof) => break,
            Err(Ffmpeg::Other { errno: EAGAIN } | Ffmpeg::InvalidData) => feed(source, &mut decoder, index, patience)?,
            Err(error) => return Err(explain(error, "the sound cannot be decoded")),
        }
    }
    tape.finish().map(Some)
}

fn feed(source: &mut Source<'_>, decoder: &mut decoder::Audio, index: usize, patience: &Patience) -> Result<()> {
    while let Some(packet) = next_packet(source, patience)? {
        if packet.stream() == index {
            // A packet that the decoder refuses is a moment of sound less.
            let _ = decoder.send_packet(&packet);
            return Ok(());
        }
    }
    let _ = decoder.send_eof();
    Ok(())
}

/// Sound as it comes in. The first frame decides the rate and the channels.
#[derive(Default)]
struct Tape {
    rate: u32,
    channels: Vec<Vec<f32>>,
}

impl Tape {
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

    fn finish(mut self) -> Result<Heard> {
        let cut = self.is_full();
        let limit = self.limit();
        self.channels.iter_mut().for_each(|channel| channel.truncate(limit));
        if self.channels.iter().all(Vec::is_empty) {
            return Err(Error::malformed("bytes", "not one sample of the sound can be decoded"));
        }
        Ok(Heard { pcm: Pcm { rate: self.rate, channels: self.channels }, cut })
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

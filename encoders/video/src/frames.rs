//! The frame shown at a moment, decoding as little as finding it takes.

use std::mem;

use ffmpeg_next::{Dictionary, Discard, Error as Ffmpeg, Packet, decoder, error::EAGAIN, frame};
use onespace_core::{Error, Patience, Result, limits};

use crate::{
    error::{WHILE, explain},
    ffi::Source,
    open::{CODECS, VideoStreamInfo, decoder_pixels, next_packet},
};

/// How exactly time stamps are compared, seconds: a moment that falls on the beginning of a frame is that frame's.
const EXACT: f64 = 1e-6;

/// Frames nearer than this are reached by decoding on, seconds; for farther ones a seek is tried.
const NEAR: f64 = 0.25;

/// The frames of a video at ascending moments.
///
/// Two frames are held: the one shown, and the next one, whose time stamp says until when.
pub struct Frames<'s, 'a> {
    source: &'s mut Source<'a>,
    stream: VideoStreamInfo,
    decoder: decoder::Video,
    patience: Patience,
    shown: Option<Timed>,
    next: Option<Timed>,
    ended: bool,
    decoded: usize,
    sent: Sent,
    resume: Resume,
    wanted: f64,
}

/// A decoded frame.
pub struct Timed {
    /// When it begins to be shown, seconds from the first one.
    pub seconds: f64,
    /// How many were decoded before it; tells frames apart.
    pub number: usize,
    /// Its pixels, in the codec's format.
    pub frame: frame::Video,
}

/// What the decoder was given last, by time stamp.
#[derive(Clone, Copy, Default)]
struct Sent {
    key: Option<i64>,
    last: Option<i64>,
}

/// How reading goes on.
#[derive(Clone, Copy, PartialEq)]
enum Resume {
    /// Packet after packet.
    Straight,
    /// After a seek: the next packet tells where it led.
    Landed,
    /// The seek led back to what the decoder had already: packets are dropped until the last one it was given.
    Again,
}

impl<'s, 'a> Frames<'s, 'a> {
    /// Frames of `stream`, from wherever `source` stands.
    ///
    /// # Errors
    /// `MEDIA_UNSUPPORTED` for a codec that is not decoded here, `MEDIA_MALFORMED` when its parameters are broken.
    pub fn new(source: &'s mut Source<'a>, stream: VideoStreamInfo, patience: &Patience) -> Result<Self> {
        source.select(stream.index);
        let mut options = Dictionary::new();
        options.set("codec_whitelist", CODECS);
        options.set("max_pixels", &decoder_pixels());
        let decoder = source.decoder(stream.index).map_err(|error| explain(error, "the video stream's parameters"))?;
        let codec = decoder::find(decoder.id()).ok_or_else(|| unsupported(decoder.id()))?;
        let id = decoder.id();
        let decoder =
            decoder.open_as_with(codec, options).and_then(decoder::Opened::video).map_err(|error| match error {
                // FFmpeg's answer for a codec outside the list.
                Ffmpeg::Other { errno: ffmpeg_next::error::EINVAL } => unsupported(id),
                other => explain(other, "the video stream's decoder does not start"),
            })?;
        Ok(Self {
            source,
            stream,
            decoder,
            patience: patience.clone(),
            shown: None,
            next: None,
            ended: false,
            decoded: 0,
            sent: Sent::default(),
            resume: Resume::Straight,
            wanted: 0.0,
        })
    }

    /// The frame shown at `seconds` from the first one: the last that begins at or before it, the first of all if
    /// none does. Moments must come in ascending order; the same frame may be shown at several.
    ///
    /// # Errors
    /// `MEDIA_MALFORMED` when not one frame can be decoded, `MEDIA_TOO_LARGE` when it takes too many; what the patience
    /// says when it is over.
    pub fn at(&mut self, seconds: f64) -> Result<&Timed> {
        self.wanted = seconds;
        let mut sought = false;
        while self.next.as_ref().is_none_or(|next| next.seconds <= seconds + EXACT) {
            if let Some(next) = self.next.take() {
                self.shown = Some(next);
            }
            if self.ended {
                break;
            }
            if !mem::replace(&mut sought, true) && self.is_far(seconds) {
                self.seek(seconds);
            }
            self.next = self.decode()?;
            self.ended = self.next.is_none();
        }
        self.shown
            .as_ref()
            .or(self.next.as_ref())
            .ok_or_else(|| Error::malformed("bytes", "not one frame of the video can be decoded"))
    }

    fn is_far(&self, seconds: f64) -> bool {
        seconds - self.shown.as_ref().map_or(0.0, |shown| shown.seconds) > NEAR
    }

    /// Goes to the key frame before `seconds`. If that fails, frames are reached by decoding on.
    fn seek(&mut self, seconds: f64) {
        let origin = self.stream.origin.unwrap_or(0) as f64 * self.stream.tick;
        if self.source.seek(((origin + seconds) * 1e6) as i64).is_ok() {
            self.resume = Resume::Landed;
        }
    }

    fn decode(&mut self) -> Result<Option<Timed>> {
        let mut frame = frame::Video::empty();
        loop {
            self.patience.check(WHILE)?;
            match self.decoder.receive_frame(&mut frame) {
                Ok(()) => return self.timed(frame).map(Some),
                Err(Ffmpeg::Eof) => return Ok(None),
                // Wants a packet, or could make nothing of the last one: the next may do.
                Err(Ffmpeg::Other { errno: EAGAIN } | Ffmpeg::InvalidData) => self.feed()?,
                Err(error) => return Err(explain(error, "a frame cannot be decoded")),
            }
        }
    }

    fn timed(&mut self, frame: frame::Video) -> Result<Timed> {
        self.decoded += 1;
        if self.decoded > limits::VIDEO_FRAMES_DECODED {
            let limit = limits::VIDEO_FRAMES_DECODED;
            return Err(Error::too_large("bytes", "the number of frames between key frames", "more", limit));
        }
        let before = self.shown.as_ref().map_or(0.0, |shown| shown.seconds);
        let seconds = frame.timestamp().map_or(before, |time| {
            let origin = *self.stream.origin.get_or_insert(time);
            time.saturating_sub(origin) as f64 * self.stream.tick
        });
        Ok(Timed { seconds, number: self.decoded, frame })
    }

    /// Gives the decoder its next packet, or tells it that there is none.
    fn feed(&mut self) -> Result<()> {
        while let Some(packet) = next_packet(self.source, &self.patience)? {
            if packet.stream() == self.stream.index && self.wants(&packet) {
                self.skip_what_is_not_seen(&packet);
                // A packet that the decoder refuses is one frame less.
                let _ = self.decoder.send_packet(&packet);
                return Ok(());
            }
        }
        let _ = self.decoder.send_eof();
        Ok(())
    }

    /// Whether the decoder gets this packet.
    fn wants(&mut self, packet: &Packet) -> bool {
        let time = packet.pts().or(packet.dts());
        if self.resume == Resume::Landed {
            let back = if packet.is_key() { time <= self.sent.key } else { time <= self.sent.last };
            self.resume = if back && time.is_some() { Resume::Again } else { self.begin_anew() };
        } else if self.resume == Resume::Again && packet.is_key() && time > self.sent.key {
            self.resume = self.begin_anew();
        }
        if self.resume == Resume::Again {
            if time == self.sent.last {
                self.resume = Resume::Straight;
            }
            return false;
        }
        if packet.is_key() {
            self.sent.key = time;
        }
        self.sent.last = time;
        true
    }

    fn begin_anew(&mut self) -> Resume {
        self.decoder.flush();
        Resume::Straight
    }

    /// A frame that is over before the wanted moment, and that no other builds on, need not be decoded.
    fn skip_what_is_not_seen(&mut self, packet: &Packet) {
        let end = packet.pts().zip(self.stream.origin).map(|(time, origin)| {
            time.saturating_sub(origin).saturating_add(packet.duration()) as f64 * self.stream.tick
        });
        let unseen = packet.duration() > 0 && end.is_some_and(|end| end + EXACT < self.wanted);
        self.decoder.skip_frame(if unseen { Discard::NonReference } else { Discard::Default });
    }
}

fn unsupported(codec: ffmpeg_next::codec::Id) -> Error {
    Error::unsupported("bytes", format!("video coded as {} are not decoded here", codec.name()))
}

#[cfg(test)]
mod tests {
    use std::{fs, io::Read, path::Path};

    use onespace_core::Reason;

    use super::*;
    use crate::open::{VIDEOS, open, video_stream};

    fn video(name: &str) -> Vec<u8> {
        let bytes = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)).unwrap();
        if !name.ends_with(".gz") {
            return bytes;
        }
        let mut video = Vec::new();
        flate2::read::GzDecoder::new(bytes.as_slice()).read_to_end(&mut video).unwrap();
        video
    }

    /// How many frames are decoded to see `wanted` of them, spread evenly over `seconds`.
    fn decoded(video: &[u8], seconds: f64, wanted: usize) -> usize {
        let patience = Patience::endless();
        let mut source = open(video, VIDEOS, &patience).unwrap();
        let stream = video_stream(&source).unwrap();
        let mut frames = Frames::new(&mut source, stream, &patience).unwrap();
        for index in 0..wanted {
            let moment = (index as f64 + 0.5) * seconds / wanted as f64;
            let shown = frames.at(moment).unwrap().seconds;
            assert!(shown <= moment + EXACT && moment < shown + 1.0, "{shown} is shown at {moment}");
        }
        frames.decoded
    }

    /// Two hours at one frame a second, a key frame every 20: for each frame wanted, one group at most.
    #[test]
    fn a_long_video_is_not_decoded_whole() {
        let some = decoded(&video("long.mp4.gz"), 7200.0, 8);
        assert!((8..=8 * 21).contains(&some), "{some} frames were decoded for eight");
    }

    /// All 100 frames of a video lie behind one key frame: none is decoded twice, however many are wanted.
    #[test]
    fn decoding_on_is_preferred_to_starting_again() {
        let video = video("h264.mp4");
        for wanted in [8, 25, 100] {
            let some = decoded(&video, 4.0, wanted);
            assert!((wanted..=100).contains(&some), "{some} of 100 frames were decoded for {wanted}");
        }
    }

    #[test]
    fn time_runs_out() {
        let video = video("h264.mp4");
        let (over, later) = (Patience::endless().at_most(0), Patience::endless().at_most(60));
        assert_eq!(open(&video, VIDEOS, &over).err().map(|error| error.reason), Some(Reason::MediaTooLarge));
        let mut source = open(&video, VIDEOS, &later).unwrap();
        let stream = video_stream(&source).unwrap();
        let mut frames = Frames::new(&mut source, stream, &over).unwrap();
        assert_eq!(frames.at(1.0).err().map(|error| error.reason), Some(Reason::MediaTooLarge));
    }
}

//! The frame shown at a moment, decoding as little as finding it takes.

use std::mem;

use ffmpeg_next::{Dictionary, Discard, Error as Ffmpeg, Packet, codec::Id, decoder, error::EAGAIN, frame};
use onespace_core::{Error, Patience, Result, limits};

use crate::{
    error::{WHILE, explain},
    file::VideoFile,
    index::Clock,
    open::{CODECS, decoder_pixels},
    packets::Packets,
};

/// Frames this near before the wanted one are decoded even if no other builds on them: the packet that should be shown
/// then may show nothing, as those of VP8 that others build on.
const MARGIN: usize = 2;

/// The frames of a video at ascending moments. What lies between two key frames is decoded once at most, however many
/// moments lie there, and not at all where none does.
///
/// Two frames are held: the one shown, and the next one where it was decoded already.
pub struct Frames<'f, 'a> {
    file: &'f VideoFile<'a>,
    packets: Packets<'a>,
    decoder: decoder::Video,
    patience: Patience,
    shown: Option<Timed>,
    next: Option<Timed>,
    ended: bool,
    /// How many were decoded.
    decoded: usize,
    /// Pixels of them.
    pixels: u64,
    /// The place of the frame that is looked for.
    wanted: usize,
    /// The packet that decoding goes on with; those before it are left out.
    begin: usize,
    /// Whether no frame came yet from where decoding went on.
    landed: bool,
    /// The place of the last frame that came from there.
    last: Option<usize>,
    /// Whether every packet is decoded, since decoding does not begin at every key frame.
    whole: bool,
}

/// A decoded frame.
pub struct Timed {
    /// Its place in the order of showing.
    pub place: usize,
    /// How many were decoded before it; tells frames apart.
    pub number: usize,
    /// Its pixels, in the codec's format.
    pub frame: frame::Video,
}

impl<'f, 'a> Frames<'f, 'a> {
    /// The frames of `file`.
    ///
    /// # Errors
    /// `MEDIA_UNSUPPORTED` for a codec that is not decoded here, `MEDIA_MALFORMED` when its parameters are broken; what
    /// `patience` says when it is over.
    pub fn new(file: &'f VideoFile<'a>, patience: &Patience) -> Result<Self> {
        let packets = file.packets(patience)?;
        let decoder = start(&packets, file.stream.index)?;
        Ok(Self {
            file,
            packets,
            decoder,
            patience: patience.clone(),
            shown: None,
            next: None,
            ended: false,
            decoded: 0,
            pixels: 0,
            wanted: 0,
            begin: 0,
            landed: false,
            last: None,
            whole: false,
        })
    }

    /// The frame shown at `seconds` from the first one: the last that begins at or before it, the first of all if
    /// none does. Moments must come in ascending order; the same frame may be shown at several.
    ///
    /// # Errors
    /// `MEDIA_MALFORMED` when not one frame can be decoded, `MEDIA_TOO_LARGE` when it takes too many; what the patience
    /// says when it is over.
    pub fn at(&mut self, seconds: f64) -> Result<&Timed> {
        self.wanted = self.file.index.place_at(seconds);
        self.go_to_wanted();
        while !self.is_found() {
            if let Some(next) = self.next.take() {
                self.shown = Some(next);
            }
            if self.ended || self.is_found() {
                break;
            }
            self.next = self.decode()?;
            self.ended = self.next.is_none();
            if self.is_past() {
                self.decode_whole()?;
            }
        }
        self.shown
            .as_ref()
            .or(self.next.as_ref())
            .ok_or_else(|| Error::malformed("bytes", "not one frame of the video can be decoded"))
    }

    /// Whether the frame is there that is shown then, or the one after it.
    fn is_found(&self) -> bool {
        let is_wanted = |frame: &Timed| frame.place == self.wanted;
        let is_later = |frame: &Timed| frame.place > self.wanted;
        self.shown.as_ref().is_some_and(is_wanted) || self.next.as_ref().is_some_and(is_later)
    }

    /// Goes on from the last key frame from which the wanted one can be decoded, if that lies ahead.
    fn go_to_wanted(&mut self) {
        let begin = self.file.index.beginning(self.wanted);
        if self.whole || begin <= self.packets.position() {
            return;
        }
        if let Some(next) = self.next.take_if(|next| next.place <= self.wanted) {
            self.shown = Some(next);
        }
        // A frame that is decoded already lies behind the wanted one only where packets are shown in no order at all.
        if self.next.is_none() {
            self.decoder.flush();
            self.begin = begin;
            self.landed = true;
            self.last = None;
        }
    }

    /// Whether the first frame from where decoding went on is shown after the wanted one: the key frame was none.
    /// Encoders mark frames so from which pictures become whole little by little.
    fn is_past(&mut self) -> bool {
        let landed = mem::take(&mut self.landed);
        landed && self.next.as_ref().is_none_or(|next| next.place > self.wanted)
    }

    /// Starts again at the first packet and leaves none out from there on.
    fn decode_whole(&mut self) -> Result<()> {
        self.packets = self.file.packets(&self.patience)?;
        self.decoder = start(&self.packets, self.file.stream.index)?;
        (self.shown, self.next, self.last) = (None, None, None);
        (self.begin, self.ended, self.whole) = (0, false, true);
        Ok(())
    }

    fn decode(&mut self) -> Result<Option<Timed>> {
        let mut frame = frame::Video::empty();
        loop {
            self.patience.check(WHILE)?;
            match self.decoder.receive_frame(&mut frame) {
                Ok(()) => {
                    self.count(&frame)?;
                    // A frame before the first one that is shown is never seen.
                    if let Some(place) = self.place(&frame) {
                        self.last = Some(place);
                        return Ok(Some(Timed { place, number: self.decoded, frame }));
                    }
                }
                Err(Ffmpeg::Eof) => return Ok(None),
                // Wants a packet, or could make nothing of the last one: the next may do.
                Err(Ffmpeg::Other { errno: EAGAIN } | Ffmpeg::InvalidData) => self.feed()?,
                Err(error) => return Err(explain(error, "a frame cannot be decoded")),
            }
        }
    }

    fn count(&mut self, frame: &frame::Video) -> Result<()> {
        self.decoded += 1;
        self.pixels += u64::from(frame.width()) * u64::from(frame.height());
        let limit = limits::VIDEO_PIXELS_DECODED;
        if self.pixels > limit as u64 {
            let what =
                "the number of pixels that have to be decoded, those between key frames and wanted frames included,";
            return Err(Error::too_large("bytes", what, "more", format!("{limit} (VIDEO_PIXELS_DECODED)")));
        }
        Ok(())
    }

    /// The place of a frame; none before the first one.
    fn place(&self, frame: &frame::Video) -> Option<usize> {
        let following = || Some(self.last.map_or(self.begin, |last| last + 1));
        match self.file.index.clock() {
            Clock::Shown => frame.pts().map_or_else(following, |stamp| self.file.index.place_of(stamp)),
            Clock::Decoded if self.hands_out_own_times() => following(),
            Clock::Decoded => {
                // The decoder says which packet it was given when it handed out the frame: its own, or, where frames
                // may build on later ones, the one after that.
                let given = usize::try_from(frame.packet().dts).ok();
                let place = given.map(|given| given.saturating_sub(usize::from(self.decoder.has_b_frames())));
                place.max(following().filter(|_| self.last.is_some() || place.is_none()))
            }
        }
    }

    /// Whether the decoder gives frames the times of the packets that they are decoded from, in whatever order they are
    /// shown.
    fn hands_out_own_times(&self) -> bool {
        matches!(self.decoder.id(), Id::H264 | Id::HEVC)
    }

    /// Gives the decoder its next packet, or tells it that there is none.
    fn feed(&mut self) -> Result<()> {
        while let Some((number, mut packet)) = self.packets.next(&self.patience)? {
            if number < self.begin {
                continue;
            }
            self.skip_what_is_not_seen(number);
            match self.file.index.clock() {
                Clock::Shown => packet.set_pts(self.file.index.stamp(number)),
                Clock::Decoded => number_packet(&mut packet, number),
            }
            // A packet that the decoder refuses is one frame less.
            let _ = self.decoder.send_packet(&packet);
            return Ok(());
        }
        let _ = self.decoder.send_eof();
        Ok(())
    }

    /// A frame that is over before the wanted moment, and that no other builds on, need not be decoded.
    fn skip_what_is_not_seen(&mut self, packet: usize) {
        let index = &self.file.index;
        let place = match index.clock() {
            Clock::Shown => index.stamp(packet).and_then(|stamp| index.place_of(stamp)),
            // Frames are counted.
            Clock::Decoded if self.hands_out_own_times() => None,
            Clock::Decoded => Some(packet),
        };
        let unseen = place.is_some_and(|place| place + MARGIN < self.wanted);
        self.decoder.skip_frame(if unseen { Discard::NonReference } else { Discard::Default });
    }
}

/// Numbers a packet that does not say when it is shown, so that what is decoded from it tells which it was.
fn number_packet(packet: &mut Packet, number: usize) {
    packet.set_pts(None);
    packet.set_dts(i64::try_from(number).ok());
}

/// A decoder of the stream.
fn start(packets: &Packets<'_>, stream: usize) -> Result<decoder::Video> {
    let mut options = Dictionary::new();
    options.set("codec_whitelist", CODECS);
    options.set("max_pixels", &decoder_pixels());
    let decoder = packets.source().decoder(stream).map_err(|error| explain(error, "the video stream's parameters"))?;
    let codec = decoder::find(decoder.id()).ok_or_else(|| unsupported(decoder.id()))?;
    let id = decoder.id();
    decoder.open_as_with(codec, options).and_then(decoder::Opened::video).map_err(|error| match error {
        // FFmpeg's answer for a codec outside the list.
        Ffmpeg::Other { errno: ffmpeg_next::error::EINVAL } => unsupported(id),
        other => explain(other, "the video stream's decoder does not start"),
    })
}

fn unsupported(codec: Id) -> Error {
    Error::unsupported("bytes", format!("video coded as {} are not decoded here", codec.name()))
}

#[cfg(test)]
mod tests {
    use std::{fs, io::Read, path::Path};

    use onespace_core::Reason;

    use super::*;
    use crate::index::EXACT;

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
        let file = VideoFile::look_through(video, &patience).unwrap();
        let mut frames = Frames::new(&file, &patience).unwrap();
        let times = file.index.times();
        for index in 0..wanted {
            let moment = (index as f64 + 0.5) * seconds / wanted as f64;
            let shown = times[frames.at(moment).unwrap().place];
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

    /// Who sent it is told which limit it was, and that it is the video's size: sent again, it would be refused again.
    #[test]
    fn pixels_are_counted() {
        let video = video("h264.mp4");
        let patience = Patience::endless();
        let file = VideoFile::look_through(&video, &patience).unwrap();
        let mut frames = Frames::new(&file, &patience).unwrap();
        frames.pixels = limits::VIDEO_PIXELS_DECODED as u64 - 96 * 64 * 20;
        assert!(frames.at(0.2).is_ok());
        let error = frames.at(3.0).err().unwrap();
        assert_eq!((error.reason, error.field.as_str()), (Reason::MediaTooLarge, "bytes"));
        assert!(error.message.contains("VIDEO_PIXELS_DECODED"), "{error}");
    }

    #[test]
    fn time_runs_out() {
        let video = video("h264.mp4");
        let (over, later) = (Patience::endless().at_most(0), Patience::endless().at_most(60));
        let looked_through = VideoFile::look_through(&video, &over).err();
        assert_eq!(looked_through.map(|error| error.reason), Some(Reason::MediaTooLarge));
        let file = VideoFile::look_through(&video, &later).unwrap();
        let mut frames = Frames::new(&file, &later).unwrap();
        frames.patience = over;
        assert_eq!(frames.at(1.0).err().map(|error| error.reason), Some(Reason::MediaTooLarge));
    }
}

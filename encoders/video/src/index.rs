//! When each frame of a video is shown and where decoding can begin, found by reading its packets without decoding.
//!
//! What containers say of themselves as a whole is not relied on: the length in a header may be left at zero, or count
//! from a beginning an hour before the first frame.

use ffmpeg_next::Packet;
use onespace_core::{Error, Patience, Result, limits};

use crate::{ffi, packets::Packets, stream::VideoStreamInfo};

/// How exactly time stamps are compared, seconds: a moment that falls on the beginning of a frame is that frame's.
pub const EXACT: f64 = 1e-6;

/// Packets behind a key frame that may be shown before it, where packets do not say when they are shown: the frames
/// between two that others build on.
const LEADING: usize = 4;

/// Between two packets of a container made of pieces, time stamps that are farther apart than this jump, seconds.
const JUMP: f64 = 10.0;

/// Time stamps that go back by more than this jump too, seconds: less is the order of decoding.
const STEP_BACK: f64 = 1.0;

/// The packets and the frames of a video.
#[derive(Debug)]
pub struct Index {
    packets: Vec<Listed>,
    frames: Vec<Shown>,
    clock: Clock,
    tick: f64,
    /// When the last frame ends.
    end: i64,
}

/// What the time stamps of packets say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// Each packet says when it is shown.
    Shown,
    /// They say when they are decoded. Frames are then shown in this order of times.
    Decoded,
}

#[derive(Clone, Copy, Debug)]
struct Listed {
    stamp: i64,
    key: bool,
}

#[derive(Clone, Copy, Debug)]
struct Shown {
    stamp: i64,
    /// The packet that it is decoded from.
    packet: usize,
}

/// A packet as it was read.
struct Raw {
    shown: Option<i64>,
    decoded: Option<i64>,
    duration: i64,
    key: bool,
    cut_off: bool,
}

impl Raw {
    fn new(packet: &Packet) -> Self {
        Self {
            shown: packet.pts(),
            decoded: packet.dts(),
            duration: packet.duration().max(0),
            key: packet.is_key(),
            cut_off: ffi::is_cut_off(packet),
        }
    }
}

impl Index {
    /// Reads all `packets` of `stream`.
    ///
    /// # Errors
    /// `MEDIA_MALFORMED` without a single frame, `MEDIA_TOO_LARGE` with too many; what `patience` says when it is over.
    pub fn scan(mut packets: Packets<'_>, stream: &VideoStreamInfo, patience: &Patience) -> Result<Self> {
        let mut raw = Vec::new();
        while let Some((_, packet)) = packets.next(patience)? {
            if raw.len() >= limits::VIDEO_FRAMES_LISTED {
                return Err(Error::too_large("bytes", "the number of frames", "more", limits::VIDEO_FRAMES_LISTED));
            }
            raw.push(Raw::new(&packet));
        }
        let may_jump = packets.source().may_jump();
        Self::new(raw, stream, may_jump).ok_or_else(|| Error::malformed("bytes", "the video has no frames"))
    }

    fn new(mut raw: Vec<Raw>, stream: &VideoStreamInfo, may_jump: bool) -> Option<Self> {
        let clock = if raw.iter().all(|packet| packet.shown.is_some()) { Clock::Shown } else { Clock::Decoded };
        straighten(&mut raw, stream.tick, may_jump);
        if clock == Clock::Decoded {
            space_evenly(&mut raw);
        }
        let stamp = |packet: &Raw| match clock {
            Clock::Shown => packet.shown.or(packet.decoded).unwrap_or(0),
            Clock::Decoded => packet.decoded.unwrap_or(0),
        };
        let packets: Vec<Listed> = raw.iter().map(|raw| Listed { stamp: stamp(raw), key: raw.key }).collect();
        // What lies before the first frame is decoded but not shown.
        let origin = stream.origin.filter(|_| clock == Clock::Shown).unwrap_or(i64::MIN);
        let frame = |(packet, listed): (usize, &Listed)| Shown { stamp: listed.stamp, packet };
        let is_shown = |(listed, raw): (&Listed, &Raw)| listed.stamp >= origin && !raw.cut_off;
        let shown = packets.iter().enumerate().zip(&raw).filter(|((_, listed), raw)| is_shown((listed, raw)));
        let mut frames: Vec<Shown> = shown.map(|(numbered, _)| frame(numbered)).collect();
        if frames.is_empty() {
            frames = packets.iter().enumerate().map(frame).collect();
        }
        frames.sort_by_key(|frame| (frame.stamp, frame.packet));
        if clock == Clock::Shown {
            frames.dedup_by_key(|frame| frame.stamp);
        }
        let (first, last) = (frames.first()?, frames.last()?);
        let before = frames.len().checked_sub(2).and_then(|index| frames.get(index)).unwrap_or(first);
        // Where nothing says how long the last one lasts, it lasts as long as the one before it.
        let own = raw.get(last.packet).map_or(0, |packet| packet.duration);
        let lasts = if own > 0 { own } else { last.stamp.saturating_sub(before.stamp) };
        let end = last.stamp.saturating_add(lasts);
        Some(Self { packets, frames, clock, tick: stream.tick, end })
    }

    /// What time stamps say.
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// Seconds from the beginning of the first frame to the end of the last one.
    pub fn seconds(&self) -> f64 {
        self.since_first(self.end)
    }

    /// When each frame begins to be shown, seconds from the first one, ascending; never empty.
    pub fn times(&self) -> Vec<f64> {
        let mut times: Vec<f64> = self.frames.iter().map(|frame| self.since_first(frame.stamp)).collect();
        times.dedup();
        times
    }

    /// The place, in the order of showing, of the frame shown at `seconds`: of the last that begins at or before it,
    /// of the first of all where none does.
    pub fn place_at(&self, seconds: f64) -> usize {
        let begun = self.frames.partition_point(|frame| self.since_first(frame.stamp) <= seconds + EXACT);
        begun.saturating_sub(1)
    }

    /// The place of the frame that is shown at a time stamp; none before the first one.
    pub fn place_of(&self, stamp: i64) -> Option<usize> {
        self.frames.partition_point(|frame| frame.stamp <= stamp).checked_sub(1)
    }

    /// The time stamp of a packet.
    pub fn stamp(&self, packet: usize) -> Option<i64> {
        self.packets.get(packet).map(|packet| packet.stamp)
    }

    /// The packet that the frame of a place is decoded from, where each says when it is shown; else one near it.
    pub fn packet_of(&self, place: usize) -> usize {
        self.frames.get(place).or(self.frames.last()).map_or(0, |frame| frame.packet)
    }

    /// The last packet from which on decoding gives the frame of a place. A frame that is shown before the key frame
    /// that it comes after builds on the key frame before that.
    pub fn beginning(&self, place: usize) -> usize {
        let packet = self.packet_of(place);
        let stamp = self.frames.get(place).map_or(i64::MAX, |frame| frame.stamp);
        let upto = self.packets.get(..=packet).unwrap_or_default();
        let begins = |(number, listed): (usize, &Listed)| match self.clock {
            Clock::Shown => listed.key && listed.stamp <= stamp,
            Clock::Decoded => listed.key && number + LEADING <= packet,
        };
        upto.iter().enumerate().rev().find(|numbered| begins(*numbered)).map_or(0, |(number, _)| number)
    }

    fn since_first(&self, stamp: i64) -> f64 {
        let first = self.frames.first().map_or(0, |frame| frame.stamp);
        stamp.saturating_sub(first) as f64 * self.tick
    }
}

/// Gives every packet a time of decoding, and takes the jumps out of time stamps where they may jump.
fn straighten(raw: &mut [Raw], tick: f64, may_jump: bool) {
    let ticks = |seconds: f64| (seconds / tick.max(f64::MIN_POSITIVE)) as i64;
    let (ahead, back) = (ticks(JUMP), ticks(STEP_BACK));
    let (mut expected, mut shift) = (None::<i64>, 0_i64);
    for packet in raw {
        let stated = packet.decoded.or(packet.shown).map(|stamp| stamp.saturating_add(shift));
        let due = expected.or(stated).unwrap_or(0);
        let mut stamp = stated.unwrap_or(due);
        let gap = stamp.saturating_sub(due);
        if may_jump && (gap > ahead || gap < back.saturating_neg()) {
            shift = shift.saturating_sub(gap);
            stamp = due;
        }
        packet.shown = packet.shown.map(|shown| shown.saturating_add(shift));
        packet.decoded = Some(stamp);
        expected = Some(stamp.saturating_add(packet.duration));
    }
}

/// Spaces packets evenly that last equally long and are together as long as their times say, or a packet more or less:
/// where a container has times for some of its packets only, those of the others are guessed, some by a packet too
/// early.
fn space_evenly(raw: &mut [Raw]) {
    let (Some(first), Some(last)) = (raw.first(), raw.last()) else { return };
    let (lasts, begin) = (first.duration, first.decoded.unwrap_or(0));
    let even = i64::try_from(raw.len() - 1).unwrap_or(i64::MAX).saturating_mul(lasts);
    let stated = last.decoded.unwrap_or(0).saturating_sub(begin);
    if lasts <= 0 || even.abs_diff(stated) > lasts.unsigned_abs() || raw.iter().any(|packet| packet.duration != lasts) {
        return;
    }
    let mut time = begin;
    for packet in raw {
        packet.decoded = Some(time);
        time = time.saturating_add(lasts);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(origin: Option<i64>) -> VideoStreamInfo {
        let orientation = onespace_image::Orientation::NoTransforms;
        VideoStreamInfo { index: 0, tick: 0.01, origin, seconds: None, rate: None, pixel_aspect: None, orientation }
    }

    /// Packets of four hundredths each: when they are shown, and whether they are key frames.
    fn packets(stamps: &[(Option<i64>, i64, bool)]) -> Vec<Raw> {
        let of = |(shown, decoded, key): &(Option<i64>, i64, bool)| Raw {
            shown: *shown,
            decoded: Some(*decoded),
            duration: 4,
            key: *key,
            cut_off: false,
        };
        stamps.iter().map(of).collect()
    }

    #[test]
    fn decoding_begins_at_the_key_frame_that_a_frame_builds_on() {
        // I P B I B: the last one is shown before the key frame that it comes after.
        let raw = [(100, 92, true), (108, 96, false), (104, 100, false), (116, 104, true), (112, 108, false)];
        let index = Index::new(packets(&raw.map(|(shown, at, key)| (Some(shown), at, key))), &stream(Some(100)), false);
        let index = index.unwrap();
        assert_eq!(index.times(), [0.0, 0.04, 0.08, 0.12, 0.16]);
        assert!((index.seconds() - 0.2).abs() < EXACT);
        assert_eq!((0..5).map(|place| index.packet_of(place)).collect::<Vec<_>>(), [0, 2, 1, 4, 3]);
        assert_eq!((0..5).map(|place| index.beginning(place)).collect::<Vec<_>>(), [0, 0, 0, 0, 3]);
        assert_eq!((index.place_at(-1.0), index.place_at(0.08), index.place_at(9.0)), (0, 2, 4));
        assert_eq!((index.place_of(99), index.place_of(113)), (None, Some(3)));
    }

    #[test]
    fn time_stamps_that_jump_go_on_where_pieces_were_joined() {
        let joined: Vec<_> = [0, 4, 8, 900_000, 900_004, 2, 6].map(|at| (Some(at), at, true)).to_vec();
        let index = Index::new(packets(&joined), &stream(Some(0)), true).unwrap();
        assert_eq!(index.seconds(), 0.28);
        // Elsewhere a picture may stand for hours.
        let index = Index::new(packets(&joined), &stream(Some(0)), false).unwrap();
        assert_eq!(index.seconds(), 9000.08);
    }

    #[test]
    fn packets_that_do_not_say_when_they_are_shown_are_shown_in_their_order() {
        let raw: Vec<_> = (0..12).map(|number| (None, number * 4, number % 6 == 0)).collect();
        let index = Index::new(packets(&raw), &stream(Some(0)), false).unwrap();
        assert_eq!((index.clock(), index.times().len()), (Clock::Decoded, 12));
        assert_eq!((index.beginning(9), index.beginning(10)), (0, 6), "some frames before the wanted one");
        assert!(Index::new(Vec::new(), &stream(None), false).is_none());
        // Those whose times were guessed are a packet too early.
        let guessed: Vec<_> = [0, 4, 4, 8, 12, 20].map(|at| (None, at, true)).to_vec();
        let index = Index::new(packets(&guessed), &stream(Some(0)), false).unwrap();
        assert_eq!(index.times(), [0.0, 0.04, 0.08, 0.12, 0.16, 0.2]);
    }
}

//! MPEG audio and AAC without a container: frames that follow each other. A joint is where a tag stands between them,
//! where another encoder's head frame comes, or where they change their kind.

use onespace_core::sniff::{
    frames::{adts, tag_bytes},
    mpeg::{self, Kind},
};

use super::{Part, is_full};

/// So many frames in a row begin a stream; fewer are chance, except at the end of the file.
const IN_A_ROW: usize = 3;

/// Bytes of the tag that stands behind a song, ID3v1.
const SHORT_TAG_BYTES: usize = 128;

/// Frames of one encoder.
struct Run<K> {
    /// Those before the last gap, without what lies between them.
    gathered: Vec<u8>,
    start: usize,
    end: usize,
    kind: K,
    frames: u64,
    /// How many there are, by the head frame.
    stated: Option<u64>,
}

impl<K> Run<K> {
    fn part(self, bytes: &[u8]) -> Option<Part<'_>> {
        // A stream that has more frames than it says does not end where it says, and none says it by itself.
        let ends_as_stated = self.stated.is_some_and(|stated| stated >= self.frames);
        bytes.get(self.start..self.end).map(|body| Part { head: self.gathered, body, ends_as_stated })
    }

    /// Goes on at another place.
    fn leap(&mut self, bytes: &[u8], at: usize) {
        self.gathered.extend_from_slice(bytes.get(self.start..self.end).unwrap_or_default());
        self.start = at;
    }
}

/// The streams of MPEG audio, layers I to III.
pub fn of_mpeg(bytes: &[u8]) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut run: Option<Run<Kind>> = None;
    let mut at = 0;
    while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty() && !is_full(&parts)) {
        if let Some(length) = any_tag(rest) {
            parts.extend(run.take().and_then(|run| run.part(bytes)));
            at = at.saturating_add(length);
            continue;
        }
        let Some(found) = mpeg::header(rest).filter(|found| found.bytes > 0) else {
            at += 1;
            continue;
        };
        let frame = rest.get(..found.bytes).unwrap_or(rest);
        let head = head_frame(frame, found.kind);
        let goes_on = run.as_ref().is_some_and(|run| run.kind == found.kind && !ends(run, frame, head.is_some()));
        if !goes_on {
            let begins = begins_stream(rest, found.bytes);
            if !begins {
                at += 1;
                continue;
            }
            parts.extend(run.take().and_then(|run| run.part(bytes)));
        }
        let end = at + frame.len();
        let run = run.get_or_insert(Run {
            gathered: Vec::new(),
            start: at,
            end,
            kind: found.kind,
            frames: 0,
            stated: head.flatten(),
        });
        run.frames += u64::from(head.is_none());
        run.end = end;
        at = end;
    }
    parts.extend(run.and_then(|run| run.part(bytes)));
    parts
}

/// Whether frames follow, or the end of the file, or a tag. A frame that is cut off begins nothing that can be heard.
fn begins_stream(rest: &[u8], first: usize) -> bool {
    let Some(behind) = rest.get(first..) else { return false };
    behind.is_empty() || any_tag(behind).is_some() || mpeg::are_frames(rest, IN_A_ROW) || {
        // A short one, to its very end.
        let second = mpeg::header(behind).map_or(0, |found| found.bytes);
        second > 0 && mpeg::are_frames(rest, 2) && behind.get(second..).is_none_or(<[u8]>::is_empty)
    }
}

/// Whether a stream is over before this frame: another head comes, or it has all its frames and this one needs nothing
/// of those before it.
fn ends(run: &Run<Kind>, frame: &[u8], is_head: bool) -> bool {
    let is_complete = run.stated == Some(run.frames) && run.kind.third_layer;
    is_head && run.frames > 0 || is_complete && refers_back(frame, run.kind) == Some(false)
}

/// Whether a frame of layer III has some of its bits in those before it.
fn refers_back(frame: &[u8], kind: Kind) -> Option<bool> {
    // Behind the header and, where the lowest bit of its second byte is 0, a checksum: nine bits, in MPEG-2 eight.
    let at = if frame.get(1)? & 1 == 0 { 6 } else { 4 };
    let second = if kind.first_version { frame.get(at + 1)? & 0x80 } else { 0 };
    Some(*frame.get(at)? != 0 || second != 0)
}

/// Whether a frame holds no sound but what an encoder says of its stream, and how many frames there are by it.
fn head_frame(frame: &[u8], kind: Kind) -> Option<Option<u64>> {
    let at = 4 + match (kind.first_version, kind.mono) {
        (true, false) => 32,
        (true, true) | (false, false) => 17,
        (false, true) => 9,
    };
    let number = |at: usize| frame.get(at..at + 4)?.first_chunk().map(|digits| u64::from(u32::from_be_bytes(*digits)));
    let silent = |until: usize| {
        let header = if frame.get(1).is_some_and(|second| second & 1 == 0) { 6 } else { 4 };
        frame.get(header..until).is_some_and(|side| side.iter().all(|byte| *byte == 0))
    };
    if !kind.third_layer {
        return None;
    }
    let name = frame.get(at..at + 4)?;
    if (name == b"Xing" || name == b"Info") && silent(at) {
        return Some(number(at + 8).filter(|_| number(at + 4).is_some_and(|flags| flags & 1 == 1)));
    }
    // Fraunhofer's stands at one place in all versions.
    (frame.get(36..40) == Some(b"VBRI") && silent(36)).then(|| number(36 + 14))
}

/// How long the tag at the head is, of those that stand before sound and of those behind it.
fn any_tag(bytes: &[u8]) -> Option<usize> {
    let short = bytes.starts_with(b"TAG") && bytes.len() >= SHORT_TAG_BYTES;
    tag_bytes(bytes).or(short.then_some(SHORT_TAG_BYTES))
}

/// The streams of AAC, each of whose frames has a header. Tags and rubbish between frames of one kind are no joint:
/// broadcasts are full of them. They are left out, as what is in them may look like a frame.
pub fn of_aac(bytes: &[u8]) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut run: Option<Run<[u8; 2]>> = None;
    let mut at = 0;
    while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty() && !is_full(&parts)) {
        let tag = any_tag(rest);
        let frame = adts(rest).filter(|length| *length > 7);
        let kind = kind_of_aac(rest);
        let same = run.as_mut().filter(|run| Some(run.kind) == kind);
        let goes_on = same.as_ref().is_some_and(|run| run.end == at);
        let begins = || {
            rest.get(frame.unwrap_or(0)..).is_some_and(|next| {
                next.is_empty() || any_tag(next).is_some() || adts(next).is_some() && kind_of_aac(next) == kind
            })
        };
        let (Some(length), Some(kind)) = (frame.filter(|_| tag.is_none() && (goes_on || begins())), kind) else {
            at = at.saturating_add(tag.unwrap_or(1));
            continue;
        };
        match same {
            Some(_) if goes_on => {}
            Some(run) => run.leap(bytes, at),
            None => parts.extend(run.take().and_then(|run| run.part(bytes))),
        }
        let end = at + length.min(rest.len());
        let run = run.get_or_insert(Run { gathered: Vec::new(), start: at, end, kind, frames: 0, stated: None });
        run.end = end;
        at = end;
    }
    parts.extend(run.and_then(|run| run.part(bytes)));
    parts
}

/// Profile, sample rate and channels, as they stand in the header.
fn kind_of_aac(bytes: &[u8]) -> Option<[u8; 2]> {
    let [_, _, b2, b3, ..] = bytes else { return None };
    Some([b2 & 0xfd, b3 & 0xc0])
}

//! MPEG audio without a container: frames that follow each other, each with four bytes that say how long it is.

use super::frames::behind_tags;

/// How much may lie before the first frame: some encoders and editors leave a sector or a buffer of zeros.
const PADDING_BYTES: usize = 64 * 1024;

/// Kilobits a second by their number in the header: of MPEG-1 by layer, then of MPEG-2 and 2.5.
const KILOBITS: [[usize; 14]; 5] = [
    [32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],
    [32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
    [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
    [32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],
    [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
];

/// Samples a second of MPEG-1; MPEG-2 has half of them, 2.5 a quarter.
const HERTZ: [usize; 3] = [44_100, 48_000, 32_000];

/// The layers by their numbers in the header.
const LAYER_I: u8 = 3;
const LAYER_II: u8 = 2;

/// So many frames in a row are no chance: what lies behind anything else than zeros or a tag is told by them.
const IN_A_ROW: usize = 4;

/// A frame, as its header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    /// How long it is, header included.
    pub bytes: usize,
    /// What all frames of one stream have in common.
    pub kind: Kind,
}

/// What the frames of one stream have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// Whether it is MPEG-1; MPEG-2 and 2.5 have half and a quarter of its sample rates.
    pub first_version: bool,
    /// Whether it is layer III, which is MP3.
    pub third_layer: bool,
    /// Whether there is one channel.
    pub mono: bool,
    /// The bits of the header that say version, layer and sampling.
    bits: (u8, u8),
}

/// Whether audio of such frames begins here, or behind zeros, a tag, or rubbish that some editor left.
pub(super) fn is_one(bytes: &[u8]) -> bool {
    let zeros = bytes.iter().take(PADDING_BYTES).take_while(|byte| **byte == 0).count();
    let untagged = bytes.get(zeros..).unwrap_or_default();
    let begun = behind_tags(untagged);
    // What is not at the very beginning has to be seen twice. So has layer I: its mark is also that of UTF-16.
    let certain = begun.len() == bytes.len() && !matches!(begun, [0xff, second, ..] if second >> 1 & 3 == LAYER_I);
    untagged.starts_with(b"ID3")
        || frame(begun).is_some_and(|length| certain || is_followed(begun, length))
        || is_behind_rubbish(begun)
}

fn is_followed(bytes: &[u8], length: usize) -> bool {
    length > 0 && bytes.get(length..).and_then(frame).is_some()
}

fn is_behind_rubbish(bytes: &[u8]) -> bool {
    let starts = bytes.iter().enumerate().take(PADDING_BYTES).skip(1).filter(|(_, byte)| **byte == 0xff);
    starts.into_iter().any(|(start, _)| bytes.get(start..).is_some_and(|rest| are_frames(rest, IN_A_ROW)))
}

/// Whether `count` frames of one stream follow each other at the head.
#[must_use]
pub fn are_frames(bytes: &[u8], count: usize) -> bool {
    let Some(Frame { kind, .. }) = header(bytes) else { return false };
    let mut rest = bytes;
    (0..count).all(|_| {
        let Some(found) = header(rest).filter(|found| found.bytes > 0 && found.kind == kind) else { return false };
        rest = rest.get(found.bytes..).unwrap_or_default();
        true
    })
}

/// The frame at the head, if one with no reserved value in its header is there.
#[must_use]
pub fn header(bytes: &[u8]) -> Option<Frame> {
    let [_, b1, b2, b3, ..] = bytes else { return None };
    let kind = Kind {
        first_version: b1 >> 3 & 3 == 3,
        third_layer: b1 >> 1 & 3 == 1,
        mono: b3 >> 6 == 3,
        bits: (b1 & 0x1e, b2 & 0x0c),
    };
    frame(bytes).map(|bytes| Frame { bytes, kind })
}

/// How long the frame at the head is, if one with no reserved value in its header is there.
fn frame(bytes: &[u8]) -> Option<usize> {
    let [0xff, b1, b2, ..] = bytes else { return None };
    let (version, layer, rate, sampling) = (b1 >> 3 & 3, b1 >> 1 & 3, b2 >> 4, b2 >> 2 & 3);
    if b1 & 0xe0 != 0xe0 || version == 1 || layer == 0 || rate == 0 {
        return None;
    }
    let first = version == 3;
    let table = match (first, layer) {
        (true, LAYER_I) => 0,
        (true, LAYER_II) => 1,
        (true, _) => 2,
        (false, LAYER_I) => 3,
        (false, _) => 4,
    };
    let bits = 1000 * KILOBITS.get(table)?.get(usize::from(rate) - 1)?;
    let hertz = HERTZ.get(usize::from(sampling))?
        >> match version {
            3 => 0,
            2 => 1,
            _ => 2,
        };
    let padding = usize::from(b2 >> 1 & 1);
    Some(match (layer, first) {
        (LAYER_I, _) => (12 * bits / hertz + padding) * 4,
        (LAYER_II, _) | (_, true) => 144 * bits / hertz + padding,
        (_, false) => 72 * bits / hertz + padding,
    })
}

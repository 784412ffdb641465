//! Formats whose files begin with a mark that nothing else in them looks like: where it stands again, another begins.

use onespace_core::limits;

use super::{Part, is_full, ogg::find};

/// A mark, and what follows it at some distance, so that chance does not make a joint.
pub struct Mark {
    bytes: &'static [u8],
    is_head: fn(&[u8]) -> bool,
}

impl Mark {
    const fn long(bytes: &'static [u8]) -> Self {
        Self { bytes, is_head: |_| true }
    }

    /// The mark of a format, by its name.
    pub fn of(format: &str) -> Option<Self> {
        Some(match format {
            // The block that describes the stream comes first; the highest bit says that no other follows.
            "FLAC" => Self { bytes: b"fLaC", is_head: |head| matches!(head, [_, _, _, _, 0 | 0x80, 0, 0, 34, ..]) },
            "CAF" => Self::long(b"caff\0\x01\0\0desc"),
            "Wave64" => Self::long(b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\0\0"),
            "AIFF" => Self { bytes: b"FORM", is_head: is_aiff },
            "Matroska audio" | "Matroska/WebM" => Self { bytes: b"\x1a\x45\xdf\xa3", is_head: is_matroska },
            "WMA" | "ASF" => Self::long(b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c"),
            "AU" => Self {
                bytes: b".snd\0\0",
                is_head: |head| matches!(head, [_, _, _, _, _, _, _, _, _, _, _, _, 0, 0, 0, 1..=27, ..]),
            },
            "AMR" => Self {
                bytes: b"#!AMR",
                is_head: |head| head.starts_with(b"#!AMR\n") || head.starts_with(b"#!AMR-WB\n"),
            },
            "True Audio" => {
                Self { bytes: b"TTA1", is_head: |head| matches!(head, [_, _, _, _, 1..=3, 0, 1..=8, 0, 8..=32, 0, ..]) }
            }
            "Monkey's Audio" => Self { bytes: b"MAC ", is_head: |head| head.get(8..12) == Some(&[52, 0, 0, 0]) },
            "Musepack" => Self::long(b"MPCKSH"),
            "TAK" => Self { bytes: b"tBaK", is_head: |head| matches!(head, [_, _, _, _, 1, _, 0, 0, ..]) },
            // A block that is some stream's first.
            "WavPack" => Self { bytes: b"wvpk", is_head: is_first_block },
            _ => return None,
        })
    }
}

fn is_aiff(head: &[u8]) -> bool {
    let chunk = head.get(12..16).is_some_and(|name| name.iter().all(|byte| byte.is_ascii_uppercase() || *byte == b' '));
    chunk && matches!(head.get(8..12), Some(b"AIFF" | b"AIFC"))
}

/// Whether the header names the kind of document, as any does.
fn is_matroska(head: &[u8]) -> bool {
    let header = head.get(..head.len().min(80)).unwrap_or_default();
    find(header, b"\x42\x82").is_some() && (find(header, b"matroska").is_some() || find(header, b"webm").is_some())
}

fn is_first_block(head: &[u8]) -> bool {
    const INITIAL: u8 = 0x08;
    let index = head.get(16..20);
    let samples = head.get(20..24).is_some_and(|samples| samples.iter().any(|byte| *byte != 0));
    let initial = head.get(25).is_some_and(|flags| flags & INITIAL != 0);
    index == Some(&[0; 4]) && samples && initial && matches!(head.get(9), Some(4))
}

/// The files; the first begins where the whole does, whatever stands before its mark.
pub fn parts<'a>(bytes: &'a [u8], mark: &Mark) -> Vec<Part<'a>> {
    let mut starts = Vec::new();
    let mut at = 0;
    while let Some(found) = bytes.get(at..).and_then(|rest| find(rest, mark.bytes)) {
        at += found;
        if bytes.get(at..).is_some_and(mark.is_head) {
            starts.push(at);
            if starts.len() > limits::AUDIO_PARTS {
                break;
            }
        }
        at += mark.bytes.len();
    }
    if let Some(first) = starts.first_mut() {
        *first = 0;
    }
    cut(bytes, &starts)
}

/// The parts that begin at these places, in order.
pub fn cut<'a>(bytes: &'a [u8], starts: &[usize]) -> Vec<Part<'a>> {
    let mut parts = Vec::new();
    for (index, start) in starts.iter().enumerate() {
        let end = starts.get(index + 1).copied().unwrap_or(bytes.len());
        parts.extend(bytes.get(*start..end).map(Part::plain));
        if is_full(&parts) {
            break;
        }
    }
    parts
}

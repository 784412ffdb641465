//! MPEG audio without a container: frames that follow each other, each with four bytes that say how long it is.

/// How many zeros may lie before the first frame: some encoders and editors leave a sector or a buffer of them.
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

/// Whether audio of such frames begins here, or behind zeros.
pub(super) fn is_one(bytes: &[u8]) -> bool {
    let zeros = bytes.iter().take(PADDING_BYTES).take_while(|byte| **byte == 0).count();
    let begun = bytes.get(zeros..).unwrap_or_default();
    // What is not at the very beginning has to be seen twice. So has layer I: its mark is also that of UTF-16.
    let certain = zeros == 0 && !matches!(begun, [0xff, second, ..] if second >> 1 & 3 == LAYER_I);
    begun.starts_with(b"ID3") || frame(begun).is_some_and(|length| certain || is_followed(begun, length))
}

fn is_followed(bytes: &[u8], length: usize) -> bool {
    length > 0 && bytes.get(length..).and_then(frame).is_some()
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

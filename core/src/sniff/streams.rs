//! MPEG's streams of packets: program streams of discs and cameras, transport streams of broadcasts and camcorders.

/// A packet of a transport stream; Blu-ray discs and camcorders put four bytes before each, some receivers sixteen
/// behind it.
const PACKETS: [(usize, usize); 3] = [(188, 0), (192, 4), (204, 0)];

/// What each packet begins with, and how many in a row tell the stream.
const SYNC: u8 = 0x47;
const IN_A_ROW: usize = 5;

/// Whether the bytes are a transport stream.
pub(super) fn is_transport(bytes: &[u8]) -> bool {
    PACKETS.iter().any(|(length, first)| {
        let marks = bytes.iter().skip(*first).step_by(*length).take(IN_A_ROW);
        marks.filter(|byte| **byte == SYNC).count() == IN_A_ROW
    })
}

/// Whether the bytes are a program stream, or MPEG video without a container.
pub(super) fn is_program(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0, 0, 1, 0xba]) || bytes.starts_with(&[0, 0, 1, 0xb3])
}

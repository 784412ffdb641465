//! What the header of a JPEG says about the memory that decoding takes.

const START_OF_SCAN: u8 = 0xda;
const PROGRESSIVE_FRAME: u8 = 0xc2;

/// The bytes that hold a progressive JPEG's coefficients until its last scan has been read, beside the pixels;
/// 0 for any other image. A decoder keeps 16 bits for each coefficient of each component.
#[must_use]
pub fn coefficient_bytes(bytes: &[u8]) -> u64 {
    frame_header(bytes).and_then(coefficients).map_or(0, |count| count.saturating_mul(2))
}

/// The body of the progressive frame's header, if the image has one.
fn frame_header(bytes: &[u8]) -> Option<&[u8]> {
    let mut rest = bytes.strip_prefix(b"\xff\xd8")?;
    loop {
        let [0xff, kind, after @ ..] = rest else { return None };
        match *kind {
            // A marker may be preceded by any number of fill bytes.
            0xff => {
                rest = rest.get(1..)?;
                continue;
            }
            START_OF_SCAN => return None,
            _ => {}
        }
        let (length, _) = after.split_first_chunk()?;
        let segment = after.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        if *kind == PROGRESSIVE_FRAME {
            return segment.0.get(2..);
        }
        rest = segment.1;
    }
}

/// Precision, height, width, then for each component its number, its sampling across and down, its table.
fn coefficients(header: &[u8]) -> Option<u64> {
    let [_, h1, h0, w1, w0, _, components @ ..] = header else { return None };
    let pixels = u64::from(u16::from_be_bytes([*h1, *h0])) * u64::from(u16::from_be_bytes([*w1, *w0]));
    let samplings = || components.as_chunks::<3>().0.iter().map(|[_, sampling, _]| (sampling >> 4, sampling & 15));
    let across = u64::from(samplings().map(|(across, _)| across).max()?.max(1));
    let down = u64::from(samplings().map(|(_, down)| down).max()?.max(1));
    let each: u64 = samplings().map(|(across, down)| u64::from(across) * u64::from(down)).sum();
    Some(pixels.saturating_mul(each) / (across * down))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &[u8] =
        b"\xff\xd8\xff\xe0\0\x04ab\xff\xff\xc2\0\x11\x08\0\x64\0\xc8\x03\x01\x22\0\x02\x11\x01\x03\x11\x01";

    #[test]
    fn progressive_images_keep_their_coefficients() {
        // 200 x 100, colours at half the resolution: one and a half coefficients a pixel, two bytes each.
        assert_eq!(coefficient_bytes(HEADER), 200 * 100 * 3);
        let mut baseline = HEADER.to_vec();
        baseline[10] = 0xc0;
        assert_eq!(coefficient_bytes(&baseline), 0);
        for length in 0..HEADER.len() - 9 {
            assert_eq!(coefficient_bytes(&HEADER[..length]), 0, "cut to {length}");
        }
    }
}

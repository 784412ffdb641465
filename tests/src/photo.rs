//! Photographs as telephones take them: twelve megapixels full of detail, which take a decoder its time.

/// Blocks of eight by eight pixels in one unit: four of brightness, one of each colour.
const BLOCKS: usize = 6;
/// Units in a row and in a column of 4000 × 3000 pixels.
const UNITS: (usize, usize) = (250, 188);

/// A baseline JPEG of 4000 × 3000 pixels at 4:2:0, some four megabytes; another for each seed.
#[must_use]
pub fn jpeg(seed: u64) -> Vec<u8> {
    let segment = |marker: u8, body: &[u8]| {
        let length = u16::try_from(body.len() + 2).unwrap().to_be_bytes();
        [&[0xff, marker], &length[..], body].concat()
    };
    let (height, width) = (3000_u16.to_be_bytes(), 4000_u16.to_be_bytes());
    let frame = [&[8][..], &height, &width, &[3, 1, 0x22, 0, 2, 0x11, 0, 3, 0x11, 0]].concat();
    // One code of one bit in each table: no change of the mean; and the next coefficient is a bit, plus or minus one.
    let code = |class: u8, symbol: u8| [&[class, 1][..], &[0; 15], &[symbol]].concat();
    let head = [
        b"\xff\xd8".to_vec(),
        segment(0xdb, &[&[0][..], &[6; 64]].concat()),
        segment(0xc0, &frame),
        segment(0xc4, &code(0x00, 0)),
        segment(0xc4, &code(0x10, 1)),
        segment(0xda, &[3, 1, 0, 2, 0, 3, 0, 0, 63, 0]),
    ];
    [head.concat(), scan(seed), b"\xff\xd9".to_vec()].concat()
}

/// Sixty-three coefficients by chance in each block.
fn scan(seed: u64) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(5 << 20);
    let (mut pending, mut held, mut state) = (0_u64, 0_u32, seed);
    for _ in 0..UNITS.0 * UNITS.1 * BLOCKS {
        // SplitMix64.
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let chance = mixed ^ mixed >> 27;
        // The mean stays; then for each coefficient its code, and its sign.
        let bits = std::iter::once(0).chain((0..63).flat_map(|at| [0, chance >> at & 1]));
        for bit in bits {
            pending = pending << 1 | bit;
            held += 1;
            if held == 8 {
                let byte = pending as u8;
                bytes.push(byte);
                // What looks like a marker is none when a zero follows.
                if byte == 0xff {
                    bytes.push(0);
                }
                (pending, held) = (0, 0);
            }
        }
    }
    // Filled up with ones, as the standard has it.
    if held > 0 {
        bytes.push((pending << (8 - held)) as u8 | 0xff >> held);
    }
    bytes
}

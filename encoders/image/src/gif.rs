//! GIF files whose first frame is larger than the screen they say.

use std::borrow::Cow;

/// Bytes of the mark, and of the screen that follows it.
const MARK: usize = 6;
const SCREEN: usize = 7;

const EXTENSION: u8 = 0x21;
const FRAME: u8 = 0x2c;

/// The file with a screen that its first frame fits into. Programs show such frames whole, and so does Pillow.
pub fn on_its_screen(bytes: &[u8]) -> Cow<'_, [u8]> {
    let number = |at: usize| bytes.get(at..at + 2)?.first_chunk().map(|digits| u16::from_le_bytes(*digits));
    let larger = || {
        let frame = first_frame(bytes)?;
        let side = |begin: usize, length: usize| number(frame + begin)?.checked_add(number(frame + length)?);
        let (width, height) = (number(MARK)?, number(MARK + 2)?);
        let (right, bottom) = (side(1, 5)?, side(3, 7)?);
        (right > width || bottom > height).then(|| (width.max(right), height.max(bottom)))
    };
    let Some((width, height)) = larger() else { return Cow::Borrowed(bytes) };
    let (Some(mark), Some(rest)) = (bytes.get(..MARK), bytes.get(MARK + 4..)) else { return Cow::Borrowed(bytes) };
    Cow::Owned([mark, &width.to_le_bytes(), &height.to_le_bytes(), rest].concat())
}

/// Where the first frame's description begins.
fn first_frame(bytes: &[u8]) -> Option<usize> {
    let flags = *bytes.get(MARK + 4)?;
    let palette = if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) };
    let mut at = MARK + SCREEN + palette;
    loop {
        match *bytes.get(at)? {
            FRAME => return Some(at),
            EXTENSION => {
                at += 2;
                // Blocks with their lengths before them, and an empty one at the end.
                loop {
                    let length = usize::from(*bytes.get(at)?);
                    at += 1 + length;
                    if length == 0 {
                        break;
                    }
                }
            }
            _ => return None,
        }
    }
}

//! BMP files that the decoder does not know in their form, brought into one that it knows: those of OS/2 2, which
//! differ from those of Windows in nothing but the length of a header, and those packed in runs, whose holes it leaves
//! transparent where other programs show the first colour of the palette.

use std::borrow::Cow;

use onespace_core::{Error, Result};

use crate::size::check_size;

/// Where the header begins.
const HEADER: usize = 14;

/// Bytes of Windows' header.
const WINDOWS: usize = 40;

/// The file with Windows' header, if it has one of OS/2 2: its first 40 bytes are Windows', what it lacks of them is
/// zero, and what follows says nothing of the pixels.
///
/// # Errors
/// `MEDIA_UNSUPPORTED` for what only OS/2 compresses so.
pub fn of_windows(bytes: &[u8]) -> Result<Cow<'_, [u8]>> {
    let number = |at: usize| bytes.get(at..at + 4)?.first_chunk::<4>().map(|digits| u32::from_le_bytes(*digits));
    let (Some(pixels), Some(size @ (16 | 64))) = (number(10), number(HEADER)) else { return Ok(Cow::Borrowed(bytes)) };
    let size = size as usize;
    let (Some(file), Some(header), Some(rest)) =
        (bytes.get(..10), bytes.get(HEADER + 4..HEADER + size), bytes.get(HEADER + size..))
    else {
        return Ok(Cow::Borrowed(bytes));
    };
    // Windows means something else by these numbers.
    if size == 64 && number(HEADER + 16).is_some_and(|compression| compression > 2) {
        return Err(Error::unsupported("bytes", "a BMP compressed as only OS/2 does: save it as PNG"));
    }
    let mut fields = header.to_vec();
    fields.resize(WINDOWS - 4, 0);
    let moved = pixels.saturating_add(WINDOWS as u32).saturating_sub(size as u32);
    let head = [file, &moved.to_le_bytes(), &(WINDOWS as u32).to_le_bytes(), &fields].concat();
    Ok(Cow::Owned([&head, rest].concat()))
}

/// How a row or the picture ends, or a hole is left, in place of a number of pixels.
const END_OF_ROW: u8 = 0;
const END: u8 = 1;
const HOLE: u8 = 2;

/// A Windows file without runs, if it has some: an index of a byte for each pixel, holes of index 0. As it is where it
/// is not packed so, or is broken, for the decoder to say.
///
/// # Errors
/// `MEDIA_TOO_LARGE`.
pub fn without_runs(bytes: Cow<'_, [u8]>) -> Result<Cow<'_, [u8]>> {
    let number = |at: usize| bytes.get(at..at + 4)?.first_chunk::<4>().map(|digits| u32::from_le_bytes(*digits));
    let head = || Some((number(10)?, number(HEADER)?, number(18)?, number(22)?, number(30)?));
    let Some((pixels, header @ 40.., width, height, packing @ (1 | 2))) = head() else { return Ok(bytes) };
    let (pixels, header) = (pixels as usize, HEADER + header as usize);
    let (Some(head), Some(palette), Some(packed)) =
        (bytes.get(..header), bytes.get(header..pixels), bytes.get(pixels..))
    else {
        return Ok(bytes);
    };
    // Rows of a file in runs go upwards.
    let Ok(side) = i32::try_from(height) else { return Ok(bytes) };
    check_size(width, side.unsigned_abs(), 2 * u64::from(width) * u64::from(height))?;
    let (width, height) = (width as usize, height as usize);
    let row = width.next_multiple_of(4);
    let mut indices = vec![0_u8; row * height];
    unpack(packed, packing == 2, (width, row), &mut indices);
    let mut head = head.to_vec();
    for (at, value) in [(28, &8_u16.to_le_bytes()[..]), (30, &[0; 4]), (34, &[0; 4])] {
        if let Some(field) = head.get_mut(at..at + value.len()) {
            field.copy_from_slice(value);
        }
    }
    Ok(Cow::Owned([&head, palette, &indices].concat()))
}

/// Writes the indices of a packed picture, row by row from the bottom; `halves` of a byte are two indices.
fn unpack(packed: &[u8], halves: bool, (width, row): (usize, usize), indices: &mut [u8]) {
    let (mut rest, mut x, mut y) = (packed, 0, 0);
    let mut put = |x: usize, y: usize, index: u8| {
        if x < width
            && let Some(place) = indices.get_mut(y * row + x)
        {
            *place = index;
        }
    };
    let index = |bytes: &[u8], place: usize| {
        let byte = bytes.get(if halves { place / 2 } else { place }).copied().unwrap_or_default();
        match (halves, place.is_multiple_of(2)) {
            (false, _) => byte,
            (true, true) => byte >> 4,
            (true, false) => byte & 15,
        }
    };
    while let [count, value, behind @ ..] = rest {
        rest = behind;
        match (*count, *value) {
            (0, END_OF_ROW) => (x, y) = (0, y + 1),
            (0, END) => return,
            (0, HOLE) => {
                let [across, up, behind @ ..] = rest else { return };
                (x, y, rest) = (x + usize::from(*across), y + usize::from(*up), behind);
            }
            (0, count) => {
                let count = usize::from(count);
                (0..count).for_each(|place| put(x + place, y, index(rest, place)));
                x += count;
                let bytes = if halves { count.div_ceil(2) } else { count };
                rest = rest.get(bytes.next_multiple_of(2)..).unwrap_or_default();
            }
            (count, value) => {
                // Two halves take turns.
                (0..usize::from(count))
                    .for_each(|place| put(x + place, y, index(&[value], place % 2 * usize::from(halves))));
                x += usize::from(count);
            }
        }
    }
}

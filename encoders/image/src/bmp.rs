//! BMP files of OS/2 2, which differ from those of Windows in nothing but the length of a header.

use std::borrow::Cow;

use onespace_core::{Error, Result};

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

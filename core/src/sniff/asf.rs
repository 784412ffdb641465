//! ASF, the container of Windows Media: objects of a GUID and a length. What streams there are stands in the header.

use super::{Budget, Inside};

type Guid = [u8; 16];

const HEADER: &Guid = b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c";
const STREAM: &Guid = b"\x91\x07\xdc\xb7\xb7\xa9\xcf\x11\x8e\xe6\x00\xc0\x0c\x20\x53\x65";
const SOUND: &Guid = b"\x40\x9e\x69\xf8\x4d\x5b\xcf\x11\xa8\xfd\x00\x80\x5f\x5c\x44\x2b";

/// Bytes of an object before its content: its GUID and its length.
const OBJECT_BYTES: usize = 24;

/// Bytes of the header before the objects in it: its own, how many there are, and two that are reserved.
const HEADER_BYTES: usize = OBJECT_BYTES + 6;

/// What such a file holds, or nothing if it is none.
pub(super) fn inside(bytes: &[u8], budget: &Budget) -> Option<Inside> {
    if !bytes.starts_with(HEADER) {
        return None;
    }
    let mut rest = bytes.get(HEADER_BYTES..).unwrap_or_default();
    let mut sound = false;
    while budget.spend().is_some()
        && let Some((guid, body, next)) = object(rest)
    {
        if guid == STREAM {
            if !body.starts_with(SOUND) {
                return Some(Inside::AsfPictures);
            }
            sound = true;
        }
        rest = next;
    }
    // Where no stream can be read it counts as a video.
    Some(if sound { Inside::AsfSound } else { Inside::AsfPictures })
}

/// The object at the head, its content, and what follows it.
fn object(bytes: &[u8]) -> Option<(&Guid, &[u8], &[u8])> {
    let (guid, rest) = bytes.split_first_chunk::<16>()?;
    let size = usize::try_from(u64::from_le_bytes(*rest.first_chunk()?)).ok()?;
    let body = bytes.get(OBJECT_BYTES..size)?;
    Some((guid, body, bytes.get(size..)?))
}

//! Matroska and WebM: elements in elements (RFC 8794, RFC 9559). The types of the tracks tell; titles, tags and codec
//! names are anybody's words.

use super::{Budget, Inside, number};
use crate::limits;

const HEADER: u64 = 0x1a45_dfa3;
const SEGMENT: u64 = 0x1853_8067;
const SEEK_HEAD: u64 = 0x114d_9b74;
const SEEK: u64 = 0x4dbb;
const SEEK_ID: u64 = 0x53ab;
const SEEK_POSITION: u64 = 0x53ac;
const CLUSTER: u64 = 0x1f43_b675;
const TRACKS: u64 = 0x1654_ae6b;
const TRACK_ENTRY: u64 = 0xae;
const TRACK_TYPE: u64 = 0x83;

/// Track types: pictures, sound, and both in one.
const PICTURES: u64 = 1;
const SOUND: u64 = 2;
const BOTH: u64 = 3;

/// An element: its id, its content as far as it is here, and whether it says where it ends.
struct Element<'a> {
    id: u64,
    body: &'a [u8],
    sized: bool,
}

/// Takes the element at the head of `rest`. One of unknown size, as live streams write them, has all that follows.
fn take<'a>(rest: &mut &'a [u8], budget: &Budget) -> Option<Element<'a>> {
    budget.spend()?;
    let id_bytes = rest.first()?.leading_zeros() as usize + 1;
    let id = if id_bytes <= 4 { number(rest, 0, id_bytes)? } else { return None };
    let size_bytes = rest.get(id_bytes)?.leading_zeros() as usize + 1;
    let size = if size_bytes <= 8 { number(rest, id_bytes, size_bytes)? } else { return None };
    // The highest bit set is the mark of the length; all others set mean that the size is not known.
    let mark = 1_u64 << (7 * size_bytes);
    let sized = size != 2 * mark - 1;
    let size = if sized { usize::try_from(size - mark).unwrap_or(usize::MAX) } else { usize::MAX };
    let content = rest.get(id_bytes + size_bytes..)?;
    let (body, next) = content.split_at(size.min(content.len()));
    *rest = next;
    Some(Element { id, body, sized })
}

/// What such a file holds, or nothing if it is none.
pub(super) fn inside(bytes: &[u8], budget: &Budget) -> Option<Inside> {
    if number(bytes, 0, 4) != Some(HEADER) {
        return None;
    }
    let mut types = Vec::new();
    let mut rest = bytes;
    while types.is_empty()
        && let Some(element) = take(&mut rest, budget)
    {
        match element.id {
            SEGMENT => {
                types = segment(element.body, budget);
                break;
            }
            _ if !element.sized => break,
            _ => {}
        }
    }
    let has = |kinds: &[u64]| types.iter().any(|kind| kinds.contains(kind));
    // Where no track can be read it counts as a video, whose decoder says what is wrong.
    Some(if !has(&[PICTURES, BOTH]) && has(&[SOUND]) { Inside::MatroskaSound } else { Inside::MatroskaPictures })
}

/// The types of the tracks of a segment.
fn segment(body: &[u8], budget: &Budget) -> Vec<u64> {
    let mut rest = body;
    while let Some(element) = take(&mut rest, budget) {
        match element.id {
            TRACKS => return tracks(element.body, element.sized, budget),
            SEEK_HEAD => {
                // The index names the tracks that lie behind the clusters.
                let there = sought(element.body, budget).and_then(|position| body.get(position..));
                if let Some(mut there) = there
                    && let Some(Element { id: TRACKS, body, sized }) = take(&mut there, budget)
                {
                    return tracks(body, sized, budget);
                }
            }
            // A cluster of unknown size: its blocks are passed one by one, whatever follows them is beside it.
            CLUSTER if !element.sized => rest = element.body,
            _ if !element.sized => break,
            _ => {}
        }
    }
    Vec::new()
}

/// Where in the segment the index says that the tracks are.
fn sought(mut index: &[u8], budget: &Budget) -> Option<usize> {
    while let Some(entry) = take(&mut index, budget) {
        if entry.id == SEEK
            && value(entry.body, SEEK_ID, budget) == Some(TRACKS)
            && let Some(position) = value(entry.body, SEEK_POSITION, budget)
        {
            return usize::try_from(position).ok();
        }
    }
    None
}

/// The types of the entries of `Tracks`; where its size is not known it ends with the first element of another kind.
fn tracks(mut body: &[u8], sized: bool, budget: &Budget) -> Vec<u64> {
    let mut types = Vec::new();
    while types.len() < limits::VIDEO_STREAMS
        && let Some(element) = take(&mut body, budget)
    {
        match element.id {
            TRACK_ENTRY => {
                types.extend(value(element.body, TRACK_TYPE, budget));
                if !element.sized {
                    // Its children follow as if they stood beside it.
                    body = element.body;
                }
            }
            id if !element.sized || !sized && is_beside(id) => break,
            _ => {}
        }
    }
    types
}

/// What stands beside `Tracks` has an id of four bytes; what stands within it has a shorter one.
const fn is_beside(id: u64) -> bool {
    id > 0x00ff_ffff
}

/// The whole number in the first child of this id.
fn value(mut body: &[u8], id: u64, budget: &Budget) -> Option<u64> {
    while let Some(element) = take(&mut body, budget) {
        if element.id == id {
            return number(element.body, 0, element.body.len()).filter(|_| element.sized);
        }
        if !element.sized {
            return None;
        }
    }
    None
}

//! The first picture of a sequence, where a file has tracks and no items.

use heifer_isobmff::{
    BoxIter, FourCC,
    boxes::{HevcConfig, Property},
};
use onespace_core::Result;

use super::{
    coded,
    planes::{Planes, Reading},
};

/// Bytes of a visual sample entry before the boxes in it.
const ENTRY_BYTES: usize = 78;

/// A coded picture.
pub struct Frame<'a> {
    pub size: (u32, u32),
    config: Option<HevcConfig>,
    reading: Option<Reading>,
    data: &'a [u8],
}

impl Frame<'_> {
    /// # Errors
    /// As [`coded::hevc`].
    pub fn decode(&self) -> Result<Planes> {
        let mut planes = match &self.config {
            Some(config) => coded::hevc(config, self.data, self.size)?,
            None => coded::av1(self.data, self.size)?,
        };
        planes.reading = self.reading.unwrap_or(planes.reading);
        if planes.size == self.size { Ok(planes) } else { planes.cut(self.size) }
    }
}

/// The first sample of the first track of pictures.
pub fn first(bytes: &[u8]) -> Option<Frame<'_>> {
    let movie = child(bytes, b"moov")?;
    let mut tracks = BoxIter::new(movie).flatten().filter(|found| found.header.box_type.0 == *b"trak");
    tracks.find_map(|track| in_track(bytes, track.content))
}

fn in_track<'a>(bytes: &'a [u8], track: &[u8]) -> Option<Frame<'a>> {
    let entry = BoxIter::new(child(samples_of(track)?, b"stsd")?.get(8..)?).flatten().next()?;
    let size = (number(entry.content, 24, 2)? as u32, number(entry.content, 26, 2)? as u32);
    let inner = entry.content.get(ENTRY_BYTES..)?;
    let config = match &entry.header.box_type.0 {
        b"hvc1" | b"hev1" => Some(HevcConfig::parse(child(inner, b"hvcC")?).ok()?),
        b"av01" => None,
        _ => return None,
    };
    // What the container says of colours goes before what the stream says.
    let said = child(inner, b"colr").and_then(|said| Property::parse(FourCC(*b"colr"), said).ok());
    let reading = said.as_ref().and_then(Reading::of);
    Some(Frame { size, config, reading, data: first_sample(bytes, track)? })
}

/// The bytes of the first sample of a track.
pub fn first_sample<'a>(bytes: &'a [u8], track: &[u8]) -> Option<&'a [u8]> {
    let table = samples_of(track)?;
    let begin = match child(table, b"stco") {
        Some(offsets) => number(offsets, 8, 4)?,
        None => number(child(table, b"co64")?, 8, 8)?,
    };
    let sizes = child(table, b"stsz")?;
    let length = match number(sizes, 4, 4)? {
        0 => number(sizes, 12, 4)?,
        all => all,
    };
    let begin = usize::try_from(begin).ok()?;
    bytes.get(begin..begin.checked_add(usize::try_from(length).ok()?)?)
}

/// What a track says of its samples.
fn samples_of(track: &[u8]) -> Option<&[u8]> {
    child(child(child(track, b"mdia")?, b"minf")?, b"stbl")
}

fn child<'a>(body: &'a [u8], name: &[u8; 4]) -> Option<&'a [u8]> {
    BoxIter::new(body).flatten().find(|found| found.header.box_type.0 == *name).map(|found| found.content)
}

/// A number of so many bytes, the highest first.
fn number(bytes: &[u8], at: usize, count: usize) -> Option<u64> {
    let digits = bytes.get(at..at.checked_add(count)?)?;
    Some(digits.iter().fold(0, |value, digit| value << 8 | u64::from(*digit)))
}

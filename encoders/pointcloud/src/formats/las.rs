//! LAS and LAZ, what laser scanners on aircraft and cars write: read in stretches, so that no more of it is kept.
//!
//! Places are in double precision, scaled and moved as the file says. Colours are the file's own, of 16 bits; how much
//! light came back is no colour, and is left out, as are classes: what somebody took for noise is a point like others.

use std::{io::Cursor, sync::Arc};

use las::{PointData, Reader};
use onespace_core::{Error, HeldRoom, Patience, Reason, Result, limits};

use crate::source::{Source, Vertex};

/// Bytes of points that are read at once.
const STRETCH: u64 = 1 << 20;

/// Where the head says of version 1.4 how many records follow the points, and the bytes of that number. They are not
/// read: they may claim any length.
const RECORDS_BEHIND: std::ops::Range<usize> = 243..247;

/// Where the head says its minor version, and where the points begin.
const MINOR: usize = 25;
const POINTS_BEGIN: std::ops::Range<usize> = 96..100;

/// The fewest bytes of a compressed chunk: one point as it is.
const CHUNK_BYTES: u64 = 20;

/// A file whose head is sound.
pub struct Las {
    bytes: Arc<[u8]>,
    points: usize,
    /// The value of a colour's brightest; none where no point has any.
    full: Option<f32>,
    _room: Option<HeldRoom>,
}

/// Reads the head, and as many points as it takes to tell colours of 8 bits from those of 16.
///
/// # Errors
/// `MEDIA_MALFORMED`, `MEDIA_EMPTY`, `MEDIA_TOO_LARGE`; what `patience` says when it is over.
pub fn open(bytes: &[u8], patience: &Patience) -> Result<Las> {
    let room = patience.hold(bytes.len() as u64)?;
    let mut bytes = bytes.to_vec();
    if bytes.get(MINOR).is_some_and(|minor| *minor >= 4) {
        bytes.get_mut(RECORDS_BEHIND).unwrap_or_default().fill(0);
    }
    let mut file = Las { bytes: bytes.into(), points: 0, full: None, _room: room };
    let mut reader = file.reader()?;
    let points = reader.header().number_of_points();
    if points == 0 {
        return Err(Error::new(Reason::MediaEmpty, "bytes", "the file has no points"));
    }
    if points > limits::POINTS as u64 {
        return Err(Error::too_large("bytes", "the number of points", points, limits::POINTS));
    }
    file.points = points as usize;
    if reader.header().point_format().has_color {
        file.full = full(&mut reader, patience)?;
    }
    Ok(file)
}

/// The value of a colour's brightest. Many programs write bytes where there is room for 16 bits, and black where they
/// know no colour.
fn full(reader: &mut Reader, patience: &Patience) -> Result<Option<f32>> {
    loop {
        patience.check("while the points were read")?;
        let stretch = next(reader)?;
        if stretch.is_empty() {
            return Ok(None);
        }
        let colours = stretch.rgb().into_iter().flatten();
        let brightest = colours.map(|(red, green, blue)| red.max(green).max(blue)).max().unwrap_or_default();
        match brightest {
            0 => {}
            1..=255 => return Ok(Some(255.0)),
            _ => return Ok(Some(65_535.0)),
        }
    }
}

/// The next points; none behind the last.
fn next(reader: &mut Reader) -> Result<PointData> {
    let record = u64::from(reader.header().point_format().len());
    reader.read_points((STRETCH / record.max(1)).max(1)).map_err(|error| unreadable(&error))
}

fn unreadable(error: &las::Error) -> Error {
    Error::malformed("bytes", format!("the LAS file cannot be read: {error}"))
}

impl Las {
    fn reader(&self) -> Result<Reader> {
        self.check_chunks()?;
        Reader::new(Cursor::new(Arc::clone(&self.bytes))).map_err(|error| unreadable(&error))
    }

    /// Weighs the number of compressed chunks that the file claims against its bytes. Where it is said comes first of
    /// the points; in a file that is not compressed it is anything, and not looked at.
    fn check_chunks(&self) -> Result<()> {
        let number = |range: std::ops::Range<usize>| self.bytes.get(range).and_then(|bytes| bytes.first_chunk::<4>());
        let is_compressed = self.bytes.get(104).is_some_and(|format| format & 0xc0 != 0);
        let begin = number(POINTS_BEGIN).map_or(0, |begin| u32::from_le_bytes(*begin) as usize);
        let table =
            self.bytes.get(begin..).and_then(|points| points.first_chunk::<8>()).map(|at| i64::from_le_bytes(*at));
        let chunks = |at: usize| number(at.checked_add(4)?..at.checked_add(8)?).map(|count| u32::from_le_bytes(*count));
        let claimed = table.and_then(|at| usize::try_from(at).ok()).and_then(chunks).unwrap_or_default();
        let most = self.bytes.len() as u64 / CHUNK_BYTES;
        if is_compressed && u64::from(claimed) > most {
            return Err(Error::malformed(
                "bytes",
                format!("the LAZ file claims {claimed} chunks, {most} may be in it"),
            ));
        }
        Ok(())
    }

    fn vertices_of(&self, stretch: &PointData, take: &mut dyn FnMut(Vertex)) {
        let places = stretch.x().zip(stretch.y()).zip(stretch.z()).map(|((x, y), z)| [x, y, z]);
        let Some((full, colours)) = self.full.zip(stretch.rgb()) else {
            return places.map(Vertex::at).for_each(take);
        };
        let colours = colours.map(|(red, green, blue)| [red, green, blue].map(|value| f32::from(value) / full));
        places.zip(colours).map(|(place, colour)| Vertex { place, colour }).for_each(take);
    }
}

impl Source for Las {
    fn vertices(&self) -> usize {
        self.points
    }

    fn has_faces(&self) -> bool {
        false
    }

    fn is_precise(&self) -> bool {
        true
    }

    fn each_vertex(&self, patience: &Patience, take: &mut dyn FnMut(Vertex)) -> Result<()> {
        let mut reader = self.reader()?;
        let mut read = 0;
        while read < self.points {
            patience.check("while the points were read")?;
            let stretch = next(&mut reader)?;
            if stretch.is_empty() {
                let message = format!("the file announces {} points, there are {read}", self.points);
                return Err(Error::malformed("bytes", message));
            }
            read += stretch.len();
            self.vertices_of(&stretch, take);
        }
        Ok(())
    }

    fn each_triangle(&self, _patience: &Patience, _take: &mut dyn FnMut([u32; 3])) -> Result<()> {
        Ok(())
    }
}

//! E57, what laser scanners on tripods write: all its scans, each where it stood.
//!
//! Colours are the file's own; how much light came back is no colour, and is left out. Rays that met nothing are points
//! that are nowhere.

use std::{cell::RefCell, io::Cursor};

use e57::{CartesianCoordinate, E57Reader, PointCloud, RecordDataType};
use onespace_core::{Error, Patience, Reason, Result, limits};

use crate::source::{Source, Vertex};

/// Points between two looks at the clock: a millisecond's.
const UNSEEN: usize = 4096;

/// Where the head says how long the file's XML is.
const XML_LENGTH: std::ops::Range<usize> = 32..40;

/// A file whose head is sound.
pub struct E57<'a> {
    reader: RefCell<E57Reader<Cursor<&'a [u8]>>>,
    scans: Vec<PointCloud>,
    points: usize,
}

/// Reads the head.
///
/// # Errors
/// `MEDIA_MALFORMED`, `MEDIA_EMPTY`, `MEDIA_TOO_LARGE`.
pub fn open(bytes: &[u8]) -> Result<E57<'_>> {
    let length =
        bytes.get(XML_LENGTH).and_then(|length| length.first_chunk()).map(|length| u64::from_le_bytes(*length));
    if let Some(length) = length.filter(|length| *length > limits::E57_XML_BYTES as u64) {
        let limit = format!("{} bytes", limits::E57_XML_BYTES);
        return Err(Error::too_large("bytes", "the XML of the E57 file", format!("{length} bytes"), limit));
    }
    let reader = E57Reader::new(Cursor::new(bytes)).map_err(|error| unreadable(&error))?;
    let scans = reader.pointclouds();
    let points = scans.iter().fold(0_u64, |sum, scan| sum.saturating_add(scan.records));
    if points > limits::POINTS as u64 {
        return Err(Error::too_large("bytes", "the number of points", points, limits::POINTS));
    }
    if points == 0 {
        return Err(Error::new(Reason::MediaEmpty, "bytes", "the file has no points"));
    }
    // Values that are all the same take no bits: of points that take none, there could be any number.
    if scans.iter().any(|scan| scan.prototype.iter().all(|record| is_constant(&record.data_type))) {
        return Err(Error::malformed("bytes", "the points of the E57 file take no bytes"));
    }
    Ok(E57 { reader: RefCell::new(reader), scans, points: points as usize })
}

const fn is_constant(kind: &RecordDataType) -> bool {
    match kind {
        RecordDataType::Single { .. } | RecordDataType::Double { .. } => false,
        RecordDataType::ScaledInteger { min, max, .. } | RecordDataType::Integer { min, max } => *min == *max,
    }
}

fn unreadable(error: &e57::Error) -> Error {
    Error::malformed("bytes", format!("the E57 file cannot be read: {error}"))
}

impl Source for E57<'_> {
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
        let mut reader = self.reader.borrow_mut();
        for scan in &self.scans {
            let mut points = reader.pointcloud_simple(scan).map_err(|error| unreadable(&error))?;
            points.intensity_to_color(false);
            for (number, point) in points.enumerate() {
                patience.check_every(UNSEEN, number, "while the points were read")?;
                let point = point.map_err(|error| unreadable(&error))?;
                let place = match point.cartesian {
                    CartesianCoordinate::Valid { x, y, z } => [x, y, z],
                    CartesianCoordinate::Direction { .. } | CartesianCoordinate::Invalid => [f64::NAN; 3],
                };
                let colour = point.color.map_or([f32::NAN; 3], |colour| [colour.red, colour.green, colour.blue]);
                take(Vertex { place, colour });
            }
        }
        Ok(())
    }

    fn each_triangle(&self, _patience: &Patience, _take: &mut dyn FnMut([u32; 3])) -> Result<()> {
        Ok(())
    }
}

//! Measurements as NPY: `[n, 6]` or `[6, n]` of floats or integers.

use std::io::Cursor;

use npyz::{Deserialize, NpyFile, Order};
use onespace_core::{Error, Result};

use crate::{measurements::Row, table::CHANNELS};

/// The first bytes of every such file.
pub const MAGIC: &[u8] = b"\x93NUMPY";

/// Reads an array.
///
/// # Errors
/// `MEDIA_MALFORMED` for another shape, or fewer values than it says; `MEDIA_UNSUPPORTED` for other numbers;
/// `MEDIA_TOO_LARGE` for too many rows.
pub fn read(bytes: &[u8]) -> Result<Vec<Row>> {
    let file = NpyFile::new(Cursor::new(bytes)).map_err(|error| malformed(&error))?;
    let (shape, order) = (file.shape().to_vec(), file.order());
    let (count, by_row) = match shape.as_slice() {
        [count, 6] => (*count, true),
        [6, count] => (*count, false),
        _ => return Err(Error::malformed("bytes", format!("an array of {shape:?}, [n, 6] or [6, n] are read"))),
    };
    // What a header claims is weighed against the file before anything is allocated: a number has two bytes or more.
    let most = bytes.len() / (2 * CHANNELS);
    let count = usize::try_from(count).ok().filter(|count| *count <= most).ok_or_else(|| {
        let limit = format!("{most}, which is what the file's {} bytes can hold", bytes.len());
        Error::too_large("bytes", "the number of rows", count, limit)
    })?;
    let values = numbers(file)?;
    let at = |row: usize, channel: usize| match (by_row, order) {
        (true, Order::C) | (false, Order::Fortran) => row * CHANNELS + channel,
        (true, Order::Fortran) | (false, Order::C) => channel * count + row,
    };
    let value = |row, channel| values.get(at(row, channel)).copied().unwrap_or(f64::NAN);
    Ok((0..count).map(|row| [0, 1, 2, 3, 4, 5].map(|channel| value(row, channel))).collect())
}

/// All values, in the order of the file.
fn numbers(file: NpyFile<Cursor<&[u8]>>) -> Result<Vec<f64>> {
    let kind = file.dtype().descr();
    match kind.trim_matches('\'').get(1..) {
        Some("f4") => all::<f32>(file),
        Some("f8") => all::<f64>(file),
        Some("i2") => all::<i16>(file),
        Some("i4") => all::<i32>(file),
        _ => Err(Error::unsupported("bytes", format!("numbers of type {kind}: f4, f8, i2 and i4 are read"))),
    }
}

fn all<T: Deserialize + Into<f64>>(file: NpyFile<Cursor<&[u8]>>) -> Result<Vec<f64>> {
    let values = file.into_vec::<T>().map_err(|error| malformed(&error))?;
    Ok(values.into_iter().map(Into::into).collect())
}

fn malformed(error: &std::io::Error) -> Error {
    Error::malformed("bytes", format!("the NPY file cannot be read: {error}"))
}

//! Measurements as NPY: `[n, 6]` or `[6, n]` of floats or integers.

use onespace_arrays::Array;
use onespace_core::{Error, Result};

use crate::{measurements::Row, table::CHANNELS};

pub use onespace_arrays::MAGIC;

/// Reads an array.
///
/// # Errors
/// `MEDIA_MALFORMED` for another shape; as [`Array::read`].
pub fn read(bytes: &[u8]) -> Result<Vec<Row>> {
    let array = Array::read(bytes)?;
    let array = match array.shape() {
        [_, CHANNELS] => array,
        [CHANNELS, _] => array.transposed(),
        shape => return Err(Error::malformed("bytes", format!("an array of {shape:?}, [n, 6] or [6, n] are read"))),
    };
    let [rows, _] = array.shape();
    Ok((0..rows).map(|row| [0, 1, 2, 3, 4, 5].map(|channel| array.at(row, channel))).collect())
}

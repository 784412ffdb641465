//! Arrays of NumPy whose rows are points: three numbers and perhaps others, which are told as in lists of points.

use onespace_arrays::Array;
use onespace_core::{Error, Patience, Result};

use super::{
    parsed::Parsed,
    xyz::{Columns, PROBED},
};

/// Reads a file.
///
/// # Errors
/// `MEDIA_MALFORMED`, `MEDIA_EMPTY`, `MEDIA_TOO_LARGE`, `MEDIA_UNSUPPORTED` as [`Array::read`] says; what `patience`
/// says when it is over.
pub fn read(bytes: &[u8], patience: &Patience) -> Result<Parsed> {
    let array = Array::read(bytes)?;
    let [rows, columns] = array.shape();
    if !matches!(columns, 3 | 4 | 6 | 7 | 9) {
        let message = format!("an array of [{rows}, {columns}]: [n, 3] to [n, 9] are read, a point a row");
        return Err(Error::malformed("bytes", message));
    }
    let row = |row: usize| (0..columns).map(|column| Some(array.at(row, column))).collect::<Vec<_>>();
    let probed: Vec<_> = (0..rows.min(PROBED)).map(row).collect();
    let columns = Columns::unnamed(&probed);
    let mut parsed = Parsed::default();
    for number in 0..rows {
        let vertex = columns.vertex(&row(number));
        parsed
            .vertex(vertex.ok_or_else(|| Error::malformed("bytes", format!("row {number} is no point")))?, patience)?;
    }
    parsed.checked()
}

//! Arrays of NumPy (NPY) as rows of numbers: measurements, or points.

use std::io::Cursor;

use npyz::{Deserialize, NpyFile, Order};
use onespace_core::{Error, Result};

/// The first bytes of every such file.
pub const MAGIC: &[u8] = b"\x93NUMPY";

/// An array of two axes.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    rows: usize,
    columns: usize,
    by_row: bool,
    values: Vec<f64>,
}

impl Array {
    /// Reads a file.
    ///
    /// # Errors
    /// `MEDIA_MALFORMED` for another number of axes than two, or fewer values than it says; `MEDIA_UNSUPPORTED` for
    /// other numbers; `MEDIA_TOO_LARGE` for more values than the file can hold.
    pub fn read(bytes: &[u8]) -> Result<Self> {
        let file = NpyFile::new(Cursor::new(bytes)).map_err(|error| malformed(&error))?;
        let (shape, order) = (file.shape().to_vec(), file.order());
        let [rows, columns] = shape.as_slice() else {
            return Err(Error::malformed("bytes", format!("an array of {shape:?}: one of two axes is read")));
        };
        // What a header claims is weighed against the file before anything is allocated.
        let kind = file.dtype().descr();
        let size = kind.trim_matches('\'').get(2..).and_then(|size| size.parse().ok()).unwrap_or(1);
        let most = bytes.len() / usize::max(size, 1);
        let count = rows.checked_mul(*columns).and_then(|count| usize::try_from(count).ok());
        if count.is_none_or(|count| count > most) {
            let limit = format!("{most}, which is what the file's {} bytes can hold", bytes.len());
            return Err(Error::too_large("bytes", "the number of values", format!("{rows} times {columns}"), limit));
        }
        let (rows, columns) = (*rows as usize, *columns as usize);
        Ok(Self { rows, columns, by_row: order == Order::C, values: numbers(file)? })
    }

    /// Rows and columns.
    #[must_use]
    pub const fn shape(&self) -> [usize; 2] {
        [self.rows, self.columns]
    }

    /// The same with rows for columns.
    #[must_use]
    pub fn transposed(self) -> Self {
        Self { rows: self.columns, columns: self.rows, by_row: !self.by_row, ..self }
    }

    /// A value; NaN where there is none.
    #[must_use]
    pub fn at(&self, row: usize, column: usize) -> f64 {
        let place = if self.by_row { row * self.columns + column } else { column * self.rows + row };
        self.values.get(place).copied().unwrap_or(f64::NAN)
    }
}

/// All values, in the order of the file.
fn numbers(file: NpyFile<Cursor<&[u8]>>) -> Result<Vec<f64>> {
    let kind = file.dtype().descr();
    match kind.trim_matches('\'').get(1..) {
        Some("f4") => all::<f32>(file),
        Some("f8") => all::<f64>(file),
        Some("u1") => all::<u8>(file),
        Some("u2") => all::<u16>(file),
        Some("i2") => all::<i16>(file),
        Some("i4") => all::<i32>(file),
        _ => Err(Error::unsupported("bytes", format!("numbers of type {kind}: f4, f8, u1, u2, i2 and i4 are read"))),
    }
}

fn all<T: Deserialize + Into<f64>>(file: NpyFile<Cursor<&[u8]>>) -> Result<Vec<f64>> {
    let values = file.into_vec::<T>().map_err(|error| malformed(&error))?;
    Ok(values.into_iter().map(Into::into).collect())
}

fn malformed(error: &std::io::Error) -> Error {
    Error::malformed("bytes", format!("the NPY file cannot be read: {error}"))
}

//! Files in a ZIP archive, each unpacked while it is read and no further than all of them may go.

use std::{
    borrow::Cow,
    io::{BufReader, Cursor, ErrorKind, Read},
};

use onespace_core::{Error, Patience, Result, limits};
use zip::{ZipArchive, result::ZipError};

/// What each entry of the list at the end of an archive begins with.
const ENTRY: &[u8] = b"PK\x01\x02";

/// An archive.
pub struct Archive<'a> {
    files: ZipArchive<Cursor<&'a [u8]>>,
    patience: &'a Patience,
    /// What may still be unpacked.
    left: u64,
}

impl<'a> Archive<'a> {
    /// Reads the list of an archive's files.
    ///
    /// # Errors
    /// `MEDIA_TOO_LARGE` for more files than may be, `MEDIA_MALFORMED`.
    pub fn new(bytes: &'a [u8], patience: &'a Patience) -> Result<Self> {
        let entries = bytes.windows(ENTRY.len()).filter(|window| *window == ENTRY).count();
        if entries > limits::ARCHIVE_FILES {
            return Err(Error::too_large("bytes", "the number of files in it", entries, limits::ARCHIVE_FILES));
        }
        let files = ZipArchive::new(Cursor::new(bytes)).map_err(|error| unreadable(&error))?;
        Ok(Self { files, patience, left: limits::ARCHIVE_UNPACKED_BYTES as u64 })
    }

    /// The names of all files.
    pub fn names(&self) -> impl Iterator<Item = Cow<'_, str>> {
        self.files.file_names().flatten()
    }

    /// Unpacks a file.
    ///
    /// # Errors
    /// `MEDIA_MALFORMED` for one that is not there or cannot be unpacked, `MEDIA_TOO_LARGE`, `MEDIA_UNSUPPORTED` for
    /// one that is locked; what the patience says when it is over.
    pub fn read(&mut self, name: &str) -> Result<Vec<u8>> {
        self.patience.check("while the document was unpacked")?;
        let file = self.files.by_name(name).map_err(|error| unreadable(&error))?;
        let mut bytes = Vec::new();
        let mut reader = BufReader::new(file.take(self.left + 1));
        reader.read_to_end(&mut bytes).map_err(|error| broken(name, &error))?;
        self.left = self.left.checked_sub(bytes.len() as u64).ok_or_else(|| {
            let limit = format!("{} bytes", limits::ARCHIVE_UNPACKED_BYTES);
            Error::too_large("bytes", "what is in the document", "more", limit)
        })?;
        Ok(bytes)
    }
}

fn broken(name: &str, error: &std::io::Error) -> Error {
    let name: String = name.chars().take(80).collect();
    let why = if error.kind() == ErrorKind::UnexpectedEof { "it is cut off".to_owned() } else { error.to_string() };
    Error::malformed("bytes", format!("\"{name}\" in the document cannot be unpacked: {why}"))
}

fn unreadable(error: &ZipError) -> Error {
    match error {
        ZipError::UnsupportedArchive(_) | ZipError::CompressionMethodNotSupported(_) | ZipError::InvalidPassword => {
            Error::unsupported("bytes", format!("the document is locked or packed in a way that is not read: {error}"))
        }
        _ => Error::malformed("bytes", format!("the document cannot be unpacked: {error}")),
    }
}

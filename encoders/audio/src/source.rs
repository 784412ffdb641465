//! The bytes of a part, as demuxers want them.

use std::io::{self, Read, Seek, SeekFrom};

use onespace_core::{Patience, patience::Reading};
use symphonia::core::io::MediaSource;

use crate::joined::Part;

/// A head that was made, and the bytes behind it.
pub struct Source<'a> {
    head: &'a [u8],
    reading: Reading<'a>,
    /// Where it stands, and how long it is, the head included.
    at: u64,
    length: u64,
}

impl<'a> Source<'a> {
    /// The bytes of a part, to be read while `patience` lasts.
    pub fn new(part: &'a Part<'_>, patience: &Patience) -> Self {
        let length = (part.head.len() + part.body.len()) as u64;
        Self { head: &part.head, reading: patience.reading(part.body), at: 0, length }
    }
}

impl Read for Source<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let in_head = usize::try_from(self.at).ok().and_then(|at| self.head.get(at..)).filter(|rest| !rest.is_empty());
        let read = match in_head {
            Some(mut rest) => rest.read(buffer)?,
            None => self.reading.read(buffer)?,
        };
        self.at += read as u64;
        Ok(read)
    }
}

impl Seek for Source<'_> {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        let wanted = match position {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(offset) => self.length.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.at.checked_add_signed(offset),
        };
        self.at = wanted.ok_or(io::ErrorKind::InvalidInput)?;
        self.reading.seek(SeekFrom::Start(self.at.saturating_sub(self.head.len() as u64)))?;
        Ok(self.at)
    }
}

impl MediaSource for Source<'_> {
    fn is_seekable(&self) -> bool {
        true
    }

    fn byte_len(&self) -> Option<u64> {
        Some(self.length)
    }
}

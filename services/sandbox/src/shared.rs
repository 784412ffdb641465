//! Memory without a name that two processes pass to and fro: what is asked, then the answer in its place.

use std::{
    fs::File,
    io,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::fs::FileExt,
    },
};

use rustix::fs::{MemfdFlags, memfd_create};

/// How long the head is, and how long the body.
const PREAMBLE: usize = 16;

/// A head, which says what the body is, and the body.
#[derive(Debug)]
pub struct Shared(File);

/// The body of what was written, after its head was read.
#[derive(Clone, Copy, Debug)]
pub struct Body {
    /// Where it begins.
    pub at: u64,
    /// How many bytes it has.
    pub length: u64,
}

impl Shared {
    /// Some that is empty.
    pub fn new() -> io::Result<Self> {
        Ok(Self(File::from(memfd_create("onespace-media", MemfdFlags::CLOEXEC)?)))
    }

    /// Replaces what is there.
    pub fn write(&self, head: &[u8], body: &[&[u8]]) -> io::Result<()> {
        self.clear()?;
        let length: usize = body.iter().map(|part| part.len()).sum();
        let mut preamble = Vec::with_capacity(PREAMBLE);
        preamble.extend_from_slice(&(head.len() as u64).to_le_bytes());
        preamble.extend_from_slice(&(length as u64).to_le_bytes());
        let mut at = 0;
        for part in [preamble.as_slice(), head].into_iter().chain(body.iter().copied()) {
            self.0.write_all_at(part, at)?;
            at += part.len() as u64;
        }
        Ok(())
    }

    /// The head, if it has no more than `most` bytes.
    pub fn head(&self, most: usize) -> io::Result<(Vec<u8>, Body)> {
        let mut preamble = [0; PREAMBLE];
        self.0.read_exact_at(&mut preamble, 0)?;
        let (numbers, _) = preamble.as_chunks::<8>();
        let [head, length] = *numbers else { return Err(io::ErrorKind::InvalidData.into()) };
        let (head, length) = (u64::from_le_bytes(head), u64::from_le_bytes(length));
        let bytes = usize::try_from(head).ok().filter(|bytes| *bytes <= most).ok_or(io::ErrorKind::InvalidData)?;
        let mut text = vec![0; bytes];
        self.0.read_exact_at(&mut text, PREAMBLE as u64)?;
        Ok((text, Body { at: PREAMBLE as u64 + head, length }))
    }

    /// Fills `into` with what is there from `at` on.
    pub fn read(&self, into: &mut [u8], at: u64) -> io::Result<()> {
        self.0.read_exact_at(into, at)
    }

    /// Gives back what is there.
    pub fn clear(&self) -> io::Result<()> {
        self.0.set_len(0)
    }

    /// What a worker whose errors go there wrote last, as one line that is safe to log.
    pub fn last_words(&self) -> String {
        let mut bytes = [0; 300];
        let read = self.0.read_at(&mut bytes, 0).unwrap_or(0);
        let text = String::from_utf8_lossy(bytes.get(..read).unwrap_or_default()).into_owned();
        text.trim().escape_debug().to_string()
    }
}

impl From<OwnedFd> for Shared {
    fn from(memory: OwnedFd) -> Self {
        Self(File::from(memory))
    }
}

impl AsFd for Shared {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_what_it_claims_is_bounded() {
        let shared = Shared::new().unwrap();
        shared.write(b"head", &[b"one", b"", b"two"]).unwrap();
        let (head, body) = shared.head(4).unwrap();
        assert_eq!((head.as_slice(), body.length), (b"head".as_slice(), 6));
        let mut read = vec![0; 6];
        shared.read(&mut read, body.at).unwrap();
        assert_eq!(read, b"onetwo");
        assert!(shared.head(3).is_err() && shared.read(&mut [0; 7], body.at).is_err());
        shared.write(b"", &[]).unwrap();
        assert_eq!(shared.head(4).unwrap().1.length, 0);
        shared.clear().unwrap();
        assert!(shared.head(4).is_err());
        assert_eq!(shared.last_words(), "");
    }
}

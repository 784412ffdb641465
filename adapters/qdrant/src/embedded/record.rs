//! Records of files that grow at their end alone: journals, inventories, backups.
//!
//! A record is its length and checksum followed by its body, numbers little-endian:
//! `u32 length, 8 bytes of BLAKE3(body), body`.

use std::{
    io::{self, Read},
    ops::Range,
};

const CHECKSUM_BYTES: usize = 8;
const HEADER_BYTES: usize = 4 + CHECKSUM_BYTES;

/// What a file of records holds.
#[derive(Debug)]
pub(super) struct Contents<T> {
    /// The sound records from the start.
    pub(super) sound: Vec<T>,
    /// Where they end.
    pub(super) end: usize,
    /// Sound records behind something that is none.
    pub(super) behind: Vec<T>,
    /// Where something is that is no sound record.
    pub(super) damaged: Vec<Range<usize>>,
}

impl<T> Contents<T> {
    /// Why this is no file that a crash cut short: what a crash leaves behind is at the end.
    pub(super) fn rot(&self) -> Option<String> {
        let first = self.damaged.first()?;
        let message = format!(
            "the record at byte {} is damaged, and {} sound records lie behind it, from byte {} on",
            first.start,
            self.behind.len(),
            first.end
        );
        (!self.behind.is_empty()).then_some(message)
    }
}

/// Reads records. Where one is not sound, all further ones are looked for byte by byte; `begins` says of a length and
/// the bytes that follow a header whether they may be a body at all, so that few are summed up in vain.
pub(super) fn contents<T>(
    bytes: &[u8],
    parse: impl Fn(&[u8]) -> Option<T>,
    begins: impl Fn(usize, &[u8]) -> bool,
) -> Contents<T> {
    let mut contents = Contents { sound: Vec::new(), end: 0, behind: Vec::new(), damaged: Vec::new() };
    let may_be = |at: &usize| {
        let rest = bytes.get(*at..).unwrap_or_default();
        let likely = take_length(rest).is_some_and(|(length, _)| {
            length < rest.len() && rest.get(HEADER_BYTES..).is_some_and(|body| begins(length, body))
        });
        likely && next_body(rest).is_some_and(|(body, _)| parse(body).is_some())
    };
    let mut at = 0;
    while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
        match next_body(rest).and_then(|(body, after)| Some((parse(body)?, rest.len() - after.len()))) {
            Some((record, length)) => {
                at += length;
                if contents.damaged.is_empty() {
                    contents.sound.push(record);
                    contents.end = at;
                } else {
                    contents.behind.push(record);
                }
            }
            None => {
                let start = at;
                at = (start + 1..bytes.len()).find(may_be).unwrap_or(bytes.len());
                contents.damaged.push(start..at);
            }
        }
    }
    contents
}

/// A record of this body.
///
/// # Errors
/// When the body is longer than 4 GiB.
pub(super) fn record(mut body: Vec<u8>) -> io::Result<Vec<u8>> {
    let mut record = Vec::with_capacity(HEADER_BYTES + body.len());
    put_length(&mut record, body.len())?;
    record.extend(checksum(&body));
    record.append(&mut body);
    Ok(record)
}

/// The body of the record that these bytes begin with, and what follows it; none where it is not sound.
pub(super) fn next_body(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = take_length(bytes)?;
    let (sum, rest) = rest.split_at_checked(CHECKSUM_BYTES)?;
    let (body, rest) = rest.split_at_checked(length)?;
    checksum(body).eq(sum.iter().copied()).then_some((body, rest))
}

/// The body of the next record of a stream; none at its end.
///
/// # Errors
/// Those of the stream; `InvalidData` where the record is not sound.
pub(super) fn read_body(stream: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut header = [0; HEADER_BYTES];
    let mut filled = 0;
    while let Some(rest) = header.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match stream.read(rest)? {
            0 if filled == 0 => return Ok(None),
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            more => filled += more,
        }
    }
    let damaged = || io::Error::new(io::ErrorKind::InvalidData, "a record is damaged");
    let (length, sum) = take_length(&header).ok_or_else(damaged)?;
    let mut body = Vec::new();
    stream.take(length as u64).read_to_end(&mut body)?;
    if body.len() == length && checksum(&body).eq(sum.iter().copied()) { Ok(Some(body)) } else { Err(damaged()) }
}

/// The body of the record that these bytes begin with, sound or not, as far as it is there.
pub(super) fn body_as_it_is(bytes: &[u8]) -> &[u8] {
    bytes.get(HEADER_BYTES..).unwrap_or_default()
}

/// Adds a length.
///
/// # Errors
/// When it is more than 4 GiB.
pub(super) fn put_length(bytes: &mut Vec<u8>, length: usize) -> io::Result<()> {
    let length = u32::try_from(length).map_err(io::Error::other)?;
    bytes.extend_from_slice(&length.to_le_bytes());
    Ok(())
}

/// A length, and what follows it.
pub(super) fn take_length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (four, rest) = bytes.split_first_chunk::<4>()?;
    Some((usize::try_from(u32::from_le_bytes(*four)).ok()?, rest))
}

fn checksum(body: &[u8]) -> impl Iterator<Item = u8> {
    blake3::hash(body).as_bytes().to_owned().into_iter().take(CHECKSUM_BYTES)
}

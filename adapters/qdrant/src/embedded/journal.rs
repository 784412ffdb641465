//! What was promised but may not have reached the engine's files yet.
//!
//! The engine does not replay its own log when it is opened again, and it cannot be flushed while it optimises.
//! So a write goes here first, is synced, then applied, then acknowledged; once everything applied has been
//! flushed the journal starts anew. Whatever is in it when a store is opened is applied again, which changes
//! nothing where it had arrived already.
//!
//! A record is its length and checksum followed by its body, numbers little-endian:
//! `u32 length, 8 bytes of BLAKE3(body), body`; a body is `u8 kind, u32 count`, then `count` times
//! `16 bytes id` and, for writes, `u32 length, payload as JSON, u32 length, that many f32`.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    path::Path,
};

use onespace_core::bytes::{le_bytes, le_floats};
use serde_json::{Map, Value};
use uuid::Uuid;

const KIND_UPSERT: u8 = 1;
const KIND_DELETE: u8 = 2;
const CHECKSUM_BYTES: usize = 8;
const HEADER_BYTES: usize = 4 + CHECKSUM_BYTES;

/// A point as the engine takes it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Row {
    pub(super) id: Uuid,
    pub(super) payload: Map<String, Value>,
    pub(super) vector: Vec<f32>,
}

/// A change to a collection, the same however often it is applied.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Operation {
    /// Writes points, replacing those of the same id.
    Upsert(Vec<Row>),
    /// Removes points.
    Delete(Vec<Uuid>),
}

impl Operation {
    /// About what it brings.
    pub(super) fn bytes(&self) -> u64 {
        match self {
            Self::Upsert(rows) => rows.iter().map(|row| row.bytes() as u64).sum(),
            Self::Delete(ids) => size_of_val(ids.as_slice()) as u64,
        }
    }

    /// How many points it touches.
    pub(super) fn points(&self) -> usize {
        match self {
            Self::Upsert(rows) => rows.len(),
            Self::Delete(ids) => ids.len(),
        }
    }
}

impl Row {
    /// What its payload and vector take, about.
    fn bytes(&self) -> usize {
        let payload: usize = self.payload.iter().map(|(key, value)| key.len() + bytes_of(value)).sum();
        payload + self.vector.len() * size_of::<f32>()
    }
}

fn bytes_of(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Array(values) => values.iter().map(bytes_of).sum(),
        Value::Object(fields) => fields.iter().map(|(key, value)| key.len() + bytes_of(value)).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) => size_of::<u64>(),
    }
}

/// The journal of one collection, open at its end.
#[derive(Debug)]
pub(super) struct Journal {
    file: File,
    length: u64,
}

impl Journal {
    /// Opens or makes the journal and reads what it holds. A torn last record was never acknowledged and is cut off.
    ///
    /// # Errors
    /// Those of the file system.
    pub(super) fn open(path: &Path) -> io::Result<(Self, Vec<Operation>)> {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        let length = file.metadata()?.len();
        let mut journal = Self { file, length };
        let (operations, intact) = journal.read()?;
        if intact < length {
            tracing::warn!(bytes = length - intact, journal = %path.display(), "cut off a torn record");
        }
        journal.rewind(intact)?;
        Ok((journal, operations))
    }

    /// Everything it holds.
    ///
    /// # Errors
    /// Those of the file system.
    pub(super) fn operations(&mut self) -> io::Result<Vec<Operation>> {
        let (operations, _) = self.read()?;
        self.file.seek(SeekFrom::Start(self.length))?;
        Ok(operations)
    }

    /// The intact records from the start, and where they end.
    fn read(&mut self) -> io::Result<(Vec<Operation>, u64)> {
        self.file.seek(SeekFrom::Start(0))?;
        let mut bytes = Vec::new();
        self.file.read_to_end(&mut bytes)?;
        let mut rest = bytes.as_slice();
        let mut operations = Vec::new();
        while let Some((operation, after)) = next_record(rest) {
            operations.push(operation);
            rest = after;
        }
        Ok((operations, (bytes.len() - rest.len()) as u64))
    }

    /// How many bytes it holds.
    pub(super) fn len(&self) -> u64 {
        self.length
    }

    /// Adds a record, durable after the next [`Self::sync`].
    ///
    /// # Errors
    /// Those of the file system; part of the record may then have been written.
    pub(super) fn append(&mut self, operation: &Operation) -> io::Result<()> {
        let record = record_of(operation)?;
        self.file.write_all(&record)?;
        self.length += record.len() as u64;
        Ok(())
    }

    /// Makes what was added survive a loss of power.
    ///
    /// # Errors
    /// Those of the file system.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    /// Forgets everything from `length` bytes on.
    ///
    /// # Errors
    /// Those of the file system.
    pub(super) fn rewind(&mut self, length: u64) -> io::Result<()> {
        self.file.set_len(length)?;
        self.file.seek(SeekFrom::Start(length))?;
        self.file.sync_data()?;
        self.length = length;
        Ok(())
    }
}

fn record_of(operation: &Operation) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    match operation {
        Operation::Upsert(rows) => {
            body.push(KIND_UPSERT);
            put_length(&mut body, rows.len())?;
            for row in rows {
                body.extend_from_slice(row.id.as_bytes());
                let payload = serde_json::to_vec(&row.payload)?;
                put_length(&mut body, payload.len())?;
                body.extend_from_slice(&payload);
                put_length(&mut body, row.vector.len())?;
                body.extend(le_bytes(&row.vector));
            }
        }
        Operation::Delete(ids) => {
            body.push(KIND_DELETE);
            put_length(&mut body, ids.len())?;
            body.extend(ids.iter().flat_map(Uuid::as_bytes));
        }
    }
    let mut record = Vec::with_capacity(HEADER_BYTES + body.len());
    put_length(&mut record, body.len())?;
    record.extend(checksum(&body));
    record.append(&mut body);
    Ok(record)
}

fn put_length(bytes: &mut Vec<u8>, length: usize) -> io::Result<()> {
    let length = u32::try_from(length).map_err(io::Error::other)?;
    bytes.extend_from_slice(&length.to_le_bytes());
    Ok(())
}

fn checksum(body: &[u8]) -> impl Iterator<Item = u8> {
    blake3::hash(body).as_bytes().to_owned().into_iter().take(CHECKSUM_BYTES)
}

fn next_record(bytes: &[u8]) -> Option<(Operation, &[u8])> {
    let (length, rest) = take_length(bytes)?;
    let (sum, rest) = rest.split_at_checked(CHECKSUM_BYTES)?;
    let (body, rest) = rest.split_at_checked(length)?;
    if !checksum(body).eq(sum.iter().copied()) {
        return None;
    }
    Some((operation_of(body)?, rest))
}

fn operation_of(body: &[u8]) -> Option<Operation> {
    let (kind, rest) = body.split_first()?;
    let (count, mut rest) = take_length(rest)?;
    match *kind {
        KIND_UPSERT => {
            let mut rows = Vec::new();
            for _ in 0..count {
                let (row, after) = take_row(rest)?;
                rows.push(row);
                rest = after;
            }
            Some(Operation::Upsert(rows))
        }
        KIND_DELETE => {
            Some(Operation::Delete(rest.chunks_exact(16).map(Uuid::from_slice).collect::<Result<_, _>>().ok()?))
        }
        _ => None,
    }
}

fn take_row(bytes: &[u8]) -> Option<(Row, &[u8])> {
    let (id, rest) = bytes.split_at_checked(16)?;
    let (length, rest) = take_length(rest)?;
    let (payload, rest) = rest.split_at_checked(length)?;
    let (dimension, rest) = take_length(rest)?;
    let (values, rest) = rest.split_at_checked(dimension.checked_mul(4)?)?;
    let vector = le_floats(values)?;
    let row = Row { id: Uuid::from_slice(id).ok()?, payload: serde_json::from_slice(payload).ok()?, vector };
    Some((row, rest))
}

fn take_length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (four, rest) = bytes.split_first_chunk::<4>()?;
    Some((usize::try_from(u32::from_le_bytes(*four)).ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operations() -> Vec<Operation> {
        let payload: Map<String, Value> = serde_json::from_str(r#"{"item":"ö","metadata":{"n":1.5}}"#).unwrap();
        let row = |n: u128| Row { id: Uuid::from_u128(n), payload: payload.clone(), vector: vec![0.6, 0.8, n as f32] };
        vec![
            Operation::Upsert(vec![row(1), row(2)]),
            Operation::Delete(vec![Uuid::from_u128(2), Uuid::from_u128(3)]),
            Operation::Upsert(vec![]),
        ]
    }

    #[test]
    fn what_was_added_is_read_again() {
        let path = tempfile::tempdir().unwrap();
        let path = path.path().join("journal");
        let (mut journal, found) = Journal::open(&path).unwrap();
        assert!(found.is_empty());
        operations().iter().for_each(|operation| journal.append(operation).unwrap());
        drop(journal);
        let (mut journal, found) = Journal::open(&path).unwrap();
        assert_eq!(found, operations());
        assert_eq!(journal.operations().unwrap(), operations());
        journal.append(&operations()[1]).unwrap();
        drop(journal);
        let (mut journal, found) = Journal::open(&path).unwrap();
        assert_eq!(found.len(), 4);
        journal.rewind(0).unwrap();
        assert_eq!(Journal::open(&path).unwrap().1, vec![]);
    }

    #[test]
    fn a_torn_end_costs_only_the_record_that_was_torn() {
        let whole: Vec<Vec<u8>> = operations().iter().map(|operation| record_of(operation).unwrap()).collect();
        let bytes = whole.concat();
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("journal");
        for cut in 0..bytes.len() {
            std::fs::write(&path, &bytes[..cut]).unwrap();
            let complete = whole
                .iter()
                .scan(0, |end, record| {
                    *end += record.len();
                    Some(*end)
                })
                .filter(|end| *end <= cut)
                .count();
            assert_eq!(Journal::open(&path).unwrap().1, operations()[..complete]);
            assert_eq!(std::fs::metadata(&path).unwrap().len(), whole[..complete].concat().len() as u64);
        }
    }

    #[test]
    fn a_flipped_bit_is_noticed() {
        let bytes = record_of(&operations()[0]).unwrap();
        for index in 0..bytes.len() {
            let mut bent = bytes.clone();
            bent[index] ^= 1;
            assert!(next_record(&bent).is_none(), "byte {index}");
        }
    }
}

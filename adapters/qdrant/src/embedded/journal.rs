//! What was promised but may not have reached the engine's files yet.
//!
//! The engine does not replay its own log when it is opened again, and it cannot be flushed while it optimises.
//! So a write goes here first, is synced, then applied, then acknowledged; once everything applied has been
//! flushed the journal starts anew. Whatever is in it when a store is opened is applied again, which changes
//! nothing where it had arrived already.
//!
//! It is a file of [`super::record`]s; a body is `u8 kind, u32 count`, then `count` times `16 bytes id` and, for
//! writes, `u32 length, payload as JSON, u32 length, that many f32`.
//!
//! A kill leaves part of a record at the end, a loss of power zeros or noise there; none of that was acknowledged, and
//! it is cut off. A record that is not sound with sound ones behind it was acknowledged once: nothing is cut off then,
//! and the journal is not opened.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    path::Path,
};

use onespace_core::bytes::{le_bytes, le_floats};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::record::{Contents, body_as_it_is, contents, put_length, record, take_length};

/// The journal's file, inside the collection's folder.
pub(super) const JOURNAL: &str = "journal";
const KIND_UPSERT: u8 = 1;
const KIND_DELETE: u8 = 2;
const ID_BYTES: usize = 16;

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

    /// The points it touches.
    pub(super) fn ids(&self) -> Vec<Uuid> {
        match self {
            Self::Upsert(rows) => rows.iter().map(|row| row.id).collect(),
            Self::Delete(ids) => ids.clone(),
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
    /// Those of the file system; `InvalidData` naming the place where a record is damaged with sound ones behind it.
    pub(super) fn open(path: &Path) -> io::Result<(Self, Vec<Operation>)> {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        let length = file.metadata()?.len();
        let mut journal = Self { file, length };
        let contents = journal.read()?;
        if let Some(rot) = contents.rot() {
            return Err(io::Error::new(io::ErrorKind::InvalidData, rot));
        }
        let intact = contents.end as u64;
        if intact < length {
            tracing::warn!(bytes = length - intact, journal = %path.display(), "cut off a torn record");
        }
        journal.rewind(intact)?;
        Ok((journal, contents.sound))
    }

    /// Everything it holds.
    ///
    /// # Errors
    /// Those of the file system; `InvalidData` where a record is damaged.
    pub(super) fn operations(&mut self) -> io::Result<Vec<Operation>> {
        let contents = self.read()?;
        self.file.seek(SeekFrom::Start(self.length))?;
        match contents.damaged.first() {
            None => Ok(contents.sound),
            Some(range) => {
                let message = format!("the record at byte {} is damaged", range.start);
                Err(io::Error::new(io::ErrorKind::InvalidData, message))
            }
        }
    }

    fn read(&mut self) -> io::Result<Contents<Operation>> {
        self.file.seek(SeekFrom::Start(0))?;
        let mut bytes = Vec::new();
        self.file.read_to_end(&mut bytes)?;
        Ok(operations(&bytes))
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

/// What the bytes of a journal hold.
pub(super) fn operations(bytes: &[u8]) -> Contents<Operation> {
    contents(bytes, operation_of, may_begin)
}

/// The points of a damaged record, and their rows where those can be made out.
pub(super) fn rows_in(damaged: &[u8]) -> Vec<(Uuid, Option<Row>)> {
    let Some((&KIND_UPSERT, rest)) = body_as_it_is(damaged).split_first() else { return Vec::new() };
    let Some((count, mut rest)) = take_length(rest) else { return Vec::new() };
    let mut rows = Vec::new();
    while let Some((parts, after)) = take_parts(rest).filter(|_| rows.len() < count) {
        rows.extend(Uuid::from_slice(parts.id).map(|id| (id, parts.row())));
        rest = after;
    }
    rows
}

/// The record of an operation.
///
/// # Errors
/// When a part of it is longer than 4 GiB.
pub(super) fn record_of(operation: &Operation) -> io::Result<Vec<u8>> {
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
    record(body)
}

/// Whether a body of this length may begin so.
fn may_begin(length: usize, body: &[u8]) -> bool {
    let Some((kind, rest)) = body.split_first() else { return false };
    let Some((count, _)) = take_length(rest) else { return false };
    match *kind {
        KIND_UPSERT => count == 0 || body.get(1 + 4 + ID_BYTES + 4) == Some(&b'{'),
        KIND_DELETE => count.checked_mul(ID_BYTES).is_some_and(|ids| ids + 1 + 4 == length),
        _ => false,
    }
}

/// The operation of a record's body.
pub(super) fn operation_of(body: &[u8]) -> Option<Operation> {
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
            Some(Operation::Delete(rest.chunks_exact(ID_BYTES).map(Uuid::from_slice).collect::<Result<_, _>>().ok()?))
        }
        _ => None,
    }
}

fn take_row(bytes: &[u8]) -> Option<(Row, &[u8])> {
    let (parts, rest) = take_parts(bytes)?;
    Some((parts.row()?, rest))
}

/// A row as it is written.
struct Parts<'a> {
    id: &'a [u8],
    payload: &'a [u8],
    vector: &'a [u8],
}

impl Parts<'_> {
    fn row(&self) -> Option<Row> {
        let payload = serde_json::from_slice(self.payload).ok()?;
        Some(Row { id: Uuid::from_slice(self.id).ok()?, payload, vector: le_floats(self.vector)? })
    }
}

fn take_parts(bytes: &[u8]) -> Option<(Parts<'_>, &[u8])> {
    let (id, rest) = bytes.split_at_checked(ID_BYTES)?;
    let (length, rest) = take_length(rest)?;
    let (payload, rest) = rest.split_at_checked(length)?;
    let (dimension, rest) = take_length(rest)?;
    let (vector, rest) = rest.split_at_checked(dimension.checked_mul(size_of::<f32>())?)?;
    Some((Parts { id, payload, vector }, rest))
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
            assert!(super::operations(&bent).sound.is_empty(), "byte {index}");
        }
    }

    #[test]
    fn a_damaged_record_with_sound_ones_behind_it_is_no_torn_end() {
        let whole: Vec<Vec<u8>> = operations().iter().map(|operation| record_of(operation).unwrap()).collect();
        let bytes = [whole.concat(), whole.concat()].concat();
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("journal");
        // Any bit of any record but the last: length, checksum or body.
        let last = bytes.len() - whole[2].len();
        for index in 0..last {
            let mut bent = bytes.clone();
            bent[index] ^= 1 << (index % 8);
            std::fs::write(&path, &bent).unwrap();
            let error = Journal::open(&path).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData, "byte {index}");
            assert!(error.to_string().contains("sound records lie behind it"), "{error}");
            assert_eq!(std::fs::read(&path).unwrap(), bent, "it stays as it was found");
            let contents = super::operations(&bent);
            assert_eq!(contents.sound.len() + contents.behind.len(), 5, "byte {index}");
        }
        // Zeros in place of a record, as a file system leaves them.
        let mut bent = bytes.clone();
        bent[whole[0].len()..whole[0].len() + whole[1].len()].fill(0);
        std::fs::write(&path, &bent).unwrap();
        assert!(Journal::open(&path).is_err());
    }

    #[test]
    fn what_lies_behind_the_last_record_is_cut_off() {
        let bytes: Vec<u8> = operations().iter().flat_map(|operation| record_of(operation).unwrap()).collect();
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("journal");
        let noise: Vec<u8> = (0..5_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        for tail in [vec![0; 4096], vec![0xff; 700], noise, bytes[..bytes.len() - 20][..40].to_vec()] {
            std::fs::write(&path, [bytes.as_slice(), &tail].concat()).unwrap();
            assert_eq!(Journal::open(&path).unwrap().1, operations());
            assert_eq!(std::fs::read(&path).unwrap(), bytes);
        }
    }

    #[test]
    fn rows_of_a_damaged_record_can_be_made_out() {
        let bytes = record_of(&operations()[0]).unwrap();
        let Operation::Upsert(rows) = &operations()[0] else { unreachable!() };
        let mut bent = bytes.clone();
        *bent.last_mut().unwrap() ^= 1;
        let found = rows_in(&bent);
        assert_eq!((found.len(), &found[0]), (2, &(rows[0].id, Some(rows[0].clone()))));
        assert_ne!(found[1].1.as_ref(), Some(&rows[1]));
        assert_eq!(rows_in(&bytes[..bytes.len() - 1]).len(), 1);
    }
}

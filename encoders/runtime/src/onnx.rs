//! What an ONNX file says of its weights, read without loading them: a file of gigabytes is stepped over.
//!
//! ONNX Runtime opens whatever files a graph names. That no byte is used which the manifest does not vouch for has to
//! be seen to before.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::{self, BufReader, Read},
    path::Path,
};

use onespace_bundle::Precision;

/// How deep messages may nest: subgraphs of subgraphs; the file is a stranger's.
const DEPTH_MAX: usize = 64;

/// The longest file name that is read.
const NAME_BYTES: u64 = 4096;

/// The weights of a graph.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Weights {
    /// The files beside the graph that hold some of them, as the graph names them.
    pub external: BTreeSet<String>,
    /// How many numbers there are of each kind.
    pub numbers: BTreeMap<Precision, u64>,
}

/// The messages of ONNX (onnx.proto) that lead to weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Message {
    Model,
    Graph,
    Node,
    Attribute,
    Function,
    Sparse,
    Tensor,
    Entry,
}

impl Message {
    /// The message in a field of this one, by the field numbers of onnx.proto.
    const fn within(self, field: u64) -> Option<Self> {
        match (self, field) {
            (Self::Model, 7) | (Self::Attribute, 6 | 11) => Some(Self::Graph),
            (Self::Model, 25) => Some(Self::Function),
            (Self::Graph, 1) | (Self::Function, 7) => Some(Self::Node),
            (Self::Node, 5) | (Self::Function, 11) => Some(Self::Attribute),
            (Self::Graph, 15) | (Self::Attribute, 22 | 23) => Some(Self::Sparse),
            (Self::Graph, 5) | (Self::Attribute, 5 | 10) | (Self::Sparse, 1 | 2) => Some(Self::Tensor),
            (Self::Tensor, 13) => Some(Self::Entry),
            _ => None,
        }
    }
}

impl Weights {
    /// Reads what a graph file says of its weights.
    ///
    /// # Errors
    /// When it cannot be read, or is no protocol buffer: truncated, for one.
    pub fn read(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let end = file.metadata()?.len();
        let mut weights = Self::default();
        Scan { file: BufReader::new(file), at: 0, weights: &mut weights }.message(Message::Model, end, DEPTH_MAX)?;
        Ok(weights)
    }
}

struct Scan<'a> {
    file: BufReader<File>,
    at: u64,
    weights: &'a mut Weights,
}

/// What has been read of a tensor, or of an entry of its table.
#[derive(Default)]
struct Seen {
    kind: u64,
    dims: Option<u64>,
    key: String,
    value: String,
}

impl Scan<'_> {
    fn message(&mut self, message: Message, end: u64, depth: usize) -> io::Result<()> {
        if depth == 0 {
            return Err(broken(format!("messages nest more than {DEPTH_MAX} deep at byte {}", self.at)));
        }
        let mut seen = Seen::default();
        while self.at < end {
            let tag = self.varint(end)?;
            let field = tag >> 3;
            match tag & 7 {
                0 => {
                    let value = self.varint(end)?;
                    match (message, field) {
                        (Message::Tensor, 1) => seen.dims = Some(seen.dims.unwrap_or(1).saturating_mul(value)),
                        (Message::Tensor, 2) => seen.kind = value,
                        _ => {}
                    }
                }
                1 => self.skip(8, end)?,
                2 => {
                    let length = self.varint(end)?;
                    self.bytes(message, field, length, end, depth, &mut seen)?;
                }
                5 => self.skip(4, end)?,
                other => return Err(broken(format!("wire type {other} at byte {}", self.at))),
            }
        }
        match message {
            Message::Tensor => self.count(seen.kind, seen.dims.unwrap_or(1)),
            Message::Entry if seen.key == "location" => drop(self.weights.external.insert(seen.value)),
            _ => {}
        }
        Ok(())
    }

    /// One field of a given length.
    fn bytes(
        &mut self,
        message: Message,
        field: u64,
        length: u64,
        end: u64,
        depth: usize,
        seen: &mut Seen,
    ) -> io::Result<()> {
        let inner = self.at.checked_add(length).filter(|inner| *inner <= end);
        let inner = inner.ok_or_else(|| broken(format!("a field of {length} bytes at byte {} is cut off", self.at)))?;
        match (message, field) {
            (Message::Entry, 1) => seen.key = self.text(length)?,
            (Message::Entry, 2) => seen.value = self.text(length)?,
            (Message::Tensor, 1) => {
                while self.at < inner {
                    let dim = self.varint(inner)?;
                    seen.dims = Some(seen.dims.unwrap_or(1).saturating_mul(dim));
                }
            }
            _ => match message.within(field) {
                Some(within) => self.message(within, inner, depth - 1)?,
                None => self.skip(length, end)?,
            },
        }
        Ok(())
    }

    /// Adds a tensor's numbers, by the data types of onnx.proto.
    fn count(&mut self, kind: u64, numbers: u64) {
        let kind = match kind {
            1 => Precision::Fp32,
            10 => Precision::Fp16,
            16 => Precision::Bf16,
            2 | 3 => Precision::Int8,
            _ => return,
        };
        let sum = self.weights.numbers.entry(kind).or_default();
        *sum = sum.saturating_add(numbers);
    }

    fn varint(&mut self, end: u64) -> io::Result<u64> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            if self.at >= end {
                return Err(broken(format!("a number is cut off at byte {}", self.at)));
            }
            let mut byte = [0];
            self.file.read_exact(&mut byte)?;
            self.at += 1;
            value |= u64::from(byte[0] & 0x7f) << shift;
            if byte[0] < 0x80 {
                return Ok(value);
            }
        }
        Err(broken(format!("a number of more than 64 bits before byte {}", self.at)))
    }

    fn text(&mut self, length: u64) -> io::Result<String> {
        if length > NAME_BYTES {
            return Err(broken(format!("a name of {length} bytes at byte {}", self.at)));
        }
        let mut text = String::new();
        self.file.by_ref().take(length).read_to_string(&mut text)?;
        self.at += length;
        Ok(text)
    }

    fn skip(&mut self, length: u64, end: u64) -> io::Result<()> {
        let to = self.at.checked_add(length).filter(|to| *to <= end);
        self.at = to.ok_or_else(|| broken(format!("a value of {length} bytes at byte {} is cut off", self.at)))?;
        self.file.seek_relative(i64::try_from(length).map_err(|error| broken(error.to_string()))?)
    }
}

fn broken(why: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
        let mut out = vec![number << 3 | 2, u8::try_from(bytes.len()).unwrap()];
        out.extend_from_slice(bytes);
        out
    }

    /// A tensor of 2 × 3 half floats, whose bytes lie in `weights.bin`.
    fn tensor() -> Vec<u8> {
        let location = field(13, &[field(1, b"location"), field(2, b"weights.bin")].concat());
        [&[1 << 3, 2, 1 << 3, 3, 2 << 3, 10][..], &location, &[14 << 3, 1]].concat()
    }

    fn weights(model: &[u8]) -> io::Result<Weights> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(model).unwrap();
        Weights::read(file.path())
    }

    #[test]
    fn weights_are_found_wherever_they_hide() {
        let found = Weights {
            external: BTreeSet::from(["weights.bin".to_owned()]),
            numbers: BTreeMap::from([(Precision::Fp16, 6)]),
        };
        let initializer = field(7, &field(5, &tensor()));
        assert_eq!(weights(&initializer).unwrap(), found);
        let node = |attribute: &[u8]| field(1, &field(5, attribute));
        let constant = field(7, &node(&field(5, &tensor())));
        assert_eq!(weights(&constant).unwrap(), found);
        let subgraph = field(7, &node(&field(6, &field(5, &tensor()))));
        assert_eq!(weights(&subgraph).unwrap(), found);
        assert_eq!(weights(&field(2, b"somebody")).unwrap(), Weights::default());
    }

    #[test]
    fn what_is_cut_off_or_endless_is_refused() {
        let whole = field(7, &field(5, &tensor()));
        for cut in 1..whole.len() {
            assert!(weights(&whole[..cut]).is_err(), "{cut}");
        }
        assert!(weights(&[0xff; 16]).is_err(), "a number without an end");
        assert!(weights(&[7]).is_err(), "no such wire type");
        let mut deep = Vec::new();
        for _ in 0..12 {
            deep = field(1, &field(5, &field(6, &deep)));
        }
        assert!(weights(&field(7, &deep)).is_ok());
    }
}

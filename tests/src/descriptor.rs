//! The public methods as the descriptor lists them, and messages made from it that no client would make.

use bytes::Bytes;
use prost::Message as _;
use prost_types::{DescriptorProto, FieldDescriptorProto, FileDescriptorSet, field_descriptor_proto::Type};

/// A method of the public contract.
#[derive(Clone, Debug)]
pub struct Method {
    /// `/package.Service/Method`.
    pub path: String,
    /// The full name of what it takes, with a leading dot.
    pub input: String,
}

/// How a message is twisted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Twist {
    /// Every field is set, every enum to a number that nobody defined.
    UnknownEnums,
    /// Every field holds the largest or the oddest value of its type.
    Extremes,
}

/// The contract.
#[derive(Debug)]
pub struct Contract(FileDescriptorSet);

/// How deep twisted messages nest; filters and metadata are recursive.
const DEPTH: usize = 12;

impl Contract {
    /// As the server's reflection serves it.
    #[must_use]
    pub fn read() -> Self {
        Self(FileDescriptorSet::decode(onespace_proto::DESCRIPTOR).unwrap())
    }

    /// Every method of `onespace.v1`.
    #[must_use]
    pub fn methods(&self) -> Vec<Method> {
        let mut methods = Vec::new();
        for file in self.0.file.iter().filter(|file| file.package() == "onespace.v1") {
            for service in &file.service {
                methods.extend(service.method.iter().map(|method| Method {
                    path: format!("/{}.{}/{}", file.package(), service.name(), method.name()),
                    input: method.input_type().to_owned(),
                }));
            }
        }
        methods
    }

    /// The fields of a message, by its full name with a leading dot.
    #[must_use]
    pub fn fields(&self, name: &str) -> Vec<FieldDescriptorProto> {
        self.message(name).unwrap_or_else(|| panic!("there is no message {name}")).field
    }

    /// A twisted message. Of a oneof, `choice` names the field; the others are left out.
    #[must_use]
    pub fn twisted(&self, name: &str, twist: Twist, choice: usize) -> Bytes {
        let mut bytes = Vec::new();
        self.fill(name, twist, choice, DEPTH, &mut bytes);
        bytes.into()
    }

    fn fill(&self, name: &str, twist: Twist, choice: usize, depth: usize, out: &mut Vec<u8>) {
        let Some(message) = self.message(name) else { return };
        for field in &message.field {
            let alternatives: Vec<_> =
                message.field.iter().filter(|other| other.oneof_index == field.oneof_index).collect();
            let chosen = alternatives[choice % alternatives.len()];
            if field.oneof_index.is_none() || chosen.number() == field.number() {
                self.put(field, twist, choice, depth, out);
            }
        }
    }

    fn put(&self, field: &FieldDescriptorProto, twist: Twist, choice: usize, depth: usize, out: &mut Vec<u8>) {
        let extreme = twist == Twist::Extremes;
        let tag = |wire: u64, out: &mut Vec<u8>| varint((field.number() as u64) << 3 | wire, out);
        match field.r#type() {
            Type::Message | Type::Group => {
                if depth == 0 {
                    return;
                }
                let mut inner = Vec::new();
                self.fill(field.type_name(), twist, choice, depth - 1, &mut inner);
                tag(2, out);
                varint(inner.len() as u64, out);
                out.extend(inner);
            }
            Type::String | Type::Bytes => {
                let text = if extreme { "\u{7}é/../".repeat(40) } else { "x".to_owned() };
                tag(2, out);
                varint(text.len() as u64, out);
                out.extend(text.bytes());
            }
            Type::Enum => {
                tag(0, out);
                varint(if extreme { u64::MAX } else { 9999 }, out);
            }
            Type::Double | Type::Fixed64 | Type::Sfixed64 => {
                tag(1, out);
                out.extend(if extreme { f64::NAN } else { 1.0 }.to_le_bytes());
            }
            Type::Float | Type::Fixed32 | Type::Sfixed32 => {
                tag(5, out);
                out.extend(if extreme { f32::NAN } else { 1.0 }.to_le_bytes());
            }
            _ => {
                tag(0, out);
                varint(if extreme { u64::MAX } else { 1 }, out);
            }
        }
    }

    fn message(&self, name: &str) -> Option<DescriptorProto> {
        self.0.file.iter().find_map(|file| {
            let name = name.strip_prefix(&format!(".{}.", file.package()))?;
            let mut path = name.split('.');
            let first = path.next()?;
            let outer = file.message_type.iter().find(|message| message.name() == first)?;
            path.try_fold(outer, |outer, name| outer.nested_type.iter().find(|inner| inner.name() == name)).cloned()
        })
    }
}

/// A length-delimited field.
pub fn put_field(number: i32, payload: &[u8], out: &mut Vec<u8>) {
    varint((number as u64) << 3 | 2, out);
    varint(payload.len() as u64, out);
    out.extend(payload);
}

/// A number as the wire writes it.
pub fn varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

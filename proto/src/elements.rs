//! What a message is made of, counted before it is decoded. A field takes two bytes on the wire and a hundred in
//! memory: a message within MESSAGE_BYTES could otherwise hold gigabytes.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, OnceLock},
};

use onespace_core::{Error, Reason, Result, limits::MESSAGE_ELEMENTS};
use prost::Message as _;
use prost_types::{DescriptorProto, FileDescriptorSet, field_descriptor_proto::Type};

/// How deep messages nest: prost decodes no deeper either.
const DEPTH: usize = 100;

/// How the payload of a length-delimited field is counted.
#[derive(Clone, Debug)]
enum Payload {
    /// A message, by its full name: what is in it counts as well.
    Message(String),
    /// Packed numbers of one byte or more, each of which takes four or eight in memory.
    Varints,
}

/// The fields of a message whose payload counts, by number.
type Fields = BTreeMap<u32, Payload>;

#[derive(Debug, Default)]
struct Schema {
    messages: BTreeMap<String, Fields>,
    /// The messages that methods take.
    requests: BTreeSet<String>,
}

/// Counts the elements of one kind of request.
#[derive(Clone, Debug)]
pub struct Counter {
    root: Arc<str>,
}

impl Counter {
    /// For a message of this full name; none where it is not what a method takes.
    #[must_use]
    pub fn of_request(name: &str) -> Option<Self> {
        schema().requests.contains(name).then(|| Self { root: name.into() })
    }

    /// Refuses a message of too many elements. One that cannot be read is left to the decoder to complain about.
    ///
    /// # Errors
    /// `TOO_MANY`.
    pub fn check(&self, bytes: &[u8]) -> Result<()> {
        let mut left = MESSAGE_ELEMENTS;
        if count(bytes, &self.root, DEPTH, &mut left).is_some() {
            return Ok(());
        }
        let message = format!(
            "the message has more than {MESSAGE_ELEMENTS} fields, list entries and numbers in it (MESSAGE_ELEMENTS): \
                 send it in parts"
        );
        Err(Error::new(Reason::TooMany, "", message))
    }
}

/// Takes what is in a message off what is `left`; none when that is not enough.
fn count(mut bytes: &[u8], message: &str, depth: usize, left: &mut usize) -> Option<()> {
    let fields = schema().messages.get(message);
    while let Some(field) = take_field(&mut bytes) {
        *left = left.checked_sub(1)?;
        let Some(payload) = fields.and_then(|fields| fields.get(&field.number)) else { continue };
        match (payload, field.payload) {
            (Payload::Message(inner), Some(within)) if depth > 0 => count(within, inner, depth - 1, left)?,
            (Payload::Varints, Some(packed)) => *left = left.checked_sub(packed.len())?,
            _ => {}
        }
    }
    Some(())
}

struct Field<'a> {
    number: u32,
    /// Of a length-delimited field.
    payload: Option<&'a [u8]>,
}

/// The next field; none at the end, and where the rest is no field.
fn take_field<'a>(bytes: &mut &'a [u8]) -> Option<Field<'a>> {
    let tag = take_varint(bytes)?;
    let number = u32::try_from(tag >> 3).ok()?;
    let payload = match tag & 7 {
        0 => take_varint(bytes).map(|_| None)?,
        1 => take(bytes, 8).map(|_| None)?,
        2 => {
            let length = usize::try_from(take_varint(bytes)?).ok()?;
            Some(take(bytes, length)?)
        }
        5 => take(bytes, 4).map(|_| None)?,
        // The brackets of a group: what is between them is counted as it comes.
        3 | 4 => None,
        _ => return None,
    };
    Some(Field { number, payload })
}

fn take<'a>(bytes: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(taken)
}

fn take_varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..70).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        // The tenth byte holds one bit; what does not fit is lost, as in any other reader.
        value |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or_default();
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

fn schema() -> &'static Schema {
    static SCHEMA: OnceLock<Schema> = OnceLock::new();
    SCHEMA.get_or_init(|| {
        // It was written by the compiler of this very crate; a test reads it.
        let files = FileDescriptorSet::decode(crate::DESCRIPTOR).unwrap_or_default();
        let mut schema = Schema::default();
        for file in &files.file {
            for message in &file.message_type {
                add(&mut schema, file.package(), message);
            }
            let methods = file.service.iter().flat_map(|service| &service.method);
            schema.requests.extend(methods.map(|method| method.input_type().trim_start_matches('.').to_owned()));
        }
        schema
    })
}

fn add(schema: &mut Schema, outer: &str, message: &DescriptorProto) {
    let name = format!("{outer}.{}", message.name());
    for inner in &message.nested_type {
        add(schema, &name, inner);
    }
    let fields = message.field.iter().filter_map(|field| {
        let payload = match field.r#type() {
            Type::Message => Payload::Message(field.type_name().trim_start_matches('.').to_owned()),
            Type::String | Type::Bytes | Type::Group => return None,
            // As many bytes on the wire as in memory.
            Type::Float | Type::Double | Type::Fixed32 | Type::Fixed64 | Type::Sfixed32 | Type::Sfixed64 => {
                return None;
            }
            _ => Payload::Varints,
        };
        Some((u32::try_from(field.number()).ok()?, payload))
    });
    let fields = fields.collect();
    schema.messages.insert(name, fields);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::v1;

    fn check<M: prost::Message + prost::Name>(message: &M) -> Result<()> {
        Counter::of_request(&M::full_name()).unwrap().check(&message.encode_to_vec())
    }

    #[test]
    fn requests_are_counted_and_answers_are_not() {
        for request in ["onespace.v1.EmbedRequest", "onespace.v1.IngestRequest", "onespace.encoder.v1.EncodeRequest"] {
            assert!(Counter::of_request(request).is_some(), "{request}");
        }
        assert!(Counter::of_request("onespace.v1.EmbedResponse").is_none());
        assert!(schema().messages.contains_key("google.protobuf.Struct.FieldsEntry"), "what is imported is known too");
    }

    #[test]
    fn what_is_small_on_the_wire_and_large_in_memory_is_refused() {
        let items = |count| v1::EmbedRequest { items: vec![v1::Media::default(); count], ..Default::default() };
        assert!(check(&items(MESSAGE_ELEMENTS)).is_ok());
        assert_eq!(check(&items(MESSAGE_ELEMENTS + 1)).unwrap_err().reason, Reason::TooMany);
        let modalities = v1::SearchRequest { modalities: vec![1; MESSAGE_ELEMENTS + 1], ..Default::default() };
        assert_eq!(check(&modalities).unwrap_err().reason, Reason::TooMany);
        let value = v1::Scalar { value: Some(v1::scalar::Value::Boolean(true)) };
        let matches = v1::field_condition::Matches::Any(v1::MatchAny { values: vec![value; MESSAGE_ELEMENTS / 2 + 1] });
        let key = Some(v1::field_condition::Key::Metadata("a".to_owned()));
        let field = v1::condition::Condition::Field(v1::FieldCondition { key, matches: Some(matches) });
        let condition = v1::Condition { condition: Some(field) };
        let filter = Some(v1::Filter { must: vec![condition], ..Default::default() });
        let nested = v1::ListItemsRequest { filter, ..Default::default() };
        assert_eq!(check(&nested).unwrap_err().reason, Reason::TooMany);
    }

    #[test]
    fn honest_messages_are_not() {
        let values = vec![0.5; 2 * MESSAGE_ELEMENTS];
        let vector = v1::query_part::Part::Vector(v1::RawVector { values, ..Default::default() });
        let parts = vec![v1::QueryPart { part: Some(vector), weight: Some(1.0), ..Default::default() }; 16];
        assert!(check(&v1::SearchRequest { parts, ..Default::default() }).is_ok());
        let media = v1::Media { content: Some(v1::media::Content::Text("a".to_owned())), ..Default::default() };
        let label = v1::Label { name: "b".to_owned(), examples: vec![media; 64] };
        assert!(check(&v1::ClassifyRequest { labels: vec![label; 64], ..Default::default() }).is_ok());
    }

    #[test]
    fn what_is_no_message_is_left_to_the_decoder() {
        let counter = Counter::of_request("onespace.v1.EmbedRequest").unwrap();
        for bytes in [&b"\xff"[..], b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", b"\x0f", b"\x0a\x05a", b""] {
            assert!(counter.check(bytes).is_ok(), "{bytes:?}");
        }
    }
}

//! An item's metadata: JSON here, `google.protobuf.Struct` on the wire.

use std::collections::BTreeMap;

use onespace_core::{
    Error, Reason, Result,
    limits::{METADATA_BYTES, METADATA_FIELDS},
};
use prost_types::{ListValue, Struct, Value, value::Kind};
use serde_json::{Map, Number, Value as Json};

use crate::fields::{DEPTH_MAX, invalid};

/// An item's metadata.
///
/// # Errors
/// `TOO_MANY` fields or bytes, `FIELD_INVALID` for nesting too deep or a number that JSON cannot hold.
pub fn metadata_in(metadata: Option<Struct>) -> Result<BTreeMap<String, Json>> {
    let Some(metadata) = metadata else { return Ok(BTreeMap::new()) };
    check_count(metadata.fields.len())?;
    let fields = metadata.fields.into_iter();
    let fields: BTreeMap<_, _> = fields
        .map(|(name, value)| json_in(value, &format!("metadata.{name}"), DEPTH_MAX).map(|json| (name, json)))
        .collect::<Result<_>>()?;
    check(&fields)?;
    Ok(fields)
}

/// Refuses metadata of more fields or bytes than an item may have.
///
/// # Errors
/// `TOO_MANY`.
pub fn check(metadata: &BTreeMap<String, Json>) -> Result<()> {
    check_count(metadata.len())?;
    let bytes = serde_json::to_vec(metadata).map_err(|error| invalid("metadata", error.to_string()))?.len();
    if bytes > METADATA_BYTES {
        let message = format!("{bytes} bytes as JSON, the limit is {METADATA_BYTES}");
        return Err(Error::new(Reason::TooMany, "metadata", message));
    }
    Ok(())
}

fn check_count(fields: usize) -> Result<()> {
    if fields > METADATA_FIELDS {
        let message = format!("{fields} fields, the limit is {METADATA_FIELDS}");
        return Err(Error::new(Reason::TooMany, "metadata", message));
    }
    Ok(())
}

fn json_in(value: Value, path: &str, depth: usize) -> Result<Json> {
    if depth == 0 {
        return Err(invalid("metadata", format!("values nest at most {DEPTH_MAX} deep")));
    }
    Ok(match value.kind {
        None | Some(Kind::NullValue(_)) => Json::Null,
        Some(Kind::BoolValue(boolean)) => Json::Bool(boolean),
        Some(Kind::StringValue(text)) => Json::String(text),
        Some(Kind::NumberValue(number)) => Json::Number(number_in(number, path)?),
        Some(Kind::ListValue(list)) => {
            let values = list.values.into_iter().enumerate();
            let value = |(index, value)| json_in(value, &format!("{path}[{index}]"), depth - 1);
            Json::Array(values.map(value).collect::<Result<_>>()?)
        }
        Some(Kind::StructValue(inner)) => {
            let field = |(name, value)| {
                let json = json_in(value, &format!("{path}.{name}"), depth - 1)?;
                Ok((name, json))
            };
            Json::Object(inner.fields.into_iter().map(field).collect::<Result<Map<_, _>>>()?)
        }
    })
}

/// The wire knows doubles only; whole ones become integers again, so that they match integer conditions. A double of
/// 2^53 or more may stand for another integer that was rounded on its way here, so it is refused.
fn number_in(number: f64, path: &str) -> Result<Number> {
    const EXACT: f64 = 9_007_199_254_740_991.0; // 2^53 - 1: the next integer shares its double with another.
    if !number.is_finite() {
        return Err(invalid(path, format!("{number} is not a finite number")));
    }
    if number.fract() != 0.0 {
        return Number::from_f64(number).ok_or_else(|| invalid(path, format!("{number} is not a finite number")));
    }
    if number.abs() > EXACT {
        let message = format!("{number} is beyond 2^53, where a Struct cannot hold every integer: send it as a text");
        return Err(invalid(path, message));
    }
    #[expect(clippy::cast_possible_truncation, reason = "whole and within ±2^53")]
    Ok(Number::from(number as i64))
}

/// Metadata as the wire shows it.
#[must_use]
pub fn metadata_out(metadata: BTreeMap<String, Json>) -> Option<Struct> {
    (!metadata.is_empty())
        .then(|| Struct { fields: metadata.into_iter().map(|(name, value)| (name, json_out(value))).collect() })
}

fn json_out(value: Json) -> Value {
    let kind = match value {
        Json::Null => Kind::NullValue(0),
        Json::Bool(boolean) => Kind::BoolValue(boolean),
        Json::Number(number) => Kind::NumberValue(number.as_f64().unwrap_or_default()),
        Json::String(text) => Kind::StringValue(text),
        Json::Array(values) => Kind::ListValue(ListValue { values: values.into_iter().map(json_out).collect() }),
        Json::Object(fields) => Kind::StructValue(Struct {
            fields: fields.into_iter().map(|(name, value)| (name, json_out(value))).collect(),
        }),
    };
    Value { kind: Some(kind) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_survives_and_is_bounded() {
        let mut metadata = BTreeMap::new();
        metadata.insert("year".to_owned(), Json::from(1999));
        metadata.insert("tags".to_owned(), serde_json::json!(["a", {"b": null, "c": 1.5}]));
        assert_eq!(metadata_in(metadata_out(metadata.clone())).unwrap(), metadata);
        let many = (0..=METADATA_FIELDS).map(|index| (format!("f{index}"), Json::Null)).collect();
        assert_eq!(metadata_in(metadata_out(many)).unwrap_err().reason, Reason::TooMany);
        let mut deep = Json::Null;
        for _ in 0..=DEPTH_MAX {
            deep = Json::Array(vec![deep]);
        }
        assert!(metadata_in(metadata_out(BTreeMap::from([("deep".to_owned(), deep)]))).is_err());
    }

    #[test]
    fn integers_come_back_as_they_were_or_are_refused_by_name() {
        let with = |number: f64| {
            let value = Value { kind: Some(Kind::NumberValue(number)) };
            let list = ListValue { values: vec![value] };
            let fields = [("ids".to_owned(), Value { kind: Some(Kind::ListValue(list)) })].into();
            metadata_in(Some(Struct { fields }))
        };
        let largest = 9_007_199_254_740_991_i64;
        assert_eq!(with(largest as f64).unwrap()["ids"][0], Json::from(largest));
        assert_eq!(with(-largest as f64).unwrap()["ids"][0], Json::from(-largest));
        // A client that was given 2^53 + 1 sends this.
        let error = with(largest as f64 + 1.0).unwrap_err();
        assert_eq!(error.field, "metadata.ids[0]");
        assert!(error.message.contains("as a text"), "{error}");
        for number in [-1e300, f64::NAN, f64::INFINITY] {
            assert_eq!(with(number).unwrap_err().field, "metadata.ids[0]");
        }
    }
}

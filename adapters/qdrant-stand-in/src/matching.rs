//! What a filter lets through.

use qdrant_client::qdrant::{Condition, FieldCondition, Filter, condition::ConditionOneOf, r#match::MatchValue};
use serde_json::{Map, Value};

/// Whether a filter lets a payload through.
pub(crate) fn lets_through(filter: &Filter, payload: &Map<String, Value>) -> bool {
    let holds = |condition: &Condition| holds(condition, payload);
    filter.must.iter().all(holds)
        && !filter.must_not.iter().any(holds)
        && (filter.should.is_empty() || filter.should.iter().any(holds))
}

fn holds(condition: &Condition, payload: &Map<String, Value>) -> bool {
    match condition.condition_one_of.as_ref().expect("a condition says something") {
        ConditionOneOf::Filter(filter) => lets_through(filter, payload),
        ConditionOneOf::Field(field) => field_holds(field, payload),
        ConditionOneOf::IsEmpty(empty) => match value(payload, &empty.key) {
            None | Some(Value::Null) => true,
            Some(Value::Array(values)) => values.is_empty(),
            Some(_) => false,
        },
        other => panic!("a condition of this kind is not known here: {other:?}"),
    }
}

fn field_holds(field: &FieldCondition, payload: &Map<String, Value>) -> bool {
    let values = match value(payload, &field.key) {
        None => return false,
        Some(Value::Array(values)) => values.as_slice(),
        Some(one) => std::slice::from_ref(one),
    };
    if let Some(range) = &field.range {
        let within = |number: f64| {
            range.gt.is_none_or(|bound| number > bound)
                && range.gte.is_none_or(|bound| number >= bound)
                && range.lt.is_none_or(|bound| number < bound)
                && range.lte.is_none_or(|bound| number <= bound)
        };
        return values.iter().filter_map(Value::as_f64).any(within);
    }
    let wanted = field.r#match.as_ref().and_then(|one| one.match_value.as_ref()).expect("a match or a range");
    let same = |value: &Value| match wanted {
        MatchValue::Keyword(text) => value.as_str() == Some(text),
        MatchValue::Keywords(texts) => value.as_str().is_some_and(|value| texts.strings.iter().any(|one| one == value)),
        MatchValue::Integer(integer) => value.as_i64() == Some(*integer),
        MatchValue::Integers(any) => value.as_i64().is_some_and(|value| any.integers.contains(&value)),
        MatchValue::Boolean(truth) => value.as_bool() == Some(*truth),
        other => panic!("a match of this kind is not known here: {other:?}"),
    };
    values.iter().any(same)
}

/// The value at a path: keys with dots between them, quoted where a key has dots of its own.
fn value<'a>(payload: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    let (key, rest) = match path.strip_prefix('"') {
        Some(quoted) => quoted.split_once('"')?,
        None => path.split_at(path.find('.').unwrap_or(path.len())),
    };
    let found = payload.get(key)?;
    match rest.strip_prefix('.') {
        Some(rest) => value(found.as_object()?, rest),
        None => Some(found),
    }
}

//! Filters from the wire: what a stranger sent, bounded in its depth, its conditions and their values.

use onespace_core::{
    Condition, Field, Filter, ItemField, Match, Result, Scalar,
    limits::{FIELD_NAME_BYTES, FILTER_TEXT_BYTES, check_text},
};

use crate::{
    fields::{DEPTH_MAX, invalid, required},
    v1,
};

/// A filter, empty where there is none.
///
/// # Errors
/// `FIELD_*` naming the condition; `TOO_MANY` past the limit.
pub fn filter_in(filter: Option<v1::Filter>) -> Result<Filter> {
    let Some(filter) = filter else { return Ok(Filter::default()) };
    let filter = filter_at(filter, "filter", DEPTH_MAX)?;
    filter.check()?;
    Ok(filter)
}

fn filter_at(filter: v1::Filter, path: &str, depth: usize) -> Result<Filter> {
    if depth == 0 {
        return Err(invalid(path, format!("filters nest at most {DEPTH_MAX} deep")));
    }
    let all = |conditions: Vec<v1::Condition>, name: &str| -> Result<Vec<Condition>> {
        let numbered = conditions.into_iter().enumerate();
        numbered.map(|(index, condition)| condition_in(condition, &format!("{path}.{name}[{index}]"), depth)).collect()
    };
    Ok(Filter {
        must: all(filter.must, "must")?,
        should: all(filter.should, "should")?,
        must_not: all(filter.must_not, "must_not")?,
    })
}

fn condition_in(condition: v1::Condition, path: &str, depth: usize) -> Result<Condition> {
    match condition.condition {
        None => Err(required(path)),
        Some(v1::condition::Condition::Filter(inner)) => {
            Ok(Condition::Nested(filter_at(inner, &format!("{path}.filter"), depth - 1)?))
        }
        Some(v1::condition::Condition::Field(field)) => field_condition_in(field, &format!("{path}.field")),
    }
}

fn field_condition_in(condition: v1::FieldCondition, path: &str) -> Result<Condition> {
    use v1::field_condition::{Key, Matches};
    let field = match condition.key.ok_or_else(|| required(&format!("{path}.key")))? {
        Key::Metadata(name) => metadata_field_in(name, &format!("{path}.metadata"))?,
        Key::Item(number) => Field::Item(item_field_in(number, &format!("{path}.item"))?),
    };
    let matches = match condition.matches.ok_or_else(|| required(&format!("{path}.matches")))? {
        Matches::Any(any) => {
            Match::Any(any.values.into_iter().map(|value| scalar_in(value, path)).collect::<Result<_>>()?)
        }
        Matches::Range(range) => Match::Range { gt: range.gt, gte: range.gte, lt: range.lt, lte: range.lte },
        Matches::Exists(_) => Match::Exists,
    };
    Ok(Condition::Field { field, matches })
}

/// The field whose values a request asks for.
///
/// # Errors
/// `FIELD_*`.
pub fn facet_field_in(key: Option<v1::facet_items_request::Key>) -> Result<Field> {
    use v1::facet_items_request::Key;
    match key.ok_or_else(|| required("key"))? {
        Key::Metadata(name) => metadata_field_in(name, "metadata"),
        Key::Item(number) => item_field_in(number, "item").map(Field::Item),
    }
}

fn metadata_field_in(name: String, path: &str) -> Result<Field> {
    if name.is_empty() {
        return Err(required(path));
    }
    check_text(path, &name, FIELD_NAME_BYTES)?;
    Ok(Field::Metadata(name))
}

fn item_field_in(number: i32, path: &str) -> Result<ItemField> {
    match v1::ItemField::try_from(number) {
        Ok(v1::ItemField::Unspecified) => Err(required(path)),
        Ok(v1::ItemField::ItemId) => Ok(ItemField::ItemId),
        Ok(v1::ItemField::Modality) => Ok(ItemField::Modality),
        Ok(v1::ItemField::Uri) => Ok(ItemField::Uri),
        Ok(v1::ItemField::Title) => Ok(ItemField::Title),
        Ok(v1::ItemField::Track) => Ok(ItemField::Track),
        Ok(v1::ItemField::ContentHash) => Ok(ItemField::ContentHash),
        Err(_) => Err(invalid(path, format!("{number} is no field of this version"))),
    }
}

fn scalar_in(scalar: v1::Scalar, path: &str) -> Result<Scalar> {
    use v1::scalar::Value;
    match scalar.value {
        Some(Value::Text(text)) => {
            check_text(&format!("{path}.any.values"), &text, FILTER_TEXT_BYTES)?;
            Ok(Scalar::Text(text))
        }
        Some(Value::Integer(integer)) => Ok(Scalar::Integer(integer)),
        Some(Value::Number(number)) => Ok(Scalar::Number(number)),
        Some(Value::Boolean(boolean)) => Ok(Scalar::Bool(boolean)),
        None => Err(required(&format!("{path}.any.values"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use v1::{condition::Condition as Kind, field_condition::Key};

    fn must(condition: Option<Kind>) -> v1::Filter {
        v1::Filter { must: vec![v1::Condition { condition }], ..Default::default() }
    }

    #[test]
    fn deep_filters_and_empty_conditions_are_named() {
        let mut filter = v1::Filter::default();
        for _ in 0..=DEPTH_MAX {
            filter = must(Some(Kind::Filter(filter)));
        }
        assert!(filter_in(Some(filter)).unwrap_err().message.contains("deep"));
        let exists = Some(v1::field_condition::Matches::Exists(v1::Exists {}));
        let on = |key: Option<Key>| must(Some(Kind::Field(v1::FieldCondition { key, matches: exists.clone() })));
        let nothing =
            must(Some(Kind::Field(v1::FieldCondition { key: Some(Key::Metadata("a".to_owned())), matches: None })));
        for (filter, field) in [
            (must(None), "filter.must[0]"),
            (nothing, "filter.must[0].field.matches"),
            (on(None), "filter.must[0].field.key"),
            (on(Some(Key::Metadata(String::new()))), "filter.must[0].field.metadata"),
            (on(Some(Key::Item(0))), "filter.must[0].field.item"),
            (on(Some(Key::Item(99))), "filter.must[0].field.item"),
        ] {
            assert_eq!(filter_in(Some(filter)).unwrap_err().field, field);
        }
        let dotted = filter_in(Some(on(Some(Key::Metadata(".title".to_owned()))))).unwrap();
        assert!(matches!(&dotted.must[0], Condition::Field { field: Field::Metadata(name), .. } if name == ".title"));
    }
}

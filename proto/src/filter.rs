//! Filters from the wire: what a stranger sent, bounded in its depth, its conditions and their values.

use onespace_core::{
    Condition, Filter, Match, Result, Scalar,
    limits::{FIELD_NAME_BYTES, FILTER_TEXT_BYTES, check_text},
};

use crate::{
    convert::{DEPTH_MAX, invalid, required},
    v1,
};

/// A filter, `None` where there is none.
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
    use v1::condition::Matches;
    let matches = match condition.matches.ok_or_else(|| required(&format!("{path}.matches")))? {
        Matches::Nested(inner) => return Ok(Condition::Nested(filter_at(inner, path, depth - 1)?)),
        Matches::Any(any) => {
            Match::Any(any.values.into_iter().map(|value| scalar_in(value, path)).collect::<Result<_>>()?)
        }
        Matches::Range(range) => Match::Range { gt: range.gt, gte: range.gte, lt: range.lt, lte: range.lte },
        Matches::Exists(_) => Match::Exists,
    };
    if condition.field.is_empty() {
        return Err(required(&format!("{path}.field")));
    }
    check_text(&format!("{path}.field"), &condition.field, FIELD_NAME_BYTES)?;
    Ok(Condition::Field { field: condition.field, matches })
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

    #[test]
    fn deep_filters_and_empty_conditions_are_named() {
        let mut filter = v1::Filter::default();
        for _ in 0..=DEPTH_MAX {
            let matches = Some(v1::condition::Matches::Nested(filter));
            filter = v1::Filter { must: vec![v1::Condition { field: String::new(), matches }], ..Default::default() };
        }
        assert!(filter_in(Some(filter)).unwrap_err().message.contains("deep"));
        let empty = v1::Filter { should: vec![v1::Condition::default()], ..Default::default() };
        assert_eq!(filter_in(Some(empty)).unwrap_err().field, "filter.should[0].matches");
    }
}

//! Filters as people write them: `colour = red and price < 5 and kind in (mug, cup) and sold exists and not draft exists`.

use anyhow::{Context, Result, bail};
use onespace_proto::v1::{Condition, Exists, Filter, MatchAny, Range, Scalar, condition::Matches, scalar::Value};

/// Comparison signs, longer ones first.
const SIGNS: [&str; 6] = ["!=", "<=", ">=", "=", "<", ">"];

/// Reads an expression: conditions joined by `and`.
///
/// # Errors
/// Names the part that cannot be read.
pub fn parse(expression: &str) -> Result<Filter> {
    let mut filter = Filter::default();
    for part in split_and(expression) {
        let (part, negated) = part.strip_prefix("not ").map_or((part, false), |rest| (rest.trim(), true));
        let (condition, differs) = condition(part).with_context(|| {
            format!("filter: \"{part}\" is none of FIELD = VALUE, !=, <, <=, >, >=, FIELD in (A, B), FIELD exists")
        })?;
        if negated != differs { filter.must_not.push(condition) } else { filter.must.push(condition) }
    }
    Ok(filter)
}

fn split_and(expression: &str) -> Vec<&str> {
    expression.split(" and ").map(str::trim).collect()
}

/// A condition, and whether it is meant the other way round (`!=`).
fn condition(part: &str) -> Result<(Condition, bool)> {
    if let Some(field) = part.strip_suffix(" exists") {
        return Ok((on(field, Matches::Exists(Exists {}))?, false));
    }
    if let Some((field, list)) = part.split_once(" in ") {
        let list = list
            .trim()
            .strip_prefix('(')
            .and_then(|list| list.strip_suffix(')'))
            .context("a list stands in parentheses")?;
        let values = list.split(',').map(|value| scalar(value.trim())).collect();
        return Ok((on(field, Matches::Any(MatchAny { values }))?, false));
    }
    let found = part
        .char_indices()
        .find_map(|(at, _)| SIGNS.iter().find(|sign| part[at..].starts_with(**sign)).map(|sign| (at, *sign)));
    let (at, sign) = found.context("no sign")?;
    let (field, value) = (&part[..at], part[at + sign.len()..].trim());
    if value.is_empty() {
        bail!("no value");
    }
    if sign == "=" || sign == "!=" {
        return Ok((on(field, Matches::Any(MatchAny { values: vec![scalar(value)] }))?, sign == "!="));
    }
    let bound: f64 = value.parse().context("bounds are numbers")?;
    let range = match sign {
        "<" => Range { lt: Some(bound), ..Range::default() },
        "<=" => Range { lte: Some(bound), ..Range::default() },
        ">" => Range { gt: Some(bound), ..Range::default() },
        _ => Range { gte: Some(bound), ..Range::default() },
    };
    Ok((on(field, Matches::Range(range))?, false))
}

fn on(field: &str, matches: Matches) -> Result<Condition> {
    let field = field.trim();
    if field.is_empty() {
        bail!("no field");
    }
    Ok(Condition { field: field.to_owned(), matches: Some(matches) })
}

/// Quoted: text. Otherwise a whole number or a boolean, if it reads as one; else text.
fn scalar(value: &str) -> Scalar {
    let quoted = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
    let value = match (quoted, value.parse::<i64>(), value.parse::<bool>()) {
        (Some(text), ..) => Value::Text(text.to_owned()),
        (None, Ok(integer), _) => Value::Integer(integer),
        (None, _, Ok(boolean)) => Value::Boolean(boolean),
        _ => Value::Text(value.to_owned()),
    };
    Scalar { value: Some(value) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_become_conditions() {
        let filter =
            parse("colour = red and price <= 5 and kind in (mug, cup) and sold != true and not draft exists").unwrap();
        assert_eq!((filter.must.len(), filter.must_not.len(), filter.should.len()), (3, 2, 0));
        assert_eq!(filter.must[1].matches, Some(Matches::Range(Range { lte: Some(5.0), ..Range::default() })));
        let year = parse("year=1999").unwrap();
        assert_eq!(
            year.must[0].matches,
            Some(Matches::Any(MatchAny { values: vec![Scalar { value: Some(Value::Integer(1999)) }] }))
        );
        for broken in ["", "colour", "= red", "price < cheap", "kind in mug", "colour ="] {
            assert!(parse(broken).is_err(), "{broken}");
        }
    }
}

//! The shared clauses as the embedded engine reads them.

use onespace_core::{Error, Result};
use qdrant_edge::{
    Condition, FieldCondition, Filter, IsEmptyCondition, JsonPath, Match, Range, external::ordered_float::OrderedFloat,
};

use crate::filter::{Clauses, Test};

/// The engine's filter.
///
/// # Errors
/// `INTERNAL` for a key that is not a path; the shared layer makes none.
pub(super) fn filter(clauses: &Clauses) -> Result<Filter> {
    let all = |tests: &[Test]| match tests {
        [] => Ok(None),
        tests => tests.iter().map(condition).collect::<Result<Vec<_>>>().map(Some),
    };
    Ok(Filter {
        must: all(&clauses.must)?,
        should: all(&clauses.should)?,
        must_not: all(&clauses.must_not)?,
        ..Filter::default()
    })
}

fn condition(test: &Test) -> Result<Condition> {
    let matches = |key: &str, matches: Match| Ok(Condition::Field(FieldCondition::new_match(path(key)?, matches)));
    match test {
        Test::Texts(key, any) => matches(key, any.clone().into()),
        Test::Integers(key, any) => matches(key, any.clone().into()),
        Test::Bool(key, truth) => matches(key, (*truth).into()),
        Test::Range(key, bounds) => {
            let range = Range {
                gt: bounds.gt.map(OrderedFloat),
                gte: bounds.gte.map(OrderedFloat),
                lt: bounds.lt.map(OrderedFloat),
                lte: bounds.lte.map(OrderedFloat),
            };
            Ok(Condition::Field(FieldCondition::new_range(path(key)?, range)))
        }
        Test::Empty(key) => Ok(Condition::IsEmpty(IsEmptyCondition::from(path(key)?))),
        Test::Within(clauses) => Ok(Condition::Filter(filter(clauses)?)),
    }
}

/// A payload key as the engine's path.
///
/// # Errors
/// As [`filter`].
pub(super) fn path(key: &str) -> Result<JsonPath> {
    key.parse().map_err(|()| Error::internal(format!("{key:?} is not a payload path")))
}

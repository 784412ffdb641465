//! How many items have which value of a field.

use std::{cmp::Reverse, collections::BTreeMap};

use serde_json::Value;

use crate::{
    error::{Error, Reason, Result},
    limits::FACET_VALUES,
};

/// A value that items can be counted by. Numbers that are not whole are none.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FacetValue {
    /// True or false.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// Text.
    Text(String),
}

impl FacetValue {
    fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Bool(boolean) => Some(Self::Bool(*boolean)),
            Value::Number(number) => number.as_i64().map(Self::Integer),
            Value::String(text) => Some(Self::Text(text.clone())),
            Value::Null | Value::Array(_) | Value::Object(_) => None,
        }
    }
}

/// The values of one field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facets {
    /// The most frequent first, each with the items that have it; of as many items, in the order of the values.
    pub values: Vec<(FacetValue, u64)>,
    /// How many values there are in all.
    pub distinct: u64,
    /// Items that were looked at.
    pub items: u64,
    /// Those of them that have no such value.
    pub without: u64,
}

/// Counts items by the values of one field.
#[derive(Clone, Debug, Default)]
pub struct FacetCounter {
    counts: BTreeMap<FacetValue, u64>,
    items: u64,
    without: u64,
}

impl FacetCounter {
    /// Counts one item. Of a list each entry is a value, once.
    ///
    /// # Errors
    /// `TOO_MANY` values.
    pub fn add(&mut self, value: Option<&Value>) -> Result<()> {
        self.items += 1;
        let mut values: Vec<FacetValue> = match value {
            Some(Value::Array(entries)) => entries.iter().filter_map(FacetValue::of).collect(),
            value => value.and_then(FacetValue::of).into_iter().collect(),
        };
        values.sort();
        values.dedup();
        self.without += u64::from(values.is_empty());
        for value in values {
            *self.counts.entry(value).or_default() += 1;
        }
        if self.counts.len() > FACET_VALUES {
            let message = format!("the field has more than {FACET_VALUES} values: ask for fewer items by a filter");
            return Err(Error::new(Reason::TooMany, "key", message));
        }
        Ok(())
    }

    /// The most frequent of them.
    #[must_use]
    pub fn top(self, limit: usize) -> Facets {
        let distinct = self.counts.len() as u64;
        let mut values: Vec<_> = self.counts.into_iter().collect();
        values.sort_by_key(|(_, items)| Reverse(*items));
        values.truncate(limit);
        Facets { values, distinct, items: self.items, without: self.without }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_most_frequent_come_first_and_ties_by_value() {
        let mut counter = FacetCounter::default();
        for value in [json!("b"), json!(["a", "b", "a"]), json!("c"), json!(2), json!(1.5), json!(null), json!([])] {
            counter.add(Some(&value)).unwrap();
        }
        counter.add(None).unwrap();
        let text = |text: &str| FacetValue::Text(text.to_owned());
        let values = vec![(text("b"), 2), (FacetValue::Integer(2), 1), (text("a"), 1)];
        assert_eq!(counter.top(3), Facets { values, distinct: 4, items: 8, without: 4 });
    }

    #[test]
    fn values_are_bounded() {
        let mut counter = FacetCounter::default();
        let many: Result<()> = (0..=FACET_VALUES).try_for_each(|n| counter.add(Some(&json!(n))));
        assert_eq!(many.unwrap_err().reason, Reason::TooMany);
    }
}

//! Conditions on what is stored beside a vector.

use std::fmt;

use crate::{
    error::{Error, Reason, Result},
    limits::{FILTER_CONDITIONS, FILTER_VALUES},
};

/// A value that a condition compares with.
#[derive(Clone, Debug, PartialEq)]
pub enum Scalar {
    /// Text, compared exactly.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// Any number.
    Number(f64),
    /// True or false.
    Bool(bool),
}

/// How a field must look.
#[derive(Clone, Debug, PartialEq)]
pub enum Match {
    /// Equal to one of these: texts, integers or booleans (floats are never compared for equality).
    Any(Vec<Scalar>),
    /// Within these bounds, each of which may be absent.
    Range {
        /// Greater than.
        gt: Option<f64>,
        /// Greater than or equal.
        gte: Option<f64>,
        /// Less than.
        lt: Option<f64>,
        /// Less than or equal.
        lte: Option<f64>,
    },
    /// Present at all.
    Exists,
}

macro_rules! item_fields {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal;)+) => {
        /// What is kept of an item beside its metadata.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ItemField { $($(#[doc = $doc])+ $variant,)+ }

        impl ItemField {
            /// Every field.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The name in payloads and in messages.
            #[must_use]
            pub const fn name(self) -> &'static str { match self { $(Self::$variant => $name,)+ } }
        }
    };
}

item_fields! {
    /// Its id.
    ItemId = "item";
    /// Its modality.
    Modality = "modality";
    /// Where it came from.
    Uri = "uri";
    /// A line for people.
    Title = "title";
    /// Which part of it the matching vector stands for.
    Track = "track";
    /// The digest of its content.
    ContentHash = "content_hash";
}

/// What a condition looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Field {
    /// One of the owner's own fields.
    Metadata(String),
    /// One of ours.
    Item(ItemField),
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Metadata(name) => write!(f, "metadata field {name:?}"),
            Self::Item(field) => write!(f, "field \"{}\" of the item", field.name()),
        }
    }
}

/// A condition on one field, or a filter within the filter.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// On one field.
    Field {
        /// Which.
        field: Field,
        /// How it must look.
        matches: Match,
    },
    /// All that the inner filter says.
    Nested(Filter),
}

/// All of `must`, none of `must_not` and, unless empty, at least one of `should`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    /// All of these hold.
    pub must: Vec<Condition>,
    /// At least one of these holds, unless there are none.
    pub should: Vec<Condition>,
    /// None of these holds.
    pub must_not: Vec<Condition>,
}

impl Filter {
    /// Whether it lets everything through.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.must.is_empty() && self.should.is_empty() && self.must_not.is_empty()
    }

    fn conditions(&self) -> usize {
        self.must
            .iter()
            .chain(&self.should)
            .chain(&self.must_not)
            .map(|condition| match condition {
                Condition::Field { .. } => 1,
                Condition::Nested(inner) => 1 + inner.conditions(),
            })
            .sum()
    }

    /// Values that its conditions compare with.
    fn values(&self) -> usize {
        let all = self.must.iter().chain(&self.should).chain(&self.must_not);
        all.map(|condition| match condition {
            Condition::Field { matches: Match::Any(values), .. } => values.len(),
            Condition::Field { .. } => 0,
            Condition::Nested(inner) => inner.values(),
        })
        .sum()
    }

    /// Refuses a filter that is too large to evaluate cheaply.
    ///
    /// # Errors
    /// `TOO_MANY` past the limits on conditions and their values.
    pub fn check(&self) -> Result<()> {
        let counts = [
            (self.conditions(), FILTER_CONDITIONS, "conditions"),
            (self.values(), FILTER_VALUES, "values to compare with"),
        ];
        match counts.into_iter().find(|(found, limit, _)| found > limit) {
            None => Ok(()),
            Some((found, limit, what)) => {
                Err(Error::new(Reason::TooMany, "filter", format!("{found} {what}, the limit is {limit}")))
            }
        }
    }
}

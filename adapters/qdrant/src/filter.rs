//! What may be asked of a payload, in the words that both Qdrants share.

use onespace_core::{Condition, Error, Filter, Match, Modality, Reason, Result, Scalar, Tenant, Track};

use crate::schema::{CONTENT_HASH, ITEM, MODALITY, TENANT, TITLE, TRACK, URI, metadata_key};

/// Bounds on a number, each of which may be absent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Bounds {
    pub(crate) gt: Option<f64>,
    pub(crate) gte: Option<f64>,
    pub(crate) lt: Option<f64>,
    pub(crate) lte: Option<f64>,
}

/// One test of a payload. The first field is the payload key.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Test {
    /// One of these texts.
    Texts(String, Vec<String>),
    /// One of these numbers.
    Integers(String, Vec<i64>),
    /// This truth.
    Bool(String, bool),
    /// A number within bounds.
    Range(String, Bounds),
    /// Absent, null, or an empty list.
    Empty(String),
    /// All that these clauses say.
    Within(Clauses),
}

/// All of `must`, none of `must_not` and, unless empty, at least one of `should`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Clauses {
    pub(crate) must: Vec<Test>,
    pub(crate) should: Vec<Test>,
    pub(crate) must_not: Vec<Test>,
}

impl Clauses {
    /// Everything a tenant owns. There is no other way to make clauses that reach a store.
    pub(crate) fn of(tenant: &Tenant) -> Self {
        Self::default().and_texts(TENANT, vec![tenant.as_str().to_owned()])
    }

    /// The same, narrowed to one of some texts.
    pub(crate) fn and_texts(mut self, key: &str, any: Vec<String>) -> Self {
        self.must.push(Test::Texts(key.to_owned(), any));
        self
    }

    /// The same, narrowed to a number.
    pub(crate) fn and_integer(mut self, key: &str, value: i64) -> Self {
        self.must.push(Test::Integers(key.to_owned(), vec![value]));
        self
    }

    /// The same without what has this text.
    pub(crate) fn and_not_text(mut self, key: &str, text: &str) -> Self {
        self.must_not.push(Test::Texts(key.to_owned(), vec![text.to_owned()]));
        self
    }

    /// The same, narrowed to some modalities; none means all.
    pub(crate) fn and_modalities(self, modalities: &[Modality]) -> Self {
        self.and_some(MODALITY, modalities.iter().map(|modality| modality.name()))
    }

    /// The same, narrowed to some tracks; none means all.
    pub(crate) fn and_tracks(self, tracks: &[Track]) -> Self {
        self.and_some(TRACK, tracks.iter().map(|track| track.name()))
    }

    fn and_some(self, key: &str, names: impl ExactSizeIterator<Item = &'static str>) -> Self {
        if names.len() == 0 { self } else { self.and_texts(key, names.map(ToOwned::to_owned).collect()) }
    }

    /// The same, narrowed by what a user asks for.
    ///
    /// # Errors
    /// `FIELD_INVALID` naming the field, `TOO_MANY`.
    pub(crate) fn and(mut self, filter: &Filter) -> Result<Self> {
        if !filter.is_empty() {
            filter.check()?;
            // Nested, so that nothing the user writes can stand beside the tenant's condition.
            self.must.push(Test::Within(clauses(filter)?));
        }
        Ok(self)
    }
}

fn clauses(filter: &Filter) -> Result<Clauses> {
    let all = |conditions: &[Condition]| conditions.iter().map(test).collect::<Result<Vec<_>>>();
    Ok(Clauses { must: all(&filter.must)?, should: all(&filter.should)?, must_not: all(&filter.must_not)? })
}

fn test(condition: &Condition) -> Result<Test> {
    match condition {
        Condition::Nested(filter) => Ok(Test::Within(clauses(filter)?)),
        Condition::Field { field, matches } => match matches {
            Match::Any(values) => any(field, values),
            Match::Range { gt, gte, lt, lte } => {
                let bounds = Bounds { gt: *gt, gte: *gte, lt: *lt, lte: *lte };
                let given: Vec<f64> = [gt, gte, lt, lte].into_iter().copied().flatten().collect();
                if given.is_empty() || given.iter().any(|bound| !bound.is_finite()) {
                    return Err(invalid(field, "a range needs at least one bound, and finite ones"));
                }
                Ok(Test::Range(key(field)?, bounds))
            }
            Match::Exists => {
                Ok(Test::Within(Clauses { must_not: vec![Test::Empty(key(field)?)], ..Clauses::default() }))
            }
        },
    }
}

fn any(field: &str, values: &[Scalar]) -> Result<Test> {
    let key = key(field)?;
    let (mut texts, mut integers, mut tests) = (Vec::new(), Vec::new(), Vec::new());
    for value in values {
        match value {
            Scalar::Text(text) => texts.push(text.clone()),
            Scalar::Integer(integer) => integers.push(*integer),
            Scalar::Bool(truth) => tests.push(Test::Bool(key.clone(), *truth)),
            Scalar::Number(_) => return Err(invalid(field, "fractions are not compared for equality; use a range")),
        }
    }
    if !texts.is_empty() {
        tests.push(Test::Texts(key.clone(), texts));
    }
    if !integers.is_empty() {
        tests.push(Test::Integers(key, integers));
    }
    match tests.pop() {
        None => Err(invalid(field, "there is no value to compare with")),
        Some(only) if tests.is_empty() => Ok(only),
        Some(last) => {
            tests.push(last);
            Ok(Test::Within(Clauses { should: tests, ..Clauses::default() }))
        }
    }
}

/// The payload key of a field as users write it: `colour` is theirs, `.title` is ours.
fn key(field: &str) -> Result<String> {
    match field.strip_prefix('.') {
        None => metadata_key(field),
        Some(own @ (MODALITY | URI | TITLE | ITEM | TRACK | CONTENT_HASH)) => Ok(own.to_owned()),
        Some(_) => {
            let known = [MODALITY, URI, TITLE, ITEM, TRACK, CONTENT_HASH].map(|own| format!(".{own}")).join(", ");
            Err(invalid(field, &format!("it is none of {known}; a metadata field has no leading dot")))
        }
    }
}

fn invalid(field: &str, why: &str) -> Error {
    Error::new(Reason::FieldInvalid, "filter", format!("\"{field}\": {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(field: &str, matches: Match) -> Filter {
        Filter { must: vec![Condition::Field { field: field.into(), matches }], ..Filter::default() }
    }

    #[test]
    fn what_no_store_evaluates_is_refused_by_name() {
        let refused = [
            field(".tenant", Match::Exists),
            field(".vector", Match::Exists),
            field("a\"b", Match::Exists),
            field("", Match::Exists),
            field("price", Match::Any(vec![Scalar::Number(1.5)])),
            field("price", Match::Any(vec![])),
            field("price", Match::Range { gt: None, gte: None, lt: None, lte: None }),
            field("price", Match::Range { gt: Some(f64::NAN), gte: None, lt: None, lte: None }),
        ];
        for filter in refused {
            let error = Clauses::of(&Tenant::default()).and(&filter).unwrap_err();
            assert_eq!(error.reason, Reason::FieldInvalid, "{filter:?}");
            let Condition::Field { field, .. } = &filter.must[0] else { unreachable!() };
            assert!(error.to_string().contains(field.as_str()), "{error} does not name {field}");
        }
    }

    #[test]
    fn the_tenant_stays_outside_of_what_users_write() {
        let any = field(".item", Match::Any(vec![Scalar::Text("x".into()), Scalar::Integer(1), Scalar::Bool(true)]));
        let clauses = Clauses::of(&Tenant::default()).and(&any).unwrap();
        assert_eq!(clauses.must[0], Test::Texts(TENANT.into(), vec!["default".into()]));
        assert!(
            matches!(&clauses.must[1], Test::Within(inner) if matches!(&inner.must[0], Test::Within(any) if any.should.len() == 3))
        );
        assert!(clauses.should.is_empty() && clauses.must_not.is_empty());
    }
}

//! What may be asked of a payload, in the words that both Qdrants share.

use onespace_core::{
    Condition, ContentHash, Error, Field, Filter, ItemId, Match, Modality, Reason, Result, Scalar, Tenant, Track,
};

use crate::keys::{CONTENT_HASH, ITEM, MODALITY, SEGMENT, TENANT, TRACK, metadata_key};

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
    pub(crate) fn new(tenant: &Tenant) -> Self {
        Self::default().and_texts(TENANT, vec![tenant.as_str().to_owned()])
    }

    /// The same, narrowed to the points of some items.
    pub(crate) fn of_items(self, items: &[ItemId]) -> Self {
        self.and_texts(ITEM, items.iter().map(|item| item.as_str().to_owned()).collect())
    }

    /// The same without the points of one content.
    pub(crate) fn but(mut self, keep: Option<&ContentHash>) -> Self {
        let keep = keep.map(|hash| Test::Texts(CONTENT_HASH.to_owned(), vec![hash.as_str().to_owned()]));
        self.must_not.extend(keep);
        self
    }

    /// The same, narrowed to points that stand for all of a track.
    pub(crate) fn only_whole(mut self) -> Self {
        self.must.push(Test::Integers(SEGMENT.to_owned(), vec![0]));
        self
    }

    /// The same, narrowed to one point for each item.
    pub(crate) fn representatives(self) -> Self {
        self.only_whole().and_tracks(&Track::LEADING)
    }

    fn and_texts(mut self, key: &str, any: Vec<String>) -> Self {
        self.must.push(Test::Texts(key.to_owned(), any));
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

fn any(field: &Field, values: &[Scalar]) -> Result<Test> {
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

/// The payload key of a field.
fn key(field: &Field) -> Result<String> {
    match field {
        Field::Metadata(name) => metadata_key(name, "filter"),
        Field::Item(item) => Ok(item.name().to_owned()),
    }
}

fn invalid(field: &Field, why: &str) -> Error {
    Error::new(Reason::FieldInvalid, "filter", format!("{field}: {why}"))
}

#[cfg(test)]
mod tests {
    use onespace_core::ItemField;

    use super::*;

    fn only(field: Field, matches: Match) -> Filter {
        Filter { must: vec![Condition::Field { field, matches }], ..Filter::default() }
    }

    fn metadata(name: &str, matches: Match) -> Filter {
        only(Field::Metadata(name.into()), matches)
    }

    #[test]
    fn what_no_store_evaluates_is_refused_by_name() {
        let range = |gt| Match::Range { gt, gte: None, lt: None, lte: None };
        let refused = [
            (metadata("a\"b", Match::Exists), r#""a\"b""#),
            (metadata("", Match::Exists), r#""""#),
            (metadata("price", Match::Any(vec![Scalar::Number(1.5)])), r#"metadata field "price""#),
            (metadata("price", Match::Any(vec![])), r#"metadata field "price""#),
            (metadata("price", range(None)), r#"metadata field "price""#),
            (metadata("price", range(Some(f64::NAN))), r#"metadata field "price""#),
            (only(Field::Item(ItemField::Uri), Match::Any(vec![])), r#"field "uri" of the item"#),
        ];
        for (filter, name) in refused {
            let error = Clauses::new(&Tenant::default()).and(&filter).unwrap_err();
            assert_eq!((error.reason, error.field.as_str()), (Reason::FieldInvalid, "filter"), "{filter:?}");
            assert!(error.message.contains(name), "{error} does not name {name}");
        }
    }

    #[test]
    fn the_tenant_stays_outside_of_what_users_write() {
        let values = vec![Scalar::Text("x".into()), Scalar::Integer(1), Scalar::Bool(true)];
        let any = only(Field::Item(ItemField::ItemId), Match::Any(values));
        let clauses = Clauses::new(&Tenant::default()).and(&any).unwrap();
        assert_eq!(clauses.must[0], Test::Texts(TENANT.into(), vec!["default".into()]));
        let Test::Within(inner) = &clauses.must[1] else { panic!("{clauses:?}") };
        assert!(matches!(&inner.must[0], Test::Within(any) if any.should.len() == 3));
        assert!(clauses.should.is_empty() && clauses.must_not.is_empty());
    }

    #[test]
    fn fields_of_ours_and_of_the_owner_have_keys_apart() {
        for (item, expected) in ItemField::ALL.iter().zip([ITEM, MODALITY, "uri", "title", TRACK, CONTENT_HASH]) {
            assert_eq!(key(&Field::Item(*item)).unwrap(), expected);
            assert_ne!(key(&Field::Metadata(expected.to_owned())).unwrap(), expected);
        }
    }
}

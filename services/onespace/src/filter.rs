//! Filters as people write them:
//!
//! ```text
//! colour = red and (price < 5 or kind in (mug, cup)) and sold exists and not .title = "salt and pepper"
//! ```
//!
//! A name is one of the owner's metadata fields; with a leading dot one of ours. What holds spaces, signs or a leading
//! dot of its own stands in double quotes, inside which `\"` and `\\` are a quote and a backslash. `not` binds closest,
//! then `and`, then `or`.

use anyhow::{Result, anyhow};
use onespace_core::ItemField as Builtin;
use onespace_proto::v1::{
    Condition, Exists, FieldCondition, Filter, ItemField, MatchAny, Range, Scalar, condition,
    field_condition::{Key, Matches},
    scalar::Value,
};
use winnow::{
    ModalResult, Parser,
    ascii::multispace0,
    combinator::{alt, cut_err, delimited, not, opt, peek, preceded, repeat, separated, terminated},
    error::{ContextError, StrContext, StrContextValue},
    token::{any, none_of, one_of, take_while},
};

use crate::word::Word;

/// Fields of ours, as they are written after the dot.
const BUILTINS: [(Builtin, ItemField); 6] = [
    (Builtin::ItemId, ItemField::ItemId),
    (Builtin::Modality, ItemField::Modality),
    (Builtin::Uri, ItemField::Uri),
    (Builtin::Title, ItemField::Title),
    (Builtin::Track, ItemField::Track),
    (Builtin::ContentHash, ItemField::ContentHash),
];

/// What is expected where a condition is complete.
const END: &str = "expected and, or, or the end: a text with spaces is written \"in quotes\"";

/// What an expression says.
#[derive(Clone, Debug, PartialEq)]
enum Expression {
    All(Vec<Self>),
    Any(Vec<Self>),
    Not(Box<Self>),
    Field(FieldCondition),
}

/// Reads an expression.
///
/// # Errors
/// Points at the column that cannot be read and says what was expected there.
pub fn parse(expression: &str) -> Result<Filter> {
    let read = delimited(multispace0, disjunction, multispace0).parse(expression);
    let found = read.map_err(|error| pointed(expression, error.offset(), error.inner()))?;
    Ok(filter(found))
}

/// Reads the name of a field.
///
/// # Errors
/// As [`parse`].
pub fn parse_key(name: &str) -> Result<Key> {
    let read = delimited(multispace0, key, multispace0).parse(name);
    read.map_err(|error| pointed(name, error.offset(), error.inner()))
}

fn pointed(expression: &str, offset: usize, expected: &ContextError) -> anyhow::Error {
    let before = expression.get(..offset).unwrap_or(expression);
    let column = before.chars().count() + 1;
    let expected = expected.to_string().replace('\n', ", ");
    let expected = if expected.is_empty() { END.to_owned() } else { expected };
    let shown: String = expression.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let pointer = " ".repeat(column - 1);
    anyhow!("filter, column {column}: {expected}\n  {shown}\n  {pointer}^")
}

fn disjunction(input: &mut &str) -> ModalResult<Expression> {
    let mut all: Vec<Expression> = separated(1.., conjunction, word("or")).parse_next(input)?;
    Ok(if all.len() == 1 { all.remove(0) } else { Expression::Any(all) })
}

fn conjunction(input: &mut &str) -> ModalResult<Expression> {
    let mut all: Vec<Expression> = separated(1.., negation, word("and")).parse_next(input)?;
    Ok(if all.len() == 1 { all.remove(0) } else { Expression::All(all) })
}

fn negation(input: &mut &str) -> ModalResult<Expression> {
    let negated = preceded(word("not"), cut_err(negation)).map(|inner| Expression::Not(Box::new(inner)));
    let nested = delimited(sign("("), cut_err(disjunction), cut_err(sign(")")).context(expected("\")\"")));
    alt((negated, nested, comparison)).parse_next(input)
}

/// What a field is held against.
#[derive(Clone, Debug)]
enum Test {
    Exists,
    Range(Range),
    /// It is one of these.
    Among(Vec<Written>),
    /// It is not this.
    Other(Written),
}

/// A value as it is written, and what it means.
type Written = (String, Word);

fn comparison(input: &mut &str) -> ModalResult<Expression> {
    let key = key.context(expected("a field")).parse_next(input)?;
    let test = alt((exists, within, compared)).context(expected("=, !=, <, <=, >, >=, in or exists"));
    Ok(match cut_err(test).parse_next(input)? {
        Test::Exists => field(key, Matches::Exists(Exists {})),
        Test::Range(range) => field(key, Matches::Range(range)),
        Test::Among(values) => among(&key, values),
        Test::Other(value) => Expression::Not(Box::new(among(&key, vec![value]))),
    })
}

fn field(key: Key, matches: Matches) -> Expression {
    Expression::Field(FieldCondition { key: Some(key), matches: Some(matches) })
}

/// That a field is one of some values. A number that is not whole is a range from itself to itself; our own fields are
/// texts, whatever stands there.
fn among(key: &Key, written: Vec<Written>) -> Expression {
    let (mut values, mut all) = (Vec::new(), Vec::new());
    for (text, word) in written {
        let value = match word {
            _ if matches!(key, Key::Item(_)) => Value::Text(text),
            Word::Text(text) => Value::Text(text),
            Word::Integer(integer) => Value::Integer(integer),
            Word::Boolean(boolean) => Value::Boolean(boolean),
            Word::Float(float) => {
                let equal = Range { gte: Some(float), lte: Some(float), ..Range::default() };
                all.push(field(key.clone(), Matches::Range(equal)));
                continue;
            }
        };
        values.push(Scalar { value: Some(value) });
    }
    if !values.is_empty() {
        all.push(field(key.clone(), Matches::Any(MatchAny { values })));
    }
    if all.len() == 1 { all.remove(0) } else { Expression::Any(all) }
}

fn exists(input: &mut &str) -> ModalResult<Test> {
    word("exists").value(Test::Exists).parse_next(input)
}

fn within(input: &mut &str) -> ModalResult<Test> {
    word("in").parse_next(input)?;
    let list = delimited(sign("("), separated(1.., value, sign(",")), sign(")"));
    cut_err(list).context(expected("a list such as (mug, \"red cup\")")).map(Test::Among).parse_next(input)
}

fn compared(input: &mut &str) -> ModalResult<Test> {
    let sign = alt((sign("!="), sign("<="), sign(">="), sign("="), sign("<"), sign(">"))).parse_next(input)?;
    if let "=" | "!=" = sign {
        let value =
            cut_err(value).context(expected("a value: a word, a number or a \"quoted text\"")).parse_next(input)?;
        return Ok(if sign == "!=" { Test::Other(value) } else { Test::Among(vec![value]) });
    }
    let number = bare.verify_map(|text| text.parse::<f64>().ok());
    let bound = Some(cut_err(number).context(expected("a number")).parse_next(input)?);
    let range = match sign {
        "<" => Range { lt: bound, ..Range::default() },
        "<=" => Range { lte: bound, ..Range::default() },
        ">" => Range { gt: bound, ..Range::default() },
        _ => Range { gte: bound, ..Range::default() },
    };
    Ok(Test::Range(range))
}

fn key(input: &mut &str) -> ModalResult<Key> {
    let builtin = preceded(
        '.',
        cut_err(bare.verify_map(builtin)).context(expected(
            "one of .item, .modality, .uri, .title, .track, .content_hash; a metadata field that begins with a dot is \
             quoted",
        )),
    );
    let reserved = not(alt((word("and"), word("or"), word("not"))));
    let named = preceded(reserved, bare).map(|name| Key::Metadata(name.to_owned()));
    alt((quoted.map(Key::Metadata), builtin.map(|field| Key::Item(field.into())), named)).parse_next(input)
}

fn builtin(name: &str) -> Option<ItemField> {
    BUILTINS.iter().find(|(builtin, _)| builtin.name() == name).map(|(_, field)| *field)
}

/// Quoted: text. Otherwise what the word means.
fn value(input: &mut &str) -> ModalResult<Written> {
    let unquoted = bare.map(|word: &str| (word.to_owned(), Word::bare(word)));
    alt((quoted.map(|text| (text.clone(), Word::Text(text))), unquoted)).parse_next(input)
}

fn quoted(input: &mut &str) -> ModalResult<String> {
    let escaped = preceded('\\', cut_err(one_of(['"', '\\'])).context(expected("\\\" or \\\\")));
    let text = repeat(0.., alt((escaped, none_of(['"', '\\'])))).fold(String::new, |mut text, c| {
        text.push(c);
        text
    });
    let closed = cut_err('"').context(expected("a closing quote"));
    terminated(delimited('"', text, closed), multispace0).parse_next(input)
}

/// A word without quotes: up to white space, a sign, a comma or a parenthesis.
fn bare<'i>(input: &mut &'i str) -> ModalResult<&'i str> {
    let part_of_word = |c: char| !c.is_whitespace() && !"=!<>(),\"".contains(c);
    terminated(take_while(1.., part_of_word), multispace0).parse_next(input)
}

fn sign<'i>(sign: &'static str) -> impl Parser<&'i str, &'i str, winnow::error::ErrMode<ContextError>> {
    terminated(sign, multispace0)
}

/// A word of the language, which ends where no name could go on.
fn word<'i>(word: &'static str) -> impl Parser<&'i str, (), winnow::error::ErrMode<ContextError>> {
    let end = peek(opt(any)).verify(|next: &Option<char>| next.is_none_or(|c| c.is_whitespace() || "()\"".contains(c)));
    (word, end, multispace0).void()
}

fn expected(what: &'static str) -> StrContext {
    StrContext::Expected(StrContextValue::Description(what))
}

/// The wire's form: what all must hold, what some must hold, what none may hold.
fn filter(expression: Expression) -> Filter {
    let mut filter = Filter::default();
    match expression {
        Expression::All(all) => {
            for one in all {
                match one {
                    Expression::Not(inner) => filter.must_not.push(condition_of(*inner)),
                    one => filter.must.push(condition_of(one)),
                }
            }
        }
        Expression::Any(any) => filter.should = any.into_iter().map(condition_of).collect(),
        Expression::Not(inner) => filter.must_not.push(condition_of(*inner)),
        Expression::Field(field) => filter.must.push(condition_of(Expression::Field(field))),
    }
    filter
}

fn condition_of(expression: Expression) -> Condition {
    let condition = match expression {
        Expression::Field(field) => condition::Condition::Field(field),
        nested => condition::Condition::Filter(filter(nested)),
    };
    Condition { condition: Some(condition) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(condition: &Condition) -> &FieldCondition {
        match &condition.condition {
            Some(condition::Condition::Field(field)) => field,
            other => panic!("{other:?} is no condition on a field"),
        }
    }

    fn nested(condition: &Condition) -> &Filter {
        match &condition.condition {
            Some(condition::Condition::Filter(filter)) => filter,
            other => panic!("{other:?} is no filter"),
        }
    }

    fn texts(condition: &Condition) -> Vec<Value> {
        match &field(condition).matches {
            Some(Matches::Any(any)) => any.values.iter().map(|scalar| scalar.value.clone().unwrap()).collect(),
            other => panic!("{other:?} names no values"),
        }
    }

    #[test]
    fn expressions_become_conditions() {
        let filter =
            parse("colour = red and price <= 5 and kind in (mug, cup) and sold != true and not draft exists").unwrap();
        assert_eq!((filter.must.len(), filter.must_not.len(), filter.should.len()), (3, 2, 0));
        let range = Some(Matches::Range(Range { lte: Some(5.0), ..Range::default() }));
        assert_eq!(field(&filter.must[1]).matches, range);
        assert_eq!(texts(&filter.must[2]), [Value::Text("mug".into()), Value::Text("cup".into())]);
        assert_eq!(texts(&parse("year=1999").unwrap().must[0]), [Value::Integer(1999)]);
        assert_eq!(texts(&parse("year = \"1999\"").unwrap().must[0]), [Value::Text("1999".into())]);
    }

    #[test]
    fn values_mean_what_they_mean_in_metadata() {
        let text = |word: &str| vec![Value::Text(word.to_owned())];
        assert_eq!(texts(&parse("zip = 01234").unwrap().must[0]), text("01234"));
        assert_eq!(texts(&parse("phone = +49123").unwrap().must[0]), text("+49123"));
        assert_eq!(texts(&parse(".title = 1984").unwrap().must[0]), text("1984"));
        assert_eq!(texts(&parse("price = 2.0").unwrap().must[0]), [Value::Integer(2)]);
        let equal = Some(Matches::Range(Range { gte: Some(1.5), lte: Some(1.5), ..Range::default() }));
        assert_eq!(field(&parse("price = 1.5").unwrap().must[0]).matches, equal);
        assert_eq!(field(&parse("price != 1.5").unwrap().must_not[0]).matches, equal);
        let mixed = parse("price in (1.5, 2, free)").unwrap();
        assert_eq!(field(&mixed.should[0]).matches, equal);
        assert_eq!(texts(&mixed.should[1]), [Value::Integer(2), Value::Text("free".into())]);
    }

    #[test]
    fn quotes_come_first() {
        let filter = parse("title = \"salt and pepper\" and \"a \\\"b\\\" or (c)\" exists").unwrap();
        assert_eq!(texts(&filter.must[0]), [Value::Text("salt and pepper".into())]);
        assert_eq!(field(&filter.must[1]).key, Some(Key::Metadata("a \"b\" or (c)".into())));
        assert_eq!(field(&parse("\".title\" exists").unwrap().must[0]).key, Some(Key::Metadata(".title".into())));
        assert_eq!(field(&parse(".title exists").unwrap().must[0]).key, Some(Key::Item(ItemField::Title.into())));
        assert_eq!(field(&parse("android = orange").unwrap().must[0]).key, Some(Key::Metadata("android".into())));
    }

    #[test]
    fn and_binds_closer_than_or_and_parentheses_closest() {
        let filter = parse("a = 1 or b = 2 and c = 3").unwrap();
        assert_eq!((filter.should.len(), nested(&filter.should[1]).must.len()), (2, 2));
        let filter = parse("(a = 1 or b = 2) and not (c = 3 and d = 4)").unwrap();
        assert_eq!(nested(&filter.must[0]).should.len(), 2);
        assert_eq!(nested(&filter.must_not[0]).must.len(), 2);
        let filter = parse("not not a exists").unwrap();
        assert_eq!(nested(&filter.must_not[0]).must_not.len(), 1);
    }

    #[test]
    fn errors_point_at_the_column() {
        for (broken, column, says) in [
            ("", 1, "a field"),
            ("colour", 7, "exists"),
            ("= red", 1, "a field"),
            ("price < cheap", 9, "a number"),
            ("kind in mug", 9, "a list"),
            ("colour =", 9, "a value"),
            ("title = salt and pepper", 24, "exists"),
            ("title = red car", 13, "and, or"),
            ("(a = 1", 7, "\")\""),
            ("a = 1 or", 7, "and, or"),
            ("title = \"red", 13, "closing quote"),
            (".owner = me", 2, ".item"),
            ("colour ~ red", 8, "exists"),
        ] {
            let error = parse(broken).unwrap_err().to_string();
            assert!(error.contains(&format!("column {column}:")), "{broken}: {error}");
            assert!(error.contains(says), "{broken}: {error}");
        }
    }
}

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

fn comparison(input: &mut &str) -> ModalResult<Expression> {
    let key = key.context(expected("a field")).parse_next(input)?;
    let test = alt((exists, within, compared)).context(expected("=, !=, <, <=, >, >=, in or exists"));
    let (matches, differs) = cut_err(test).parse_next(input)?;
    let field = Expression::Field(FieldCondition { key: Some(key), matches: Some(matches) });
    Ok(if differs { Expression::Not(Box::new(field)) } else { field })
}

fn exists(input: &mut &str) -> ModalResult<(Matches, bool)> {
    word("exists").value((Matches::Exists(Exists {}), false)).parse_next(input)
}

fn within(input: &mut &str) -> ModalResult<(Matches, bool)> {
    word("in").parse_next(input)?;
    let list = delimited(sign("("), separated(1.., value, sign(",")), sign(")"));
    let values: Vec<Scalar> = cut_err(list).context(expected("a list such as (mug, \"red cup\")")).parse_next(input)?;
    Ok((Matches::Any(MatchAny { values }), false))
}

fn compared(input: &mut &str) -> ModalResult<(Matches, bool)> {
    let sign = alt((sign("!="), sign("<="), sign(">="), sign("="), sign("<"), sign(">"))).parse_next(input)?;
    if let "=" | "!=" = sign {
        let value =
            cut_err(value).context(expected("a value: a word, a number or a \"quoted text\"")).parse_next(input)?;
        return Ok((Matches::Any(MatchAny { values: vec![value] }), sign == "!="));
    }
    let number = bare.verify_map(|text| text.parse::<f64>().ok());
    let bound = Some(cut_err(number).context(expected("a number")).parse_next(input)?);
    let range = match sign {
        "<" => Range { lt: bound, ..Range::default() },
        "<=" => Range { lte: bound, ..Range::default() },
        ">" => Range { gt: bound, ..Range::default() },
        _ => Range { gte: bound, ..Range::default() },
    };
    Ok((Matches::Range(range), false))
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

/// Quoted: text. Otherwise a whole number or a boolean, if it reads as one; else text.
fn value(input: &mut &str) -> ModalResult<Scalar> {
    let unquoted = bare.map(|word: &str| match (word.parse::<i64>(), word.parse::<bool>()) {
        (Ok(integer), _) => Value::Integer(integer),
        (_, Ok(boolean)) => Value::Boolean(boolean),
        _ => Value::Text(word.to_owned()),
    });
    alt((quoted.map(Value::Text), unquoted)).map(|value| Scalar { value: Some(value) }).parse_next(input)
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

//! What a word means that somebody writes as a value: the same where metadata are given and where they are asked for.

use serde_json::{Number, Value};

/// A value as it is meant.
#[derive(Clone, Debug, PartialEq)]
pub enum Word {
    /// `true` or `false`.
    Boolean(bool),
    /// A whole number, however it is written.
    Integer(i64),
    /// Another number.
    Float(f64),
    /// Everything else, and whatever is quoted.
    Text(String),
}

impl Word {
    /// A word without quotes: a number or a boolean as JSON writes them. What has leading zeros or a plus is no number
    /// but a text: a postcode, a telephone number.
    pub fn bare(word: &str) -> Self {
        match serde_json::from_str(word) {
            Ok(Value::Bool(boolean)) => Self::Boolean(boolean),
            Ok(Value::Number(number)) => Self::number(&number).unwrap_or_else(|| Self::Text(word.to_owned())),
            _ => Self::Text(word.to_owned()),
        }
    }

    /// A word that may stand in double quotes, and is a text then. `\"` and `\\` are a quote and a backslash in them.
    pub fn written(word: &str) -> Self {
        let inner = word.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        inner.and_then(unescaped).map_or_else(|| Self::bare(word), Self::Text)
    }

    fn number(number: &Number) -> Option<Self> {
        let float = |float: f64| if whole(float) { Self::Integer(float as i64) } else { Self::Float(float) };
        number.as_i64().map(Self::Integer).or_else(|| number.as_f64().map(float))
    }

    /// As JSON has it.
    pub fn json(self) -> Value {
        match self {
            Self::Boolean(boolean) => Value::Bool(boolean),
            Self::Integer(integer) => Value::from(integer),
            Self::Float(float) => Value::from(float),
            Self::Text(text) => Value::String(text),
        }
    }
}

/// Whether a number is whole, and of those that are told apart.
fn whole(float: f64) -> bool {
    float.fract() == 0.0 && float.abs() < (1_i64 << f64::MANTISSA_DIGITS) as f64
}

/// What stands between quotes; nothing where a quote in it is not escaped.
fn unescaped(quoted: &str) -> Option<String> {
    let mut text = String::new();
    let mut characters = quoted.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => return None,
            '\\' => text.push(characters.next().filter(|next| matches!(next, '"' | '\\'))?),
            other => text.push(other),
        }
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_a_number_only_as_json_writes_one() {
        let text = |word: &str| Word::Text(word.to_owned());
        for (word, means) in [
            ("1999", Word::Integer(1999)),
            ("-4", Word::Integer(-4)),
            ("1.5", Word::Float(1.5)),
            ("1e3", Word::Integer(1000)),
            ("2.0", Word::Integer(2)),
            ("-0.25", Word::Float(-0.25)),
            ("99999999999999999999", Word::Float(1e20)),
            ("true", Word::Boolean(true)),
            ("01234", text("01234")),
            ("+49123", text("+49123")),
            (".5", text(".5")),
            ("1.", text("1.")),
            ("True", text("True")),
            ("null", text("null")),
            ("nan", text("nan")),
            ("", text("")),
        ] {
            assert_eq!(Word::written(word), means, "{word}");
        }
    }

    #[test]
    fn quotes_make_a_text() {
        for (word, means) in [
            (r#""1999""#, "1999"),
            (r#""a \"b\"""#, "a \"b\""),
            (r#""""#, ""),
            (r#"6" disc"#, "6\" disc"),
            (r#""a" and "b""#, r#""a" and "b""#),
        ] {
            assert_eq!(Word::written(word), Word::Text(means.to_owned()), "{word}");
        }
    }
}

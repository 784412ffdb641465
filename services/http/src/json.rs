//! JSON as it lies in its body: texts without escapes are borrowed, so that a video in base64 is there once.

use std::{borrow::Cow, fmt};

use onespace_core::{Error, Reason, Result};
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub enum Json<'a> {
    /// Nothing: as if it were not there.
    Null,
    /// Yes or no.
    Flag(bool),
    /// A number.
    Number(f64),
    /// A text.
    Text(Cow<'a, str>),
    /// A list.
    List(Vec<Json<'a>>),
    /// An object.
    Object(Object<'a>),
}

/// The fields of an object, in their order. Of two with one name the last counts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Object<'a>(Vec<(Cow<'a, str>, Json<'a>)>);

/// That a field is of another kind than it should be.
#[must_use]
pub fn invalid(field: &str, message: impl Into<String>) -> Error {
    Error::new(Reason::FieldInvalid, field, message)
}

impl<'a> Json<'a> {
    /// What kind of value it is, for people.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Flag(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::Text(_) => "a text",
            Self::List(_) => "a list",
            Self::Object(_) => "an object",
        }
    }

    /// The text.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The object.
    ///
    /// # Errors
    /// `FIELD_INVALID` naming the field.
    pub fn object(&self, field: &str) -> Result<&Object<'a>> {
        match self {
            Self::Object(object) => Ok(object),
            other => Err(invalid(field, format!("{}, an object was expected", other.kind()))),
        }
    }

    /// The list.
    ///
    /// # Errors
    /// `FIELD_INVALID` naming the field.
    pub fn list(&self, field: &str) -> Result<&[Self]> {
        match self {
            Self::List(list) => Ok(list),
            other => Err(invalid(field, format!("{}, a list was expected", other.kind()))),
        }
    }
}

impl<'a> Object<'a> {
    /// A field that is there and not null.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Json<'a>> {
        self.0
            .iter()
            .rev()
            .find(|(other, _)| other == name)
            .map(|(_, value)| value)
            .filter(|value| **value != Json::Null)
    }

    /// The first of several names that is there, and its value: shapes call one thing differently.
    #[must_use]
    pub fn first(&self, names: &[&'static str]) -> Option<(&'static str, &Json<'a>)> {
        names.iter().find_map(|name| Some((*name, self.get(name)?)))
    }

    /// Its fields.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &Json<'a>)> {
        self.0.iter().map(|(name, value)| (name.as_ref(), value))
    }

    /// A field that must be there.
    ///
    /// # Errors
    /// `FIELD_REQUIRED`.
    pub fn required(&self, name: &str) -> Result<&Json<'a>> {
        self.get(name).ok_or_else(|| Error::new(Reason::FieldRequired, name, "it must be there"))
    }

    /// A text, where there is one.
    ///
    /// # Errors
    /// `FIELD_INVALID` for another kind.
    pub fn text(&self, name: &str) -> Result<Option<&str>> {
        match self.get(name) {
            None => Ok(None),
            Some(Json::Text(text)) => Ok(Some(text)),
            Some(other) => Err(invalid(name, format!("{}, a text was expected", other.kind()))),
        }
    }

    /// A flag; no where it is not there.
    ///
    /// # Errors
    /// `FIELD_INVALID` for another kind.
    pub fn flag(&self, name: &str, default: bool) -> Result<bool> {
        match self.get(name) {
            None => Ok(default),
            Some(Json::Flag(flag)) => Ok(*flag),
            Some(other) => Err(invalid(name, format!("{}, a boolean was expected", other.kind()))),
        }
    }

    /// A whole number from 0, where there is one.
    ///
    /// # Errors
    /// `FIELD_INVALID` for anything else.
    pub fn whole(&self, name: &str) -> Result<Option<u32>> {
        match self.get(name) {
            None => Ok(None),
            Some(Json::Number(number)) if number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(number) =>
            {
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a whole number in range")]
                Ok(Some(*number as u32))
            }
            Some(other) => Err(invalid(name, format!("{}, a whole number was expected", other.kind()))),
        }
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Json<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Json<'de>, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Json<'de>, E> {
        Ok(Json::Flag(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Json<'de>, E> {
        Ok(Json::Number(number as f64))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Json<'de>, E> {
        Ok(Json::Number(number as f64))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Json<'de>, E> {
        Ok(Json::Number(number))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Json<'de>, E> {
        Ok(Json::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Json<'de>, E> {
        Ok(Json::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Json<'de>, A::Error> {
        let mut list = Vec::new();
        while let Some(entry) = entries.next_element()? {
            list.push(entry);
        }
        Ok(Json::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Json<'de>, A::Error> {
        let mut object = Vec::new();
        while let Some((Name(name), value)) = entries.next_entry()? {
            object.push((name, value));
        }
        Ok(Json::Object(Object(object)))
    }
}

impl<'de> Deserialize<'de> for Json<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

/// The name of a field.
#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_without_escapes_are_not_copied() {
        let json: Json<'_> = serde_json::from_str(r#"{"a":"plain","b":"\u00e9","a":"last","c":null,"d":3}"#).unwrap();
        let object = json.object("").unwrap();
        assert!(matches!(object.get("a"), Some(Json::Text(Cow::Borrowed("last")))));
        assert_eq!(object.text("b").unwrap(), Some("é"));
        assert_eq!((object.get("c"), object.whole("d").unwrap()), (None, Some(3)));
        assert_eq!(object.text("d").unwrap_err().field, "d");
    }
}

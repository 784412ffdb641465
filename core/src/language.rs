//! Languages that are spoken, by their tags.

use std::{fmt, str::FromStr};

use crate::error::{Error, Reason, Result};

/// A language by its tag, `de` or `yue`: two to eight letters.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Language {
    letters: [u8; Language::LONGEST],
    length: u8,
}

impl Language {
    const LONGEST: usize = 8;

    /// The tag.
    #[must_use]
    pub fn as_str(&self) -> &str {
        let letters = self.letters.get(..usize::from(self.length)).unwrap_or_default();
        str::from_utf8(letters).unwrap_or_default()
    }
}

impl FromStr for Language {
    type Err = Error;

    fn from_str(tag: &str) -> Result<Self> {
        let fits = (2..=Self::LONGEST).contains(&tag.len()) && tag.bytes().all(|byte| byte.is_ascii_lowercase());
        let mut letters = [0; Self::LONGEST];
        if let Some(room) = letters.get_mut(..tag.len()).filter(|_| fits) {
            room.copy_from_slice(tag.as_bytes());
            return Ok(Self { letters, length: tag.len() as u8 });
        }
        let shown: String = tag.chars().take(40).collect();
        let message = format!("{shown:?} is no tag of a language: two to eight letters from a to z, such as \"de\"");
        Err(Error::new(Reason::FieldInvalid, "language", message))
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_is_a_short_tag() {
        for tag in ["de", "yue", "aaaaaaaa"] {
            assert_eq!(tag.parse::<Language>().unwrap().to_string(), tag);
        }
        for tag in ["", "d", "DE", "de-AT", "deutsche\u{e9}", "aaaaaaaaa"] {
            let error = tag.parse::<Language>().unwrap_err();
            assert_eq!((error.reason, error.field.as_str()), (Reason::FieldInvalid, "language"), "{tag}");
        }
    }
}

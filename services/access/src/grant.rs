//! What a key or a token allows.

use std::{fmt, str::FromStr, time::SystemTime};

use onespace_core::{CollectionName, Error, Reason, Result, Tenant};
use serde::{Deserialize, Serialize};

use crate::quota::Quota;

/// What may be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Embed, search, rank, classify, and look at collections and items.
    Read,
    /// Change collections and items.
    Write,
    /// See the metrics of the whole process, which are nobody's own.
    Metrics,
    /// All of it, for any tenant that is named.
    Admin,
}

impl Scope {
    /// Every scope, and its name.
    const NAMES: [(Self, &'static str); 4] =
        [(Self::Read, "read"), (Self::Write, "write"), (Self::Metrics, "metrics"), (Self::Admin, "admin")];

    /// The name in files, flags and tokens.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(scope, _)| *scope == self).map_or("", |(_, name)| name)
    }
}

impl FromStr for Scope {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let known = Self::NAMES.iter().find(|(_, name)| *name == text);
        let unknown =
            || Error::new(Reason::FieldInvalid, "scope", format!("{text:?} is none of read, write, metrics, admin"));
        known.map(|(scope, _)| *scope).ok_or_else(unknown)
    }
}

/// Names of collections; `*` stands for any characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pattern(String);

impl Pattern {
    /// Whether a name is among them.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        let mut pieces = self.0.split('*');
        let Some(mut rest) = pieces.next().and_then(|first| name.strip_prefix(first)) else { return false };
        let Some(last) = pieces.next_back() else { return rest.is_empty() };
        for piece in pieces {
            let Some((_, after)) = rest.split_once(piece) else { return false };
            rest = after;
        }
        rest.ends_with(last)
    }
}

impl FromStr for Pattern {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        // What is left when every star is a letter must be a name.
        let name: Result<CollectionName> = text.replace('*', "x").parse();
        name.map(|_| Self(text.to_owned()))
    }
}

impl TryFrom<String> for Pattern {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> Self {
        pattern.0
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a key or a token allows its holder.
#[derive(Clone, Debug, PartialEq)]
pub struct Grant {
    /// Which key or token it is, no two alike: `key:ID`, `token:SUBJECT`. Empty: nobody was asked.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Whose collections it is for.
    pub tenant: Tenant,
    /// What may be done.
    pub scopes: Vec<Scope>,
    /// Which collections may be reached; absent: all.
    pub collections: Option<Vec<Pattern>>,
    /// How much.
    pub quota: Quota,
    /// From when on it allows nothing.
    pub ends: Option<SystemTime>,
}

impl Grant {
    /// What a server allows that asks nobody who they are.
    #[must_use]
    pub fn of_anybody() -> Self {
        Self {
            id: String::new(),
            name: "anybody".to_owned(),
            tenant: Tenant::default(),
            scopes: vec![Scope::Admin],
            collections: None,
            quota: Quota::default(),
            ends: None,
        }
    }

    /// Whether a scope is among what is allowed.
    #[must_use]
    pub fn has(&self, scope: Scope) -> bool {
        self.scopes.iter().any(|held| *held == scope || *held == Scope::Admin)
    }

    /// Whether a collection of this name may be reached.
    #[must_use]
    pub fn reaches(&self, collection: &str) -> bool {
        self.collections.as_ref().is_none_or(|those| those.iter().any(|pattern| pattern.matches(collection)))
    }

    /// Refuses what has ended.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` saying when.
    pub fn check_end(&self, now: SystemTime) -> Result<()> {
        let Some(ends) = self.ends.filter(|ends| *ends <= now) else { return Ok(()) };
        let when = humantime::format_rfc3339_seconds(ends);
        Err(Error::new(Reason::Unauthenticated, "authorization", format!("it ended at {when}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_whole_names() {
        let matching = |pattern: &str, name: &str| pattern.parse::<Pattern>().unwrap().matches(name);
        for (pattern, name) in [("a", "a"), ("*", "a"), ("a*", "ab"), ("*b", "ab"), ("a*c*e", "abcde"), ("a*a", "aa")] {
            assert!(matching(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [("a", "ab"), ("a", "ba"), ("a*", "ba"), ("*b", "ba"), ("a*a", "a"), ("a*c*e", "ace.")] {
            assert!(!matching(pattern, name), "{pattern} {name}");
        }
        assert_eq!("a b".parse::<Pattern>().unwrap_err().reason, Reason::FieldInvalid);
    }

    #[test]
    fn no_list_of_collections_is_all_and_an_empty_one_is_none() {
        let of = |collections| Grant { collections, ..Grant::of_anybody() };
        assert!(of(None).reaches("a") && !of(Some(Vec::new())).reaches("a"));
    }

    #[test]
    fn an_admin_may_all_and_a_reader_only_read() {
        let grant = |scopes: &[Scope]| Grant { scopes: scopes.to_vec(), ..Grant::of_anybody() };
        assert!(grant(&[Scope::Admin]).has(Scope::Read) && grant(&[Scope::Admin]).has(Scope::Write));
        assert!(grant(&[Scope::Read]).has(Scope::Read) && !grant(&[Scope::Read]).has(Scope::Write));
        assert!(!grant(&[Scope::Read]).has(Scope::Metrics) && grant(&[Scope::Admin]).has(Scope::Metrics));
        assert!(!grant(&[Scope::Write]).has(Scope::Read) && !grant(&[Scope::Read, Scope::Write]).has(Scope::Admin));
    }
}

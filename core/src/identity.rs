//! Names of things: tenants, collections, items, contents, points.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    error::{Error, Reason, Result},
    language::Language,
    limits::NAME_BYTES,
    options::EmbedOptions,
    space::Fingerprint,
    track::Track,
};

/// The namespace of this project's name-based (version 5) UUIDs; an arbitrary constant that must never change.
const NAMESPACE: Uuid = Uuid::from_u128(0x8a3f_6c1e_52d7_4b90_9e04_71c5_d2ab_36f8);

macro_rules! name {
    ($(#[doc = $doc:literal])+ $name:ident, $field:literal, $allowed:expr, $rule:literal) => {
        $(#[doc = $doc])+
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str { &self.0 }
        }

        impl FromStr for $name {
            type Err = Error;

            fn from_str(name: &str) -> Result<Self> {
                let allowed: fn(char) -> bool = $allowed;
                if name.is_empty() {
                    return Err(Error::new(Reason::FieldRequired, $field, concat!($field, " must not be empty")));
                }
                if name.len() > NAME_BYTES {
                    let message = format!(concat!($field, " has {} bytes, the limit is {}"), name.len(), NAME_BYTES);
                    return Err(Error::new(Reason::FieldInvalid, $field, message));
                }
                if !name.chars().all(allowed) {
                    let message = format!(concat!("{:?} is not allowed: ", $rule), name);
                    return Err(Error::new(Reason::FieldInvalid, $field, message));
                }
                Ok(Self(name.to_owned()))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.pad(&self.0) }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

name!(
    /// Who owns items. Every store call takes one; none compiles without.
    Tenant, "tenant", |c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'),
    "use letters, digits, '-', '_' and '.'"
);
name!(
    /// A collection's public name, the same in every space.
    CollectionName, "collection", |c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'),
    "use letters, digits, '-', '_' and '.'"
);
name!(
    /// What a user calls one stored media; the content hash where the user names none.
    ItemId, "item", |c| !c.is_control(),
    "control characters have no place in an id"
);

/// One tenant's collection. Nothing reaches a store without a tenant.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CollectionRef {
    /// Its owner.
    pub tenant: Tenant,
    /// Its name among the owner's.
    pub name: CollectionName,
}

impl CollectionRef {
    /// The collection of this name among a tenant's.
    #[must_use]
    pub const fn new(tenant: Tenant, name: CollectionName) -> Self {
        Self { tenant, name }
    }
}

/// The name; only its owner reads it.
impl fmt::Display for CollectionRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.name.fmt(f)
    }
}

impl Default for Tenant {
    fn default() -> Self {
        Self("default".to_owned())
    }
}

/// Stands between what an item's content is and the options that its vectors were made with.
const OPTIONS: char = '~';

/// The BLAKE3 digest of a media's bytes, salted with its modality: the same bytes as video and as audio differ. Stored
/// beside a vector it also tells what else the vector depends on: towers that may be replaced, and options.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ContentHash(String);

impl ContentHash {
    /// Hashes content as the media of a modality.
    #[must_use]
    pub fn of(modality: crate::Modality, bytes: &[u8]) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(modality.name().as_bytes()).update(&[0]).update(bytes);
        Self(hasher.finalize().to_hex().to_string())
    }

    /// The same content seen by towers that may be replaced: `-` and the short fingerprint of each is added, so that
    /// what other towers made of it is not taken for what these would.
    #[must_use]
    pub fn seen_by<'a>(self, towers: impl IntoIterator<Item = &'a Fingerprint>) -> Self {
        Self(towers.into_iter().fold(self.0, |hash, tower| format!("{hash}-{}", tower.short())))
    }

    /// The hash of several contents, each with a weight, that become one vector.
    #[must_use]
    pub fn of_parts<'a>(parts: impl IntoIterator<Item = (&'a Self, f32)>) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(b"parts\0");
        for (part, weight) in parts {
            hasher.update(part.0.as_bytes()).update(&weight.to_le_bytes());
        }
        Self(hasher.finalize().to_hex().to_string())
    }

    /// The same content embedded with other options than an ingest has by default, whose mark is empty.
    #[must_use]
    pub fn made_with(self, options: &EmbedOptions) -> Self {
        let mark = options.to_string();
        if mark.is_empty() { self } else { Self(format!("{}{OPTIONS}{mark}", self.0)) }
    }

    /// The same content that was listened to, told the language or not: with other `ears` other words may be heard. It
    /// is listened to after the options are known.
    #[must_use]
    pub fn heard_by(self, ears: &Fingerprint, language: Option<Language>) -> Self {
        let between = if self.0.contains(OPTIONS) { "" } else { "~" };
        let language = language.map(|language| format!(",{language}")).unwrap_or_default();
        Self(format!("{}{between}h{}{language}", self.0, ears.short()))
    }

    /// The same content of which not all was heard that can be: it is not what hearing all of it would give.
    #[must_use]
    pub fn incomplete(self) -> Self {
        Self(format!("{}!", self.0))
    }

    /// A hash of content that somebody else has worked out as [`ContentHash::of`] does.
    ///
    /// # Errors
    /// `FIELD_INVALID` for what is not 64 hexadecimal digits.
    pub fn from_digits(text: &str) -> Result<Self> {
        let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if text.len() == 64 && text.bytes().all(digit) {
            return Ok(Self(text.to_owned()));
        }
        let message = format!("{} bytes, not 64 hexadecimal digits in lower case", text.len());
        Err(Error::new(Reason::FieldInvalid, "content_hash", message))
    }

    /// A hash as a store kept it.
    #[must_use]
    pub fn from_stored(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// 64 hexadecimal digits, and what [`ContentHash::seen_by`], [`ContentHash::made_with`] and
    /// [`ContentHash::heard_by`] add.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The content without the options that its vectors were made with.
    #[must_use]
    pub fn content(&self) -> &str {
        self.0.split_once(OPTIONS).map_or(self.as_str(), |(content, _)| content)
    }

    /// The id of an item that its owner did not name.
    #[must_use]
    pub fn item(&self) -> ItemId {
        ItemId(self.0.chars().take(32).collect())
    }
}

/// The id of one vector in the store: UUIDv5 of tenant, item, track and segment, so that writing again replaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PointId(pub Uuid);

impl PointId {
    /// The id of an item's vector for a track and segment.
    #[must_use]
    pub fn of(tenant: &Tenant, item: &ItemId, track: Track, segment: u32) -> Self {
        // The separator cannot occur in a tenant or a track, and the item comes last.
        let name = format!("{tenant}\u{0}{track}\u{0}{segment}\u{0}{item}");
        Self(Uuid::new_v5(&NAMESPACE, name.as_bytes()))
    }
}

impl fmt::Display for PointId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Modality, Purpose};

    #[test]
    fn names_are_checked() {
        assert!("photos-2026.v1".parse::<CollectionName>().is_ok());
        assert_eq!("".parse::<CollectionName>().unwrap_err().reason, Reason::FieldRequired);
        assert!("a/b".parse::<CollectionName>().is_err());
        assert!("a\0b".parse::<ItemId>().is_err());
        assert!("x".repeat(NAME_BYTES + 1).parse::<Tenant>().is_err());
    }

    #[test]
    fn point_ids_depend_on_every_part() {
        let (tenant, item) = (Tenant::default(), "mug".parse::<ItemId>().unwrap());
        let id = PointId::of(&tenant, &item, Track::Whole, 0);
        assert_eq!(id, PointId::of(&tenant, &item, Track::Whole, 0));
        assert_ne!(id, PointId::of(&"other".parse().unwrap(), &item, Track::Whole, 0));
        assert_ne!(id, PointId::of(&tenant, &item, Track::Audio, 0));
        assert_ne!(id, PointId::of(&tenant, &item, Track::Whole, 1));
        assert_ne!(ContentHash::of(Modality::Audio, b"x"), ContentHash::of(Modality::Video, b"x"));
        let hash = ContentHash::of(Modality::Audio, b"x");
        assert_eq!(hash.clone().seen_by([]), hash);
        assert_eq!(ContentHash::from_digits(hash.as_str()).unwrap(), hash);
        for wrong in ["", "0", &"é".repeat(32), &"A".repeat(64), &format!("{}~", hash.as_str())] {
            assert_eq!(ContentHash::from_digits(wrong).unwrap_err().field, "content_hash", "{wrong}");
        }
        let seen = hash.clone().seen_by([&Fingerprint::of(b"tower")]);
        assert!(seen != hash && seen.as_str().starts_with(hash.as_str()) && seen.item() == hash.item());
        let with = |options: &EmbedOptions| seen.clone().made_with(options);
        assert_eq!(with(&EmbedOptions::INGEST), seen);
        let asking = with(&EmbedOptions { purpose: Purpose::Query, ..EmbedOptions::INGEST });
        assert!(asking != seen && asking.content() == seen.as_str());
        assert_eq!(ContentHash::from_stored(asking.as_str()), asking);
        let heard = |language| hash.clone().heard_by(&Fingerprint::of(b"ear"), language);
        assert!(heard(None) != hash && heard(None) != heard(Some("de".parse().unwrap())));
        assert_eq!(heard(None).content(), hash.as_str(), "what its owner said of an item stays, whoever listens");
        let half = heard(None).incomplete();
        assert!(half != heard(None) && half.content() == hash.as_str());
        let both = |weight| ContentHash::of_parts([(&hash, 1.0), (&seen, weight)]);
        assert!(both(1.0) == both(1.0) && both(1.0) != both(2.0));
    }
}

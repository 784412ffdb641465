//! The space a vector belongs to.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    str::FromStr,
};

use serde::{Deserialize, Serialize};

use crate::{
    bytes::hex,
    calibration::Calibration,
    embedding::WeightedModality,
    error::{Error, Reason},
    modality::Modality,
};

/// The BLAKE3 digest of a bundle's canonical manifest: what tells one space from another.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// The fingerprint of canonical manifest bytes.
    #[must_use]
    pub fn of(canonical: &[u8]) -> Self {
        Self(*blake3::hash(canonical).as_bytes())
    }

    /// The first 12 hexadecimal digits, enough for people and for collection names.
    #[must_use]
    pub fn short(&self) -> String {
        self.to_string().chars().take(12).collect()
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({})", self.short())
    }
}

impl FromStr for Fingerprint {
    type Err = Error;

    fn from_str(hex: &str) -> Result<Self, Error> {
        blake3::Hash::from_hex(hex).map(|hash| Self(*hash.as_bytes())).map_err(|_| {
            let shown: String = hex.chars().take(80).collect();
            Error::new(
                Reason::FieldInvalid,
                "space_fingerprint",
                format!("\"{shown}\" is not a fingerprint of 64 hexadecimal digits"),
            )
        })
    }
}

impl Serialize for Fingerprint {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Fingerprint {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// What stands for some added towers: one for itself, several for all of them.
fn combined(added: &BTreeSet<Fingerprint>) -> Option<Fingerprint> {
    match added.len() {
        0 | 1 => added.first().copied(),
        _ => Some(Fingerprint::of(added.iter().map(ToString::to_string).collect::<String>().as_bytes())),
    }
}

/// How a space tells that somebody speaks: a sound whose cosine to these words is as great sounds like speech.
#[derive(Clone, Debug, PartialEq)]
pub struct Talk {
    /// What a text tower makes of speech, such as "a person talking".
    pub words: String,
    /// The least cosine, above 0 and below 1.
    pub cosine: f32,
}

/// One shared embedding space: unit vectors of `dimension`, compared by cosine.
///
/// None of `matryoshka`, `calibration` and `talk` changes a vector, so the fingerprint covers none of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Space {
    /// What tells it from every other space.
    pub fingerprint: Fingerprint,
    /// The length of its vectors.
    pub dimension: usize,
    /// The bundle's name and version, for people.
    pub name: String,
    /// How many leading values of a vector stand for it alone once they are scaled to unit length, most first: the
    /// space was trained so (Kusupati et al., "Matryoshka Representation Learning", NeurIPS 2022). Empty: none do.
    pub matryoshka: Vec<usize>,
    /// What unrelated pairs of modalities score.
    pub calibration: Calibration,
    /// How it tells that somebody speaks, where that was measured.
    pub talk: Option<Talk>,
    /// The towers that were added to the bundle whose fingerprint this is, each with the fingerprint that its vectors
    /// carry instead: they lie in the space, but depend on a tower and an alignment that may be replaced.
    pub added: BTreeMap<Modality, Fingerprint>,
}

impl Space {
    /// The length of the vectors that are asked for: 0 means whole ones.
    ///
    /// # Errors
    /// `FIELD_INVALID`, blaming `dimension`, for a length that no vector of this space may be cut to.
    pub fn length(&self, asked: usize) -> Result<usize, Error> {
        if asked == 0 || asked == self.dimension {
            return Ok(self.dimension);
        }
        if self.matryoshka.contains(&asked) {
            return Ok(asked);
        }
        let allowed: Vec<_> = [self.dimension].iter().chain(&self.matryoshka).map(ToString::to_string).collect();
        let message = format!(
            "{asked} is not a length of this space's vectors, only {} (0: {})",
            allowed.join(", "),
            self.dimension
        );
        Err(Error::new(Reason::FieldInvalid, "dimension", message))
    }

    /// The fingerprint that the vectors of a tower carry.
    #[must_use]
    pub fn of_tower(&self, tower: Modality) -> Fingerprint {
        self.carried_by(&[(tower, 1.0)])
    }

    /// The added tower that a vector came from; of a sum of several, what stands for all of them.
    #[must_use]
    pub fn added_by(&self, towers: &[WeightedModality]) -> Option<Fingerprint> {
        let added: BTreeSet<Fingerprint> =
            towers.iter().filter_map(|(tower, _)| self.added.get(tower)).copied().collect();
        combined(&added)
    }

    /// The fingerprint that a vector from these towers carries.
    #[must_use]
    pub fn carried_by(&self, towers: &[WeightedModality]) -> Fingerprint {
        self.added_by(towers).unwrap_or(self.fingerprint)
    }

    /// The added towers that media of a modality pass through.
    pub fn added_on_the_way(&self, modality: Modality) -> impl Iterator<Item = &Fingerprint> {
        modality.tracks().iter().filter_map(|(_, tower)| self.added.get(tower))
    }

    /// Whether a vector of an added tower, or a sum of several, may meet those of this space: not if one of the towers
    /// has been replaced since.
    #[must_use]
    pub fn meets(&self, tower: Option<&Fingerprint>) -> bool {
        let Some(tower) = tower else { return true };
        let added: Vec<Fingerprint> = self.added.values().copied().collect();
        let some_of =
            |choice: u32| (0..).zip(&added).filter(move |(bit, _)| choice >> bit & 1 == 1).map(|(_, one)| *one);
        let choices = 1..1_u32 << added.len().min(16);
        choices.into_iter().any(|choice| combined(&some_of(choice).collect()) == Some(*tower))
    }

    /// As [`Space::ensure_same`], for the fingerprint that a vector carries.
    ///
    /// # Errors
    /// As [`Space::ensure_same`].
    pub fn ensure_meets(&self, carried: &Fingerprint, what: &str) -> Result<(), Error> {
        if self.meets(Some(carried)) { Ok(()) } else { self.ensure_same(carried, what) }
    }

    /// Refuses a vector or collection of another space, naming both and the way out.
    ///
    /// # Errors
    /// `SPACE_MISMATCH` when `other` is not this space.
    pub fn ensure_same(&self, other: &Fingerprint, what: &str) -> Result<(), Error> {
        if *other == self.fingerprint {
            return Ok(());
        }
        Err(Error::new(
            Reason::SpaceMismatch,
            "space_fingerprint",
            format!(
                "{what} belongs to space {}, this server serves {} ({}): ingest into a collection of this space, or \
                     serve the bundle it was made with",
                other.short(),
                self.fingerprint.short(),
                self.name
            ),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn space(fingerprint: Fingerprint) -> Space {
        let (name, calibration) = ("test".into(), Calibration::default());
        Space {
            fingerprint,
            dimension: 8,
            name,
            matryoshka: vec![4, 2],
            calibration,
            talk: None,
            added: BTreeMap::new(),
        }
    }

    #[test]
    fn only_listed_lengths_are_given() {
        let space = space(Fingerprint::of(b"one"));
        assert_eq!([0, 8, 4, 2].map(|asked| space.length(asked).unwrap()), [8, 8, 4, 2]);
        for asked in [1, 3, 7, 9, usize::MAX] {
            let error = space.length(asked).unwrap_err();
            assert_eq!((error.reason, error.field.as_str()), (Reason::FieldInvalid, "dimension"));
            assert!(error.message.contains(&asked.to_string()) && error.message.contains("8, 4, 2"), "{error}");
        }
    }

    #[test]
    fn fingerprints_round_trip_and_differ() {
        let one = Fingerprint::of(b"one");
        assert_eq!(one.to_string().parse::<Fingerprint>().unwrap(), one);
        assert_ne!(one, Fingerprint::of(b"two"));
        let space = space(one);
        assert!(space.ensure_same(&one, "vector").is_ok());
        let error = space.ensure_same(&Fingerprint::of(b"two"), "vector").unwrap_err();
        assert_eq!(error.reason, Reason::SpaceMismatch);
        assert!(error.message.contains(&one.short()));
    }

    #[test]
    fn vectors_of_added_towers_meet_the_base_until_the_tower_is_replaced() {
        let [base, first, second] = ["base", "first", "second"].map(|name| Fingerprint::of(name.as_bytes()));
        let space = Space { added: BTreeMap::from([(Modality::Audio, first)]), ..space(base) };
        assert_eq!([Modality::Text, Modality::Audio].map(|tower| space.of_tower(tower)), [base, first]);
        assert_eq!(space.added_by(&[(Modality::Audio, 1.0)]), Some(first));
        assert_eq!(space.added_by(&[(Modality::Video, 1.0)]), None);
        let on_the_way = |modality| space.added_on_the_way(modality).count();
        assert_eq!([Modality::Text, Modality::Audio, Modality::Video].map(on_the_way), [0, 1, 1]);
        assert!(space.meets(None) && space.meets(Some(&first)) && !space.meets(Some(&second)));
        assert!(space.ensure_meets(&base, "v").is_ok() && space.ensure_meets(&first, "v").is_ok());
        assert!(space.ensure_meets(&second, "v").is_err() && space.ensure_same(&first, "a collection").is_err());
    }
}

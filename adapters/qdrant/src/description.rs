//! What a collection is: whose, of which space, with which payload indexes. Both stores keep this beside its vectors.

use std::collections::{BTreeMap, BTreeSet};

use onespace_core::{
    CollectionInfo, CollectionName, CollectionRef, CollectionSpec, Error, FieldKind, Fingerprint, Point, Reason,
    Result, Tenant,
    limits::{ALIASES, METADATA_FIELDS},
    vector::{UNIT_TOLERANCE, norm},
};
use serde::{Deserialize, Serialize};

use crate::keys::{ITEM, MODALITY, TENANT, TRACK, metadata_key};

/// Stands between a tenant and a collection's name; neither can contain it.
const OWNER: char = '~';
/// Stands between a collection's name and its space.
const SPACE: &str = "__";

/// One payload index.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Index {
    /// The payload key, as a path.
    pub(crate) key: String,
    /// What it holds.
    pub(crate) kind: FieldKind,
    /// Whether points are laid out by it.
    pub(crate) tenant: bool,
}

/// A collection of one space, as both stores remember it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Description {
    /// Whose it is. Left out for the default tenant: collections made before there were others read the same.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) tenant: Tenant,
    /// Its public name.
    pub(crate) name: CollectionName,
    /// The space of every vector in it.
    pub(crate) space: Fingerprint,
    /// The length of its vectors.
    pub(crate) dimension: usize,
    /// Indexed metadata fields and their kinds.
    pub(crate) indexed: BTreeMap<String, FieldKind>,
    /// Its other names. A server keeps them as aliases of its own.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) aliases: BTreeSet<CollectionName>,
    /// What it is called on a server, where it was made under another name than it has now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) made_as: Option<String>,
}

impl Description {
    /// What a spec asks for.
    ///
    /// # Errors
    /// `FIELD_INVALID` for a field name that no store knows, a dimension of 0, or one that the space's vectors may not
    /// be cut to; `TOO_MANY` indexed fields.
    pub(crate) fn from_spec(spec: &CollectionSpec) -> Result<Self> {
        let description = Self {
            tenant: spec.collection.tenant.clone(),
            name: spec.collection.name.clone(),
            space: spec.space.fingerprint,
            dimension: spec.space.length(spec.dimension)?,
            indexed: BTreeMap::new(),
            aliases: BTreeSet::new(),
            made_as: None,
        };
        if description.dimension == 0 {
            return Err(Error::new(Reason::FieldInvalid, "space", "a space of 0 dimensions holds no vectors"));
        }
        description.with_fields(&spec.indexed)
    }

    /// The same with more indexed fields.
    ///
    /// # Errors
    /// `FIELD_INVALID` for a field that is indexed as another kind, or a name that no store knows; `TOO_MANY`.
    pub(crate) fn with_fields(&self, fields: &BTreeMap<String, FieldKind>) -> Result<Self> {
        let mut description = self.clone();
        for (field, kind) in fields {
            let blamed = format!("indexed.{field}");
            metadata_key(field, &blamed)?;
            let before = description.indexed.insert(field.clone(), *kind);
            if let Some(before) = before.filter(|before| before != kind) {
                let message = format!(
                    "metadata field {field:?} of collection \"{}\" is indexed as {before}, not as {kind}",
                    self.name
                );
                return Err(Error::new(Reason::FieldInvalid, blamed, message));
            }
        }
        let found = description.indexed.len();
        if found > METADATA_FIELDS {
            let message = format!("{found} indexed fields in all, the limit is {METADATA_FIELDS}");
            return Err(Error::new(Reason::TooMany, "indexed", message));
        }
        Ok(description)
    }

    /// The name that leads to it while it is in use.
    pub(crate) fn alias(&self) -> String {
        owned(&self.tenant, &self.name)
    }

    /// The name of what holds this space's vectors; the alias leads to it.
    pub(crate) fn physical(&self) -> String {
        self.made_as.clone().unwrap_or_else(|| format!("{}{SPACE}{}", self.alias(), self.space.short()))
    }

    /// Whether it is called so beside its name.
    pub(crate) fn has_alias(&self, collection: &CollectionRef) -> bool {
        self.tenant == collection.tenant && self.aliases.contains(&collection.name)
    }

    /// Whether it is this collection, in whichever space.
    pub(crate) fn is(&self, collection: &CollectionRef) -> bool {
        self.tenant == collection.tenant && self.name == collection.name
    }

    /// What the trait tells of it.
    pub(crate) fn info(&self, points: u64) -> CollectionInfo {
        CollectionInfo {
            name: self.name.clone(),
            space: self.space,
            dimension: self.dimension,
            points,
            indexed: self.indexed.clone(),
            unavailable: None,
        }
    }

    /// Its payload indexes, those every collection has first.
    ///
    /// # Errors
    /// `FIELD_INVALID` for a field name that no store knows.
    pub(crate) fn indexes(&self) -> Result<Vec<Index>> {
        // The track is indexed because the audio tracks of videos are searched alone. Among 100,000 points that takes
        // 9 ms so and 110 without, for 2 to 5 ms more of 11 to write 256 points (examples/measure.rs).
        let fixed = [(TENANT, true), (MODALITY, false), (TRACK, false), (ITEM, false)];
        let fixed = fixed.map(|(key, tenant)| Index { key: key.to_owned(), kind: FieldKind::Keyword, tenant });
        let mut indexes = Vec::from(fixed);
        indexes.extend(self.field_indexes(self.indexed.keys())?);
        Ok(indexes)
    }

    /// The payload indexes of some metadata fields; of those that are not indexed there are none.
    ///
    /// # Errors
    /// `FIELD_INVALID` for a field name that no store knows.
    pub(crate) fn field_indexes<'a>(&self, fields: impl IntoIterator<Item = &'a String>) -> Result<Vec<Index>> {
        let indexed = fields.into_iter().filter_map(|field| self.indexed.get_key_value(field));
        let indexes = indexed.map(|(field, kind)| {
            let key = metadata_key(field, &format!("indexed.{field}"))?;
            Ok(Index { key, kind: *kind, tenant: false })
        });
        indexes.collect()
    }

    /// Refuses points that would spoil the collection: of another space, of another length, not unit vectors, or with
    /// weights that no payload can hold.
    ///
    /// # Errors
    /// `SPACE_MISMATCH`, `FIELD_INVALID` naming the point.
    pub(crate) fn check(&self, points: &[Point]) -> Result<()> {
        for (index, point) in points.iter().enumerate() {
            if point.space != self.space {
                let message = format!(
                    "a vector of space {} was to be written to collection \"{}\" of space {}: create the collection \
                     in this space, or serve the bundle it was made with",
                    point.space.short(),
                    self.name,
                    self.space.short()
                );
                return Err(Error::new(Reason::SpaceMismatch, format!("points[{index}].space"), message));
            }
            self.check_vector(&point.vector).map_err(|error| error.under(&format!("points[{index}]")))?;
            if let Some((modality, weight)) = point.parts.iter().find(|(_, weight)| !weight.is_finite()) {
                let message = format!("{modality} has weight {weight}, which is not finite");
                return Err(Error::new(Reason::FieldInvalid, format!("points[{index}].parts"), message));
            }
        }
        Ok(())
    }

    /// Refuses a vector that is none of this collection's.
    ///
    /// # Errors
    /// `FIELD_INVALID`, blaming `vector`.
    pub(crate) fn check_vector(&self, vector: &[f32]) -> Result<()> {
        let length = norm(vector);
        let message = if vector.len() != self.dimension {
            format!("the vector has {} values, collection \"{}\" holds {}", vector.len(), self.name, self.dimension)
        } else if !length.is_finite() || (length - 1.0).abs() > UNIT_TOLERANCE {
            format!("the vector has norm {length}, not 1 within {UNIT_TOLERANCE}")
        } else {
            return Ok(());
        };
        Err(Error::new(Reason::FieldInvalid, "vector", message))
    }
}

fn is_default(tenant: &Tenant) -> bool {
    *tenant == Tenant::default()
}

/// The name that leads to a collection, among those of all tenants. The default tenant's is the public name alone, as
/// it was before there were other tenants.
pub(crate) fn alias(collection: &CollectionRef) -> String {
    owned(&collection.tenant, &collection.name)
}

fn owned(tenant: &Tenant, name: &CollectionName) -> String {
    if is_default(tenant) { name.to_string() } else { format!("{tenant}{OWNER}{name}") }
}

/// The collection that a physical name stands for; none where the name is not of this layout.
pub(crate) fn collection_of(physical: &str) -> Option<CollectionRef> {
    let (alias, _) = physical.rsplit_once(SPACE)?;
    let (tenant, name) = match alias.split_once(OWNER) {
        Some((tenant, name)) => (tenant.parse().ok().filter(|tenant| !is_default(tenant))?, name),
        None => (Tenant::default(), alias),
    };
    Some(CollectionRef::new(tenant, name.parse().ok()?))
}

/// There is no collection of that name.
pub(crate) fn not_found(name: &CollectionName) -> Error {
    Error::new(Reason::CollectionNotFound, "collection", format!("there is no collection \"{name}\""))
}

/// A name is that of a collection, or of an alias.
pub(crate) fn taken(name: &CollectionName, by: &str) -> Error {
    Error::new(Reason::CollectionExists, "collection", format!("\"{name}\" is the name of {by} already"))
}

/// Refuses one alias more than a collection may have.
///
/// # Errors
/// `TOO_MANY`.
pub(crate) fn check_aliases(standing: usize) -> Result<()> {
    if standing < ALIASES {
        return Ok(());
    }
    let message = format!("the collection has {standing} aliases, the limit is {ALIASES}");
    Err(Error::new(Reason::TooMany, "alias", message))
}

/// The name within a name among those of all tenants, if it is one of this tenant's.
pub(crate) fn name_of(tenant: &Tenant, alias: &str) -> Option<CollectionName> {
    let name = match alias.split_once(OWNER) {
        Some((owner, name)) => (owner == tenant.as_str() && !is_default(tenant)).then_some(name)?,
        None => is_default(tenant).then_some(alias)?,
    };
    name.parse().ok()
}

/// The collection exists already, perhaps with vectors of another length than it is wanted with.
pub(crate) fn exists(standing: &Description, wanted: &Description) -> Error {
    let (name, space, length) = (&standing.name, standing.space.short(), standing.dimension);
    let mut message = format!("collection \"{name}\" of space {space} exists already");
    if length != wanted.dimension {
        let wanted = wanted.dimension;
        message += &format!(
            ", with vectors of {length} values, not {wanted}: ask for {length}, take another name, or delete it first"
        );
    }
    Error::new(Reason::CollectionExists, "collection", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn description(tenant: &str, name: &str) -> Description {
        Description {
            tenant: tenant.parse().unwrap(),
            name: name.parse().unwrap(),
            space: Fingerprint::of(b"space"),
            dimension: 4,
            indexed: BTreeMap::new(),
            aliases: BTreeSet::new(),
            made_as: None,
        }
    }

    #[test]
    fn names_of_two_tenants_never_meet() {
        let short = Fingerprint::of(b"space").short();
        let mine = description("default", "photos");
        assert_eq!((mine.alias(), mine.physical()), ("photos".to_owned(), format!("photos__{short}")));
        let theirs = description("acme", "photos");
        assert_eq!((theirs.alias(), theirs.physical()), ("acme~photos".to_owned(), format!("acme~photos__{short}")));
        for one in [mine, theirs, description("a__b", "c__d"), description("default", "a__b")] {
            let back = collection_of(&one.physical()).unwrap();
            assert!(one.is(&back) && alias(&back) == one.alias(), "{back:?}");
        }
        for foreign in ["photos", "default~photos__0", "a~b~c__0", "~a__0", "a~__0", "a b__0"] {
            assert_eq!(collection_of(foreign), None, "{foreign}");
        }
    }

    #[test]
    fn what_was_written_before_there_were_tenants_is_the_default_tenants() {
        let text = format!(
            r#"{{"name":"photos","space":"{}","dimension":4,"indexed":{{"year":"integer"}}}}"#,
            Fingerprint::of(b"space")
        );
        let read: Description = serde_json::from_str(&text).unwrap();
        let year = [("year".to_owned(), FieldKind::Integer)].into();
        assert_eq!(read, Description { indexed: year, ..description("default", "photos") });
        assert_eq!(serde_json::to_string(&read).unwrap(), text);
        let theirs = description("acme", "photos");
        let text = serde_json::to_string(&theirs).unwrap();
        assert_eq!(serde_json::from_str::<Description>(&text).unwrap(), theirs);
    }

    #[test]
    fn fields_are_added_and_keep_their_kind() {
        let year = |kind| BTreeMap::from([("year".to_owned(), kind)]);
        let with = description("acme", "photos").with_fields(&year(FieldKind::Integer)).unwrap();
        assert_eq!(with.with_fields(&year(FieldKind::Integer)).unwrap(), with);
        let error = with.with_fields(&year(FieldKind::Keyword)).unwrap_err();
        assert_eq!((error.reason, error.field.as_str()), (Reason::FieldInvalid, "indexed.year"));
        assert!(error.message.contains("integer") && error.message.contains("keyword"), "{error}");
        let many = |count: usize| (0..count).map(|n| (n.to_string(), FieldKind::Bool)).collect();
        assert!(with.with_fields(&many(METADATA_FIELDS - 1)).is_ok());
        assert_eq!(with.with_fields(&many(METADATA_FIELDS)).unwrap_err().reason, Reason::TooMany);
        let unnamed = [("a\"b".to_owned(), FieldKind::Bool)].into();
        assert_eq!(with.with_fields(&unnamed).unwrap_err().reason, Reason::FieldInvalid);
    }
}

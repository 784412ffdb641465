//! How a point lies in a collection: one layout, whichever Qdrant keeps it.

use std::collections::BTreeMap;

use onespace_core::{
    CollectionInfo, CollectionName, CollectionSpec, ContentHash, Error, Fingerprint, ItemDetails, ItemId, Point,
    PointId, Reason, Result, Span, StoredItem, Tenant, Track,
    vector::{UNIT_TOLERANCE, norm},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::filter::Clauses;

/// Who owns the point.
pub(crate) const TENANT: &str = "tenant";
/// The item the point belongs to.
pub(crate) const ITEM: &str = "item";
/// The item's modality.
pub(crate) const MODALITY: &str = "modality";
/// Which part of the item.
pub(crate) const TRACK: &str = "track";
/// 0 for the whole, otherwise the number of the stretch.
pub(crate) const SEGMENT: &str = "segment";
/// The digest of the item's content.
pub(crate) const CONTENT_HASH: &str = "content_hash";
/// Where the item came from.
pub(crate) const URI: &str = "uri";
/// A line for people.
pub(crate) const TITLE: &str = "title";
/// The owner's own fields, one object.
pub(crate) const METADATA: &str = "metadata";
const START_MS: &str = "start_ms";
const END_MS: &str = "end_ms";
const SPACE: &str = "space";
/// The tower of the vector, where it is not one of the space's own.
const TOWER: &str = "tower";

/// The kinds a metadata field can be indexed as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum IndexKind {
    /// Exact text.
    Keyword,
    /// Whole numbers, matched and compared.
    Integer,
    /// Numbers, compared.
    Float,
    /// True or false.
    Bool,
}

impl IndexKind {
    fn named(field: &str, kind: &str) -> Result<Self> {
        match kind {
            "keyword" => Ok(Self::Keyword),
            "integer" => Ok(Self::Integer),
            "float" => Ok(Self::Float),
            "bool" => Ok(Self::Bool),
            _ => {
                let message = format!("\"{kind}\" is none of keyword, integer, float, bool");
                Err(Error::new(Reason::FieldInvalid, format!("indexed.{field}"), message))
            }
        }
    }
}

/// One payload index.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Index {
    /// The payload key, as a path.
    pub(crate) key: String,
    /// What it holds.
    pub(crate) kind: IndexKind,
    /// Whether points are laid out by it.
    pub(crate) tenant: bool,
}

/// A collection of one space, as both stores remember it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Description {
    /// Its public name.
    pub(crate) name: CollectionName,
    /// The space of every vector in it.
    pub(crate) space: Fingerprint,
    /// The length of its vectors.
    pub(crate) dimension: usize,
    /// Indexed metadata fields and their kinds.
    pub(crate) indexed: BTreeMap<String, String>,
}

impl Description {
    /// What a spec asks for.
    ///
    /// # Errors
    /// `FIELD_INVALID` for an index kind or a field name that no store knows, a dimension of nothing, or one that the
    /// space's vectors may not be cut to.
    pub(crate) fn of(spec: &CollectionSpec) -> Result<Self> {
        let description = Self {
            name: spec.name.clone(),
            space: spec.space.fingerprint,
            dimension: spec.space.length(spec.dimension)?,
            indexed: spec.indexed.clone(),
        };
        if description.dimension == 0 {
            return Err(Error::new(Reason::FieldInvalid, "space", "a space of 0 dimensions holds no vectors"));
        }
        description.indexes()?;
        Ok(description)
    }

    /// The name of what holds this space's vectors; the public name is an alias of it.
    pub(crate) fn physical(&self) -> String {
        format!("{}__{}", self.name, self.space.short())
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
    /// `FIELD_INVALID` for an index kind or a field name that no store knows.
    pub(crate) fn indexes(&self) -> Result<Vec<Index>> {
        // Tracks: the sounds of films are asked for alone. Among 100,000 points that takes 9 ms so and 110 without, for 2 to 5 ms
        // more of 11 to write 256 points (examples/measure.rs).
        let fixed = [(TENANT, true), (MODALITY, false), (TRACK, false), (ITEM, false)];
        let fixed = fixed.map(|(key, tenant)| Ok(Index { key: key.to_owned(), kind: IndexKind::Keyword, tenant }));
        let declared = self.indexed.iter().map(|(field, kind)| {
            Ok(Index { key: metadata_key(field)?, kind: IndexKind::named(field, kind)?, tenant: false })
        });
        fixed.into_iter().chain(declared).collect()
    }

    /// Refuses points that would spoil the collection: of another space, of another length, not unit vectors.
    ///
    /// # Errors
    /// `SPACE_MISMATCH`, `FIELD_INVALID` naming the point.
    pub(crate) fn check(&self, points: &[Point]) -> Result<()> {
        for (index, point) in points.iter().enumerate() {
            if point.space != self.space {
                let message = format!(
                    "a vector of space {} was to be written to collection \"{}\" of space {}: create the collection in this space, or serve the bundle it was made with",
                    point.space.short(),
                    self.name,
                    self.space.short()
                );
                return Err(Error::new(Reason::SpaceMismatch, format!("points[{index}].space"), message));
            }
            self.check_vector(&point.vector).map_err(|error| error.under(&format!("points[{index}]")))?;
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

/// The payload path of a metadata field.
///
/// # Errors
/// `FIELD_INVALID` for a name that a path cannot spell.
pub(crate) fn metadata_key(field: &str) -> Result<String> {
    if field.is_empty() || field.contains(['"', '\\']) {
        let message = format!("{field:?} cannot name a field: it is empty, or has a quote or a backslash in it");
        return Err(Error::new(Reason::FieldInvalid, field, message));
    }
    // Quoted, so that a dot in the name stays a dot.
    Ok(format!("{METADATA}.\"{field}\""))
}

/// What is kept beside a point's vector.
pub(crate) fn payload(tenant: &Tenant, point: &Point) -> Map<String, Value> {
    let mut payload = Map::new();
    let mut put = |key: &str, value: Value| payload.insert(key.to_owned(), value);
    put(TENANT, tenant.as_str().into());
    put(ITEM, point.item.as_str().into());
    put(MODALITY, point.modality.name().into());
    put(TRACK, point.track.name().into());
    put(SEGMENT, point.segment.into());
    put(CONTENT_HASH, point.content_hash.as_str().into());
    put(SPACE, point.space.to_string().into());
    put(METADATA, Value::Object(point.metadata.clone().into_iter().collect()));
    if let Some(span) = point.span {
        put(START_MS, span.start_ms.into());
        put(END_MS, span.end_ms.into());
    }
    if let Some(tower) = point.tower {
        put(TOWER, tower.to_string().into());
    }
    if let Some(uri) = &point.uri {
        put(URI, uri.as_str().into());
    }
    if let Some(title) = &point.title {
        put(TITLE, title.as_str().into());
    }
    payload
}

/// The point a payload was made from, and the tenant's own: anything else is a defect that must not pass.
///
/// # Errors
/// `STORE_FAILED` for another tenant's point, or a payload that is not of this layout.
pub(crate) fn point(tenant: &Tenant, mut payload: Map<String, Value>, vector: Vec<f32>) -> Result<Point> {
    expect_tenant(tenant, &payload)?;
    let span = match (payload.get(START_MS).and_then(Value::as_u64), payload.get(END_MS).and_then(Value::as_u64)) {
        (Some(start_ms), Some(end_ms)) => Some(Span { start_ms, end_ms }),
        _ => None,
    };
    let segment = payload.get(SEGMENT).and_then(Value::as_u64).and_then(|segment| u32::try_from(segment).ok());
    let ItemDetails { uri, title, metadata } = details(&mut payload);
    Ok(Point {
        item: parsed(&payload, ITEM)?,
        modality: parsed(&payload, MODALITY)?,
        track: parsed(&payload, TRACK)?,
        segment: segment.ok_or_else(|| unreadable(SEGMENT))?,
        span,
        uri,
        title,
        content_hash: text(&payload, CONTENT_HASH).ok_or_else(|| unreadable(CONTENT_HASH))?.to_owned(),
        space: parsed(&payload, SPACE)?,
        tower: text(&payload, TOWER).map(|_| parsed(&payload, TOWER)).transpose()?,
        metadata,
        vector,
    })
}

/// The item and content hash of a payload that may hold nothing else but its tenant.
///
/// # Errors
/// As [`point`].
pub(crate) fn item_and_hash(tenant: &Tenant, payload: &Map<String, Value>) -> Result<(ItemId, String)> {
    expect_tenant(tenant, payload)?;
    let hash = text(payload, CONTENT_HASH).ok_or_else(|| unreadable(CONTENT_HASH))?;
    Ok((parsed(payload, ITEM)?, hash.to_owned()))
}

/// The keys that [`item_and_hash`] reads.
pub(crate) const ITEM_AND_HASH: [&str; 3] = [TENANT, ITEM, CONTENT_HASH];

/// What a payload says of its item; it may hold nothing else but its tenant.
///
/// # Errors
/// As [`point`].
pub(crate) fn stored_item(tenant: &Tenant, mut payload: Map<String, Value>) -> Result<(ItemId, StoredItem)> {
    let (item, content_hash) = item_and_hash(tenant, &payload)?;
    let details = details(&mut payload);
    Ok((item, StoredItem { content_hash, details: Some(details) }))
}

/// The keys that [`stored_item`] reads.
pub(crate) const STORED_ITEM: [&str; 6] = [TENANT, ITEM, CONTENT_HASH, URI, TITLE, METADATA];

/// What the owner says of the item, taken out of its payload.
fn details(payload: &mut Map<String, Value>) -> ItemDetails {
    let metadata = match payload.remove(METADATA) {
        Some(Value::Object(fields)) => fields.into_iter().collect(),
        _ => BTreeMap::new(),
    };
    let uri = text(payload, URI).map(str::to_owned);
    let title = text(payload, TITLE).map(str::to_owned);
    ItemDetails { uri, title, metadata }
}

/// Every point of these items, but those of the content to keep.
pub(crate) fn parts_of(tenant: &Tenant, items: &[ItemId], keep: Option<&ContentHash>) -> Clauses {
    let items = items.iter().map(|item| item.as_str().to_owned()).collect();
    let clauses = Clauses::of(tenant).and_texts(ITEM, items);
    match keep {
        Some(hash) => clauses.and_not_text(CONTENT_HASH, hash.as_str()),
        None => clauses,
    }
}

/// What is known of each item. One whose points are of different contents is left out, so that a half-written item is written
/// again; where they agree on the content alone, nothing is known of its details.
pub(crate) fn stored_items(parts: impl IntoIterator<Item = (ItemId, StoredItem)>) -> BTreeMap<ItemId, StoredItem> {
    let mut items: BTreeMap<ItemId, Option<StoredItem>> = BTreeMap::new();
    for (item, part) in parts {
        let Some(known) = items.get_mut(&item) else {
            items.insert(item, Some(part));
            continue;
        };
        match known {
            Some(known) if known.content_hash == part.content_hash => {
                if known.details != part.details {
                    known.details = None;
                }
            }
            _ => *known = None,
        }
    }
    items.into_iter().filter_map(|(item, known)| Some((item, known?))).collect()
}

/// Every point of an item, the wholes first.
///
/// # Errors
/// `ITEM_NOT_FOUND` where there are none.
pub(crate) fn whole_first(name: &CollectionName, item: &ItemId, mut points: Vec<Point>) -> Result<Vec<Point>> {
    if points.is_empty() {
        let message = format!("there is no item \"{item}\" in collection \"{name}\"");
        return Err(Error::new(Reason::ItemNotFound, "item", message));
    }
    points.sort_by_key(|point| (point.segment, point.track));
    Ok(points)
}

/// Narrowed to points that stand for all of a track.
pub(crate) fn wholes(clauses: Clauses) -> Clauses {
    clauses.and_integer(SEGMENT, 0)
}

/// The points that would stand for the item of `point` rather than `point` itself. An item is listed by its first
/// track, so that a film with sound is listed once.
pub(crate) fn better_leads(tenant: &Tenant, point: &Point) -> Vec<PointId> {
    let earlier = Track::ALL.into_iter().filter(|track| *track < point.track);
    earlier.map(|track| PointId::of(tenant, &point.item, track, point.segment)).collect()
}

/// Where a page starts.
///
/// # Errors
/// `FIELD_INVALID` for a mark that is not ours.
pub(crate) fn page_mark(page: Option<&str>) -> Result<Option<Uuid>> {
    page.map(|mark| {
        let shown: String = mark.chars().take(80).collect();
        let message = format!("{shown:?} is not a page mark of this server");
        mark.parse().map_err(|_| Error::new(Reason::FieldInvalid, "page", message))
    })
    .transpose()
}

/// There is no collection of that name.
pub(crate) fn not_found(name: &CollectionName) -> Error {
    Error::new(Reason::CollectionNotFound, "collection", format!("there is no collection \"{name}\""))
}

/// The collection stands already, perhaps with vectors of another length than it is wanted with.
pub(crate) fn exists(standing: &Description, wanted: &Description) -> Error {
    let (name, space, length) = (&standing.name, standing.space.short(), standing.dimension);
    let mut message = format!("collection \"{name}\" of space {space} stands already");
    if length != wanted.dimension {
        let wanted = wanted.dimension;
        message += &format!(
            ", with vectors of {length} values, not {wanted}: ask for {length}, take another name, or delete it first"
        );
    }
    Error::new(Reason::CollectionExists, "collection", message)
}

fn expect_tenant(tenant: &Tenant, payload: &Map<String, Value>) -> Result<()> {
    if text(payload, TENANT) == Some(tenant.as_str()) {
        return Ok(());
    }
    tracing::error!(%tenant, "the store answered with a point of another tenant");
    Err(Error::new(Reason::StoreFailed, "", "the store answered with a point that is not this tenant's"))
}

fn text<'a>(payload: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    payload.get(key).and_then(Value::as_str)
}

fn parsed<T: std::str::FromStr>(payload: &Map<String, Value>, key: &str) -> Result<T> {
    text(payload, key).and_then(|text| text.parse().ok()).ok_or_else(|| unreadable(key))
}

fn unreadable(key: &str) -> Error {
    Error::new(Reason::StoreFailed, "", format!("a stored point has no readable \"{key}\""))
}

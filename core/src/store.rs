//! The boundary between the gateway and wherever vectors are kept.
//!
//! Every call takes a [`Tenant`], mostly as part of a [`CollectionRef`]: none compiles without one. Implementations
//! keep a collection for each tenant, and add the tenant to every filter all the same.

use std::{collections::BTreeMap, fmt, str::FromStr};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    embedding::{Span, WeightedModality, towers},
    error::{Error, Reason, Result},
    facet::Facets,
    filter::{Field, Filter},
    identity::{CollectionName, CollectionRef, ContentHash, ItemId, PointId, Tenant},
    modality::Modality,
    space::{Fingerprint, Space},
    track::Track,
};

macro_rules! field_kinds {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal;)+) => {
        /// What an indexed metadata field holds.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "lowercase")]
        pub enum FieldKind { $($(#[doc = $doc])+ $variant,)+ }

        impl FieldKind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The name in commands, descriptions and messages.
            #[must_use]
            pub const fn name(self) -> &'static str { match self { $(Self::$variant => $name,)+ } }
        }
    };
}

field_kinds! {
    /// Exact text.
    Keyword = "keyword";
    /// Whole numbers, matched and compared.
    Integer = "integer";
    /// Numbers, compared.
    Float = "float";
    /// True or false.
    Bool = "bool";
}

impl fmt::Display for FieldKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for FieldKind {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Self::ALL.iter().copied().find(|kind| kind.name() == name).ok_or_else(|| {
            let known: Vec<_> = Self::ALL.iter().map(|kind| kind.name()).collect();
            Error::new(Reason::FieldInvalid, "kind", format!("\"{name}\" is none of {}", known.join(", ")))
        })
    }
}

/// What a collection is made with.
#[derive(Clone, Debug)]
pub struct CollectionSpec {
    /// Whose it is, and its name.
    pub collection: CollectionRef,
    /// The space of every vector in it.
    pub space: Space,
    /// The length of its vectors: the space's own, or one that its vectors may be cut to.
    pub dimension: usize,
    /// Metadata fields to index.
    pub indexed: BTreeMap<String, FieldKind>,
}

/// What a collection says of itself.
#[derive(Clone, Debug, PartialEq)]
pub struct CollectionInfo {
    /// Its public name.
    pub name: CollectionName,
    /// The space of every vector in it.
    pub space: Fingerprint,
    /// The length of its vectors.
    pub dimension: usize,
    /// Vectors in it; approximate while it is being written.
    pub points: u64,
    /// Indexed metadata fields and their kinds.
    pub indexed: BTreeMap<String, FieldKind>,
    /// Why it cannot be opened; then `points` is not known, and every other call on it but its deletion fails.
    pub unavailable: Option<String>,
}

/// One stored vector with what is kept beside it.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// The item it belongs to.
    pub item: ItemId,
    /// The modality of the item.
    pub modality: Modality,
    /// Which part of the item.
    pub track: Track,
    /// 0 for the whole, otherwise the number of the stretch.
    pub segment: u32,
    /// The time it covers.
    pub span: Option<Span>,
    /// Where the item came from, as its owner says.
    pub uri: Option<String>,
    /// A line for people.
    pub title: Option<String>,
    /// The item's content, and what else the vector depends on.
    pub content_hash: ContentHash,
    /// The space of the vector.
    pub space: Fingerprint,
    /// The tower it came from, where that one was added to the space's own.
    pub tower: Option<Fingerprint>,
    /// The owner's own fields.
    pub metadata: BTreeMap<String, Value>,
    /// What the vector is the sum of, with [`Track::Fused`] and [`Track::Parts`].
    pub parts: Vec<WeightedModality>,
    /// What was said, with [`Track::Speech`].
    pub transcript: Option<String>,
    /// The unit vector; empty where a read did not ask for vectors.
    pub vector: Vec<f32>,
}

impl Point {
    /// Its id, the same whenever the same part of the same item is written.
    #[must_use]
    pub fn id(&self, tenant: &Tenant) -> PointId {
        PointId::of(tenant, &self.item, self.track, self.segment)
    }

    /// The same point of which its owner says something else.
    #[must_use]
    pub fn described(self, details: ItemDetails) -> Self {
        let ItemDetails { uri, title, metadata } = details;
        Self { uri, title, metadata, ..self }
    }

    /// The towers that the vector came from, with their weights.
    #[must_use]
    pub fn towers(&self) -> Vec<WeightedModality> {
        towers(self.modality, self.track, &self.parts)
    }

    /// The fingerprint that the vector carries.
    #[must_use]
    pub fn carried(&self) -> Fingerprint {
        self.tower.unwrap_or(self.space)
    }
}

/// What an owner says of an item, beside its content. Changing it takes no embedding.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ItemDetails {
    /// Where the item came from.
    pub uri: Option<String>,
    /// A line for people.
    pub title: Option<String>,
    /// The owner's own fields.
    pub metadata: BTreeMap<String, Value>,
}

/// What is known of a stored item without its vectors.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredItem {
    /// Its content, and what else its vectors depend on.
    pub content_hash: ContentHash,
    /// What its owner says of it; none where its points disagree.
    pub details: Option<ItemDetails>,
}

/// A point that answered a query.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    /// The point, without its vector.
    pub point: Point,
    /// The cosine, −1 to 1.
    pub score: f32,
}

/// One vector, and what may answer it.
#[derive(Clone, Debug)]
pub struct Query {
    /// The unit vector.
    pub vector: Vec<f32>,
    /// Modalities of the answers; empty for all.
    pub modalities: Vec<Modality>,
    /// Tracks of the answers; empty for all.
    pub tracks: Vec<Track>,
    /// Further conditions.
    pub filter: Filter,
    /// How many points at most.
    pub limit: usize,
}

/// Which points of items are read, and how much of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fetch {
    /// Segments beside the wholes.
    pub segments: bool,
    /// Their vectors.
    pub vectors: bool,
}

impl Fetch {
    /// All there is.
    pub const ALL: Self = Self { segments: true, vectors: true };
}

/// A page of items and where the next one starts.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// One point for each item (its whole), without vectors.
    pub items: Vec<Point>,
    /// To be handed back for the next page; absent on the last.
    pub next: Option<String>,
}

/// Where vectors are kept.
///
/// A write is acknowledged only once it would survive a kill of this process. Where the disk has too little room left,
/// writes fail with `STORE_FULL` and reads go on. A collection that cannot be opened answers every call but its
/// deletion with `COLLECTION_UNAVAILABLE`. Collections of two tenants never meet, whatever their names.
#[async_trait]
pub trait VectorStore: Send + Sync {
    /// Makes a collection. Reuses one of the same name and space that was detached earlier for another space.
    ///
    /// # Errors
    /// `COLLECTION_EXISTS` when one of that name and space stands, or was detached with vectors of another length;
    /// `STORE_*`.
    async fn create_collection(&self, spec: &CollectionSpec) -> Result<()>;

    /// A tenant's collections of every space, by name.
    ///
    /// # Errors
    /// `STORE_*`.
    async fn list_collections(&self, tenant: &Tenant) -> Result<Vec<CollectionInfo>>;

    /// Removes a collection, its alias and its vectors in every space.
    ///
    /// # Errors
    /// `COLLECTION_NOT_FOUND`, `STORE_*`.
    async fn delete_collection(&self, collection: &CollectionRef) -> Result<()>;

    /// The collection of that name that queries meet.
    ///
    /// # Errors
    /// `COLLECTION_NOT_FOUND`, `STORE_*`.
    async fn collection(&self, collection: &CollectionRef) -> Result<CollectionInfo>;

    /// The collection that a name leads to: the one called so, or the one that it is an alias of; the name itself where
    /// it leads nowhere. Every other call takes names of collections, no aliases.
    ///
    /// # Errors
    /// `STORE_*`.
    async fn resolve(&self, name: &CollectionRef) -> Result<CollectionRef>;

    /// A tenant's aliases, by the collections that they lead to.
    ///
    /// # Errors
    /// `STORE_*`.
    async fn aliases(&self, tenant: &Tenant) -> Result<BTreeMap<CollectionName, Vec<CollectionName>>>;

    /// Leads an alias to a collection, at once, wherever it led before.
    ///
    /// # Errors
    /// `COLLECTION_EXISTS` when a collection is called so; `TOO_MANY` aliases; `COLLECTION_NOT_FOUND`, `STORE_*`.
    async fn set_alias(&self, alias: &CollectionRef, collection: &CollectionName) -> Result<()>;

    /// Takes an alias away.
    ///
    /// # Errors
    /// `COLLECTION_NOT_FOUND` when there is none of that name; `STORE_*`.
    async fn remove_alias(&self, alias: &CollectionRef) -> Result<()>;

    /// Gives a collection another name, in every space. Its aliases follow. Cut short, the same call goes on.
    ///
    /// # Errors
    /// `COLLECTION_EXISTS` when the name is taken, by an alias too; `COLLECTION_NOT_FOUND`, `STORE_*`.
    async fn rename_collection(&self, collection: &CollectionRef, name: &CollectionName) -> Result<()>;

    /// Indexes metadata fields, of what is stored and of what will be. Those that are indexed stay so.
    ///
    /// # Errors
    /// `FIELD_INVALID` for a field that is indexed as another kind; `TOO_MANY` fields in all; `COLLECTION_NOT_FOUND`,
    /// `STORE_*`.
    async fn index_fields(&self, collection: &CollectionRef, fields: &BTreeMap<String, FieldKind>) -> Result<()>;

    /// Writes points, replacing those of the same id, and returns once they are durable.
    ///
    /// # Errors
    /// `SPACE_MISMATCH` when a point is of another space than the collection; `COLLECTION_NOT_FOUND`, `STORE_*`.
    async fn upsert(&self, collection: &CollectionRef, points: Vec<Point>) -> Result<()>;

    /// Those of `items` that are stored, and whole: an item whose points are of different contents is to be written
    /// again.
    ///
    /// # Errors
    /// `COLLECTION_NOT_FOUND`, `STORE_*`.
    async fn stored(&self, collection: &CollectionRef, items: &[ItemId]) -> Result<BTreeMap<ItemId, StoredItem>>;

    /// The nearest points, best first, without what their owners say of the items and without transcripts: there may
    /// be thousands, and [`items`](Self::items) has these of those that are shown.
    ///
    /// # Errors
    /// `COLLECTION_NOT_FOUND`, `FIELD_INVALID` for a filter the store cannot evaluate, `STORE_*`.
    async fn search(&self, collection: &CollectionRef, query: &Query) -> Result<Vec<Hit>>;

    /// The points of those of `items` that are there, each item's wholes first.
    ///
    /// # Errors
    /// `COLLECTION_NOT_FOUND`, `STORE_*`.
    async fn items(
        &self,
        collection: &CollectionRef,
        items: &[ItemId],
        fetch: Fetch,
    ) -> Result<BTreeMap<ItemId, Vec<Point>>>;

    /// Items in a stable order.
    ///
    /// # Errors
    /// `FIELD_INVALID` for a page token that is not ours; `COLLECTION_NOT_FOUND`, `STORE_*`.
    async fn list_items(
        &self,
        collection: &CollectionRef,
        filter: &Filter,
        limit: usize,
        page: Option<&str>,
    ) -> Result<Page>;

    /// How many items a filter lets through.
    ///
    /// # Errors
    /// `COLLECTION_NOT_FOUND`, `FIELD_INVALID`, `STORE_*`.
    async fn count_items(&self, collection: &CollectionRef, filter: &Filter) -> Result<u64>;

    /// The `limit` most frequent values of one field among the items that a filter lets through.
    ///
    /// # Errors
    /// `COLLECTION_NOT_FOUND`, `FIELD_INVALID`, `TOO_MANY` values, `STORE_*`.
    async fn facets(&self, collection: &CollectionRef, field: &Field, filter: &Filter, limit: usize) -> Result<Facets>;

    /// Removes items with all their points; returns how many items there were. `keep` spares the points of one
    /// content: writing a changed item first stores the new points, then removes what the old one had more.
    ///
    /// # Errors
    /// `COLLECTION_NOT_FOUND`, `STORE_*`.
    async fn delete_items(
        &self,
        collection: &CollectionRef,
        items: &[ItemId],
        keep: Option<&ContentHash>,
    ) -> Result<u64>;

    /// Whether it answers.
    ///
    /// # Errors
    /// `STORE_UNAVAILABLE`.
    async fn ready(&self) -> Result<()>;

    /// Whether it takes writes now. A store that knows nothing of its disk says yes.
    ///
    /// # Errors
    /// `STORE_FULL` naming what is free and what is needed.
    async fn writable(&self) -> Result<()> {
        Ok(())
    }
}

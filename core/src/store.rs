//! The boundary between the gateway and wherever vectors are kept.
//!
//! Every call that touches items takes a [`Tenant`]: none compiles without one, and implementations add it to
//! every filter, because the store behind them does not keep rows of tenants apart by itself.

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde_json::Value;

use crate::{
    embedding::{Span, Track},
    error::Result,
    filter::Filter,
    identity::{CollectionName, ContentHash, ItemId, PointId, Tenant},
    modality::Modality,
    space::{Fingerprint, Space},
};

/// What a collection is made with.
#[derive(Clone, Debug)]
pub struct CollectionSpec {
    /// Its public name.
    pub name: CollectionName,
    /// The space of every vector in it.
    pub space: Space,
    /// The length of its vectors: the space's own, or one that its vectors may be cut to.
    pub dimension: usize,
    /// Metadata fields to index, with their kind: `keyword`, `integer`, `float` or `bool`.
    pub indexed: BTreeMap<String, String>,
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
    /// Vectors in it, of every tenant; approximate while it is being written.
    pub points: u64,
    /// Indexed metadata fields and their kinds.
    pub indexed: BTreeMap<String, String>,
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
    /// The item's content.
    pub content_hash: String,
    /// The space of the vector.
    pub space: Fingerprint,
    /// The tower it came from, where that one was added to the space's own.
    pub tower: Option<Fingerprint>,
    /// The owner's own fields.
    pub metadata: BTreeMap<String, Value>,
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
    /// Its content.
    pub content_hash: String,
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
/// deletion with `COLLECTION_UNAVAILABLE`.
#[async_trait]
pub trait VectorStore: Send + Sync {
    /// Makes a collection. One of that name and space that was left for another space is come back to.
    ///
    /// # Errors
    /// `COLLECTION_EXISTS` when one of that name and space stands, or was left with vectors of another length;
    /// `STORE_*`.
    async fn create_collection(&self, spec: &CollectionSpec) -> Result<()>;

    /// The collections of every space.
    ///
    /// # Errors
    /// `STORE_*`.
    async fn list_collections(&self) -> Result<Vec<CollectionInfo>>;

    /// Removes a collection, its alias and its vectors in every space.
    ///
    /// # Errors
    /// `COLLECTION_NOT_FOUND`, `STORE_*`.
    async fn delete_collection(&self, name: &CollectionName) -> Result<()>;

    /// The collection of that name that queries meet.
    ///
    /// # Errors
    /// `COLLECTION_NOT_FOUND`, `STORE_*`.
    async fn collection(&self, name: &CollectionName) -> Result<CollectionInfo>;

    /// Writes points, replacing those of the same id, and returns once they are durable.
    ///
    /// # Errors
    /// `SPACE_MISMATCH` when a point is of another space than the collection; `COLLECTION_NOT_FOUND`, `STORE_*`.
    async fn upsert(&self, tenant: &Tenant, name: &CollectionName, points: Vec<Point>) -> Result<()>;

    /// Those of `items` that are stored, and whole: an item whose points are of different contents is to be written again.
    ///
    /// # Errors
    /// `COLLECTION_NOT_FOUND`, `STORE_*`.
    async fn stored(
        &self,
        tenant: &Tenant,
        name: &CollectionName,
        items: &[ItemId],
    ) -> Result<BTreeMap<ItemId, StoredItem>>;

    /// The nearest points, best first.
    ///
    /// # Errors
    /// `COLLECTION_NOT_FOUND`, `FIELD_INVALID` for a filter the store cannot evaluate, `STORE_*`.
    async fn search(&self, tenant: &Tenant, name: &CollectionName, query: &Query) -> Result<Vec<Hit>>;

    /// Every point of an item, with vectors, wholes first.
    ///
    /// # Errors
    /// `ITEM_NOT_FOUND`, `COLLECTION_NOT_FOUND`, `STORE_*`.
    async fn item(&self, tenant: &Tenant, name: &CollectionName, item: &ItemId) -> Result<Vec<Point>>;

    /// Items in a stable order.
    ///
    /// # Errors
    /// `FIELD_INVALID` for a page mark that is not ours; `COLLECTION_NOT_FOUND`, `STORE_*`.
    async fn list_items(
        &self,
        tenant: &Tenant,
        name: &CollectionName,
        filter: &Filter,
        limit: usize,
        page: Option<&str>,
    ) -> Result<Page>;

    /// Removes items with all their points; returns how many items there were. `keep` spares the points of one
    /// content: writing a changed item first stores the new points, then removes what the old one had more.
    ///
    /// # Errors
    /// `COLLECTION_NOT_FOUND`, `STORE_*`.
    async fn delete_items(
        &self,
        tenant: &Tenant,
        name: &CollectionName,
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

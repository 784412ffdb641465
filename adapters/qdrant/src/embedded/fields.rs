//! How fields of a collection that exists come to be indexed.
//!
//! The catalogue comes first: it names the new fields, as indexed and as unfinished, before the engine makes anything,
//! and no longer as unfinished once the indexes are flushed. So wherever a kill comes in between, the next start finds
//! in the catalogue what to make anew. The other way round it would find an index that nobody names, or half of one
//! that the engine takes for whole.

use std::collections::{BTreeMap, BTreeSet};

use onespace_core::{CollectionRef, FieldKind, Result};

use super::{
    catalogue::{Catalogue, Entry},
    shard::Shard,
    shared::Shared,
};
use crate::description::{Description, not_found};

/// What the catalogue now says, and said before.
pub(super) struct Declared {
    before: Description,
    /// Fields whose indexes are to be made.
    pub(super) unfinished: BTreeSet<String>,
}

impl Shared {
    /// Puts fields into the catalogue, to be indexed; none where there is nothing to do.
    ///
    /// # Errors
    /// `FIELD_INVALID` for a field that is indexed as another kind, `TOO_MANY`, `COLLECTION_NOT_FOUND` when the
    /// collection was deleted meanwhile, `STORE_*`.
    pub(super) fn declare_fields(
        &self,
        collection: &CollectionRef,
        shard: &Shard,
        fields: &BTreeMap<String, FieldKind>,
    ) -> Result<Option<Declared>> {
        let mut catalogue = self.catalogue();
        let mut changed = catalogue.clone();
        let entry = self.entry(&mut changed, shard).ok_or_else(|| not_found(&collection.name))?;
        let before = entry.description.clone();
        let with = before.with_fields(fields)?;
        let added = fields.keys().filter(|field| !before.indexed.contains_key(*field));
        entry.unfinished.extend(added.cloned());
        if entry.unfinished.is_empty() {
            return Ok(None);
        }
        self.room.check(0)?;
        entry.description = with.clone();
        let unfinished = entry.unfinished.clone();
        self.save(&changed)?;
        *catalogue = changed;
        shard.engine.describe(with);
        Ok(Some(Declared { before, unfinished }))
    }

    /// Puts into the catalogue what came of indexing fields. Where that failed they are not indexed; the next start, or
    /// the next call, takes away what there is of their indexes.
    pub(super) fn conclude_fields(&self, shard: &Shard, declared: Declared, outcome: &Result<()>) {
        let mut catalogue = self.catalogue();
        let mut changed = catalogue.clone();
        // It may have been deleted meanwhile.
        let Some(entry) = self.entry(&mut changed, shard) else { return };
        match outcome {
            Ok(()) => entry.unfinished.clear(),
            // It may have been renamed meanwhile.
            Err(_) => entry.description.indexed = declared.before.indexed,
        }
        let description = entry.description.clone();
        if self.note_finished(&mut catalogue, changed) {
            shard.engine.describe(description);
        }
    }

    /// The entry of a collection at work. One of the same name that was made after it is another one.
    fn entry<'a>(&self, catalogue: &'a mut Catalogue, shard: &Shard) -> Option<&'a mut Entry> {
        let entry = catalogue.collections.get_mut(&shard.engine.description().physical());
        entry.filter(|entry| self.collections.join(&entry.folder) == shard.engine.folder())
    }
}

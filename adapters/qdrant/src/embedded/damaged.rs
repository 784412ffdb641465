//! Points of a collection that are damaged, and therefore not given out.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use onespace_core::{Error, ItemId, Reason};
use qdrant_edge::{Condition, Filter, HasIdCondition, PointId};
use uuid::Uuid;

/// Damaged points by id, with the names of their items where those are known.
#[derive(Debug, Default)]
pub(super) struct Damaged {
    points: RwLock<BTreeMap<Uuid, Option<String>>>,
    /// How often all points were looked at. Held while that is done, so that it is done once for many reads.
    walks: RwLock<u64>,
}

impl Damaged {
    /// The filter without damaged points. The engine tests `should` first, and a payload that cannot be read must not
    /// be tested at all.
    pub(super) fn without(&self, filter: &Filter) -> Filter {
        let points = self.points();
        if points.is_empty() {
            return filter.clone();
        }
        let ids: HasIdCondition = points.keys().copied().map(PointId::Uuid).collect();
        let sound = Filter { must_not: Some(vec![Condition::HasId(ids)]), ..Filter::default() };
        Filter {
            should: Some(vec![Condition::Filter(sound)]),
            must: Some(vec![Condition::Filter(filter.clone())]),
            ..Filter::default()
        }
    }

    /// Adds points; those that were not known.
    pub(super) fn add(&self, found: BTreeMap<Uuid, Option<String>>) -> usize {
        let mut points = self.points_mut();
        let before = points.len();
        points.extend(found);
        points.len() - before
    }

    /// Forgets points that were written anew or removed.
    pub(super) fn forget<'a>(&self, ids: impl IntoIterator<Item = &'a Uuid>) {
        if self.points().is_empty() {
            return;
        }
        let mut points = self.points_mut();
        for id in ids {
            points.remove(id);
        }
    }

    /// Whether a point is known to be damaged.
    pub(super) fn has(&self, id: &Uuid) -> bool {
        self.points().contains_key(id)
    }

    /// The damaged points of some items.
    pub(super) fn of_items(&self, items: &[ItemId]) -> BTreeMap<Uuid, ItemId> {
        let points = self.points();
        let named = points.iter().filter_map(|(id, item)| Some((*id, item.as_deref()?)));
        named.filter_map(|(id, name)| Some((id, items.iter().find(|item| item.as_str() == name)?.clone()))).collect()
    }

    /// Those of some items that have damaged points.
    pub(super) fn items(&self, items: &[ItemId]) -> BTreeSet<ItemId> {
        self.of_items(items).into_values().collect()
    }

    /// How often all points were looked at.
    pub(super) fn walks(&self) -> u64 {
        *self.walks.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has all points looked at, unless that was done since `walks`; whether anything may be known now that was not.
    pub(super) fn walk(&self, walks: u64, look: impl FnOnce() -> bool) -> bool {
        let mut done = self.walks.write().unwrap_or_else(PoisonError::into_inner);
        if *done != walks {
            return true;
        }
        *done += 1;
        look()
    }

    fn points(&self) -> RwLockReadGuard<'_, BTreeMap<Uuid, Option<String>>> {
        self.points.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn points_mut(&self) -> RwLockWriteGuard<'_, BTreeMap<Uuid, Option<String>>> {
        self.points.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The item is there but cannot be read.
pub(super) fn item_damaged(collection: &str, item: &ItemId) -> Error {
    let message = format!(
        "item \"{item}\" of collection \"{collection}\" is damaged on the server's disk and cannot be read: ingest it \
         again or delete it"
    );
    Error::new(Reason::ItemDamaged, "item_id", message)
}

//! The items that points belong to, where the points themselves cannot tell.

use std::{collections::BTreeMap, fs, path::Path};

use uuid::Uuid;

use super::{
    inventory::{Change, INVENTORY, Listing, apply, changes},
    journal::{JOURNAL, operations},
};

/// What inventory and journal tell of a collection's points, as far as they can be read, and whether that is all.
pub(super) fn listed(folder: &Path) -> (Listing, bool) {
    let bytes = fs::read(folder.join(INVENTORY));
    let mut whole = bytes.is_ok();
    let found = changes(&bytes.unwrap_or_default());
    whole &= found.damaged.is_empty();
    let mut listing = Listing::new();
    for changes in found.sound.into_iter().chain(found.behind) {
        apply(&mut listing, changes);
    }
    let journal = operations(&fs::read(folder.join(JOURNAL)).unwrap_or_default());
    whole &= journal.rot().is_none();
    for operation in journal.sound.iter().chain(&journal.behind) {
        apply(&mut listing, Change::of(operation));
    }
    (listing, whole)
}

/// The items of points, as far as they are known.
pub(super) fn names(folder: &Path, wanted: impl Fn(&Uuid) -> bool) -> BTreeMap<Uuid, String> {
    let named = listed(folder).0.into_iter().filter(|(id, listed)| wanted(id) && !listed.item.is_empty());
    named.map(|(id, listed)| (id, listed.item)).collect()
}

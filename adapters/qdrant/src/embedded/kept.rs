//! What is kept beside the engine's files, and whether the engine holds what it says.

use std::{collections::HashSet, io, path::Path};

use onespace_core::{Error, Result};
use uuid::Uuid;

use super::{
    engine::Engine,
    fault::failed,
    inventory::{Change, Inventory, Listed, Listing, apply},
    journal::{JOURNAL, Journal, Operation},
    reads::Want,
    seal,
    sums::sums,
};
use crate::keys::{ITEM, SUMS};

/// Ids that are asked for at once.
const PAGE: usize = 16_384;
/// Names in one line of the log.
const NAMED: usize = 20;

/// What is kept of a collection beside the engine's files.
pub(super) struct Kept {
    pub(super) journal: Journal,
    /// What the journal holds.
    pub(super) pending: Vec<Operation>,
    /// None in a collection that was made before there were inventories.
    pub(super) listed: Option<(Inventory, Listing)>,
}

/// What is kept, when the engine holds what it says.
pub(super) struct Agreed {
    pub(super) journal: Journal,
    /// What the journal holds.
    pub(super) pending: Vec<Operation>,
    pub(super) inventory: Inventory,
}

/// Why a collection is not opened.
pub(super) struct Refused {
    /// What clients are told.
    pub(super) step: &'static str,
    /// What the log is told.
    pub(super) error: Error,
}

impl Kept {
    /// Opens what is kept, and looks whether the engine's files are those that were closed.
    ///
    /// # Errors
    /// Where something is damaged; nothing is changed then.
    pub(super) fn open(folder: &Path) -> Result<Self, Refused> {
        let refused = |step, what: &str, error: io::Error| Refused {
            step,
            error: failed(&format!("{what} in {}", folder.display()), error),
        };
        let journal = Journal::open(&folder.join(JOURNAL));
        let (journal, pending) =
            journal.map_err(|error| refused("its journal is damaged", "open the journal", error))?;
        let faults = seal::faults(folder);
        let faults = faults.map_err(|error| refused("its files cannot be read", "read the files", error))?;
        if !faults.is_empty() {
            let error = failed(&format!("trust the files in {}", folder.display()), faults.join("; "));
            return Err(Refused { step: "its files are not those that were closed", error });
        }
        let listed = Inventory::open(folder, journal.len() > 0);
        let listed = listed.map_err(|error| refused("its inventory is damaged", "open the inventory", error))?;
        seal::unseal(folder).map_err(|error| refused("its files cannot be read", "unseal the files", error))?;
        Ok(Self { journal, pending, listed })
    }

    /// What a new collection begins with.
    ///
    /// # Errors
    /// `STORE_FAILED`.
    pub(super) fn create(folder: &Path) -> Result<Self> {
        let inventory = Inventory::create(folder, Listing::new());
        let inventory = inventory.map_err(|error| failed("make an inventory", error))?;
        let (journal, pending) =
            Journal::open(&folder.join(JOURNAL)).map_err(|error| failed("make a journal", error))?;
        Ok(Self { journal, pending, listed: Some((inventory, Listing::new())) })
    }
}

impl Kept {
    /// Looks whether the engine holds what is listed.
    ///
    /// # Errors
    /// As [`agree`].
    pub(super) fn agree(self, engine: &Engine) -> Result<Agreed> {
        let Self { journal, pending, listed } = self;
        let inventory = agree(engine, listed, &pending)?;
        Ok(Agreed { journal, pending, inventory })
    }
}

/// The inventory, where the engine together with what is journaled holds every point that it lists. Points that it
/// does not list are added to it: they are there, and nobody says that they should not be.
///
/// # Errors
/// `STORE_FAILED` naming points that are missing.
fn agree(engine: &Engine, listed: Option<(Inventory, Listing)>, pending: &[Operation]) -> Result<Inventory> {
    let Some((mut inventory, mut missing)) = listed else {
        let create = |listing| Inventory::create(engine.folder(), listing);
        return create(whole_listing(engine)?).map_err(|error| failed("make an inventory", error));
    };
    let points = missing.len();
    let unlisted = take_listed(engine, &mut missing)?;
    // What is journaled will be there, or is to go.
    let journaled: HashSet<Uuid> = pending.iter().flat_map(Operation::ids).collect();
    missing.retain(|id, _| !journaled.contains(id));
    if !missing.is_empty() {
        let names: Vec<_> = missing.values().take(NAMED).map(|listed| format!("{:?}", listed.item)).collect();
        let message = format!("it lacks {}: of items {}", missing.len(), names.join(", "));
        return Err(failed(&format!("find all {points} points in {}", engine.folder().display()), message));
    }
    let mut more = Vec::new();
    for id in unlisted.into_iter().filter(|id| !journaled.contains(id)) {
        more.extend(listed_now(engine, id).map(|listed| Change::Put(id, listed)));
    }
    if !more.is_empty() {
        let collection = engine.description().physical();
        tracing::warn!(collection, points = more.len(), "points are there that no inventory lists: they are kept");
        inventory.append(&more).map_err(|error| failed("write its inventory", error))?;
    }
    Ok(inventory)
}

/// Takes out of a listing what the engine holds; points of the engine that were not in it.
fn take_listed(engine: &Engine, listing: &mut Listing) -> Result<Vec<Uuid>> {
    let (mut unlisted, mut from) = (Vec::new(), None);
    loop {
        let (page, next) = engine.page(None, from, PAGE, Want::Id)?;
        unlisted.extend(page.into_iter().map(|found| found.id).filter(|id| listing.remove(id).is_none()));
        from = next;
        if from.is_none() {
            return Ok(unlisted);
        }
    }
}

/// A listing of what the engine holds.
fn whole_listing(engine: &Engine) -> Result<Listing> {
    let mut listing = Listing::new();
    let unlisted = take_listed(engine, &mut listing)?;
    let changes = unlisted.into_iter().filter_map(|id| Some(Change::Put(id, listed_now(engine, id)?)));
    apply(&mut listing, changes);
    Ok(listing)
}

/// What a point tells of itself; nothing of its item where it is damaged.
fn listed_now(engine: &Engine, id: Uuid) -> Option<Listed> {
    let unknown = Listed { item: String::new(), sums: Default::default() };
    match engine.look_at(id) {
        Ok(Some(found)) => {
            let item = found.payload.get(ITEM).and_then(|item| item.as_str()).unwrap_or_default().to_owned();
            let sums = if found.payload.contains_key(SUMS) { sums(&found.payload) } else { None };
            Some(Listed { item, sums: sums.unwrap_or_default() })
        }
        Ok(None) => None,
        Err(_) => Some(unknown),
    }
}

//! `onespace store verify`: everything in a data directory that nobody has open is looked at.

use std::{fs, path::Path, sync::Arc};

use onespace_core::{Error, Reason, Result};
use uuid::Uuid;

use super::{
    catalogue::{Catalogue, Entry},
    copy::taken,
    fault::failed,
    inventory::{INVENTORY, Listing, changes},
    journal::{JOURNAL, operations},
    reads::Want,
    room::Room,
    salvage::{Site, salvage},
    seal,
    shard::Shard,
    shared::{COLLECTIONS, lock},
};

/// Points that are looked at together.
const PAGE: usize = 256;

/// Something that is wrong with a data directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The collection, as its folder begins; empty: the whole directory.
    pub collection: String,
    /// What is damaged: `catalogue`, `folder`, `journal`, `files`, `inventory`, `engine`, `point`.
    pub kind: &'static str,
    /// How that shows.
    pub what: String,
    /// Points that are lost.
    pub points: usize,
    /// The items that they belong to, as far as that is known.
    pub items: Vec<String>,
}

/// What a directory is to be opened with while nobody else has it.
pub(super) struct Held {
    pub(super) lock: Arc<fs::File>,
    pub(super) room: Arc<Room>,
    pub(super) catalogue: Result<Catalogue, String>,
    /// The catalogue is not its copy.
    pub(super) certain: bool,
}

impl Held {
    /// Where what is sound of a collection is looked for.
    pub(super) fn site<'a>(&'a self, folder: &'a Path, scratch: &'a Path, entry: &'a Entry) -> Site<'a> {
        Site { folder, scratch, description: &entry.description, lock: &self.lock, room: &self.room }
    }
}

/// Takes a data directory for this process alone.
///
/// # Errors
/// `FIELD_INVALID` for a folder that is no data directory; `STORE_UNAVAILABLE` when it is in use.
pub(super) fn hold(directory: &Path) -> Result<Held> {
    if !directory.join(COLLECTIONS).is_dir() {
        let message = format!("{} is no data directory: there is no \"{COLLECTIONS}\" in it", directory.display());
        return Err(Error::new(Reason::FieldInvalid, "directory", message));
    }
    let lock = Arc::new(lock(directory)?);
    let room = Arc::new(Room::new(directory).map_err(|error| failed("look at its disk", error))?);
    let loaded = Catalogue::load(directory).map_err(|error| error.to_string());
    let certain = loaded.as_ref().is_ok_and(|loaded| loaded.certain);
    Ok(Held { lock, room, catalogue: loaded.map(|loaded| loaded.catalogue), certain })
}

/// Looks at every file and every point of a data directory, as long as that takes. What a kill left in a journal is
/// applied on the way, as a server would. `progress` hears of each collection.
///
/// # Errors
/// As `hold`; `STORE_FAILED` where something cannot be looked at at all.
pub fn verify(directory: &Path, progress: &mut dyn FnMut(&str)) -> Result<Vec<Fault>> {
    let held = hold(directory)?;
    let catalogue = match &held.catalogue {
        Ok(catalogue) => catalogue,
        Err(error) => return Ok(vec![fault("", "catalogue", error)]),
    };
    let mut faults = Vec::new();
    if !held.certain {
        faults.push(fault("", "catalogue", "catalogue.json is damaged or gone; what its copy says is used"));
    }
    for (physical, entry) in &catalogue.collections {
        progress(&format!("looking at {physical}"));
        faults.append(&mut verify_collection(directory, &held, physical, entry)?);
    }
    Ok(faults)
}

/// The faults of one collection.
///
/// # Errors
/// `STORE_FAILED`.
pub(super) fn verify_collection(directory: &Path, held: &Held, physical: &str, entry: &Entry) -> Result<Vec<Fault>> {
    let folder = directory.join(COLLECTIONS).join(&entry.folder);
    if !folder.is_dir() {
        return Ok(vec![fault(physical, "folder", "it is gone, and all that was in it")]);
    }
    let mut faults = on_the_outside(&folder, physical)?;
    if faults.is_empty() {
        match Shard::open(&folder, entry, held.lock.clone(), &held.room) {
            Ok(shard) => return Ok(points(&shard, physical)),
            Err(refused) => faults.push(fault(physical, "engine", &refused.error.message)),
        }
    }
    // It is not opened: what of it is lost shows in a copy.
    let scratch = directory.join(format!("scratch-{}", Uuid::new_v4().simple()));
    let site = held.site(&folder, &scratch, entry);
    let needed = taken(&folder).map_err(|error| failed("look at its files", error))?;
    let salvaged = held.room.has(needed.saturating_mul(2)).and_then(|()| salvage(&site, |_| Ok(())));
    drop(fs::remove_dir_all(&scratch));
    let last = faults.last_mut();
    match salvaged {
        Ok(salvaged) => last.into_iter().for_each(|fault| tell_lost(fault, &salvaged.lost)),
        Err(error) => last.into_iter().for_each(|fault| fault.what += &format!("; what is lost is not known: {error}")),
    }
    Ok(faults)
}

/// What shows before anything is opened.
fn on_the_outside(folder: &Path, physical: &str) -> Result<Vec<Fault>> {
    let read = |name: &str| match fs::read(folder.join(name)) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        read => read.map_err(|error| failed(&format!("read {}", folder.join(name).display()), error)),
    };
    let mut faults = Vec::new();
    let journal = match read(JOURNAL) {
        Ok(journal) => journal,
        Err(error) => return Ok(vec![fault(physical, "journal", &error.message)]),
    };
    if let Some(rot) = operations(&journal).rot() {
        faults.push(fault(physical, "journal", &format!("{}: {rot}", folder.join(JOURNAL).display())));
    }
    let inventory = changes(&read(INVENTORY)?);
    let torn = inventory.damaged.first().filter(|_| journal.is_empty());
    let torn = torn.map(|range| format!("the record at byte {} is damaged", range.start));
    if let Some(rot) = inventory.rot().or(torn) {
        faults.push(fault(physical, "inventory", &format!("{}: {rot}", folder.join(INVENTORY).display())));
    }
    let altered = seal::faults(folder).map_err(|error| failed("look at its files", error))?;
    faults.extend(altered.iter().map(|altered| fault(physical, "files", altered)));
    Ok(faults)
}

/// Looks at every point of a collection that is open.
fn points(shard: &Shard, physical: &str) -> Vec<Fault> {
    let (engine, mut faults, mut from) = (&shard.engine, Vec::new(), None);
    loop {
        let page = match engine.page(None, from, PAGE, Want::Id) {
            Ok((page, next)) => {
                from = next;
                page
            }
            Err(error) => {
                faults.push(fault(physical, "engine", &error.message));
                return faults;
            }
        };
        let ids: Vec<Uuid> = page.into_iter().map(|found| found.id).collect();
        if engine.sound(&ids).len() < ids.len() {
            faults
                .extend(ids.into_iter().filter_map(|id| Some(point(shard, physical, id, &engine.look_at(id).err()?))));
        }
        if from.is_none() {
            return faults;
        }
    }
}

fn point(shard: &Shard, physical: &str, id: Uuid, why: &str) -> Fault {
    let items = super::names::names(shard.engine.folder(), |one| *one == id).into_values().collect();
    Fault { points: 1, items, ..fault(physical, "point", &format!("point {id}: {why}")) }
}

fn tell_lost(fault: &mut Fault, lost: &Listing) {
    fault.points = lost.len();
    fault.items = items_of(lost);
}

/// The items of points, each once, as far as they are known.
pub(super) fn items_of(points: &Listing) -> Vec<String> {
    let mut items: Vec<_> = points.values().map(|listed| listed.item.clone()).filter(|item| !item.is_empty()).collect();
    items.sort();
    items.dedup();
    items
}

fn fault(collection: &str, kind: &'static str, what: &str) -> Fault {
    Fault { collection: collection.to_owned(), kind, what: what.to_owned(), points: 0, items: Vec::new() }
}

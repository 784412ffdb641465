//! `onespace store repair`: what is sound of a damaged collection becomes a collection, what was there is put aside.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use onespace_core::{Error, Reason, Result};
use rustix::fs::{CWD, RenameFlags, renameat_with};
use uuid::Uuid;

use super::{
    catalogue::{Entry, sync_directory},
    copy::taken,
    engine::Engine,
    fault::failed,
    inventory::{Inventory, Listing},
    journal::{JOURNAL, Journal, Operation, Row},
    salvage::{Salvaged, Site, salvage},
    shared::COLLECTIONS,
    verify::{Held, hold, items_of, verify_collection},
};

/// Where repairs put aside what was there.
const QUARANTINE: &str = "quarantine";
/// Rows that are written together.
const BATCH: usize = 256;

/// What came of the repair of a collection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repaired {
    /// The collection, as its folder begins.
    pub collection: String,
    /// Points that were sound.
    pub kept: usize,
    /// Points that are lost.
    pub lost: usize,
    /// The items that they belong to, to be ingested again, as far as that is known.
    pub items: Vec<String>,
    /// What else there is to tell.
    pub remarks: Vec<String>,
    /// Where the files are that were there before.
    pub quarantine: PathBuf,
}

/// Repairs the damaged collections of a data directory that nobody has open, or that one of them. Nothing is deleted.
/// `progress` hears of each collection.
///
/// # Errors
/// `FIELD_INVALID` for a folder that is no data directory or a collection that is not in it; `STORE_UNAVAILABLE` when
/// it is in use; `STORE_FULL` when there is no room for a second copy; `STORE_FAILED`, and then what was there is still
/// there.
pub fn repair(directory: &Path, collection: Option<&str>, progress: &mut dyn FnMut(&str)) -> Result<Vec<Repaired>> {
    let held = hold(directory)?;
    let catalogue = held.catalogue.clone().map_err(|error| failed("read the catalogue and its copy", error))?;
    if !held.certain && !catalogue.collections.is_empty() {
        progress("writing the catalogue anew, from its copy");
        catalogue.save(directory).map_err(|error| failed("save the catalogue", error))?;
    }
    let named = |physical: &str, entry: &Entry| {
        collection.is_none_or(|name| name == physical || entry.description.name.as_str() == name)
    };
    let wanted: Vec<_> = catalogue.collections.iter().filter(|(physical, entry)| named(physical, entry)).collect();
    if let Some(name) = collection.filter(|_| wanted.is_empty()) {
        return Err(Error::new(Reason::FieldInvalid, "collection", format!("no collection \"{name}\" is there")));
    }
    let mut repaired = Vec::new();
    for (physical, entry) in wanted {
        progress(&format!("looking at {physical}"));
        if !verify_collection(directory, &held, physical, entry)?.is_empty() {
            progress(&format!("repairing {physical}"));
            repaired.push(repair_collection(directory, &held, physical, entry)?);
        }
    }
    Ok(repaired)
}

fn repair_collection(directory: &Path, held: &Held, physical: &str, entry: &Entry) -> Result<Repaired> {
    let failing = |error: io::Error| failed("repair a collection", error);
    let folder = directory.join(COLLECTIONS).join(&entry.folder);
    fs::create_dir_all(&folder).map_err(failing)?;
    held.room.has(taken(&folder).map_err(failing)?.saturating_mul(3))?;
    let run = Uuid::new_v4().simple();
    let aside = directory.join(QUARANTINE).join(format!("{}-{run}", entry.folder));
    let scratch = directory.join(format!("scratch-{run}"));
    let site = held.site(&folder, &scratch, entry);
    let rebuilt = rebuild(&site, &aside);
    drop(fs::remove_dir_all(&scratch));
    let Salvaged { kept, lost, remarks } = rebuilt.inspect_err(|_| drop(fs::remove_dir_all(&aside)))?;
    // From one moment to the next: what was there lies where the new one was made.
    exchange(&aside, &folder).map_err(failing)?;
    sync_directory(&directory.join(COLLECTIONS)).map_err(failing)?;
    sync_directory(&directory.join(QUARANTINE)).map_err(failing)?;
    Ok(Repaired {
        collection: physical.to_owned(),
        kept: kept.len(),
        lost: lost.len(),
        items: items_of(&lost),
        remarks,
        quarantine: aside,
    })
}

/// Makes a collection of what is sound.
fn rebuild(site: &Site<'_>, to: &Path) -> Result<Salvaged> {
    let engine = Engine::create(to, site.description.clone(), site.lock.clone())?;
    engine.make_indexes(&site.description.indexes()?)?;
    let mut rows: Vec<Row> = Vec::new();
    let salvaged = salvage(site, |operation| match operation {
        Operation::Upsert(more) => {
            rows.extend(more);
            if rows.len() >= BATCH { engine.apply(Operation::Upsert(std::mem::take(&mut rows))) } else { Ok(()) }
        }
        Operation::Delete(_) => {
            engine.apply(Operation::Upsert(std::mem::take(&mut rows)))?;
            engine.apply(operation)
        }
    })?;
    engine.apply(Operation::Upsert(rows))?;
    engine.flush()?;
    let listing: Listing = salvaged.kept.clone();
    let failing = |error: io::Error| failed("list what was repaired", error);
    Inventory::create(to, listing).map_err(failing)?;
    Journal::open(&to.join(JOURNAL)).map_err(failing)?;
    engine.seal_on_drop();
    Ok(salvaged)
}

/// Puts each of two folders where the other one is.
fn exchange(one: &Path, other: &Path) -> io::Result<()> {
    match renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE) {
        Ok(()) => Ok(()),
        // A file system that cannot do that at once.
        Err(_) => {
            let between = one.with_extension("new");
            fs::rename(one, &between)?;
            fs::rename(other, one)?;
            fs::rename(&between, other)
        }
    }
}

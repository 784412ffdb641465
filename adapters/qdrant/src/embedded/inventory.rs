//! Which points a collection holds, and of which items.
//!
//! The engine has no checksums, and what it cannot find it does not miss: a cut id mapping is a smaller collection to
//! it. So their ids are kept here as well, with the names of their items, to tell what was lost when something was.
//! What the journal says and what this file says is all that was acknowledged: changes come here when the engine has
//! been flushed, before the journal is cut.
//!
//! It is a file of [`super::record`]s; a body is `u32 count`, then `count` times `u8 1, 16 bytes id, 16 bytes of
//! checksums, u16 length, item` for a point that was written and `u8 2, 16 bytes id` for one that was removed. The
//! file is written anew when most of it is outdated.

use std::{
    collections::HashMap,
    fs::{self, File, OpenOptions},
    io::{self, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use uuid::Uuid;

use super::{
    catalogue::sync_directory,
    journal::{Operation, Row},
    record::{Contents, contents, put_length, record, take_length},
    sums::{Sums, sums},
};
use crate::keys::ITEM;

/// The inventory's file, inside the collection's folder.
pub(super) const INVENTORY: &str = "inventory";
const PUT: u8 = 1;
const GONE: u8 = 2;
/// Changes in one record.
const CHANGES: usize = 4096;
/// An inventory that grew by less is not written anew.
const SLACK: u64 = 16 * 1024 * 1024;

/// What is known of a point.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Listed {
    /// The item it belongs to; empty where that could not be read.
    pub(super) item: String,
    /// Zeros where it was written without.
    pub(super) sums: Sums,
}

/// Points by id.
pub(super) type Listing = HashMap<Uuid, Listed>;

/// A change to a listing.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Change {
    /// The point was written.
    Put(Uuid, Listed),
    /// The point was removed.
    Gone(Uuid),
}

impl Change {
    /// The point that changes.
    pub(super) const fn id(&self) -> &Uuid {
        match self {
            Self::Put(id, _) | Self::Gone(id) => id,
        }
    }

    /// What a point's payload tells of it.
    pub(super) fn put(row: &Row) -> Self {
        let item = row.payload.get(ITEM).and_then(|item| item.as_str()).unwrap_or_default().to_owned();
        Self::Put(row.id, Listed { item, sums: sums(&row.payload).unwrap_or_default() })
    }

    /// The changes that an operation makes.
    pub(super) fn of(operation: &Operation) -> Vec<Self> {
        match operation {
            Operation::Upsert(rows) => rows.iter().map(Self::put).collect(),
            Operation::Delete(ids) => ids.iter().copied().map(Self::Gone).collect(),
        }
    }
}

/// Makes changes to a listing.
pub(super) fn apply(listing: &mut Listing, changes: impl IntoIterator<Item = Change>) {
    for change in changes {
        match change {
            Change::Put(id, listed) => drop(listing.insert(id, listed)),
            Change::Gone(id) => drop(listing.remove(&id)),
        }
    }
}

/// The inventory of one collection, open at its end.
#[derive(Debug)]
pub(super) struct Inventory {
    path: PathBuf,
    file: File,
    length: u64,
    /// How long it was when nothing in it was outdated.
    compact: u64,
}

impl Inventory {
    /// Makes an inventory of these points in place of what is there.
    ///
    /// # Errors
    /// Those of the file system.
    pub(super) fn create(folder: &Path, listing: Listing) -> io::Result<Self> {
        let (path, beside) = (folder.join(INVENTORY), folder.join("inventory.new"));
        let changes: Vec<_> = listing.into_iter().map(|(id, listed)| Change::Put(id, listed)).collect();
        let bytes = bytes_of(&changes)?;
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(&beside)?;
        file.write_all(&bytes)?;
        file.sync_all()?;
        fs::rename(&beside, &path)?;
        sync_directory(folder)?;
        let length = bytes.len() as u64;
        Ok(Self { path, file, length, compact: length })
    }

    /// Opens the inventory of a collection; none where it has none. `cut_short`: a crash may have come while it was
    /// written, since the journal still holds what it lacks.
    ///
    /// # Errors
    /// Those of the file system; `InvalidData` when it is damaged.
    pub(super) fn open(folder: &Path, cut_short: bool) -> io::Result<Option<(Self, Listing)>> {
        let path = folder.join(INVENTORY);
        let mut file = match OpenOptions::new().read(true).write(true).open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened?,
        };
        let bytes = fs::read(&path)?;
        let found = changes(&bytes);
        let torn = found.damaged.first().map(|range| format!("the record at byte {} is damaged", range.start));
        if let Some(rot) = found.rot().or_else(|| torn.filter(|_| !cut_short)) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, rot));
        }
        let length = found.end as u64;
        file.set_len(length)?;
        file.seek(SeekFrom::Start(length))?;
        let mut listing = Listing::new();
        found.sound.into_iter().for_each(|changes| apply(&mut listing, changes));
        let mut inventory = Self { path, file, length, compact: 0 };
        inventory.compact = listing.values().map(|listed| 35 + listed.item.len() as u64).sum();
        if inventory.outdated() {
            inventory = Self::create(folder, listing.clone())?;
        }
        Ok(Some((inventory, listing)))
    }

    /// Adds changes; they survive a loss of power.
    ///
    /// # Errors
    /// Those of the file system; then nothing is added.
    pub(super) fn append(&mut self, changes: &[Change]) -> io::Result<()> {
        let bytes = bytes_of(changes)?;
        let written = self.file.write_all(&bytes).and_then(|()| self.file.sync_data());
        if let Err(error) = written {
            self.file.set_len(self.length)?;
            self.file.seek(SeekFrom::Start(self.length))?;
            return Err(error);
        }
        self.length += bytes.len() as u64;
        if self.outdated()
            && let Some(folder) = self.path.parent()
        {
            let mut listing = Listing::new();
            let found = self::changes(&fs::read(&self.path)?);
            found.sound.into_iter().for_each(|changes| apply(&mut listing, changes));
            *self = Self::create(folder, listing)?;
        }
        Ok(())
    }

    fn outdated(&self) -> bool {
        self.length > self.compact.saturating_mul(2).saturating_add(SLACK)
    }
}

/// What the bytes of an inventory hold.
pub(super) fn changes(bytes: &[u8]) -> Contents<Vec<Change>> {
    let begins = |length: usize, body: &[u8]| {
        let count = take_length(body).map_or(0, |(count, _)| count);
        count > 0 && count.saturating_mul(17) < length && matches!(body.get(4), Some(&(PUT | GONE)))
    };
    contents(bytes, changes_of, begins)
}

fn bytes_of(changes: &[Change]) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    for some in changes.chunks(CHANGES) {
        let mut body = Vec::new();
        put_length(&mut body, some.len())?;
        for change in some {
            match change {
                Change::Put(id, Listed { item, sums }) => {
                    body.push(PUT);
                    body.extend_from_slice(id.as_bytes());
                    body.extend_from_slice(sums);
                    let length = u16::try_from(item.len()).map_err(io::Error::other)?;
                    body.extend_from_slice(&length.to_le_bytes());
                    body.extend_from_slice(item.as_bytes());
                }
                Change::Gone(id) => {
                    body.push(GONE);
                    body.extend_from_slice(id.as_bytes());
                }
            }
        }
        bytes.append(&mut record(body)?);
    }
    Ok(bytes)
}

fn changes_of(body: &[u8]) -> Option<Vec<Change>> {
    let (count, mut rest) = take_length(body)?;
    let mut changes = Vec::new();
    for _ in 0..count {
        let (kind, after) = rest.split_first()?;
        let (id, after) = after.split_first_chunk::<16>()?;
        let id = Uuid::from_bytes(*id);
        rest = match *kind {
            PUT => {
                let (sums, after) = after.split_first_chunk::<16>()?;
                let (length, after) = after.split_first_chunk::<2>()?;
                let (item, after) = after.split_at_checked(usize::from(u16::from_le_bytes(*length)))?;
                let item = str::from_utf8(item).ok()?.to_owned();
                changes.push(Change::Put(id, Listed { item, sums: *sums }));
                after
            }
            GONE => {
                changes.push(Change::Gone(id));
                after
            }
            _ => return None,
        };
    }
    Some(changes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(n: u128) -> Change {
        Change::Put(Uuid::from_u128(n), Listed { item: format!("item {n}"), sums: [n as u8; 16] })
    }

    fn items(listing: &Listing) -> Vec<String> {
        let mut items: Vec<_> = listing.values().map(|listed| listed.item.clone()).collect();
        items.sort();
        items
    }

    #[test]
    fn what_is_listed_is_found_again_and_damage_is_noticed() {
        let directory = tempfile::tempdir().unwrap();
        let folder = directory.path();
        assert!(Inventory::open(folder, false).unwrap().is_none());
        let mut inventory = Inventory::create(folder, Listing::new()).unwrap();
        inventory.append(&[put(1), put(2), put(3)]).unwrap();
        inventory.append(&[Change::Gone(Uuid::from_u128(2)), put(4)]).unwrap();
        drop(inventory);
        let (mut inventory, listing) = Inventory::open(folder, false).unwrap().unwrap();
        assert_eq!(items(&listing), ["item 1", "item 3", "item 4"]);
        inventory.append(&[put(5)]).unwrap();
        let bytes = fs::read(folder.join(INVENTORY)).unwrap();
        for index in 0..bytes.len() {
            let mut bent = bytes.clone();
            bent[index] ^= 1 << (index % 8);
            fs::write(folder.join(INVENTORY), &bent).unwrap();
            assert!(Inventory::open(folder, false).is_err(), "byte {index}");
        }
        // A crash while it was written: the journal holds the rest.
        fs::write(folder.join(INVENTORY), &bytes[..bytes.len() - 3]).unwrap();
        assert!(Inventory::open(folder, false).is_err());
        let (_, listing) = Inventory::open(folder, true).unwrap().unwrap();
        assert_eq!(items(&listing), ["item 1", "item 3", "item 4"]);
    }

    #[test]
    fn an_inventory_does_not_grow_without_end() {
        let directory = tempfile::tempdir().unwrap();
        let mut inventory = Inventory::create(directory.path(), Listing::new()).unwrap();
        let many: Vec<_> = (0..20_000).map(put).collect();
        for _ in 0..60 {
            inventory.append(&many).unwrap();
        }
        let length = fs::metadata(directory.path().join(INVENTORY)).unwrap().len();
        assert!(length < 2 * SLACK, "{length}");
        drop(inventory);
        assert_eq!(Inventory::open(directory.path(), false).unwrap().unwrap().1.len(), 20_000);
    }
}

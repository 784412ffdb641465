//! The collections of a store: which there are, how they come and go, and which of them are at work.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File, TryLockError},
    io::{self, ErrorKind},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, Weak},
    time::Duration,
};

use onespace_core::{CollectionInfo, CollectionRef, Error, Reason, Result, Tenant};
use uuid::Uuid;

use super::{
    catalogue::{Catalogue, Entry, Loaded, sync_directory},
    fault::failed,
    room::Room,
    shard::{Place, Shard},
    tidy::{holds_points, remove_leftovers},
};
use crate::description::{Description, alias, exists, not_found, taken};

const LOCK: &str = "lock";
/// The folder of the collections' folders.
pub(super) const COLLECTIONS: &str = "collections";
/// Is there while a backup is restored: what lies beside it is not whole.
pub(super) const RESTORING: &str = "restoring";
/// The longest part of a physical name that a folder is named by: file systems take 255 bytes, and tenant and name
/// together can be longer.
const FOLDER_NAME_BYTES: usize = 160;
/// How long to wait before asking again for a directory that another process holds.
const LOCKED_RETRY: Duration = Duration::from_secs(5);

/// What the calls of a store share.
pub(super) struct Shared {
    pub(super) collections: PathBuf,
    root: PathBuf,
    /// Collections there may be.
    most: usize,
    /// Held while collections come and go.
    catalogue: Mutex<Catalogue>,
    /// Held while a collection that could not be opened is tried again.
    trying: Mutex<()>,
    open: RwLock<Open>,
    pub(super) room: Arc<Room>,
    lock: Arc<File>,
}

#[derive(Default)]
pub(super) struct Open {
    /// By physical name.
    pub(super) places: BTreeMap<String, Place>,
    /// The name of a collection to the physical name.
    pub(super) aliases: BTreeMap<String, String>,
}

impl Shared {
    /// Opens what there is in a directory. A collection that cannot be opened is shut; the others are served.
    ///
    /// # Errors
    /// `STORE_UNAVAILABLE` when the directory is in use; `STORE_FAILED` naming the file.
    pub(super) fn open(directory: &Path, most: usize) -> Result<Self> {
        let collections = directory.join(COLLECTIONS);
        fs::create_dir_all(&collections).map_err(|error| at(directory, error))?;
        let lock = Arc::new(lock(directory)?);
        if directory.join(RESTORING).exists() {
            let why = "a backup was being restored to it and that did not come to its end: empty it and restore again";
            return Err(failed(&format!("use {}", directory.display()), why));
        }
        Self::open_locked(directory, most, lock)
    }

    /// As [`Self::open`], by whoever has the directory.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub(super) fn open_locked(directory: &Path, most: usize, lock: Arc<File>) -> Result<Self> {
        let collections = directory.join(COLLECTIONS);
        let room = Arc::new(Room::new(directory).map_err(|error| at(directory, error))?);
        // Opening takes a little room: configurations are written anew, and journals applied.
        room.lend();
        let Loaded { catalogue, certain } = Catalogue::load(directory).map_err(|error| at(directory, error))?;
        tidy(&collections, &catalogue, certain)?;
        let mut open = Open { places: BTreeMap::new(), aliases: catalogue.aliases.clone() };
        let mut finished = catalogue.clone();
        for (physical, entry) in &mut finished.collections {
            let place = Place::open(&collections.join(&entry.folder), entry, lock.clone(), &room, None);
            if place.finished(entry) {
                entry.unfinished.clear();
            }
            open.places.insert(physical.clone(), place);
        }
        room.settle();
        let unfinished = |catalogue: &Catalogue| -> usize {
            catalogue.collections.values().map(|entry| entry.unfinished.len()).sum()
        };
        let changed = unfinished(&catalogue) != unfinished(&finished);
        let root = directory.to_owned();
        let (catalogue, open) = (Mutex::new(catalogue), RwLock::new(open));
        let shared = Self { collections, root, most, catalogue, trying: Mutex::new(()), open, room, lock };
        if changed {
            shared.note_finished(&mut shared.catalogue(), finished);
        }
        Ok(shared)
    }

    /// The collection that a name leads to, and its physical name.
    ///
    /// # Errors
    /// `COLLECTION_NOT_FOUND`.
    pub(super) fn find(&self, collection: &CollectionRef) -> Result<(String, Place)> {
        let open = self.places();
        let physical = open.aliases.get(&alias(collection));
        let found = physical.and_then(|physical| open.places.get_key_value(physical));
        let found = found.filter(|(_, place)| place.description().is(collection));
        found.map(|(physical, place)| (physical.clone(), place.clone())).ok_or_else(|| not_found(&collection.name))
    }

    /// Tries once more to open a collection that is shut. Blocks; while another one is tried, it stays shut.
    ///
    /// # Errors
    /// `COLLECTION_UNAVAILABLE`; `COLLECTION_NOT_FOUND` when it was deleted meanwhile.
    pub(super) fn reopen(&self, collection: &CollectionRef) -> Result<Arc<Shard>> {
        let trying = match self.trying.try_lock() {
            Err(std::sync::TryLockError::WouldBlock) => None,
            Err(std::sync::TryLockError::Poisoned(trying)) => Some(trying.into_inner()),
            Ok(trying) => Some(trying),
        };
        // Nothing comes or goes meanwhile.
        let mut catalogue = trying.as_ref().map(|_| self.catalogue());
        let (physical, place) = self.find(collection)?;
        let shut = match place {
            Place::Open(shard) => return Ok(shard),
            Place::Shut(shut) => shut,
        };
        let mut changed = catalogue.as_ref().map(|catalogue| Catalogue::clone(catalogue)).unwrap_or_default();
        let entry = changed.collections.get_mut(&physical).filter(|_| shut.rested());
        let Some(entry) = entry else { return Err(shut.error()) };
        self.room.lend();
        let folder = self.collections.join(&entry.folder);
        let place = Place::open(&folder, entry, self.lock.clone(), &self.room, Some(&shut));
        self.room.settle();
        if place.finished(entry)
            && let Some(catalogue) = &mut catalogue
        {
            entry.unfinished.clear();
            self.note_finished(catalogue, changed);
        }
        self.places_mut().places.insert(physical, place.clone());
        match place {
            Place::Open(shard) => {
                let tenant = &collection.tenant;
                tracing::info!(%collection, %tenant, "a collection that could not be opened is served again");
                Ok(shard)
            }
            Place::Shut(shut) => Err(shut.error()),
        }
    }

    /// Makes a collection, or leads its name back to one that was detached for another space; whether it did that.
    ///
    /// # Errors
    /// `COLLECTION_EXISTS`, `COLLECTION_UNAVAILABLE` when it stands but cannot be opened, `FIELD_INVALID` when it has a
    /// field indexed as another kind, `STORE_*`.
    pub(super) fn create(&self, description: Description) -> Result<bool> {
        let mut catalogue = self.catalogue();
        let (name, physical) = (description.alias(), description.physical());
        if catalogue.has_alias(&description) {
            return Err(taken(&description.name, "an alias"));
        }
        let standing = catalogue.collections.get(&physical).map(|entry| &entry.description);
        if let Some(standing) = standing
            && (catalogue.aliases.get(&name) == Some(&physical) || standing.dimension != description.dimension)
        {
            let place = self.places().places.get(&physical).cloned();
            return Err(match place {
                Some(Place::Shut(shut)) => shut.error(),
                _ => exists(standing, &description),
            });
        }
        let detached = standing.map(|standing| standing.with_fields(&description.indexed)).transpose()?.is_some();
        if !detached {
            check_number(catalogue.collections.len(), self.most)?;
        }
        let mut changed = catalogue.clone();
        let before = changed.aliases.insert(name.clone(), physical.clone());
        let shard = if detached {
            None
        } else {
            let start = physical.get(..FOLDER_NAME_BYTES).unwrap_or(&physical);
            let folder = format!("{start}-{}", Uuid::new_v4().simple());
            let path = self.collections.join(&folder);
            let entry = Entry { folder, unfinished: BTreeSet::new(), description: description.clone() };
            changed.collections.insert(physical.clone(), entry);
            Some(Arc::new(Shard::create(&path, description, self.lock.clone(), &self.room)?))
        };
        // Other names lead where the name leads, in whichever space.
        let other_names = before.map(|before| changed.hand_over_aliases(&before, &physical)).unwrap_or_default();
        // The folder first: the catalogue never names one that is not there.
        let synced = sync_directory(&self.collections).map_err(|error| self.room.error("sync its folder", error));
        if let Err(error) = synced.and_then(|()| self.save(&changed)) {
            shard.iter().for_each(|shard| shard.engine.remove_on_drop());
            return Err(error);
        }
        *catalogue = changed;
        let mut open = self.places_mut();
        open.places.extend(shard.map(|shard| (physical.clone(), Place::Open(shard))));
        open.aliases.insert(name, physical);
        other_names.into_iter().for_each(|(physical, description)| open.describe(&physical, description));
        Ok(detached)
    }

    /// Removes a collection in every space, whether it can be opened or not, on a full disk too.
    ///
    /// # Errors
    /// `COLLECTION_NOT_FOUND`, `STORE_*`.
    pub(super) fn delete(&self, collection: &CollectionRef) -> Result<()> {
        let mut catalogue = self.catalogue();
        let mut changed = catalogue.clone();
        let gone: BTreeMap<_, _> =
            changed.collections.extract_if(.., |_, entry| entry.description.is(collection)).collect();
        if gone.is_empty() {
            return Err(not_found(&collection.name));
        }
        changed.aliases.remove(&alias(collection));
        self.save(&changed)?;
        *catalogue = changed;
        let places: Vec<_> = {
            let mut open = self.places_mut();
            open.aliases.remove(&alias(collection));
            open.places.extract_if(.., |physical, _| gone.contains_key(physical)).collect()
        };
        for (physical, place) in places {
            match (place, gone.get(&physical)) {
                // Its files go once the last read that holds them is done.
                (Place::Open(shard), _) => shard.engine.remove_on_drop(),
                (Place::Shut(_), Some(entry)) => remove(&self.collections.join(&entry.folder)),
                (Place::Shut(_), None) => {}
            }
        }
        Ok(())
    }

    /// A tenant's collections; of one name, the one that queries meet comes first.
    ///
    /// # Errors
    /// `STORE_FAILED`.
    pub(super) fn list(&self, tenant: &Tenant) -> Result<Vec<CollectionInfo>> {
        let open = self.places();
        let active: BTreeSet<_> = open.aliases.values().collect();
        let owned = open.places.iter().filter(|(_, place)| place.description().tenant == *tenant);
        let key = |physical, place: &Place| (place.description().name.clone(), !active.contains(physical));
        let mut places: Vec<_> = owned.map(|(physical, place)| (key(physical, place), place.clone())).collect();
        drop(active);
        drop(open);
        // Those detached for other spaces stay in the order of their physical names.
        places.sort_by(|(one, _), (other, _)| one.cmp(other));
        places.iter().map(|(_, place)| place.info()).collect()
    }

    /// Saves a catalogue in which less is unfinished; whether that could be. Where it could not, nothing is lost: what
    /// is finished is made once more at the next start.
    pub(super) fn note_finished(&self, catalogue: &mut Catalogue, changed: Catalogue) -> bool {
        match self.save(&changed) {
            Ok(()) => *catalogue = changed,
            Err(error) => {
                tracing::warn!(%error, "the catalogue cannot be saved: payload indexes will be made anew");
                return false;
            }
        }
        true
    }

    /// Saves the catalogue, with the room that the spare file takes where there is no other.
    pub(super) fn save(&self, catalogue: &Catalogue) -> Result<()> {
        let saved = match catalogue.save(&self.root) {
            Err(error) if error.kind() == ErrorKind::StorageFull => {
                self.room.lend();
                catalogue.save(&self.root)
            }
            saved => saved,
        };
        saved.map_err(|error| self.room.error("save its catalogue", error))
    }

    /// Every collection by its physical name, those that names lead to last.
    pub(super) fn everything(&self) -> Vec<(String, Place)> {
        let open = self.places();
        let active: BTreeSet<_> = open.aliases.values().collect();
        let mut places: Vec<_> = open.places.iter().map(|(name, place)| (name.clone(), place.clone())).collect();
        places.sort_by_key(|(name, _)| active.contains(name));
        places
    }

    /// The collections at work.
    pub(super) fn shards(&self) -> Vec<Weak<Shard>> {
        let open = self.places();
        let shards = open.places.values().map(|place| match place {
            Place::Open(shard) => Some(Arc::downgrade(shard)),
            Place::Shut(_) => None,
        });
        shards.flatten().collect()
    }

    pub(super) fn catalogue(&self) -> MutexGuard<'_, Catalogue> {
        self.catalogue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn places(&self) -> RwLockReadGuard<'_, Open> {
        self.open.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn places_mut(&self) -> RwLockWriteGuard<'_, Open> {
        self.open.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether there may be one collection more than so many.
fn check_number(standing: usize, most: usize) -> Result<()> {
    if standing < most {
        return Ok(());
    }
    let message = format!("{standing} collections stand, of all tenants, the limit is {most} (COLLECTIONS)");
    Err(Error::new(Reason::TooManyCollections, "", message))
}

/// Takes away what a crash left over; nothing where the catalogue may be an older one.
fn tidy(collections: &Path, catalogue: &Catalogue, certain: bool) -> Result<()> {
    if certain {
        return remove_leftovers(collections, catalogue).map_err(|error| at(collections, error));
    }
    if catalogue.collections.is_empty() && holds_points(collections).map_err(|error| at(collections, error))? {
        return Err(failed(&format!("use {}", collections.display()), "catalogue.json, which names them, is gone"));
    }
    Ok(())
}

fn remove(folder: &Path) {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            tracing::warn!(folder = %folder.display(), %error, "a deleted collection's files are left over");
        }
        _ => {}
    }
}

/// Takes a directory for this process.
///
/// # Errors
/// `STORE_UNAVAILABLE` when it is in use; `STORE_FAILED`.
pub(super) fn lock(directory: &Path) -> Result<File> {
    let path = directory.join(LOCK);
    let file =
        File::options().create(true).truncate(false).write(true).open(&path).map_err(|error| at(&path, error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::Error(error)) => Err(at(&path, error)),
        Err(TryLockError::WouldBlock) => {
            // Of another process mostly; of this one while a store that was dropped still builds an index.
            let message = format!("the data directory {} is in use by another process or store", directory.display());
            Err(Error::new(Reason::StoreUnavailable, "", message).retry_after(LOCKED_RETRY))
        }
    }
}

fn at(path: &Path, error: io::Error) -> Error {
    failed(&format!("use {}", path.display()), error)
}

//! The collections of a store: which there are, how they come and go, and which of them are at work.

use std::{
    collections::BTreeMap,
    fs::{self, File, TryLockError},
    io::{self, ErrorKind},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
    time::Duration,
};

use onespace_core::{CollectionInfo, CollectionName, Error, Reason, Result};
use uuid::Uuid;

use super::{
    catalogue::{Catalogue, Entry, sync_directory},
    engine::failed,
    room::Room,
    shard::{Place, Shard},
    tidy::remove_leftovers,
};
use crate::schema::{self, Description};

const LOCK: &str = "lock";
const COLLECTIONS: &str = "collections";
/// How long to wait before asking again for a directory that another process holds.
const LOCKED_RETRY: Duration = Duration::from_secs(5);

/// What the calls of a store share.
pub(super) struct Shared {
    collections: PathBuf,
    root: PathBuf,
    /// Held while collections come and go.
    catalogue: Mutex<Catalogue>,
    /// Held while a collection that could not be opened is tried again.
    trying: Mutex<()>,
    open: RwLock<Open>,
    pub(super) room: Arc<Room>,
    lock: Arc<File>,
}

#[derive(Default)]
struct Open {
    /// By physical name.
    places: BTreeMap<String, Place>,
    /// Public name to physical name.
    aliases: BTreeMap<String, String>,
}

impl Shared {
    /// Opens what there is in a directory. A collection that cannot be opened is shut; the others are served.
    ///
    /// # Errors
    /// `STORE_UNAVAILABLE` when the directory is in use; `STORE_FAILED` naming the file.
    pub(super) fn open(directory: &Path) -> Result<Self> {
        let collections = directory.join(COLLECTIONS);
        fs::create_dir_all(&collections).map_err(|error| at(directory, error))?;
        let lock = Arc::new(lock(directory)?);
        let room = Arc::new(Room::of(directory).map_err(|error| at(directory, error))?);
        // Opening takes a little room: configurations are written anew, and journals applied.
        room.lend();
        let catalogue = Catalogue::load(directory).map_err(|error| at(directory, error))?;
        remove_leftovers(&collections, &catalogue).map_err(|error| at(&collections, error))?;
        let mut open = Open { places: BTreeMap::new(), aliases: catalogue.aliases.clone() };
        for (physical, Entry { folder, description }) in &catalogue.collections {
            let place = Place::open(&collections.join(folder), description, lock.clone(), &room, None);
            open.places.insert(physical.clone(), place);
        }
        room.settle();
        let root = directory.to_owned();
        let (catalogue, open) = (Mutex::new(catalogue), RwLock::new(open));
        Ok(Self { collections, root, catalogue, trying: Mutex::new(()), open, room, lock })
    }

    /// The collection that a name leads to, and its physical name.
    ///
    /// # Errors
    /// `COLLECTION_NOT_FOUND`.
    pub(super) fn find(&self, name: &CollectionName) -> Result<(String, Place)> {
        let open = self.places();
        let physical = open.aliases.get(name.as_str());
        let found = physical.and_then(|physical| open.places.get_key_value(physical));
        found.map(|(physical, place)| (physical.clone(), place.clone())).ok_or_else(|| schema::not_found(name))
    }

    /// Tries once more to open a collection that is shut. Blocks; while another one is tried, it stays shut.
    ///
    /// # Errors
    /// `COLLECTION_UNAVAILABLE`; `COLLECTION_NOT_FOUND` when it was deleted meanwhile.
    pub(super) fn reopen(&self, name: &CollectionName) -> Result<Arc<Shard>> {
        let trying = match self.trying.try_lock() {
            Err(std::sync::TryLockError::WouldBlock) => None,
            Err(std::sync::TryLockError::Poisoned(trying)) => Some(trying.into_inner()),
            Ok(trying) => Some(trying),
        };
        // Nothing comes or goes meanwhile.
        let catalogue = trying.as_ref().map(|_| self.catalogue());
        let (physical, place) = self.find(name)?;
        let shut = match place {
            Place::Open(shard) => return Ok(shard),
            Place::Shut(shut) => shut,
        };
        let entry = catalogue.as_ref().and_then(|catalogue| catalogue.collections.get(&physical));
        let Some(Entry { folder, description }) = entry.filter(|_| shut.rested()) else { return Err(shut.error()) };
        self.room.lend();
        let place =
            Place::open(&self.collections.join(folder), description, self.lock.clone(), &self.room, Some(&shut));
        self.room.settle();
        self.places_mut().places.insert(physical, place.clone());
        match place {
            Place::Open(shard) => {
                tracing::info!(collection = %name, "a collection that could not be opened is served again");
                Ok(shard)
            }
            Place::Shut(shut) => Err(shut.error()),
        }
    }

    /// Makes a collection, or leads its name back to one that was left for another space.
    ///
    /// # Errors
    /// `COLLECTION_EXISTS`, `COLLECTION_UNAVAILABLE` when it stands but cannot be opened, `STORE_*`.
    pub(super) fn create(&self, description: Description) -> Result<()> {
        let mut catalogue = self.catalogue();
        let (name, physical) = (description.name.to_string(), description.physical());
        if let Some(Entry { description: standing, .. }) = catalogue.collections.get(&physical)
            && (catalogue.aliases.get(&name) == Some(&physical) || standing.dimension != description.dimension)
        {
            let place = self.places().places.get(&physical).cloned();
            return Err(match place {
                Some(Place::Shut(shut)) => shut.error(),
                _ => schema::exists(standing, &description),
            });
        }
        let mut changed = catalogue.clone();
        changed.aliases.insert(name.clone(), physical.clone());
        let shard = match catalogue.collections.contains_key(&physical) {
            // It was left for another space and is come back to.
            true => None,
            false => {
                let folder = format!("{physical}-{}", Uuid::new_v4().simple());
                let path = self.collections.join(&folder);
                changed.collections.insert(physical.clone(), Entry { folder, description: description.clone() });
                Some(Arc::new(Shard::create(&path, description, self.lock.clone(), &self.room)?))
            }
        };
        // The folder first: the catalogue never names one that is not there.
        let synced = sync_directory(&self.collections).map_err(|error| self.room.error("sync its folder", error));
        if let Err(error) = synced.and_then(|()| self.save(&changed)) {
            shard.iter().for_each(|shard| shard.engine.doom());
            return Err(error);
        }
        *catalogue = changed;
        let mut open = self.places_mut();
        open.places.extend(shard.map(|shard| (physical.clone(), Place::Open(shard))));
        open.aliases.insert(name, physical);
        Ok(())
    }

    /// Removes a collection in every space, whether it can be opened or not, on a full disk too.
    ///
    /// # Errors
    /// `COLLECTION_NOT_FOUND`, `STORE_*`.
    pub(super) fn delete(&self, name: &CollectionName) -> Result<()> {
        let mut catalogue = self.catalogue();
        let mut changed = catalogue.clone();
        let gone: BTreeMap<_, _> =
            changed.collections.extract_if(.., |_, entry| entry.description.name == *name).collect();
        if gone.is_empty() {
            return Err(schema::not_found(name));
        }
        changed.aliases.remove(name.as_str());
        self.save(&changed)?;
        *catalogue = changed;
        let places: Vec<_> = {
            let mut open = self.places_mut();
            open.aliases.remove(name.as_str());
            open.places.extract_if(.., |physical, _| gone.contains_key(physical)).collect()
        };
        for (physical, place) in places {
            match (place, gone.get(&physical)) {
                // Its files go once the last read that holds them is done.
                (Place::Open(shard), _) => shard.engine.doom(),
                (Place::Shut(_), Some(entry)) => remove(&self.collections.join(&entry.folder)),
                (Place::Shut(_), None) => {}
            }
        }
        Ok(())
    }

    /// Every collection; of one name, the one that queries meet comes first.
    ///
    /// # Errors
    /// `STORE_FAILED`.
    pub(super) fn list(&self) -> Result<Vec<CollectionInfo>> {
        let open = self.places();
        let mut places: Vec<_> =
            open.places.iter().map(|(physical, place)| (physical.clone(), place.clone())).collect();
        let active: Vec<_> = open.aliases.values().cloned().collect();
        drop(open);
        places.sort_by_key(|(physical, place)| (place.description().name.clone(), !active.contains(physical)));
        places.iter().map(|(_, place)| place.info()).collect()
    }

    /// Saves the catalogue, with the room that the spare file takes where there is no other.
    fn save(&self, catalogue: &Catalogue) -> Result<()> {
        let saved = match catalogue.save(&self.root) {
            Err(error) if error.kind() == ErrorKind::StorageFull => {
                self.room.lend();
                catalogue.save(&self.root)
            }
            saved => saved,
        };
        saved.map_err(|error| self.room.error("save its catalogue", error))
    }

    fn catalogue(&self) -> MutexGuard<'_, Catalogue> {
        self.catalogue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn places(&self) -> RwLockReadGuard<'_, Open> {
        self.open.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn places_mut(&self) -> RwLockWriteGuard<'_, Open> {
        self.open.write().unwrap_or_else(PoisonError::into_inner)
    }
}

fn remove(folder: &Path) {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            tracing::warn!(folder = %folder.display(), %error, "a deleted collection's files are left over");
        }
        _ => {}
    }
}

fn lock(directory: &Path) -> Result<File> {
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

//! One collection of an open store: at work, or shut because it could not be opened.

use std::{
    collections::BTreeSet,
    fs::File,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use onespace_core::{CollectionInfo, Error, Reason, Result, limits::STORE_REOPEN_MS};

use super::{
    catalogue::Entry,
    engine::Engine,
    kept::{Kept, Refused},
    room::Room,
    writer::Writer,
};
use crate::description::Description;

/// A collection at work.
pub(super) struct Shard {
    pub(super) writer: Writer,
    pub(super) engine: Arc<Engine>,
    /// Held while fields are indexed.
    pub(super) indexing: Arc<tokio::sync::Mutex<()>>,
}

/// A collection that could not be opened. Its folder stays as it is.
pub(super) struct Shut {
    description: Arc<Description>,
    /// What clients are told: the log names files, they are told none.
    cause: String,
    tried: Instant,
}

/// Where a collection of the catalogue stands.
#[derive(Clone)]
pub(super) enum Place {
    Open(Arc<Shard>),
    Shut(Arc<Shut>),
}

impl Shard {
    /// Makes a collection in a folder that is not there yet; none is left where that fails.
    ///
    /// # Errors
    /// `STORE_FULL`, `STORE_FAILED`.
    pub(super) fn create(folder: &Path, description: Description, lock: Arc<File>, room: &Arc<Room>) -> Result<Self> {
        room.check(0)?;
        let made = Engine::create(folder, description, lock).and_then(|engine| {
            engine.make_indexes(&engine.description().indexes()?)?;
            engine.flush()?;
            Ok(engine)
        });
        let engine = made.map_err(|error| {
            if folder.exists()
                && let Err(error) = std::fs::remove_dir_all(folder)
            {
                tracing::warn!(folder = %folder.display(), %error, "a collection that could not be made is left over");
            }
            // The engine does not say what it lacked.
            room.check(0).err().unwrap_or(error)
        })?;
        let engine = Arc::new(engine);
        let agreed = Kept::create(folder).and_then(|kept| kept.agree(&engine));
        let started = agreed.and_then(|agreed| Writer::start(engine.clone(), room.clone(), agreed, &BTreeSet::new()));
        let started = started.and_then(|writer| {
            writer.allocated()?;
            Ok(Self { writer, engine: engine.clone(), indexing: Arc::default() })
        });
        if started.is_err() {
            engine.remove_on_drop();
        }
        started
    }

    /// Opens a collection of the catalogue.
    ///
    /// # Errors
    /// With what was being done, and what came of it.
    pub(super) fn open(folder: &Path, entry: &Entry, lock: Arc<File>, room: &Arc<Room>) -> Result<Self, Refused> {
        if !folder.is_dir() {
            let error = Error::new(Reason::StoreFailed, "", "there is no such folder");
            return Err(Refused { step: "its folder is gone", error });
        }
        let kept = Kept::open(folder)?;
        let engine = Engine::open(folder, entry.description.clone(), lock, room);
        let engine = Arc::new(engine.map_err(|error| Refused { step: "its files cannot be read", error })?);
        let agreed = kept.agree(&engine);
        let agreed = agreed.map_err(|error| Refused { step: "points of it are missing", error })?;
        let writer = Writer::start(engine.clone(), room.clone(), agreed, &entry.unfinished);
        let writer = writer.map_err(|error| Refused { step: "its journal cannot be applied", error })?;
        Ok(Self { writer, engine, indexing: Arc::default() })
    }
}

impl Place {
    /// Opens a collection of the catalogue, or tells why that cannot be. `before` is what it was told the last time.
    pub(super) fn open(folder: &Path, entry: &Entry, lock: Arc<File>, room: &Arc<Room>, before: Option<&Shut>) -> Self {
        let Refused { step, error } = match Shard::open(folder, entry, lock, room) {
            Ok(shard) => return Self::Open(Arc::new(shard)),
            Err(failed) => failed,
        };
        let description = &entry.description;
        let cause = match error.reason {
            Reason::StoreFull => error.message.clone(),
            _ => step.to_owned(),
        };
        if before.is_none_or(|before| before.cause != cause) {
            let (collection, folder) = (description.physical(), folder.display());
            let mend = "stop the server, then: onespace store verify DIR, onespace store repair DIR";
            tracing::error!(
                collection, %folder, step, %error, mend, "a collection cannot be opened; the others are served"
            );
        }
        Self::Shut(Arc::new(Shut { description: Arc::new(description.clone()), cause, tried: Instant::now() }))
    }

    /// What it is.
    pub(super) fn description(&self) -> Arc<Description> {
        match self {
            Self::Open(shard) => shard.engine.description(),
            Self::Shut(shut) => shut.description.clone(),
        }
    }

    /// Whether it was opened with payload indexes that were unfinished and no longer are.
    pub(super) fn finished(&self, entry: &Entry) -> bool {
        let indexed = |shard: &Shard| shard.writer.indexed().is_ok();
        !entry.unfinished.is_empty() && matches!(self, Self::Open(shard) if indexed(shard))
    }

    /// What it says of itself.
    ///
    /// # Errors
    /// `STORE_FAILED`.
    pub(super) fn info(&self) -> Result<CollectionInfo> {
        match self {
            Self::Open(shard) => info(&shard.engine),
            Self::Shut(shut) => {
                Ok(CollectionInfo { unavailable: Some(shut.cause.clone()), ..shut.description.info(0) })
            }
        }
    }
}

/// What a collection says of itself.
///
/// # Errors
/// `STORE_FAILED`.
pub(super) fn info(engine: &Engine) -> Result<CollectionInfo> {
    Ok(engine.description().info(engine.counts()?.0 as u64))
}

impl Shut {
    /// The same under another description.
    pub(super) fn described(&self, description: Description) -> Self {
        Self { description: Arc::new(description), cause: self.cause.clone(), tried: self.tried }
    }

    /// Whether it was left alone long enough to be tried again.
    pub(super) fn rested(&self) -> bool {
        self.tried.elapsed() >= Duration::from_millis(STORE_REOPEN_MS as u64)
    }

    /// What every call on it is answered with.
    pub(super) fn error(&self) -> Error {
        let message = format!(
            "collection \"{}\" is there but cannot be opened: {}; the server's log says more",
            self.description.name, self.cause
        );
        Error::new(Reason::CollectionUnavailable, "collection", message)
    }
}

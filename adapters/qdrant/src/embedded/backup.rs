//! A backup of a store that goes on being read and written.
//!
//! ```text
//! TO/backup.json    the collections, and every file with its length and digest
//! TO/N.points       what a walk through collection N found, as records of its journal
//! TO/N.changes      what was written to it meanwhile, in order
//! ```
//!
//! The walk takes its time, so what it finds is of no one moment. Whatever is written from its beginning on is copied
//! beside it, and applying that after the walk gives the collection as it was at the end: a write that was acknowledged
//! before the backup began is in it, and one that came later is in it as a whole or not at all. It is not the engine's
//! files that are copied: the embedded engine gives no consistent copy of files that it writes to, and points can be
//! read by every later version.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    io::{self, BufWriter, Write},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use onespace_core::{Error, Reason, Result};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    catalogue::sync_directory,
    engine::Engine,
    fault::failed,
    journal::{Operation, Row, record_of},
    reads::{Found, Want},
    room::Room,
    shard::{Place, Shard},
    shared::Shared,
    tee::Tee,
};
use crate::description::Description;

/// What a backup holds.
pub(super) const MANIFEST: &str = "backup.json";
pub(super) const FORMAT: u32 = 1;
/// Points that are read together.
const PAGE: usize = 256;

/// The manifest of a backup.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    pub(super) format: u32,
    /// Those that names lead to come last.
    pub(super) collections: Vec<Held>,
    pub(super) files: BTreeMap<String, FileSum>,
    /// BLAKE3 of the same without this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) sum: Option<String>,
}

/// A collection of a backup: its files are `N.points` and `N.changes`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Held {
    pub(super) number: usize,
    pub(super) description: Description,
}

/// A file of a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FileSum {
    pub(super) bytes: u64,
    pub(super) digest: String,
}

/// What came of a backup.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backup {
    /// Collections that are in it.
    pub collections: usize,
    /// Points that were there when it began, and still when they were come to.
    pub points: u64,
    /// What it takes.
    pub bytes: u64,
    /// Points that are damaged and not in it.
    pub damaged: u64,
    /// Collections that cannot be opened and are not in it.
    pub unavailable: Vec<String>,
}

impl Manifest {
    /// The manifest's own checksum.
    ///
    /// # Errors
    /// None that is known.
    pub(super) fn sum(&self) -> io::Result<String> {
        let bytes = serde_json::to_vec(&Self { sum: None, ..self.clone() })?;
        Ok(blake3::hash(&bytes).to_hex().to_string())
    }
}

impl FileSum {
    /// That of a file.
    ///
    /// # Errors
    /// Those of the file system.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let digest = blake3::Hasher::new().update_reader(&file)?.finalize().to_hex().to_string();
        Ok(Self { bytes: file.metadata()?.len(), digest })
    }
}

/// Writes a backup to a folder that is not there yet; nothing stands there before it is whole. `progress` hears of
/// each collection.
///
/// # Errors
/// `FIELD_INVALID` when something is there; `STORE_FULL` when it is on the store's disk and that has no room;
/// `STORE_FAILED`.
pub(super) async fn backup(shared: Arc<Shared>, to: &Path, progress: &(dyn Fn(&str) + Sync)) -> Result<Backup> {
    let part = beside(to)?;
    fs::create_dir(&part).map_err(|error| failed(&format!("make {}", part.display()), error))?;
    let done = into(shared, &part, progress).await.and_then(|backup| {
        let finish = || {
            sync_directory(&part)?;
            fs::rename(&part, to)?;
            sync_directory(to.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new(".")))
        };
        finish().map_err(failing)?;
        Ok(backup)
    });
    if done.is_err() {
        drop(fs::remove_dir_all(&part));
    }
    done
}

/// The folder in which a backup is made.
fn beside(to: &Path) -> Result<PathBuf> {
    if to.exists() {
        let message = format!("{} is there already: a backup is a folder of its own", to.display());
        return Err(Error::new(Reason::FieldInvalid, "to", message));
    }
    let mut name = to.file_name().unwrap_or_default().to_owned();
    name.push(format!(".part-{}", Uuid::new_v4().simple()));
    Ok(to.with_file_name(name))
}

async fn into(shared: Arc<Shared>, part: &Path, progress: &(dyn Fn(&str) + Sync)) -> Result<Backup> {
    let mut backup = Backup::default();
    let mut manifest = Manifest { format: FORMAT, collections: Vec::new(), files: BTreeMap::new(), sum: None };
    for (number, (physical, place)) in shared.everything().into_iter().enumerate() {
        let shard = match place {
            Place::Open(shard) => shard,
            Place::Shut(_) => {
                backup.unavailable.push(physical);
                continue;
            }
        };
        progress(&format!("copying {physical}"));
        let names = [format!("{number}.points"), format!("{number}.changes")];
        let [points, changes] = names.each_ref().map(|name| part.join(name));
        let (found, damaged) = collection(&shared, &shard, points, &changes).await?;
        backup.collections += 1;
        backup.points += found;
        backup.damaged += damaged;
        let description = Description::clone(&shard.engine.description());
        manifest.collections.push(Held { number, description });
        for name in names {
            let sum = FileSum::of(&part.join(&name)).map_err(failing)?;
            backup.bytes += sum.bytes;
            manifest.files.insert(name, sum);
        }
    }
    manifest.sum = Some(manifest.sum().map_err(failing)?);
    let write = || {
        let mut file = File::create(part.join(MANIFEST))?;
        file.write_all(&serde_json::to_vec_pretty(&manifest)?)?;
        file.sync_all()
    };
    write().map_err(failing)?;
    Ok(backup)
}

/// Copies one collection; its points, and how many are damaged.
async fn collection(shared: &Arc<Shared>, shard: &Arc<Shard>, points: PathBuf, changes: &Path) -> Result<(u64, u64)> {
    let (tee, _wanted) = Tee::create(changes)?;
    shard.writer.tee(tee).await?;
    let (engine, room) = (shard.engine.clone(), shared.room.clone());
    let walked = tokio::task::spawn_blocking(move || walk(&engine, &points, &room)).await;
    let found = walked.map_err(|error| failed("finish its backup", error))?;
    shard.writer.untee().await?;
    found
}

fn walk(engine: &Engine, to: &Path, room: &Room) -> Result<(u64, u64)> {
    let file = File::create(to).map_err(failing)?;
    let device = |path: &Path| fs::metadata(path).map(|file| file.dev()).ok();
    let same_disk = device(to) == device(engine.folder());
    let mut file = BufWriter::new(file);
    let (mut points, mut damaged, mut from) = (0, 0, None);
    loop {
        if same_disk {
            room.check(0)?;
        }
        let (page, next) = engine.page(None, from, PAGE, Want::Id)?;
        let ids: Vec<_> = page.into_iter().map(|found| found.id).collect();
        let rows = engine.sound(&ids);
        let rows: Vec<_> = rows.into_iter().map(|Found { id, payload, vector }| Row { id, payload, vector }).collect();
        points += rows.len() as u64;
        if rows.len() < ids.len() {
            let there: BTreeSet<_> = rows.iter().map(|row| row.id).collect();
            let missing = ids.iter().filter(|id| !there.contains(*id));
            damaged += missing.filter(|id| engine.look_at(**id).is_err()).count() as u64;
        }
        let record = record_of(&Operation::Upsert(rows)).map_err(failing)?;
        file.write_all(&record).map_err(failing)?;
        from = next;
        if from.is_none() {
            break;
        }
    }
    let synced = file.flush().and_then(|()| file.get_ref().sync_all());
    synced.map_err(failing)?;
    Ok((points, damaged))
}

fn failing(error: io::Error) -> Error {
    failed("write a backup", error)
}

//! What is sound of a collection that is damaged, read from a copy of its files.

use std::{
    collections::HashSet,
    fs::{self, File},
    io,
    path::Path,
    sync::Arc,
};

use onespace_core::Result;
use uuid::Uuid;

use super::{
    copy::copy_folder,
    engine::Engine,
    fault::failed,
    inventory::{Listed, Listing},
    journal::{JOURNAL, Operation, Row, operations, rows_in},
    names::listed,
    reads::{Found, Want},
    room::Room,
    sums::{self, Sums},
    tidy::SHARD,
};
use crate::{description::Description, keys::ITEM};

/// Points that are looked at together.
const PAGE: usize = 256;

/// Where a collection lies, and where copies of its files may be made.
pub(super) struct Site<'a> {
    pub(super) folder: &'a Path,
    pub(super) scratch: &'a Path,
    pub(super) description: &'a Description,
    pub(super) lock: &'a Arc<File>,
    pub(super) room: &'a Room,
}

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct Salvaged {
    /// Points that are sound.
    pub(super) kept: Listing,
    /// Points that were acknowledged and are not.
    pub(super) lost: Listing,
    /// What else there is to tell.
    pub(super) remarks: Vec<String>,
}

/// Gives everything that is sound to `sink`, in an order in which the last word is right.
///
/// # Errors
/// Those of `sink`; `STORE_FAILED` where no copy can be made.
pub(super) fn salvage(site: &Site<'_>, mut sink: impl FnMut(Operation) -> Result<()>) -> Result<Salvaged> {
    let (mut expected, whole) = listed(site.folder);
    let journal = journaled(site.folder, &mut expected)?;
    let mut salvaged = Salvaged::default();
    if !whole {
        let remark = "journal or inventory are damaged: points may be lost that nothing tells of, or be there again";
        salvaged.remarks.push(remark.to_owned());
    }
    let mut unlisted = HashSet::new();
    for engine in engines(site, &mut salvaged.remarks)? {
        from_engine(&engine, |row| {
            let of_row = sums::sums(&row.payload).unwrap_or_default();
            let wanted = match expected.get(&row.id) {
                Some(listed) => unknown(&listed.sums) || listed.sums == of_row,
                None => !whole,
            };
            if wanted {
                keep(&mut salvaged.kept, &row);
                return sink(Operation::Upsert(vec![row]));
            }
            if !expected.contains_key(&row.id) {
                unlisted.insert(row.id);
            }
            Ok(())
        })?;
    }
    for operation in journal {
        match &operation {
            Operation::Upsert(rows) => rows.iter().for_each(|row| keep(&mut salvaged.kept, row)),
            Operation::Delete(ids) => ids.iter().for_each(|id| drop(salvaged.kept.remove(id))),
        }
        sink(operation)?;
    }
    if !unlisted.is_empty() {
        let remark = format!("{} points that were removed or never acknowledged are left behind", unlisted.len());
        salvaged.remarks.push(remark);
    }
    expected.retain(|id, _| !salvaged.kept.contains_key(id));
    salvaged.lost = expected;
    Ok(salvaged)
}

fn keep(kept: &mut Listing, row: &Row) {
    let item = row.payload.get(ITEM).and_then(|item| item.as_str()).unwrap_or_default().to_owned();
    kept.insert(row.id, Listed { item, sums: sums::sums(&row.payload).unwrap_or_default() });
}

fn unknown(sums: &Sums) -> bool {
    sums.iter().all(|byte| *byte == 0)
}

/// What the journal holds, in order. Of damaged records the points are expected, and their rows taken where they are
/// what was written.
fn journaled(folder: &Path, expected: &mut Listing) -> Result<Vec<Operation>> {
    let bytes = match fs::read(folder.join(JOURNAL)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        read => read.map_err(|error| failed("read a journal", error))?,
    };
    let contents = operations(&bytes);
    let rotten = contents.rot().is_some();
    let mut journal = contents.sound;
    // A torn end was never acknowledged.
    let ranges = if rotten { contents.damaged } else { Vec::new() };
    for range in ranges {
        let mut sound = Vec::new();
        for (id, row) in rows_in(bytes.get(range).unwrap_or_default()) {
            let is_sound = |row: &Row| row.payload.contains_key(crate::keys::SUMS) && sound_row(row);
            match row.filter(is_sound) {
                Some(row) => sound.push(row),
                None => drop(expected.entry(id).or_insert(Listed { item: String::new(), sums: Sums::default() })),
            }
        }
        journal.push(Operation::Upsert(sound));
    }
    journal.extend(contents.behind);
    Ok(journal)
}

fn sound_row(row: &Row) -> bool {
    sums::check(&row.payload, &row.vector).is_ok()
}

/// The engine on a copy of its files; where it cannot be opened, one engine for each segment that can.
fn engines(site: &Site<'_>, remarks: &mut Vec<String>) -> Result<Vec<Engine>> {
    let copying = |error: io::Error| failed("copy a collection", error);
    let from = site.folder.join(SHARD);
    if !from.is_dir() {
        remarks.push("the engine's files are gone".to_owned());
        return Ok(Vec::new());
    }
    let whole = site.scratch.join("whole");
    copy_folder(&from, &whole.join(SHARD)).map_err(copying)?;
    let mut broken = match open(site, &whole) {
        Ok(engine) => return Ok(vec![engine]),
        Err(error) => vec![error.message],
    };
    let mut engines = Vec::new();
    let entries = fs::read_dir(from.join("segments"));
    for entry in entries.into_iter().flatten().filter_map(Result::ok) {
        let alone = site.scratch.join(entry.file_name());
        let segment = alone.join(SHARD).join("segments").join(entry.file_name());
        fs::create_dir_all(alone.join(SHARD).join("wal")).map_err(copying)?;
        copy_folder(&entry.path(), &segment).map_err(copying)?;
        let opened = open(site, &alone).or_else(|_| {
            // Its payload indexes are made anew anyway.
            drop(fs::remove_dir_all(segment.join("payload_index")));
            open(site, &alone)
        });
        match opened {
            Ok(engine) => engines.push(engine),
            Err(error) => broken.push(error.message),
        }
    }
    remarks.append(&mut broken);
    Ok(engines)
}

fn open(site: &Site<'_>, folder: &Path) -> Result<Engine> {
    Engine::open(folder, site.description.clone(), site.lock.clone(), site.room)
}

/// Gives every sound point of an engine to `each`.
fn from_engine(engine: &Engine, mut each: impl FnMut(Row) -> Result<()>) -> Result<()> {
    let mut from = None;
    loop {
        let Ok((page, next)) = engine.page(None, from, PAGE, Want::Id) else { return Ok(()) };
        let ids: Vec<Uuid> = page.into_iter().map(|found| found.id).collect();
        for Found { id, payload, vector } in engine.sound(&ids) {
            each(Row { id, payload, vector })?;
        }
        from = next;
        if from.is_none() {
            return Ok(());
        }
    }
}

//! The one writer of a collection.
//!
//! A thread of its own takes writes from a bounded queue, in order. Those that wait together are journaled with
//! one sync, applied, and only then acknowledged. Between writes it flushes the engine and starts the journal
//! anew when that has grown, and has the engine optimise, on another thread, when enough has changed. While that
//! goes on writes and reads go on too, and nothing is flushed: the journal holds what comes in meanwhile. An
//! optimisation that fails may bring back what was deleted or replaced meanwhile; the journal then says so again.
//!
//! Before anything is journaled the disk must have room for all of it. Deletes are no exception: they free nothing
//! until segments are rewritten, which takes room first. Deleting a whole collection always works.

mod indexes;
mod upkeep;

use std::{
    collections::BTreeSet,
    io, mem,
    sync::Arc,
    thread::{self, JoinHandle},
};

use onespace_core::{
    Error, ItemId, Reason, Result, Tenant,
    limits::{STORE_QUEUE, STORE_RESERVE_MIN},
};
use qdrant_edge::Filter;
use tokio::sync::{mpsc, oneshot};

use super::{
    blocks::Blocks,
    catalogue::sync_directory,
    engine::{Engine, Want},
    fault::failed,
    journal::{Journal, Operation, Row},
    room::Room,
};
use crate::payload::{ITEM_AND_HASH, item_and_hash};

/// The journal's file, inside the collection's folder.
const JOURNAL: &str = "journal";
/// Writes that share one sync.
const GROUP: usize = 16;
/// A journal longer than this is cut; opening a store replays at most about this much, in well under a second.
const CHECKPOINT_BYTES: u64 = 16 * 1024 * 1024;
/// While an index is built the journal cannot be cut. When it has grown to this, writes wait until the index is
/// there: whoever writes faster than indexes are built is slowed down to their pace.
const JOURNAL_BYTES: u64 = 256 * 1024 * 1024;
/// What a write takes on the disk once it is journaled, as a multiple of its record: the engine's own log, the
/// payloads, the vectors.
const APPLIED: u64 = 3;
/// Bytes that files are ready to take without being looked at again.
const AHEAD: u64 = 512 * 1024;
/// What allocating leaves to the writers of other collections, which may be about to touch files that are new.
const OTHERS: u64 = STORE_RESERVE_MIN as u64 / 4;
type Reply<T> = oneshot::Sender<Result<T>>;

enum Command {
    Upsert(Vec<Row>, Reply<()>),
    Delete {
        tenant: Tenant,
        filter: Filter,
        reply: Reply<u64>,
    },
    /// Makes the payload indexes of some fields anew.
    Index(BTreeSet<String>, Reply<()>),
    /// The optimisation is over.
    Optimised,
}

/// The way to a collection's writer. Dropping it writes out what is pending and waits for that.
#[derive(Debug)]
pub(super) struct Writer {
    commands: Option<mpsc::Sender<Command>>,
    thread: Option<JoinHandle<()>>,
    /// What came of allocating its files when it was started.
    allocated: Result<()>,
    /// What came of the payload indexes that it was to finish when it was started.
    indexed: Result<()>,
}

impl Writer {
    /// Applies what the journal holds, makes payload indexes anew that a stop left unfinished, and starts the thread.
    ///
    /// # Errors
    /// `STORE_FULL` when there is no room to apply the journal, `STORE_FAILED`.
    pub(super) fn start(engine: Arc<Engine>, room: Arc<Room>, unfinished: &BTreeSet<String>) -> Result<Self> {
        let path = engine.folder().join(JOURNAL);
        let (journal, pending) = Journal::open(&path).map_err(|error| failed("open the journal", error))?;
        let (commands, queue) = mpsc::channel(STORE_QUEUE);
        let mut writing = Writing {
            blocks: Blocks::below(&engine.mapped()),
            engine,
            room,
            journal,
            unindexed: 0,
            short: true,
            unrecovered: false,
            postponed: false,
            optimising: None,
            indexing: Vec::new(),
            commands: commands.downgrade(),
        };
        if !pending.is_empty() {
            tracing::info!(operations = pending.len(), journal = %path.display(), "applying what was journaled");
        }
        let again: usize = pending.iter().map(Operation::points).sum();
        if !pending.is_empty() {
            writing.apply_again(pending)?;
            writing.flush()?;
        }
        let indexed = if unfinished.is_empty() { Ok(()) } else { writing.finish_indexes(unfinished)? };
        // What it cannot have yet is asked for again by the first write.
        let allocated = writing.room.check(0).and_then(|()| writing.allocate(AHEAD));
        sync_directory(writing.engine.folder()).map_err(|error| failed("sync its folder", error))?;
        // What was written again is in no index any more, which the engine's counts do not tell.
        writing.unindexed = writing.engine.counts()?.1.max(again);
        let name = writing.engine.description().physical();
        let thread = thread::Builder::new().name(format!("write {name}")).spawn(move || writing.run(queue));
        let thread = thread.map_err(|error| failed("start a thread", error))?;
        Ok(Self { commands: Some(commands), thread: Some(thread), allocated, indexed })
    }

    /// Writes points; returns once they would survive a kill.
    ///
    /// # Errors
    /// `STORE_FULL`, `STORE_FAILED`, `STORE_UNAVAILABLE` when the collection is being closed.
    pub(super) async fn upsert(&self, rows: Vec<Row>) -> Result<()> {
        self.send(|reply| Command::Upsert(rows, reply)).await
    }

    /// Removes a tenant's points that the filter lets through; returns of how many items.
    ///
    /// # Errors
    /// As [`Self::upsert`].
    pub(super) async fn delete(&self, tenant: Tenant, filter: Filter) -> Result<u64> {
        self.send(|reply| Command::Delete { tenant, filter, reply }).await
    }

    /// Makes the payload indexes of some fields anew; returns once they are durable. While the engine optimises it
    /// cannot be flushed: then the indexes come after that.
    ///
    /// # Errors
    /// As [`Self::upsert`].
    pub(super) async fn index(&self, fields: BTreeSet<String>) -> Result<()> {
        self.send(|reply| Command::Index(fields, reply)).await
    }

    /// Whether the payload indexes that it was to finish when it was started are there.
    ///
    /// # Errors
    /// `STORE_FULL`.
    pub(super) fn indexed(&self) -> Result<()> {
        self.indexed.clone()
    }

    /// Whether the files it began with have all their blocks.
    ///
    /// # Errors
    /// `STORE_FULL`.
    pub(super) fn allocated(&self) -> Result<()> {
        self.allocated.clone()
    }

    async fn send<T>(&self, command: impl FnOnce(Reply<T>) -> Command) -> Result<T> {
        let gone = || Error::new(Reason::StoreUnavailable, "", "the collection is being closed");
        let (reply, answer) = oneshot::channel();
        let commands = self.commands.as_ref().ok_or_else(gone)?;
        commands.send(command(reply)).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.commands = None;
        if let Some(thread) = self.thread.take() {
            // It catches what panics; there is nothing to learn from its end.
            drop(thread.join());
        }
    }
}

struct Writing {
    engine: Arc<Engine>,
    room: Arc<Room>,
    journal: Journal,
    blocks: Blocks,
    /// Points written that no index covers, roughly.
    unindexed: usize,
    /// Not all that the engine maps is known to have blocks.
    short: bool,
    /// An optimisation failed, and the engine may lack what the journal holds.
    unrecovered: bool,
    /// An optimisation waits for room, and that was said.
    postponed: bool,
    optimising: Option<JoinHandle<Result<bool>>>,
    /// Indexes to make once no optimisation is under way.
    indexing: Vec<(BTreeSet<String>, Reply<()>)>,
    /// For the end of an optimisation to be told; weak, so that it keeps no collection open.
    commands: mpsc::WeakSender<Command>,
}

impl Writing {
    fn run(mut self, mut queue: mpsc::Receiver<Command>) {
        // A stop may have come before the index did, and nobody may write again.
        self.maintain();
        while let Some(first) = queue.blocking_recv() {
            let mut group = vec![first];
            while group.len() < GROUP
                && let Ok(next) = queue.try_recv()
            {
                group.push(next);
            }
            self.serve(group);
            self.maintain();
            if self.journal.len() >= JOURNAL_BYTES {
                self.wait();
                self.maintain();
            }
        }
        // The engine flushes when it is closed: a full disk lends what that takes.
        self.room.lend();
        if self.settled()
            && let Err(error) = self.checkpoint()
        {
            tracing::error!(%error, "the last flush failed; the journal keeps what it was to bring to the disk");
        }
    }

    fn serve(&mut self, group: Vec<Command>) {
        let mut upserts = Vec::new();
        for command in group {
            match command {
                Command::Upsert(rows, reply) => upserts.push((Operation::Upsert(rows), reply)),
                // It is said just before the end.
                Command::Optimised => self.wait(),
                Command::Index(fields, reply) => self.indexing.push((fields, reply)),
                Command::Delete { tenant, filter, reply } => {
                    // What came before may be what is to be deleted.
                    self.commit(mem::take(&mut upserts));
                    // Whoever asked may have gone away.
                    drop(reply.send(self.delete(&tenant, &filter)));
                }
            }
        }
        self.commit(upserts);
    }

    fn delete(&mut self, tenant: &Tenant, filter: &Filter) -> Result<u64> {
        let found = self.engine.scroll_all(filter, Want::Fields(&ITEM_AND_HASH))?;
        let items: BTreeSet<ItemId> =
            found.iter().map(|point| Ok(item_and_hash(tenant, &point.payload)?.0)).collect::<Result<_>>()?;
        if !found.is_empty() {
            let (reply, mut answer) = oneshot::channel();
            self.commit(vec![(Operation::Delete(found.iter().map(|point| point.id).collect()), reply)]);
            answer.try_recv().map_err(|_| Error::internal("a delete was not answered"))??;
        }
        Ok(items.len() as u64)
    }

    /// Journals all, syncs once, applies and acknowledges one after the other.
    fn commit(&mut self, writes: Vec<(Operation, Reply<()>)>) {
        if writes.is_empty() {
            return;
        }
        let mut start = self.journal.len();
        let (mut outcome, ends) = match self.promised(&writes) {
            Ok(ends) => (Ok(()), ends),
            Err(error) => (Err(error), Vec::new()),
        };
        let mut ends = ends.into_iter();
        for (operation, reply) in writes {
            let points = operation.points();
            if outcome.is_ok() {
                outcome = self.engine.apply(operation).map_err(|error| {
                    // The engine does not say what it lacked.
                    let error = self.room.check(0).err().unwrap_or(error);
                    self.forget(start, error)
                });
                self.unindexed += points;
            }
            start = ends.next().unwrap_or(start);
            drop(reply.send(outcome.clone()));
        }
        if outcome.is_ok() {
            // Files that the engine has made on the way; those that it cannot have blocks for let no further write in.
            drop(self.allocate(AHEAD));
        }
    }

    /// Journals all where there is room to apply it; where the records end.
    fn promised(&mut self, writes: &[(Operation, Reply<()>)]) -> Result<Vec<u64>> {
        self.ready()?;
        let (start, mut ends) = (self.journal.len(), Vec::new());
        let journaled =
            self.journal_all(writes, &mut ends).map_err(|error| self.room.error("write its journal", error));
        let promised = journaled.and_then(|()| {
            let bytes = self.journal.len().saturating_sub(start);
            self.room.check(bytes.saturating_mul(APPLIED))?;
            if bytes > AHEAD { self.allocate(bytes) } else { Ok(()) }
        });
        match promised {
            Ok(()) => Ok(ends),
            Err(error) => Err(self.forget(start, error)),
        }
    }

    /// Whether anything can be written now.
    fn ready(&mut self) -> Result<()> {
        if self.engine.broken() {
            return Err(Error::new(Reason::StoreFailed, "", "an earlier write panicked: restart to write again"));
        }
        self.room.check(0)?;
        self.applied_again()?;
        if self.short { self.allocate(AHEAD) } else { Ok(()) }
    }

    /// Has the engine's files take `ahead` bytes more without the disk being asked for a block.
    fn allocate(&mut self, ahead: u64) -> Result<()> {
        let allocated = self.blocks.allocate(ahead, &self.room, OTHERS);
        let was_short = mem::replace(&mut self.short, allocated.is_err());
        if let Err(error) = &allocated
            && !was_short
        {
            let collection = self.engine.description().physical();
            tracing::warn!(%error, collection, "no room for its files: it takes no writes until there is");
        }
        allocated
    }

    /// Applies what is journaled already. That was promised, so it may use up the reserve.
    fn apply_again(&mut self, operations: Vec<Operation>) -> Result<()> {
        self.room.has(self.journal.len().saturating_mul(APPLIED))?;
        let mut ready = 0;
        for operation in operations {
            let bytes = operation.bytes();
            if ready < bytes {
                ready = bytes.max(AHEAD);
                self.blocks.allocate(ready, &self.room, 0)?;
            }
            ready -= bytes;
            self.engine.apply(operation)?;
        }
        Ok(())
    }

    fn journal_all(&mut self, writes: &[(Operation, Reply<()>)], ends: &mut Vec<u64>) -> io::Result<()> {
        for (operation, _) in writes {
            self.journal.append(operation)?;
            ends.push(self.journal.len());
        }
        self.journal.sync()
    }

    /// Takes out of the journal what was not done, so that it is not done at the next start either.
    fn forget(&mut self, start: u64, error: Error) -> Error {
        if let Err(rewinding) = self.journal.rewind(start) {
            tracing::error!(error = %rewinding, "the journal could not be rewound: a refused write may come back");
        }
        error
    }
}

#[cfg(test)]
mod tests;

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

mod commit;
mod indexes;
mod upkeep;

use std::{
    collections::BTreeSet,
    mem,
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
    engine::Engine,
    fault::failed,
    inventory::{Change, Inventory},
    journal::{Journal, Operation, Row},
    kept::Agreed,
    room::Room,
    tee::Tee,
};
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
    Write(Operation, Reply<()>),
    Delete {
        tenant: Tenant,
        items: Vec<ItemId>,
        filter: Filter,
        reply: Reply<u64>,
    },
    /// Copies what is written from now on.
    Tee(Tee, Reply<()>),
    /// Ends that.
    Untee(Reply<()>),
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
    pub(super) fn start(
        engine: Arc<Engine>,
        room: Arc<Room>,
        agreed: Agreed,
        unfinished: &BTreeSet<String>,
    ) -> Result<Self> {
        let Agreed { journal, pending, inventory } = agreed;
        let (commands, queue) = mpsc::channel(STORE_QUEUE);
        let mut writing = Writing {
            blocks: Blocks::below(&engine.mapped()),
            engine,
            room,
            journal,
            inventory,
            changes: Vec::new(),
            tee: None,
            unindexed: 0,
            short: true,
            unrecovered: false,
            postponed: false,
            optimising: None,
            indexing: Vec::new(),
            commands: commands.downgrade(),
        };
        if !pending.is_empty() {
            let folder = writing.engine.folder().display();
            tracing::info!(operations = pending.len(), %folder, "applying what was journaled");
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
        self.write(Operation::Upsert(rows)).await
    }

    /// As [`Self::upsert`], of any operation.
    ///
    /// # Errors
    /// As [`Self::upsert`].
    pub(super) async fn write(&self, operation: Operation) -> Result<()> {
        self.send(|reply| Command::Write(operation, reply)).await
    }

    /// Removes a tenant's points that the filter lets through, and damaged ones of these items, which no filter can
    /// see; returns of how many items.
    ///
    /// # Errors
    /// As [`Self::upsert`].
    pub(super) async fn delete(&self, tenant: Tenant, items: Vec<ItemId>, filter: Filter) -> Result<u64> {
        self.send(|reply| Command::Delete { tenant, items, filter, reply }).await
    }

    /// Has everything that is written from now on copied; what was acknowledged before can be read by now.
    ///
    /// # Errors
    /// `STORE_FAILED` when that is done already, `STORE_UNAVAILABLE`.
    pub(super) async fn tee(&self, tee: Tee) -> Result<()> {
        self.send(|reply| Command::Tee(tee, reply)).await
    }

    /// Ends what [`Self::tee`] began; the copy is durable.
    ///
    /// # Errors
    /// `STORE_FAILED` when something could not be copied.
    pub(super) async fn untee(&self) -> Result<()> {
        self.send(Command::Untee).await
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
    inventory: Inventory,
    /// What the journal holds, for the inventory.
    changes: Vec<Change>,
    /// Where writes are copied to, while there is a backup.
    tee: Option<Tee>,
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
        if self.settled() {
            match self.checkpoint() {
                Ok(()) => self.engine.seal_on_drop(),
                Err(error) => {
                    tracing::error!(%error, "the last flush failed; the journal keeps what it lacks");
                }
            }
        }
    }

    fn serve(&mut self, group: Vec<Command>) {
        let mut writes = Vec::new();
        for command in group {
            match command {
                Command::Write(operation, reply) => writes.push((operation, reply)),
                // It is said just before the end.
                Command::Optimised => self.wait(),
                Command::Index(fields, reply) => self.indexing.push((fields, reply)),
                Command::Delete { tenant, items, filter, reply } => {
                    // What came before may be what is to be deleted.
                    self.commit(mem::take(&mut writes));
                    // Whoever asked may have gone away.
                    drop(reply.send(self.delete(&tenant, &items, &filter)));
                }
                Command::Tee(tee, reply) => {
                    self.commit(mem::take(&mut writes));
                    drop(reply.send(self.begin_tee(tee)));
                }
                Command::Untee(reply) => {
                    self.commit(mem::take(&mut writes));
                    drop(reply.send(self.tee.take().map_or(Ok(()), Tee::end)));
                }
            }
        }
        self.commit(writes);
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
            self.changes.extend(Change::of(&operation));
            self.engine.apply(operation)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;

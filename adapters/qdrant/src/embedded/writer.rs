//! The one writer of a collection.
//!
//! A thread of its own takes writes from a bounded queue, in order. Those that wait together are journaled with
//! one sync, applied, and only then acknowledged. Between writes it flushes the engine and starts the journal
//! anew when that has grown, and has the engine optimise, on another thread, when enough has changed. While that
//! goes on writes and reads go on too, and nothing is flushed: the journal holds what comes in meanwhile.

use std::{
    collections::BTreeSet,
    io, mem,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
};

use onespace_core::{Error, ItemId, Reason, Result, Tenant, limits::STORE_QUEUE};
use qdrant_edge::Filter;
use tokio::sync::{mpsc, oneshot};

use super::{
    engine::{Engine, Want, failed},
    journal::{Journal, Operation, Row},
};
use crate::schema::{ITEM_AND_HASH, item_and_hash};

/// The journal's file, inside the collection's folder.
const JOURNAL: &str = "journal";
/// Writes that share one sync.
const GROUP: usize = 16;
/// A journal longer than this is cut; opening a store replays at most about this much, in well under a second.
const CHECKPOINT_BYTES: u64 = 16 * 1024 * 1024;
/// Vectors written since the last optimisation that call for the next: 20 480 of dimension 256, searched
/// exhaustively in about 1.5 ms.
const OPTIMISE_BYTES: usize = 20 * 1024 * 1024;

type Reply<T> = oneshot::Sender<Result<T>>;

enum Command {
    Upsert(Vec<Row>, Reply<()>),
    Delete { tenant: Tenant, filter: Filter, reply: Reply<u64> },
}

/// The way to a collection's writer. Dropping it writes out what is pending and waits for that.
#[derive(Debug)]
pub(super) struct Writer {
    commands: Option<mpsc::Sender<Command>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Applies what the journal holds and starts the thread.
    ///
    /// # Errors
    /// `STORE_FAILED`.
    pub(super) fn start(engine: Arc<Engine>) -> Result<Self> {
        let path = engine.folder().join(JOURNAL);
        let (journal, pending) = Journal::open(&path).map_err(|error| failed("open the journal", error))?;
        let mut writing = Writing { engine, journal, unindexed: 0, optimising: Arc::new(AtomicBool::new(false)) };
        if !pending.is_empty() {
            tracing::info!(operations = pending.len(), journal = %path.display(), "applying what was journaled");
        }
        pending.into_iter().try_for_each(|operation| writing.engine.apply(operation))?;
        writing.checkpoint()?;
        writing.unindexed = writing.engine.counts()?.1;
        let (commands, queue) = mpsc::channel(STORE_QUEUE);
        let name = writing.engine.description().physical();
        let thread = thread::Builder::new().name(format!("write {name}")).spawn(move || writing.run(queue));
        Ok(Self { commands: Some(commands), thread: Some(thread.map_err(|error| failed("start a thread", error))?) })
    }

    /// Writes points; returns once they would survive a kill.
    ///
    /// # Errors
    /// `STORE_FAILED`, `STORE_UNAVAILABLE` when the collection is being closed.
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
    journal: Journal,
    /// Points written that no index covers, roughly.
    unindexed: usize,
    optimising: Arc<AtomicBool>,
}

impl Writing {
    fn run(mut self, mut queue: mpsc::Receiver<Command>) {
        while let Some(first) = queue.blocking_recv() {
            let mut group = vec![first];
            while group.len() < GROUP
                && let Ok(next) = queue.try_recv()
            {
                group.push(next);
            }
            self.serve(group);
            self.maintain();
        }
        if !self.optimising.load(Ordering::Acquire)
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
        let mut outcome = match self.engine.broken() {
            true => Err(Error::new(Reason::StoreFailed, "", "an earlier write panicked: restart to write again")),
            false => Ok(()),
        };
        let mut start = self.journal.len();
        let mut ends = Vec::new();
        if outcome.is_ok() && !writes.is_empty() {
            outcome = self
                .journal_all(&writes, &mut ends)
                .map_err(|error| self.forget(start, failed("write its journal", error)));
        }
        let mut ends = ends.into_iter();
        for (operation, reply) in writes {
            let points = operation.points();
            if outcome.is_ok() {
                outcome = self.engine.apply(operation).map_err(|error| self.forget(start, error));
                self.unindexed += points;
            }
            start = ends.next().unwrap_or(start);
            drop(reply.send(outcome.clone()));
        }
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

    fn maintain(&mut self) {
        if self.optimising.load(Ordering::Acquire) || self.engine.broken() {
            return;
        }
        let vector_bytes = self.engine.description().dimension * size_of::<f32>();
        let optimise = self.unindexed.saturating_mul(vector_bytes) >= OPTIMISE_BYTES;
        if (optimise || self.journal.len() >= CHECKPOINT_BYTES)
            && let Err(error) = self.checkpoint()
        {
            tracing::error!(%error, "a flush failed; the journal keeps what it was to bring to the disk");
            return;
        }
        if optimise {
            self.optimise();
        }
    }

    fn checkpoint(&mut self) -> Result<()> {
        if self.journal.len() == 0 {
            return Ok(());
        }
        self.engine.flush()?;
        self.journal.rewind(0).map_err(|error| failed("cut its journal", error))
    }

    fn optimise(&mut self) {
        self.unindexed = 0;
        self.optimising.store(true, Ordering::Release);
        let (engine, optimising) = (self.engine.clone(), self.optimising.clone());
        let name = engine.description().physical();
        let spawned = thread::Builder::new().name(format!("optimise {name}")).spawn(move || {
            match engine.optimise() {
                Ok(_) => optimising.store(false, Ordering::Release),
                // What the engine holds may be half swapped: no flush from here on, so the journal keeps everything.
                Err(error) => {
                    tracing::error!(%error, collection = name, "optimising failed; it is tried again after a restart")
                }
            }
        });
        if let Err(error) = spawned {
            self.optimising.store(false, Ordering::Release);
            tracing::error!(%error, "no thread to optimise on");
        }
    }
}

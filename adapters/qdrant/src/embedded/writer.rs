//! The one writer of a collection.
//!
//! A thread of its own takes writes from a bounded queue, in order. Those that wait together are journaled with
//! one sync, applied, and only then acknowledged. Between writes it flushes the engine and starts the journal
//! anew when that has grown, and has the engine optimise, on another thread, when enough has changed. While that
//! goes on writes and reads go on too, and nothing is flushed: the journal holds what comes in meanwhile. An
//! optimisation that fails may bring back what was deleted or replaced meanwhile; the journal then says so again.

use std::{
    collections::BTreeSet,
    io, mem,
    sync::Arc,
    thread::{self, JoinHandle},
};

use onespace_core::{Error, ItemId, Reason, Result, Tenant, limits::STORE_QUEUE};
use qdrant_edge::Filter;
use tokio::sync::{mpsc, oneshot};

use super::{
    catalogue::sync_directory,
    engine::{Engine, INDEX_KIB, Want, failed},
    journal::{Journal, Operation, Row},
};
use crate::schema::{ITEM_AND_HASH, item_and_hash};

/// The journal's file, inside the collection's folder.
const JOURNAL: &str = "journal";
/// Writes that share one sync.
const GROUP: usize = 16;
/// A journal longer than this is cut; opening a store replays at most about this much, in well under a second.
const CHECKPOINT_BYTES: u64 = 16 * 1024 * 1024;
/// While an index is built the journal cannot be cut. When it has grown to this, writes wait until the index is
/// there: whoever writes faster than indexes are built is slowed down to their pace.
const JOURNAL_BYTES: u64 = 256 * 1024 * 1024;
type Reply<T> = oneshot::Sender<Result<T>>;

enum Command {
    Upsert(Vec<Row>, Reply<()>),
    Delete {
        tenant: Tenant,
        filter: Filter,
        reply: Reply<u64>,
    },
    /// The optimisation is over.
    Optimised,
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
        let (commands, queue) = mpsc::channel(STORE_QUEUE);
        let mut writing = Writing { engine, journal, unindexed: 0, optimising: None, commands: commands.downgrade() };
        if !pending.is_empty() {
            tracing::info!(operations = pending.len(), journal = %path.display(), "applying what was journaled");
        }
        let again: usize = pending.iter().map(Operation::points).sum();
        pending.into_iter().try_for_each(|operation| writing.engine.apply(operation))?;
        writing.checkpoint()?;
        sync_directory(writing.engine.folder()).map_err(|error| failed("sync its folder", error))?;
        // What was written again is in no index any more, which the engine's counts do not tell.
        writing.unindexed = writing.engine.counts()?.1.max(again);
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
    optimising: Option<JoinHandle<Result<bool>>>,
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
        if !self.settled() {
            return;
        }
        let vector_bytes = self.engine.description().dimension * size_of::<f32>();
        let optimise = self.unindexed.saturating_mul(vector_bytes) >= INDEX_KIB * 1024;
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
        let (engine, commands) = (self.engine.clone(), self.commands.clone());
        let name = engine.description().physical();
        let spawned = thread::Builder::new().name(format!("optimise {name}")).spawn(move || {
            let outcome = engine.optimise();
            // Before it is said to be over: a store that is closed then holds its files no longer.
            drop(engine);
            if let Some(commands) = commands.upgrade() {
                // A full queue needs no telling: the writer looks after every group.
                drop(commands.try_send(Command::Optimised));
            }
            outcome
        });
        match spawned {
            Ok(thread) => self.optimising = Some(thread),
            Err(error) => tracing::error!(%error, "no thread to optimise on"),
        }
    }

    /// Waits until no optimisation is under way.
    fn wait(&mut self) {
        let ended = self.optimising.take().map(JoinHandle::join);
        if let Some(Ok(Err(error))) = ended {
            self.recover(&error);
        }
    }

    /// Whether no optimisation is under way and the engine holds what the journal says, so that it may be flushed.
    fn settled(&mut self) -> bool {
        if self.optimising.as_ref().is_some_and(|thread| !thread.is_finished()) {
            return false;
        }
        self.wait();
        !self.engine.broken()
    }

    /// Applies the journal again after an optimisation that failed.
    fn recover(&mut self, error: &Error) {
        tracing::error!(%error, collection = self.engine.description().physical(), "optimising failed");
        let again = self.journal.operations().map_err(|error| failed("read its journal", error));
        let again = again.and_then(|journal| journal.into_iter().try_for_each(|write| self.engine.apply(write)));
        if let Err(error) = again {
            tracing::error!(%error, "the journal could not be applied again");
            self.engine.distrust();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        collections::BTreeMap,
        fs::File,
        time::{Duration, Instant},
    };

    use onespace_core::Fingerprint;
    use serde_json::Map;
    use uuid::Uuid;

    use super::*;
    use crate::schema::Description;

    /// So long that few of them are worth an index.
    const DIMENSION: usize = 4096;

    #[test]
    fn what_a_stop_left_without_an_index_gets_one_without_another_write() {
        let directory = tempfile::tempdir().unwrap();
        let lock = Arc::new(File::create(directory.path().join("lock")).unwrap());
        let (name, space) = ("photos".parse().unwrap(), Fingerprint::of(b"space"));
        let description = Description { name, space, dimension: DIMENSION, indexed: BTreeMap::new() };
        let engine = Arc::new(Engine::create(&directory.path().join("photos"), description, lock).unwrap());
        let mut seed = 1_u32;
        let mut next = || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 8) as f32 / (1 << 23) as f32 - 1.0
        };
        let enough = INDEX_KIB * 1024 / (DIMENSION * size_of::<f32>()) + 100;
        let rows = (0..enough).map(|n| {
            let vector = (0..DIMENSION).map(|_| next()).collect();
            Row { id: Uuid::from_u128(n as u128), payload: Map::new(), vector }
        });
        let written = Operation::Upsert(rows.collect());
        engine.apply(written.clone()).unwrap();
        engine.flush().unwrap();
        for (left, what) in [(false, "none of it was indexed"), (true, "all of it is in the journal still")] {
            if left {
                let (mut journal, _) = Journal::open(&engine.folder().join(JOURNAL)).unwrap();
                journal.append(&written).unwrap();
                journal.sync().unwrap();
            }
            drop(Writer::start(engine.clone()).unwrap());
            let start = Instant::now();
            while Arc::strong_count(&engine) > 1 {
                assert!(start.elapsed() < Duration::from_secs(300), "{what}: the index is never done");
                thread::sleep(Duration::from_millis(10));
            }
            assert_eq!(engine.counts().unwrap(), (enough, 0), "{what}");
            assert!(!engine.optimise().unwrap(), "{what}: something was left to do");
        }
    }
}

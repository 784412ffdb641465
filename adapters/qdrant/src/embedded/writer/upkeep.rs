//! What a writer does between writes: flush, cut the journal, have the engine optimise.

use std::{
    mem,
    thread::{self, JoinHandle},
};

use onespace_core::{Error, Reason, Result};

use super::{AHEAD, CHECKPOINT_BYTES, Command, Writing};
use crate::embedded::{engine::INDEX_KIB, fault::failed, room::Promise};

impl Writing {
    pub(super) fn maintain(&mut self) {
        let settled = self.settled();
        // Where it is not settled but idle, they are told why.
        self.make_indexes();
        if !settled {
            return;
        }
        let vector_bytes = self.engine.description().dimension * size_of::<f32>();
        let optimise = self.unindexed.saturating_mul(vector_bytes) >= INDEX_KIB * 1024;
        let promise = if optimise { self.room_to_optimise() } else { None };
        // A flush may let files grow.
        let cut = self.journal.len() >= CHECKPOINT_BYTES && self.room.check(0).is_ok();
        if (promise.is_some() || cut)
            && let Err(error) = self.checkpoint()
        {
            tracing::error!(%error, "a flush failed; the journal keeps what it was to bring to the disk");
            return;
        }
        if let Some(promise) = promise {
            self.optimise(promise);
        }
    }

    /// An optimisation writes the collection once more before the old files go.
    fn room_to_optimise(&mut self) -> Option<Promise> {
        let promise = self.room.promise(self.blocks.taken());
        let was_postponed = mem::replace(&mut self.postponed, promise.is_err());
        if let Err(error) = &promise
            && !was_postponed
        {
            tracing::warn!(%error, collection = self.engine.description().physical(), "no room to build its index yet");
        }
        promise.ok()
    }

    pub(super) fn checkpoint(&mut self) -> Result<()> {
        if self.journal.len() == 0 {
            return Ok(());
        }
        if self.short {
            self.allocate(AHEAD)?;
        }
        self.flush()
    }

    /// Brings what was applied to the disk, lists it and starts the journal anew.
    pub(super) fn flush(&mut self) -> Result<()> {
        self.engine.flush()?;
        self.inventory.append(&self.changes).map_err(|error| self.room.error("write its inventory", error))?;
        self.changes.clear();
        self.journal.rewind(0).map_err(|error| failed("cut its journal", error))
    }

    fn optimise(&mut self, promise: Promise) {
        self.unindexed = 0;
        let (engine, commands) = (self.engine.clone(), self.commands.clone());
        let name = engine.description().physical();
        let spawned = thread::Builder::new().name(format!("optimise {name}")).spawn(move || {
            let outcome = engine.optimise();
            drop(promise);
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
    pub(super) fn wait(&mut self) {
        let Some(ended) = self.optimising.take().map(JoinHandle::join) else { return };
        if let Ok(Err(error)) = ended {
            self.recover(&error);
        }
        drop(self.allocate(AHEAD));
    }

    /// Whether no optimisation is under way and the engine holds what the journal says, so that it may be flushed.
    pub(super) fn settled(&mut self) -> bool {
        if self.optimising.as_ref().is_some_and(|thread| !thread.is_finished()) {
            return false;
        }
        self.wait();
        !self.engine.broken() && !self.unrecovered
    }

    /// Applies the journal again after an optimisation that failed.
    fn recover(&mut self, error: &Error) {
        tracing::error!(%error, collection = self.engine.description().physical(), "optimising failed");
        self.unrecovered = true;
        // Without room the next write tries that again.
        drop(self.applied_again());
    }

    /// Whether the engine holds what the journal says; where an optimisation that failed leaves that open, it is
    /// applied again.
    ///
    /// # Errors
    /// `STORE_FULL`; `STORE_FAILED`, and then nothing is written any more.
    pub(super) fn applied_again(&mut self) -> Result<()> {
        if !self.unrecovered {
            return Ok(());
        }
        let journal = self.journal.operations().map_err(|error| failed("read its journal", error));
        let again = journal.and_then(|journal| self.apply_again(journal));
        match &again {
            Ok(()) => self.unrecovered = false,
            Err(error) if error.reason == Reason::StoreFull => {}
            Err(error) => {
                tracing::error!(%error, "the journal could not be applied again");
                self.engine.mark_broken();
            }
        }
        again
    }
}

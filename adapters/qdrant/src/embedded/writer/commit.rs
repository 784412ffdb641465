//! How a writer journals, applies and acknowledges.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
};

use onespace_core::{Error, ItemId, Result, Tenant};
use qdrant_edge::Filter;
use tokio::sync::oneshot;

use super::{AHEAD, APPLIED, Reply, Writing};
use crate::{
    embedded::{fault::failed, inventory::Change, journal::Operation, reads::Want, tee::Tee},
    payload::{ITEM_AND_HASH, item_and_hash},
};

impl Writing {
    pub(super) fn begin_tee(&mut self, tee: Tee) -> Result<()> {
        if self.tee.as_ref().is_some_and(|tee| !tee.abandoned()) {
            return Err(failed("begin a backup", "another one is under way"));
        }
        self.tee = Some(tee);
        Ok(())
    }

    pub(super) fn delete(&mut self, tenant: &Tenant, items: &[ItemId], filter: &Filter) -> Result<u64> {
        let found = self.engine.scroll_all(filter, Want::Fields(&ITEM_AND_HASH), |point| {
            Ok((point.id, item_and_hash(tenant, &point.payload)?.0))
        })?;
        let points: BTreeMap<_, _> = found.into_iter().chain(self.engine.damaged.of_items(items)).collect();
        let removed: BTreeSet<ItemId> = points.values().cloned().collect();
        if !points.is_empty() {
            let (reply, mut answer) = oneshot::channel();
            self.commit(vec![(Operation::Delete(points.into_keys().collect()), reply)]);
            answer.try_recv().map_err(|_| Error::internal("a delete was not answered"))??;
        }
        Ok(removed.len() as u64)
    }

    /// Journals all, syncs once, applies and acknowledges one after the other.
    pub(super) fn commit(&mut self, writes: Vec<(Operation, Reply<()>)>) {
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
            if outcome.is_ok() {
                outcome = self.apply(operation, start);
            }
            start = ends.next().unwrap_or(start);
            drop(reply.send(outcome.clone()));
        }
        if outcome.is_ok() {
            // Files that the engine has made on the way; those that it cannot have blocks for let no further write in.
            drop(self.allocate(AHEAD));
        }
    }

    /// Applies what is journaled from `start` on, or takes it out of the journal.
    fn apply(&mut self, operation: Operation, start: u64) -> Result<()> {
        self.unindexed += operation.points();
        let changes = Change::of(&operation);
        let copied = self.tee.as_ref().map(|_| operation.clone());
        let applied = self.engine.apply(operation);
        if let Err(error) = applied {
            // The engine does not say what it lacked.
            let error = self.room.check(0).err().unwrap_or(error);
            return Err(self.forget(start, error));
        }
        if let (Some(tee), Some(operation)) = (&mut self.tee, copied) {
            tee.copy(&operation);
        }
        self.engine.damaged.forget(changes.iter().map(Change::id));
        self.changes.extend(changes);
        Ok(())
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

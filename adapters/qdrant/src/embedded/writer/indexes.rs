//! How a writer makes payload indexes of metadata fields.
//!
//! An index is always made anew. The engine says that an index is there before it has flushed all of it, so one that a
//! kill left behind can lack points. The catalogue names a field as unfinished before anything is done here, and no
//! longer once the index is flushed.

use std::{collections::BTreeSet, mem};

use onespace_core::Result;

use super::{AHEAD, Writing};

/// What an index takes on the disk for a point and a field, generously.
const INDEX_BYTES: u64 = 512;

impl Writing {
    /// Makes the indexes that are asked for, unless an optimisation is under way.
    pub(super) fn make_indexes(&mut self) {
        if self.optimising.is_some() {
            return;
        }
        for (fields, reply) in mem::take(&mut self.indexing) {
            let made = self.index(&fields);
            // Whoever asked may have gone away.
            drop(reply.send(made));
        }
    }

    fn index(&mut self, fields: &BTreeSet<String>) -> Result<()> {
        self.ready()?;
        self.room_for_indexes(fields.len())?;
        self.engine.drop_indexes(fields)?;
        let made = self.engine.index_fields(fields);
        // The engine does not say what it lacked.
        made.map_err(|error| self.room.check(0).err().unwrap_or(error))?;
        self.allocate(AHEAD)?;
        self.flush()
    }

    /// Makes the indexes anew that a stop left unfinished. Without room for that they are only taken away, which
    /// filters get along with; the inner error says so.
    ///
    /// # Errors
    /// `STORE_FAILED`.
    pub(super) fn finish_indexes(&mut self, fields: &BTreeSet<String>) -> Result<Result<()>> {
        self.engine.drop_indexes(fields)?;
        let room = self.room_for_indexes(fields.len());
        match &room {
            Ok(()) => self.engine.index_fields(fields)?,
            Err(error) => {
                let collection = self.engine.description().physical();
                tracing::warn!(%error, collection, "no room for its payload indexes: filters are slow");
            }
        }
        self.flush()?;
        Ok(room)
    }

    /// No index takes more than what is indexed.
    fn room_for_indexes(&mut self, fields: usize) -> Result<()> {
        let points = self.engine.counts()?.0 as u64;
        let bytes = points.saturating_mul(fields as u64).saturating_mul(INDEX_BYTES);
        self.room.check(bytes.min(self.blocks.taken().max(AHEAD)))
    }
}

//! The vector store: Qdrant embedded and Qdrant served, one schema.
//!
//! [`EmbeddedStore`] keeps vectors in a directory of this process, [`ServerStore`] in a Qdrant server or
//! cluster. Both lay a collection out alike, understand the same filters and pass the same contract test, so
//! that whoever holds an [`onespace_core::VectorStore`] cannot tell which one it is.
//!
//! Every tenant has collections of its own. Neither Qdrant would keep tenants apart within one, so every read and every
//! delete carries the tenant as a condition all the same, and every point that comes back is checked against it.

mod description;
mod embedded;
mod filter;
mod items;
mod keys;
mod payload;
mod search;
mod server;

pub use embedded::{Backup, EmbeddedStore, Fault, Repaired, repair, restore, verify};
pub use server::{Replication, ServerStore};

//! The vector store: Qdrant embedded and Qdrant served, one schema.
//!
//! [`EmbeddedStore`] keeps vectors in a directory of this process, [`ServerStore`] in a Qdrant server or
//! cluster. Both lay a collection out alike, understand the same filters and pass the same contract test, so
//! that whoever holds an [`onespace_core::VectorStore`] cannot tell which one it is.
//!
//! Neither Qdrant keeps tenants apart by itself. Every read and every delete made here carries the tenant as a
//! condition, and every point that comes back is checked against it once more.

mod embedded;
mod filter;
mod schema;
mod server;

pub use embedded::EmbeddedStore;
pub use server::{Replication, ServerStore};

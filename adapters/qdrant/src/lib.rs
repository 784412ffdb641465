//! The vector store: Qdrant embedded and Qdrant served, one schema.

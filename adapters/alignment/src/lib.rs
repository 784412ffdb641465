//! An encoder's native vector into the shared space.

//! The encoder service: hosts any set of towers.

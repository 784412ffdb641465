//! The load generator and the plain loop beside it.
fn main() {}

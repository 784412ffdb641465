//! Who is told that a server is busy.

use std::time::Duration;

/// A wait for a busy server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// How many items the call, or the command, is about.
    pub items: usize,
    /// How many of them wait now, those that this wait is for included.
    pub waiting: usize,
    /// How long this wait is.
    pub pause: Duration,
    /// For how long the server may still do nothing.
    pub patience_left: Duration,
}

/// Is told when calls wait and go on. Neither may call the client that tells it.
pub trait Watch: Send + Sync {
    /// Something was refused for now, and will be sent again after a pause.
    fn waiting(&self, waiting: &Waiting) {
        let _ = waiting;
    }

    /// Nothing waits any more.
    fn resumed(&self) {}
}

/// Nobody watches.
impl Watch for () {}

//! Whose turn it is, decided once.

/// Whether a request still has to ask for its turn in the queues that it passes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Turn {
    /// It is refused where it would wait for too long.
    #[default]
    Asks,
    /// It has asked when it arrived, together with all that came with it, and now waits until its deadline: what was
    /// taken on is not thrown away half done.
    Has,
}

//! Speech to text as Whisper does it (Radford et al., *Robust Speech Recognition via Large-Scale Weak Supervision*,
//! 2022): log-mel features, greedy decoding under the rules of timestamps, windows of 30 s that move by what was said.
//!
//! A [`Listener`] knows the rules and nothing of how the model is run: that is behind [`SpeechModel`], two graphs, of
//! which the first takes in a window of sound and the second one token after the other.
//!
//! What is heard is a [`Transcript`](onespace_core::Transcript). Sound without speech is an empty one, no error; a
//! model that has begun to repeat itself is stopped, what it repeated is cut, and a [`Remark`](onespace_core::Remark)
//! says so.

mod features;
mod listener;
mod loops;
mod model;
mod rules;
mod segments;
pub mod table;
mod vocabulary;
mod window;

pub use features::{Features, Mel, RATE};
pub use listener::Listener;
pub use model::{Lend, SpeechModel};

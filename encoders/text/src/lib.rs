//! Text to samples: check, put the prompt around it, clean, cut, tokenise, pad.

mod clean;
mod family;
mod prepare;
mod repair;
pub mod table;
mod windows;

pub use prepare::TextPreparer;

//! Text to samples: check, put the prompt around it, clean, cut, tokenise, pad.

mod clean;
mod decode;
mod documents;
mod family;
mod prepare;
mod repair;
pub mod table;
mod windows;

pub use prepare::TextPreparer;

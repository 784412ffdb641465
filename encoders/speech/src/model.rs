//! What runs the model.

use onespace_core::Result;

/// The two graphs of a model that hears: it takes in one window of sound, then token after token.
pub trait SpeechModel {
    /// Takes in a window, `[bands, frames]`, and forgets every token.
    ///
    /// # Errors
    /// `MODEL_FAILED`.
    fn encode(&mut self, mel: &[f32], frames: usize) -> Result<()>;

    /// Takes in the tokens that are new; `logits` becomes one number for each token that could follow the last.
    ///
    /// # Errors
    /// `MODEL_FAILED` when it fails, or a number is not finite.
    fn step(&mut self, tokens: &[u32], logits: &mut Vec<f32>) -> Result<()>;
}

/// Whoever lends a model for one window after the other: between two windows another recording may have it, so that a
/// question of three seconds does not wait for the end of a meeting.
pub trait Lend {
    /// Gives the model to `window`, and takes it back.
    ///
    /// # Errors
    /// What `window` gives.
    fn lend(&mut self, window: &mut dyn FnMut(&mut dyn SpeechModel) -> Result<()>) -> Result<()>;
}

impl<M: SpeechModel> Lend for M {
    fn lend(&mut self, window: &mut dyn FnMut(&mut dyn SpeechModel) -> Result<()>) -> Result<()> {
        window(self)
    }
}

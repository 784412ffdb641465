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

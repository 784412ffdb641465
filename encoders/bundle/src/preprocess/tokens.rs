//! The tokens that stand for what another graph has seen or heard.

use onespace_core::{Result, Tensor};
use serde::{Deserialize, Serialize};

use super::within;

/// The token ids of a medium that a text model takes in as soft tokens (EmbeddingGemma): emits `input_ids` int64 `[T]`
/// and `attention_mask` int64 `[T]` after the medium's own tensors, `before`, then `each` once for every soft token,
/// then `after`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SoftTokens {
    /// The ids before, a beginning-of-sequence token included.
    #[serde(default)]
    pub before: Vec<i64>,
    /// The id that holds the place of a soft token.
    pub each: i64,
    /// The ids after, an end-of-sequence token included.
    #[serde(default)]
    pub after: Vec<i64>,
}

impl SoftTokens {
    /// The ids and the mask of `count` soft tokens.
    #[must_use]
    pub fn tensors(&self, count: usize) -> [Tensor; 2] {
        let ids: Vec<i64> = self
            .before
            .iter()
            .copied()
            .chain(std::iter::repeat_n(self.each, count))
            .chain(self.after.iter().copied())
            .collect();
        let length = ids.len();
        [Tensor::i64([length], ids), Tensor::i64([length], vec![1; length])]
    }

    pub(super) fn check(&self) -> Result<()> {
        within("tokens.before", self.before.len(), 0, 4096)?;
        within("tokens.after", self.after.len(), 0, 4096)
    }
}

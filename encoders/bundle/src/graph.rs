//! What a tower's graphs are fed beside a sample's own tensors, and what their weights are.

use std::fmt;

use onespace_core::{Error, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    manifest::{invalid, is_default},
    tower::named,
};

/// The most axes of a tensor.
const AXES: usize = 8;

/// The most token ids on either side of a stage's rows.
const IDS: usize = 1024;

/// A graph that runs before the last one: a tower whose soft tokens a text model reads (EmbeddingGemma).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Stage {
    /// The ONNX graph, a path within the bundle.
    pub model: String,
    /// Its input names, in the order of a sample's tensors: those of the first stage come first, the tower's own last.
    pub inputs: Vec<String>,
    /// Its output, floats, which becomes the input of that name of the last graph.
    pub output: String,
    /// Whether the last graph takes the rows of all samples in one: `[batch, n, d]` becomes `[batch · n, d]`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub rows: bool,
}

/// An input of the last graph that gets no values: the soft tokens of a modality that is not there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Empty {
    /// The input.
    pub name: String,
    /// Its whole shape, an axis of length 0 in it.
    pub shape: Vec<usize>,
}

/// The token ids of a sample that consists of soft tokens: `before`, then `each` once for every row that the stage
/// gave, then `after`. The number of rows differs from sample to sample, so these run one at a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tokens {
    /// The input that gets the ids, int64 `[1, tokens]`.
    pub ids: String,
    /// The input that gets as many ones.
    pub mask: String,
    /// Ids before the rows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub before: Vec<i64>,
    /// The id that stands for a row.
    pub each: i64,
    /// Ids after the rows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<i64>,
}

/// What numbers weights are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Precision {
    /// IEEE single precision.
    #[default]
    Fp32,
    /// IEEE half precision: 5 bits of exponent, overflows past 65,504.
    Fp16,
    /// Brain floats: 8 bits of exponent.
    Bf16,
    /// 8-bit integers with scales.
    Int8,
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Fp32 => "fp32",
            Self::Fp16 => "fp16",
            Self::Bf16 => "bf16",
            Self::Int8 => "int8",
        })
    }
}

impl Precision {
    /// The fault of a tower whose weights its authors warn against.
    #[must_use]
    pub fn forbidden(self, reason: &str) -> Error {
        let reason = if reason.is_empty() { "its authors warn against it" } else { reason };
        invalid("precision", format!("{self} is forbidden for this model: {reason}"))
    }
}

impl Stage {
    pub(crate) fn check(&self) -> Result<()> {
        if self.inputs.is_empty() {
            return Err(invalid("inputs", "must name the graph's inputs"));
        }
        self.inputs.iter().try_for_each(|input| named("inputs", input))?;
        named("output", &self.output)
    }
}

impl Empty {
    pub(crate) fn check(&self) -> Result<()> {
        named("name", &self.name)?;
        if self.shape.len() <= AXES && self.shape.contains(&0) {
            return Ok(());
        }
        let message = format!("{:?} must have an axis of length 0, and at most {AXES} axes", self.shape);
        Err(invalid("shape", message))
    }
}

impl Tokens {
    pub(crate) fn check(&self, stages: &[Stage]) -> Result<()> {
        let under = |error: Error| error.under("tokens");
        named("ids", &self.ids).and_then(|()| named("mask", &self.mask)).map_err(under)?;
        if self.before.len() > IDS || self.after.len() > IDS {
            return Err(invalid("tokens", format!("more than {IDS} ids on one side")));
        }
        if stages.len() == 1 {
            return Ok(());
        }
        Err(invalid("tokens", format!("stand around the rows of one stage, there are {}", stages.len())))
    }

    /// The ids of a sample whose stage gave `rows` rows.
    #[must_use]
    pub fn around(&self, rows: usize) -> Vec<i64> {
        let rows = std::iter::repeat_n(self.each, rows);
        self.before.iter().copied().chain(rows).chain(self.after.iter().copied()).collect()
    }
}

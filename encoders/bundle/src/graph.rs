//! What a tower's graphs are fed beside a sample's own tensors, and what their weights are.

use std::fmt;

use onespace_core::{Error, Result};
use onespace_family::{
    check::{invalid, named},
    written::is_default,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
    /// Its output, floats, which becomes an input of the last graph.
    pub output: String,
    /// That input, where its name is not the output's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub into: Option<String>,
    /// Whether the last graph takes the rows of all samples in one: `[batch, n, d]` becomes `[batch · n, d]`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub rows: bool,
    /// Whether the first axis of a sample's tensors counts the frames of a video: the graph is run once for each, and
    /// their rows follow each other.
    #[serde(default, skip_serializing_if = "is_default")]
    pub frames: bool,
    /// Its input that says which steps of an audio file are there, `[batch, steps]` for a first tensor of
    /// `[batch, steps, …]`. Samples of a run are of one length, so it is all ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mask: Option<String>,
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
/// gave, then `after`; around the rows of each frame of a video stand `frame_before` and `frame_after`. The number of
/// rows differs from sample to sample, so these run one at a time.
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
    /// Ids before the rows of each frame, with a stage of `frames`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub frame_before: Vec<i64>,
    /// Ids after them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub frame_after: Vec<i64>,
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
    /// The input of the last graph that its output becomes.
    #[must_use]
    pub fn feeds(&self) -> &str {
        self.into.as_ref().unwrap_or(&self.output)
    }

    pub(crate) fn check(&self) -> Result<()> {
        if self.inputs.is_empty() {
            return Err(invalid("inputs", "must name the graph's inputs"));
        }
        self.inputs.iter().try_for_each(|input| named("inputs", input))?;
        self.mask.iter().try_for_each(|mask| named("mask", mask))?;
        if self.mask.as_ref().is_some_and(|mask| self.inputs.contains(mask)) {
            return Err(invalid("mask", "is one of the inputs, which a sample's own tensors fill"));
        }
        self.into.iter().try_for_each(|input| named("into", input))?;
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
        if [&self.before, &self.after, &self.frame_before, &self.frame_after].iter().any(|ids| ids.len() > IDS) {
            return Err(invalid("tokens", format!("more than {IDS} ids on one side")));
        }
        let [stage] = stages else {
            return Err(invalid("tokens", format!("stand around the rows of one stage, there are {}", stages.len())));
        };
        let between = !self.frame_before.is_empty() || !self.frame_after.is_empty();
        if between && !stage.frames {
            return Err(invalid("tokens", "frame_before and frame_after stand around frames, the stage has none"));
        }
        Ok(())
    }

    /// The ids of a sample whose stage gave so many `rows` for each frame; for one whole when there are no frames.
    #[must_use]
    pub fn around(&self, rows: &[usize]) -> Vec<i64> {
        let frame = |rows: &usize| {
            let rows = std::iter::repeat_n(self.each, *rows);
            self.frame_before.iter().copied().chain(rows).chain(self.frame_after.iter().copied())
        };
        let frames = rows.iter().flat_map(frame);
        self.before.iter().copied().chain(frames).chain(self.after.iter().copied()).collect()
    }
}

//! One tower of a manifest: which graphs a modality runs through, and what may be made of what comes out.

use std::collections::{BTreeMap, BTreeSet};

use onespace_core::{Error, Modality, Result, Scoring};
use onespace_family::{
    Family,
    check::{invalid, named},
    written::is_default,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    entry::FileEntry,
    graph::{Empty, Precision, Stage, Tokens},
};

/// One modality's way into the space. `P` is its preprocessing, a [`Family`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tower<P> {
    /// The ONNX graph, a path within the bundle; with `stages`, the last one.
    pub model: String,
    /// Graph input names, in the order in which the preprocessing emits tensors; those of `stages` come before them.
    pub inputs: Vec<String>,
    /// The graph output, floats `[batch, native_dimension]`; with `heads`, the default one.
    pub output: String,
    /// The length of what the graph gives.
    pub native_dimension: usize,
    /// From native to shared, a safetensors path within the bundle; absent when they are the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alignment: Option<String>,
    /// What this modality's cosines against text are multiplied with before they become probabilities.
    pub logit_scale: f32,
    /// The tower's proof that it computes what its authors computed.
    pub golden: Golden,
    /// Bytes to tensors.
    pub preprocess: P,
    /// Files of weights that lie beside the graphs and are named in them, paths within the bundle.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub external: Vec<String>,
    /// What the weights are.
    #[serde(default, skip_serializing_if = "is_default")]
    pub precision: Precision,
    /// What the weights must not be, as their authors warn.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub forbid: BTreeSet<Precision>,
    /// Why not.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub forbid_reason: String,
    /// How cosines become probabilities.
    #[serde(default, skip_serializing_if = "is_default")]
    pub scoring: ScoringKind,
    /// Added to the scaled cosine, with `scoring = "sigmoid"`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub logit_bias: f32,
    /// How the samples of one media become one vector.
    #[serde(default, skip_serializing_if = "is_default")]
    pub pool: Pool,
    /// Graphs that run before the last one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stages: Vec<Stage>,
    /// Inputs of the last graph that get a tensor without values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub empty: Vec<Empty>,
    /// Token ids that the last graph reads around the rows that the stage gave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<Tokens>,
    /// The output of the graph for each modality that a vector will be compared with; any other has `output`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(with = "BTreeMap<String, String>")]
    pub heads: BTreeMap<Modality, String>,
}

/// An input and the vector it must give (cosine ≥ 0.999).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Golden {
    /// A media file, a path within the bundle.
    pub input: String,
    /// `dimension` little-endian float32 of unit norm, a path within the bundle.
    pub vector: String,
}

/// How cosines become probabilities.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ScoringKind {
    /// The labels compete: `softmax(logit_scale · cosine)`.
    #[default]
    Softmax,
    /// Each label stands alone: `sigmoid(logit_scale · cosine + logit_bias)`.
    Sigmoid,
}

/// How the samples of one media become one vector.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Pool {
    /// The mean of their unit vectors, scaled to unit length.
    #[default]
    Mean,
}

/// What every tower has, whatever its modality: [`Tower`] without its preprocessing.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)] // Each field is that of [`Tower`].
pub struct TowerHead<'a> {
    pub modality: Modality,
    pub model: &'a str,
    pub inputs: &'a [String],
    pub output: &'a str,
    pub native_dimension: usize,
    pub alignment: Option<&'a str>,
    pub logit_scale: f32,
    pub golden: &'a Golden,
    pub external: &'a [String],
    pub precision: Precision,
    pub forbid: &'a BTreeSet<Precision>,
    pub forbid_reason: &'a str,
    pub scoring: Scoring,
    pub stages: &'a [Stage],
    pub empty: &'a [Empty],
    pub tokens: Option<&'a Tokens>,
    pub heads: &'a BTreeMap<Modality, String>,
    /// What a label is made into for classification.
    pub templates: &'a [String],
    /// Why its media cannot be prepared in this build, where they cannot.
    pub unavailable: Option<&'static str>,
}

impl TowerHead<'_> {
    /// Whether the two run through the same graphs to the same vectors, so that their samples can share runs.
    #[must_use]
    pub fn same_pipeline(&self, other: &Self) -> bool {
        (self.model, self.inputs, self.output, self.native_dimension, self.alignment)
            == (other.model, other.inputs, other.output, other.native_dimension, other.alignment)
            && (self.stages, self.empty, self.tokens, self.heads)
                == (other.stages, other.empty, other.tokens, other.heads)
    }

    /// The files of its graphs in the order in which they run.
    pub fn models(&self) -> impl Iterator<Item = &str> {
        self.stages.iter().map(|stage| stage.model.as_str()).chain([self.model])
    }
}

impl<P: Family> Tower<P> {
    /// What it has, whatever its modality.
    #[must_use]
    pub fn head(&self) -> TowerHead<'_> {
        TowerHead {
            modality: P::MODALITY,
            model: &self.model,
            inputs: &self.inputs,
            output: &self.output,
            native_dimension: self.native_dimension,
            alignment: self.alignment.as_deref(),
            logit_scale: self.logit_scale,
            golden: &self.golden,
            external: &self.external,
            precision: self.precision,
            forbid: &self.forbid,
            forbid_reason: &self.forbid_reason,
            scoring: match self.scoring {
                ScoringKind::Softmax => Scoring::Softmax,
                ScoringKind::Sigmoid => Scoring::Sigmoid { bias: self.logit_bias },
            },
            stages: &self.stages,
            empty: &self.empty,
            tokens: self.tokens.as_ref(),
            heads: &self.heads,
            templates: self.preprocess.templates(),
            unavailable: P::UNAVAILABLE,
        }
    }

    /// What is wrong with a tower, as far as can be told without its files; fields are keys of the tower.
    pub(crate) fn faults(&self, files: &BTreeMap<String, FileEntry>, dimension: usize) -> Vec<Error> {
        let mut faults = self.unlisted(files);
        let checks = [
            self.check_inputs(),
            self.tokens.as_ref().map_or(Ok(()), |tokens| tokens.check(&self.stages)),
            self.check_dimension(dimension),
            self.check_scoring(),
            self.check_precision(),
            self.heads.iter().try_for_each(|(target, output)| named(&format!("heads.{target}"), output)),
            named("output", &self.output),
        ];
        faults.extend(checks.into_iter().filter_map(Result::err));
        for (index, stage) in self.stages.iter().enumerate() {
            faults.extend(stage.check().err().map(|error| error.under(&format!("stages[{index}]"))));
        }
        for (index, empty) in self.empty.iter().enumerate() {
            faults.extend(empty.check().err().map(|error| error.under(&format!("empty[{index}]"))));
        }
        let table = self.preprocess.check(&|file| files.contains_key(file));
        faults.extend(table.err().map(|error| error.under("preprocess")));
        faults
    }

    fn unlisted(&self, files: &BTreeMap<String, FileEntry>) -> Vec<Error> {
        let stages = self.stages.iter().enumerate();
        let stages = stages.map(|(index, stage)| (format!("stages[{index}].model"), stage.model.as_str()));
        let external = self.external.iter().enumerate();
        let external = external.map(|(index, file)| (format!("external[{index}]"), file.as_str()));
        let own =
            [("model", &self.model), ("golden.input", &self.golden.input), ("golden.vector", &self.golden.vector)];
        let own = own.into_iter().map(|(key, file)| (key.to_owned(), file.as_str()));
        let alignment = self.alignment.as_deref().map(|file| ("alignment".to_owned(), file));
        let named = own.chain(alignment).chain(stages).chain(external);
        let unlisted = named.filter(|(_, file)| !files.contains_key(*file));
        unlisted.map(|(key, file)| invalid(key, format!("\"{file}\" is not listed in [files]"))).collect()
    }

    fn check_inputs(&self) -> Result<()> {
        if self.inputs.is_empty() && self.stages.is_empty() {
            return Err(invalid("inputs", "must name the graph's inputs"));
        }
        let made = self.stages.iter().map(Stage::feeds).chain(self.empty.iter().map(|empty| empty.name.as_str()));
        let made = made.chain(self.tokens.iter().flat_map(|tokens| [tokens.ids.as_str(), tokens.mask.as_str()]));
        let mut seen = BTreeSet::new();
        match self.inputs.iter().map(String::as_str).chain(made).find(|name| !seen.insert(*name)) {
            Some(twice) => Err(invalid("inputs", format!("the graph's input \"{twice}\" is given twice"))),
            None => self.inputs.iter().try_for_each(|input| named("inputs", input)),
        }
    }

    fn check_dimension(&self, dimension: usize) -> Result<()> {
        if self.native_dimension == 0 {
            return Err(invalid("native_dimension", "must not be 0"));
        }
        if self.alignment.is_none() && self.native_dimension != dimension {
            let native = self.native_dimension;
            let message = format!("{native} differs from the space's {dimension} and no alignment is given");
            return Err(invalid("native_dimension", message));
        }
        Ok(())
    }

    fn check_scoring(&self) -> Result<()> {
        if !self.logit_scale.is_finite() || self.logit_scale <= 0.0 {
            return Err(invalid("logit_scale", format!("{} is not a positive number", self.logit_scale)));
        }
        if !self.logit_bias.is_finite() {
            return Err(invalid("logit_bias", format!("{} is not a finite number", self.logit_bias)));
        }
        if self.logit_bias != 0.0 && self.scoring != ScoringKind::Sigmoid {
            return Err(invalid("logit_bias", "changes nothing unless scoring = \"sigmoid\""));
        }
        Ok(())
    }

    fn check_precision(&self) -> Result<()> {
        if self.forbid.contains(&self.precision) {
            return Err(self.precision.forbidden(&self.forbid_reason));
        }
        if self.forbid.is_empty() && !self.forbid_reason.is_empty() {
            return Err(invalid("forbid_reason", "gives a reason, forbid names nothing"));
        }
        Ok(())
    }
}

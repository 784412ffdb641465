//! The graphs of one tower: where they lie and what they have to look like.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Component, Path, PathBuf},
};

use onespace_bundle::{
    Bundle, Precision, TowerHead,
    graph::{Empty, Stage, Tokens},
};
use onespace_core::{Error, Modality, Reason, Result};

use crate::onnx::Weights;

/// Numbers of a kind below which they are constants, not weights: the least layer has more.
const CONSTANTS: u64 = 1024;

/// Where a tower's graphs lie and what they have to look like.
#[derive(Clone, Debug)]
pub struct Graph {
    /// The tower they compute.
    pub tower: Modality,
    /// The ONNX file of the last one.
    pub model: PathBuf,
    /// Names of its inputs, in the order of a sample's tensors.
    pub inputs: Vec<String>,
    /// The name of the output that is the vector.
    pub output: String,
    /// The length of that vector.
    pub dimension: usize,
    /// The output that is the vector instead, for each modality that it will be compared with.
    pub heads: BTreeMap<Modality, String>,
    /// The graphs that run before the last one, and where their files lie.
    pub stages: Vec<(PathBuf, Stage)>,
    /// Inputs of the last graph that get no values.
    pub empty: Vec<Empty>,
    /// Token ids around the rows of the stage.
    pub tokens: Option<Tokens>,
    /// The files beside the graphs that may hold weights.
    pub external: Vec<PathBuf>,
    /// What the weights must not be.
    pub forbid: BTreeSet<Precision>,
    /// Why not.
    pub forbid_reason: String,
}

impl Graph {
    /// A graph that stands alone, of one output.
    #[must_use]
    pub fn alone(tower: Modality, model: &Path, inputs: &[&str], output: &str, dimension: usize) -> Self {
        Self {
            tower,
            model: model.to_owned(),
            inputs: inputs.iter().map(|&name| name.to_owned()).collect(),
            output: output.to_owned(),
            dimension,
            heads: BTreeMap::new(),
            stages: Vec::new(),
            empty: Vec::new(),
            tokens: None,
            external: Vec::new(),
            forbid: BTreeSet::new(),
            forbid_reason: String::new(),
        }
    }

    /// The graphs of a tower of a bundle.
    #[must_use]
    pub fn new(bundle: &Bundle, head: &TowerHead<'_>) -> Self {
        Self {
            tower: head.modality,
            model: bundle.path(head.model),
            inputs: head.inputs.to_vec(),
            output: head.output.to_owned(),
            dimension: head.native_dimension,
            heads: head.heads.clone(),
            stages: head.stages.iter().map(|stage| (bundle.path(&stage.model), stage.clone())).collect(),
            empty: head.empty.to_vec(),
            tokens: head.tokens.cloned(),
            external: head.external.iter().map(|file| bundle.path(file)).collect(),
            forbid: head.forbid.clone(),
            forbid_reason: head.forbid_reason.to_owned(),
        }
    }

    /// How many tensors a sample has.
    #[must_use]
    pub fn tensors(&self) -> usize {
        self.stages.iter().map(|(_, stage)| stage.inputs.len()).sum::<usize>() + self.inputs.len()
    }

    /// The output that is the vector of a sample which will be compared with `target`.
    #[must_use]
    pub fn output_for(&self, target: Option<Modality>) -> &str {
        target.and_then(|target| self.heads.get(&target)).unwrap_or(&self.output)
    }

    /// Refuses a graph file that keeps weights in files which the manifest does not list, or of a kind that it
    /// forbids.
    ///
    /// # Errors
    /// `BUNDLE_INVALID` naming the key and the file.
    pub(crate) fn check_weights(&self, key: &str, model: &Path) -> Result<()> {
        let weights = Weights::read(model)
            .map_err(|error| self.invalid(key, model, format!("this is no whole ONNX file: {error}")))?;
        let folder = model.parent().unwrap_or(Path::new(""));
        for name in &weights.external {
            let listed = plain(&folder.join(name)).is_some_and(|file| self.external.contains(&file));
            if !listed {
                let message = format!("keeps weights in \"{name}\", which is not listed");
                return Err(self.invalid("external", model, message));
            }
        }
        let forbidden = |kind: &&Precision| weights.numbers.get(kind).is_some_and(|numbers| *numbers >= CONSTANTS);
        match self.forbid.iter().find(forbidden) {
            Some(kind) => {
                let Error { field, message, .. } = kind.forbidden(&self.forbid_reason);
                Err(self.invalid(&field, model, message))
            }
            None => Ok(()),
        }
    }

    /// A fault of the bundle, at one key of this tower.
    pub(crate) fn invalid(&self, key: &str, model: &Path, why: impl std::fmt::Display) -> Error {
        // ONNX Runtime's words may stand on several lines.
        let why: Vec<String> = why.to_string().split_whitespace().map(ToOwned::to_owned).collect();
        let message = format!("{}: {}", file_name(model), why.join(" "));
        Error::new(Reason::BundleInvalid, format!("towers.{}.{key}", self.tower), message)
    }

    /// A run that failed.
    pub(crate) fn failed(&self, model: &Path, why: impl std::fmt::Display) -> Error {
        Error::new(Reason::ModelFailed, "", format!("the {} graph ({}): {why}", self.tower, file_name(model)))
    }
}

fn file_name(path: &Path) -> std::borrow::Cow<'_, str> {
    path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default()
}

/// A path without `.`; none for one that leads upwards.
fn plain(path: &Path) -> Option<PathBuf> {
    let parts = path.components().filter(|part| *part != Component::CurDir);
    parts.map(|part| (part != Component::ParentDir).then_some(part)).collect()
}
